"""Ctrl-C does not wait for a library that computes."""

import _thread
import hashlib
import threading
from pathlib import Path

import pytest

from danmax_sync.errors import UsageError
from danmax_sync.integration import geometry
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.recipe import Recipe
from danmax_sync.integration.stoppable import stoppable
from danmax_sync.integration.store import geometry_folder, ready_geometry
from tests.integration.scenes import SHAPE


def test_ctrl_c_does_not_wait_for_the_geometry_and_leaves_nothing_half_written(
    calibration: Calibration, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    """It comes while a library is in one long call; what that gives later is kept nowhere."""
    returned = threading.Event()
    workers: list[threading.Thread] = []
    real = geometry._entries

    def slow(*given: object) -> object:
        workers.append(threading.current_thread())
        threading.Timer(0.05, _thread.interrupt_main).start()
        try:
            # One call that Python cannot interrupt.
            hashlib.pbkdf2_hmac("sha256", b"", b"", 3_000_000)
        finally:
            returned.set()
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(geometry, "_entries", slow)
    with pytest.raises(KeyboardInterrupt):
        ready_geometry(calibration, Recipe(bins=300), SHAPE)
    assert not returned.is_set()
    workers[0].join(60)
    assert returned.is_set()
    assert not list(geometry_folder().glob("*"))


def test_what_the_computation_raises_is_raised_where_it_was_asked_for() -> None:
    """A refusal is a refusal, also from another thread."""

    def refuse() -> int:
        raise UsageError("no such thing")

    with pytest.raises(UsageError, match="no such thing"):
        stoppable(refuse)
    assert stoppable(lambda: 7) == 7
