"""Reader processes: what crashes or hangs one costs an answer, not the run."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from danmax_sync.errors import SourceError
from danmax_sync.indexing import pool
from danmax_sync.indexing.jobs import Answer
from danmax_sync.indexing.pool import ReaderPool, reader_pool
from tests.indexing.acts import Act


def jobs(*whats: str, folder: Path = Path()) -> list[Any]:
    """Make jobs named by their number."""
    return [Act(folder / str(number), what) for number, what in enumerate(whats)]


@pytest.fixture(autouse=True)
def findable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers import this file, wherever the test runs."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@pytest.fixture
def readers(findable: None) -> Iterator[ReaderPool]:
    """Give two processes of this test's own."""
    made = ReaderPool(2)
    yield made
    made.stop()


def answers(found: Iterator[tuple[Any, Answer]]) -> dict[str, Answer]:
    """Return answers by the names of their jobs."""
    return {job.path.name: answer for job, answer in found}


def test_every_job_is_answered_once(readers: ReaderPool) -> None:
    """More of them than fit into all bundles, by both processes."""
    found = list(readers.read(jobs(*["answer"] * 300)))
    assert sorted(int(job.path.name) for job, _ in found) == list(range(300))
    assert all(answer.result == job.path.name for job, answer in found)


def test_a_file_that_kills_its_reader_costs_one_answer(readers: ReaderPool) -> None:
    """The others in its bundle are read by the next process."""
    found = answers(readers.read(jobs(*["answer"] * 30, "die", *["answer"] * 30)))
    assert len(found) == 61
    assert found["30"].problem == "30 crashes the HDF5 library; it is damaged"
    assert [name for name, answer in found.items() if answer.problem] == ["30"]


def test_a_reader_that_died_of_something_else_is_no_files_fault(readers: ReaderPool, tmp_path: Path) -> None:
    """The file is tried once more before it is blamed."""
    found = answers(readers.read(jobs("answer", "die once", "answer", folder=tmp_path)))
    assert {name: answer.result for name, answer in found.items()} == {"0": "0", "1": "1", "2": "2"}


def test_a_file_that_hangs_is_given_up(readers: ReaderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time a file may take; the others are read."""
    monkeypatch.setattr(pool, "MOST_SECONDS", 1.0)
    started = time.monotonic()
    found = answers(readers.read(jobs("answer", "hang", *["answer"] * 20)))
    assert "took longer than 1 s" in str(found["1"].problem)
    assert sum(answer.problem is None for answer in found.values()) == 21
    assert time.monotonic() - started < 30


def test_refusals_and_bugs_are_answers(readers: ReaderPool) -> None:
    """A bad file is told from a bug of ours, which keeps its traceback."""
    found = answers(readers.read(jobs("refuse", "bug")))
    assert found["0"] == Answer(problem="0 is bad")
    assert "because of a bug" in str(found["1"].problem)
    assert "LookupError" in found["1"].bug


def test_when_jobs_run_out_with_an_error_what_was_asked_is_answered(readers: ReaderPool) -> None:
    """Then the error is raised: a line that broke takes nothing with it that had arrived."""

    def broken() -> Iterator[Any]:
        yield from jobs(*["answer"] * 5)
        raise SourceError("the line broke")

    found: list[str] = []

    def take_all() -> None:
        for job, _ in readers.read(broken()):
            found.append(job.path.name)

    with pytest.raises(SourceError, match="the line broke"):
        take_all()
    assert sorted(found) == ["0", "1", "2", "3", "4"]


def test_answers_nobody_waits_for_reach_nobody(readers: ReaderPool) -> None:
    """Given up in the middle, the processes end and the readers are not used again."""
    reading = readers.read(jobs(*["answer"] * 100))
    next(reading)
    cast("Any", reading).close()
    assert not readers.is_usable


def test_readers_are_kept_for_the_next_run() -> None:
    """The same processes, unless they were given up."""
    with reader_pool(3) as first:
        pass
    with reader_pool(3) as second:
        assert second is first
        reading = second.read(jobs(*["answer"] * 50))
        next(reading)
        cast("Any", reading).close()
    with reader_pool(3) as third:
        assert third is not second
        assert len(list(third.read(jobs("answer")))) == 1
