"""The parts of a Globus source that need no server: pace, tasks' documents, the local collection."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmax_sync.errors import UsageError
from danmax_sync.sources.globus.facts import CollectionFacts
from danmax_sync.sources.globus.local import LocalCollection, collection_path, local_collection
from danmax_sync.sources.globus.pace import REQUESTS, WINDOW_S, Pace
from danmax_sync.sources.globus.taskstate import TaskPhase, TaskState


class Clock:
    """A clock that only moves while somebody sleeps, or is pushed."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@given(st.lists(st.floats(0, 2), min_size=20, max_size=60))
def test_the_pace_never_lets_too_many_through(pauses: list[float]) -> None:
    """In any second, however the requests come."""
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    times = []
    for pause in pauses:
        clock.sleep(pause)
        pace.wait()
        times.append(clock())
    assert all(sum(0 <= later - first < 1.0 for later in times) <= REQUESTS for first in times)
    assert REQUESTS < 10
    assert WINDOW_S > 1.0


def test_who_comes_rarely_never_waits() -> None:
    """The pace is a limit, no delay."""
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    for _ in range(REQUESTS):
        pace.wait()
    assert clock() == 0.0


BASE: dict[str, Any] = {"status": "ACTIVE", "nice_status": "OK", "files_transferred": 2, "files_skipped": 1}


@pytest.mark.parametrize(
    ("change", "phase", "trouble"),
    [
        ({}, TaskPhase.MOVING, ""),
        ({"nice_status": "Queued"}, TaskPhase.QUEUED, ""),
        ({"nice_status": "GC_NOT_CONNECTED"}, TaskPhase.TROUBLED, "Globus Connect Personal is not running"),
        ({"nice_status": "PERMISSION_DENIED", "nice_status_details": "/x"}, TaskPhase.TROUBLED, r"not be .*\(/x\)"),
        ({"nice_status": "NEW_CODE", "nice_status_details": None}, TaskPhase.TROUBLED, r"no reason \(NEW_CODE\)"),
        ({"status": "INACTIVE", "nice_status": "CREDENTIALS_EXPIRED"}, TaskPhase.HELD, "login at one of the coll"),
        ({"status": "INACTIVE", "nice_status": "PAUSED_BY_ADMIN", "is_paused": True}, TaskPhase.HELD, "administrator"),
        ({"is_paused": True}, TaskPhase.HELD, "administrator"),
        ({"status": "SUCCEEDED", "nice_status": None}, TaskPhase.SUCCEEDED, ""),
        ({"status": "FAILED", "subtasks_canceled": 3}, TaskPhase.FAILED, "it was cancelled"),
        ({"status": "FAILED", "subtasks_expired": 3}, TaskPhase.FAILED, "its deadline has passed"),
        (
            {"status": "FAILED", "fatal_error": {"code": "QUOTA_EXCEEDED", "description": "a\x1b[2Jb"}},
            TaskPhase.FAILED, r"the quota at the destination is full \(a\[2Jb\)",
        ),
    ],
)  # fmt: skip
def test_a_tasks_document_is_read_in_plain_words(change: dict[str, Any], phase: TaskPhase, trouble: str) -> None:
    """Whether it goes on by itself, and what is in its way."""
    import re

    state = TaskState.of(BASE | change)
    assert state.phase is phase
    assert bool(state.trouble) is bool(trouble)
    assert re.search(trouble, state.trouble)
    assert state.is_over is (phase in {TaskPhase.SUCCEEDED, TaskPhase.FAILED})


def test_a_success_is_clean_only_when_every_file_is_counted() -> None:
    """Skipped errors hide in it, and so may files that were never counted."""
    done = BASE | {"status": "SUCCEEDED", "nice_status": None}
    assert TaskState.of(done).is_clean(3)
    assert not TaskState.of(done).is_clean(4)
    assert not TaskState.of(done | {"subtasks_skipped_errors": 1}).is_clean(3)
    assert not TaskState.of(BASE).is_clean(3)


def test_the_local_collection_is_found_by_itself() -> None:
    """Where it is set up; else there is none."""
    assert local_collection() is None
    folder = Path.home() / ".globusonline" / "lta"
    folder.mkdir(parents=True)
    (folder / "client-id.txt").write_text("ABC\n", encoding="utf-8")
    if os.name == "nt":
        return
    found = local_collection()
    assert found == LocalCollection("abc", folder / "config-paths")


@pytest.mark.parametrize(
    ("lines", "folder", "writable"),
    [
        ("~/,0,1\n", "~/visit", True),
        ("~/,0,0\n", "~/visit", False),
        ("~/,0,0\n~/visit,0,1\n", "~/visit/raw", True),
        ("~/,0,1\n~/visit/,0,0\n", "~/visit", False),
        ("/,1,1\n", "/data", True),
        ("/data/a,b,0,1\n", "/data/a,b/c", True),
        ("", "/data", False),
        ("nonsense\n\n", "/data", False),
    ],
)
def test_where_it_may_write_is_checked(tmp_path: Path, lines: str, folder: str, *, writable: bool) -> None:
    """The longest path that fits decides; the hint is the line to add."""
    file = tmp_path / "config-paths"
    here, target = LocalCollection("x", file), Path(folder).expanduser()
    here.check_writable(target)  # nothing is known yet
    file.write_text(lines, encoding="utf-8")
    if writable:
        here.check_writable(target)
        return
    with pytest.raises(UsageError) as caught:
        here.check_writable(target)
    line = caught.value.hint.split("'")[1]
    file.write_text(f"{lines}{line}\n", encoding="utf-8")
    here.check_writable(target)


@pytest.mark.skipif(os.name == "nt", reason="paths are spelled otherwise there")
def test_paths_of_this_machine_are_the_collections_paths() -> None:
    """Absolute, and spelled as Globus does."""
    assert collection_path(Path("/home/me/my visit")) == "/home/me/my visit"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://g-1.data.globus.org", "https://g-1.data.globus.org"),
        ("http://g-1.data.globus.org", ""),
        ("http://127.0.0.1:80/x/", "http://127.0.0.1:80/x"),
        ("ftp://x", ""),
        ("https://", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_a_token_travels_only_over_https(url: object, safe: str) -> None:
    """But to a server on this machine."""
    assert CollectionFacts.of({"id": "x", "https_server": url}).https_server == safe


def test_a_collections_name_cannot_repaint_the_terminal() -> None:
    """It comes from whoever made it."""
    assert CollectionFacts.of({"id": "x", "display_name": "a\x1b[2J\nb"}).name == "a[2J b"


@pytest.mark.skipif(os.name == "nt", reason="links need rights of their own")
def test_a_home_that_is_a_link_may_be_written_to_by_either_name(tmp_path: Path) -> None:
    """Globus follows links before it judges: one that leads out of the paths is refused, one into them is not."""
    real, home, outside = tmp_path / "gpfs" / "me", tmp_path / "me", tmp_path / "outside"
    real.mkdir(parents=True)
    outside.mkdir()
    home.symlink_to(real)
    (real / "leads-out").symlink_to(outside)
    file = tmp_path / "config-paths"
    file.write_text(f"{home}/,0,1\n", encoding="utf-8")
    here = LocalCollection("x", file)
    here.check_writable(home / "visit")
    here.check_writable(real / "visit")
    with pytest.raises(UsageError) as caught:
        here.check_writable(home / "leads-out" / "visit")
    assert f"'{outside.as_posix()}/visit/,0,1'" in caught.value.hint
