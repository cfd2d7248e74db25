"""Batches, what is kept of them, and the verdict on a task: plain values, without any service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.errors import UnfinishedError
from danmax_sync.sources.globus.taskstate import TaskPhase, TaskState
from danmax_sync.transfer.globus import batches
from danmax_sync.transfer.globus.batches import Batch, Item, numbered, options, split
from danmax_sync.transfer.globus.staged import Staged
from danmax_sync.transfer.globus.tasklog import TaskLog
from danmax_sync.transfer.globus.verdict import judge
from danmax_sync.transfer.plan import FileState, PlannedFile
from danmax_sync.visits import TreePath


def planned(name: str, size: int = 10) -> PlannedFile:
    """Return a file of a plan."""
    return PlannedFile(TreePath.parse(f"raw/x/{name}"), size, 5_000_000_000, FileState.FETCH)


def a_set(number: int, detectors: int, size: int) -> list[PlannedFile]:
    """Return a set, its master last."""
    return [
        *(planned(f"scan-{number:04d}_d{each}.h5", size) for each in range(detectors)),
        planned(f"scan-{number:04d}.h5", 1),
    ]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 10)), max_size=30), st.integers(1, 20), st.integers(5, 60))
@settings(deadline=None)
def test_batches_keep_order_and_sets_whole(sets: list[tuple[int, int]], most_files: int, most_bytes: int) -> None:
    """None is empty; one is larger than allowed only where a single set is."""
    files = [file for number, (count, size) in enumerate(sets) for file in a_set(number, count, size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "MOST_FILES", most_files)
        patch.setattr(batches, "MOST_BYTES", most_bytes)
        patch.setattr(batches, "FEWEST_BYTES", most_bytes)
        found = split(files)
    assert [file for batch in found for file in batch] == files
    for batch in found:
        assert batch
        assert batch[-1].path.name.count("_") == 0, "a batch ends with a master"
        masters = sum("_" not in file.path.name for file in batch)
        if masters > 1:
            assert len(batch) <= most_files
            assert sum(file.size for file in batch) <= most_bytes


def test_small_visits_are_one_task_and_large_ones_a_few() -> None:
    """Beginning one takes Globus about as long as moving a gigabyte."""
    gigabyte = 1 << 30
    assert len(split([file for n in range(100) for file in a_set(n, 1, 1 << 20)])) == 1
    assert 8 <= len(split([file for n in range(300) for file in a_set(n, 1, gigabyte)])) <= 12
    assert len(split([file for n in range(1000) for file in a_set(n, 4, 1 << 10)])) == 3


def test_how_a_batch_travels() -> None:
    """Checksums always; from the second attempt on only what differs; a label of harmless characters."""
    batch = Batch("id", "folder", numbered([planned("a.h5")]))
    first = options(batch, "danmax-sync ö/x")
    assert first["label"] == "danmax-sync __x"
    assert first["verify_checksum"]
    assert "sync_level" not in first
    assert options(batch.again("other", batch.items), "x")["sync_level"] == "checksum"


ITEMS = {f"/far/{n}": Item(n, TreePath.parse(f"raw/{n}.h5"), 10, 0) for n in range(6)}


def state(status: str, *, files: int, same: int = 0, skipped: int = 0, forgotten: bool = False) -> TaskState:
    """Return the state of a task that is over."""
    phase = TaskPhase[status]
    return TaskState(phase, "", "", 0, files, same, skipped, forgotten)


PATHS = st.sets(st.sampled_from(sorted(ITEMS)))


@given(
    status=st.sampled_from(["SUCCEEDED", "FAILED"]), here=PATHS, moved=PATHS, out=PATHS, counted=st.integers(0, 7),
    forgotten=st.booleans(),
)  # fmt: skip
def test_every_file_of_a_task_gets_one_verdict(
    *, status: str, here: set[str], moved: set[str], out: set[str], counted: int, forgotten: bool
) -> None:
    """And none is good that does not stand here whole, or that a failed task did not verify."""
    entries: list[Mapping[str, Any]] = [{"source_path": path, "error_code": "FILE_NOT_FOUND"} for path in sorted(out)]
    verdict = judge(
        ITEMS,
        state(status, files=counted, skipped=len(out), forgotten=forgotten),
        is_whole=lambda item: f"/far/{item.number}" in here,
        moved=lambda: [{"source_path": path} for path in moved],
        skipped=lambda: entries,
    )
    everything = [*verdict.good, *verdict.lost, *verdict.open]
    assert sorted(item.number for item in everything) == list(range(6))
    for item in verdict.good:
        assert f"/far/{item.number}" in here
        assert not forgotten
        assert status == "SUCCEEDED" or f"/far/{item.number}" in moved


def test_a_clean_success_asks_for_no_lists() -> None:
    """They have many pages, and the counts say it all."""

    def never() -> list[Mapping[str, Any]]:
        raise AssertionError

    verdict = judge(ITEMS, state("SUCCEEDED", files=4, same=2), is_whole=lambda _: True, moved=never, skipped=never)
    assert len(verdict.good) == 6


def test_the_log_keeps_batches_until_they_are_forgotten(tmp_path: Path) -> None:
    """By where they come from and go to; another attempt takes the place of the first."""
    items = numbered([planned("a.h5"), planned("b.h5", 2**40)])
    first, other = Batch("one", "f", items), Batch("two", "g", items[:1])
    path = tmp_path / "log.db"
    with TaskLog.open(path) as log:
        log.keep(first, source="globus://a", remote="a", destination="/x")
        log.keep(other, source="globus://b", remote="b", destination="/x")
        log.submitted(first, "task")
    with TaskLog.open(path) as log:
        [kept] = log.batches(source="globus://a", destination="/x")
        assert (kept.batch.task_id, kept.batch.items, kept.remote) == ("task", items, "a")
        again = kept.batch.again("three", items[1:])
        log.keep(again, source="globus://a", remote="a", destination="/x", instead_of=kept.batch)
        assert [each.batch for each in log.batches(source="globus://a")] == [again]
        assert len(log.batches()) == 2
        log.forget([again, other])
        assert log.batches() == []


def test_a_log_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    """It may know tasks in another way."""
    path = tmp_path / "log.db"
    with TaskLog.open(path) as log:
        log._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UnfinishedError, match="version 99"):
        TaskLog.open(path)


def test_globus_never_writes_to_a_published_file(tmp_path: Path) -> None:
    """A staged name that a published file shares is taken away before anything is submitted."""
    [item] = numbered([planned("scan-0001.h5", 4)])
    staged = Staged(tmp_path, Batch("id", "folder", (item,)))
    staged.prepare()
    staged.place(item).write_bytes(b"good")
    final = tmp_path / "raw" / "scan-0001.h5"
    assert staged.is_whole(item)
    staged.land(item, final)
    part = next(final.parent.glob(".*"))
    part.rename(final)
    staged.prepare()
    assert not staged.place(item).exists()
    assert final.read_bytes() == b"good"
    staged.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]
