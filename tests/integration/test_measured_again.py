"""Detector files that change under patterns that were made of them, and two runs that make the same ones."""

import shutil
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from danmax_sync.errors import UnfinishedError
from danmax_sync.integration.journal import Journal, Packed
from tests.integration.scenes import SHAPE, Home, stored_frames, without

STORED: dict[str, dict[str, Any]] = {
    "uncompressed": {"chunks": (1, *SHAPE)},
    "several a chunk": {"chunks": (2, *SHAPE), "compression": "gzip"},
}


def store(path: Path, frames: Any, **how: Any) -> None:
    """Put frames into a detector file, in a layout."""
    with h5py.File(path, "r+", locking=False) as file:
        group = file["entry/instrument/pilatus"]
        del group["data"]
        group.create_dataset("data", data=frames, **how)


def patterns_of(home: Home, number: int) -> Any:
    """Return the patterns of a scan, 0 for bins without pixels."""
    with h5py.File(home.output(number)) as file:
        return np.nan_to_num(file["entry/data/I"][()])


def test_uncompressed_frames_that_were_measured_again_are_seen(home: Home) -> None:
    """They have the same places and sizes whatever they hold: refused, and replaced on demand, never taken for done."""
    frames = stored_frames(home.frames(42))
    store(home.frames(42), frames, **STORED["uncompressed"])
    home.index()
    home.integrate("42")
    before = patterns_of(home, 42)
    store(home.frames(42), np.where(frames > 0, 2 * frames, frames), **STORED["uncompressed"])
    assert "another file" in home.integrate("42", exit_code=2).err
    home.integrate("42", "--overwrite")
    np.testing.assert_allclose(patterns_of(home, 42), 2 * before, rtol=1e-6)


def test_a_frame_that_was_damaged_and_fetched_again_is_made_again(home: Home) -> None:
    """Damage that decodes to wrong counts leaves place and size as they were; the file has changed all the same."""
    path = home.frames(42)
    right, frames = path.read_bytes(), stored_frames(path)
    with h5py.File(path, "r", locking=False) as file:
        place = file["entry/instrument/pilatus/data"].id.get_chunk_info(1).byte_offset
    home.index()
    home.integrate("42")
    before = patterns_of(home, 42)
    for byte in range(place + 100, place + 200):
        path.write_bytes(right[:byte] + bytes([right[byte] ^ 8]) + right[byte + 1 :])
        with suppress(OSError):
            # A byte that was compressed as it is: nobody sees that it was another.
            if (stored_frames(path) != frames).sum() == 1:
                break
    home.integrate("42")
    assert (patterns_of(home, 42) != before).any(axis=1).tolist() == [False, True, False, False]
    path.write_bytes(right)
    home.integrate("42")
    assert np.array_equal(patterns_of(home, 42), before)


@pytest.mark.parametrize("layout", list(STORED))
def test_a_growing_file_of_any_layout_goes_on(home: Home, layout: str) -> None:
    """Where old frames cannot be told from new ones all are made again; nothing is refused meanwhile."""
    frames = stored_frames(home.frames(42))
    ended = home.master(42).read_bytes()
    without(home.master(42), "entry/end_time")
    for count in (2, 3):
        store(home.frames(42), frames[:count], **STORED[layout])
        home.index()
        home.integrate("42", exit_code=3)
    home.master(42).write_bytes(ended)
    store(home.frames(42), frames, **STORED[layout])
    home.index()
    home.integrate("42")
    with h5py.File(home.output(42)) as file:
        assert np.isfinite(file["entry/data/I"][()]).any(axis=1).tolist() == [True] * 4


def test_two_at_once_do_not_write_into_one_journal(tmp_path: Path) -> None:
    """The second is told to wait, and the first keeps its records; once it has ended, its journal can be taken over."""
    path = tmp_path / "journal"
    with Journal(path, "key", ["I"]) as first:
        first.add(Packed(0, 0, (1, 1), [b"one"]))
        with pytest.raises(UnfinishedError, match="another danmax-sync"), Journal(path, "key", ["I"]):
            pass
        first.add(Packed(1, 0, (2, 2), [b"two"]))
    with Journal(path, "key", ["I"]) as later:
        assert [each.parts for each in later.patterns()] == [[b"one"], [b"two"]]
        later.remove()
    assert not path.exists()


def test_a_full_disk_is_seen_before_hdf5_sees_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """HDF5 may crash where it cannot write: the lack of room is said, patterns are kept, and the next run goes on."""
    home.index()
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
        for words in ([], ["--cake", "4"]):
            ran = home.integrate("42", *words, exit_code=2)
            assert "No space left" in ran.err
            assert len(ran.err.splitlines()) <= 4
    summary = home.integrate_json("42", "--cake", "4").summary
    assert summary["frames"] == 4
