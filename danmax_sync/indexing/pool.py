"""Reader processes: several files at once, and no file can take the run down with it.

::

    read(jobs) ── bundles ──▶ thread ⇄ worker process      a thread a process; it restarts one that crashed
              ◀── answers ──  thread ⇄ worker process      or that took too long over a file

The processes are kept for the next run of this process; starting one takes a quarter of a second.
"""

import atexit
import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Protocol, TypeVar, cast

from danmax_sync.indexing.jobs import Answer, Job, done
from danmax_sync.indexing.worker import receive, send

_J = TypeVar("_J", bound=Job)
MOST_SECONDS = 60.0
"""That one file may take. A disk that has to wake up is quicker, a file that loops is not."""
_START_SECONDS = 120.0
"""That a process may take to start, on a machine that is busy with other things."""
_BUNDLE = 8
_BUSY = 2 * _BUNDLE
"""Jobs that wait for a worker before the next one gets some."""
_IN_LINE = 64
"""Jobs that wait for each worker, so that none is idle while answers are saved."""
_MOST_WORKERS = 4
"""More would wait for the disk."""
_MOST_BYTES = 32 << 20
"""Of masters' contents under way to the workers."""


class _Worker:
    """One process and the thread that talks to it."""

    def __init__(self, answers: "queue.SimpleQueue[tuple[Job, Answer]]") -> None:
        self._bundles: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None
        self._busy_since: float | None = None
        self._too_slow = False
        self._is_ready = False
        self._suspect: Job | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def give(self, bundle: list[Job]) -> None:
        self._bundles.put(bundle)

    def start(self) -> None:
        """Begin to start the process, before there is anything to do."""
        self._bundles.put([])

    def check_time(self) -> None:
        """End the process if it has sat over one file for too long."""
        since, process = self._busy_since, self._process
        if (
            since is not None
            and process is not None
            and time.monotonic() - since > (MOST_SECONDS if self._is_ready else _START_SECONDS)
        ):
            self._too_slow = True
            process.kill()

    def stop(self) -> None:
        """End the process now; what it was reading is read again another time."""
        self._bundles.put(None)
        if self._process is not None:
            self._process.kill()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (bundle := self._bundles.get()) is not None:
            if self._process is None:
                self._start()
            while bundle:
                bundle = self._ask(bundle)
        self._end_process()

    def _ask(self, bundle: list[Job]) -> list[Job]:
        """Have a bundle read; return what is left of it when the process died."""
        self._too_slow = False
        self._busy_since = time.monotonic()
        process = self._process or self._start()
        try:
            if not self._is_ready:
                # A busy machine takes its time over the imports, which is not to be held against a file.
                ready = receive(cast("BinaryIO", process.stdout))
                self._busy_since = time.monotonic()
                self._is_ready = ready is not None
            with contextlib.suppress(OSError):  # a process that has died says so below
                send(cast("BinaryIO", process.stdin), bundle)
            for index, job in enumerate(bundle):
                answer = receive(cast("BinaryIO", process.stdout))
                if answer is None:
                    self._end_process()
                    # A process may die for other reasons: a file is to blame when the next one dies of it, too.
                    if job is not self._suspect and not self._too_slow:
                        self._suspect = job
                        return bundle[index:]
                    self._answers.put((job, self._obituary(job)))
                    return bundle[index + 1 :]
                self._busy_since = time.monotonic()
                self._answers.put((job, cast("Answer", answer)))
        finally:
            self._busy_since = None
        return []

    def _obituary(self, job: Job) -> Answer:
        if self._too_slow:
            return Answer(problem=f"{job.path} took longer than {MOST_SECONDS:.0f} s to read and was given up")
        return Answer(problem=f"{job.path} crashes the HDF5 library; it is damaged")

    def _start(self) -> subprocess.Popen[bytes]:
        self._is_ready = False
        quiet = {"HDF5_USE_FILE_LOCKING": "FALSE", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "danmax_sync.indexing.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | quiet,
        )
        return self._process

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                cast("BinaryIO", stream).close()
        process.wait()


class ReaderPool:
    """Some reader processes.

    Parameters
    ----------
    workers : int
        How many files are read at once.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.pid = os.getpid()
        self._answers: queue.SimpleQueue[tuple[Job, Answer]] = queue.SimpleQueue()
        self._workers = [_Worker(self._answers) for _ in range(workers)]

    def read(self, jobs: Iterable[_J]) -> Iterator[tuple[_J, Answer]]:
        """Yield each job with its answer, as they come.

        Jobs are taken one by one while answers are awaited, so that making them (fetching) and reading go on at once.
        If making them fails, what was asked before is still answered; then the failure is raised.
        """
        desk = _Desk(self._workers)
        source: Iterator[Any] = iter(jobs)
        failure: Exception | None = None
        try:
            while True:
                try:
                    job = next(source)
                except StopIteration:
                    break
                except Exception as problem:  # noqa: BLE001 - raised again below
                    failure = problem
                    break
                desk.take(job)
                while desk.is_full:
                    yield desk.settle(self._await())
                while desk.waits and not self._answers.empty():
                    yield desk.settle(self._answers.get())
            desk.hand_over()
            while desk.waits:
                yield desk.settle(self._await())
        finally:
            if desk.waits:
                # Given up in the middle: nobody is to get these answers.
                self.stop()
        if failure is not None:
            raise failure

    def start(self) -> None:
        """Begin to start the first process, which takes a moment."""
        self._workers[0].start()

    @property
    def is_usable(self) -> bool:
        """Whether it can be used again, by this process."""
        return bool(self._workers) and self.pid == os.getpid()

    def stop(self) -> None:
        """End the processes."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.stop()

    def _await(self) -> tuple[Job, Answer]:
        while True:
            try:
                # With a timeout: Windows lets no Ctrl-C through otherwise, and somebody has to look at the clock.
                return self._answers.get(timeout=0.5)
            except queue.Empty:
                for worker in self._workers:
                    worker.check_time()


class _Desk:
    """Who has which job, and how much is under way."""

    def __init__(self, workers: list[_Worker]) -> None:
        self._load = dict.fromkeys(workers, 0)
        self._owners: dict[int, _Worker] = {}
        self._bundle: list[Job] = []
        self._bytes = 0

    @property
    def waits(self) -> bool:
        return bool(self._owners)

    @property
    def is_full(self) -> bool:
        return self.waits and (len(self._owners) > _IN_LINE * len(self._load) or self._bytes > _MOST_BYTES)

    def take(self, job: Job) -> None:
        self._bundle.append(job)
        self._bytes += _size(job)
        # Small bundles at first, so that every worker has something to do soon.
        if len(self._bundle) >= min(_BUNDLE, 1 + len(self._owners) // len(self._load)) or self._bytes > _MOST_BYTES:
            self.hand_over()

    def hand_over(self) -> None:
        if not self._bundle:
            return
        # Over a line the first may well keep up alone: the next one's process starts when it does not.
        idle = (worker for worker, load in self._load.items() if load < _BUSY)
        worker = next(idle, None) or min(self._load, key=self._load.__getitem__)
        self._load[worker] += len(self._bundle)
        self._owners |= {id(job): worker for job in self._bundle}
        worker.give(self._bundle)
        self._bundle = []

    def settle(self, answered: tuple[Any, Answer]) -> tuple[Any, Answer]:
        job, _ = answered
        self._load[self._owners.pop(id(job))] -= 1
        self._bytes -= _size(job)
        return answered


def _size(job: Job) -> int:
    return len(getattr(job, "content", None) or b"")


class Here:
    """Reads in this very process: for few files that have been opened here before."""

    def read(self, jobs: Iterable[_J]) -> Iterator[tuple[_J, Answer]]:
        """Yield each job with its answer."""
        for job in jobs:
            yield job, done(job)


class Readers(Protocol):
    """Whoever reads."""

    def read(self, jobs: Iterable[_J]) -> Iterator[tuple[_J, Answer]]:
        """Yield each job with its answer, in any order."""
        ...


_kept: list[ReaderPool] = []
_lock = threading.Lock()


def usual_workers() -> int:
    """Return how many reader processes suit this machine."""
    return max(1, min(_MOST_WORKERS, os.cpu_count() or 1))


def start_readers() -> None:
    """Begin to start a reader for a run that is about to come, while its login is awaited."""
    with _lock:
        if not _kept:
            _kept.append(ReaderPool(usual_workers()))
            _kept[0].start()


@contextlib.contextmanager
def reader_pool(workers: int) -> Iterator[Readers]:
    """Give reader processes: those of the last run, if they are free and enough; 0 reads in this process."""
    if workers == 0:
        yield Here()
        return
    with _lock:
        fits = next((pool for pool in _kept if pool.workers >= workers and pool.is_usable), None)
        if fits is not None:
            _kept.remove(fits)
    pool = fits or ReaderPool(workers)
    try:
        yield pool
    finally:
        with _lock:
            surplus = [*_kept, *([] if pool.is_usable else [pool])]
            _kept[:] = [pool] if pool.is_usable else []
        for each in surplus:
            if each.pid == os.getpid():
                each.stop()


@atexit.register
def _stop_all() -> None:
    for pool in _kept:
        if pool.pid == os.getpid():
            pool.stop()
