"""Who reads what next: files in order, large ones in segments, to as many lanes as there are.

::

    file ──begin──▶ segments ──take()──▶ lane ──done()──▶ all there ──sync, close──▶ landed
                       ▲                  │
                       └── given_back() ──┘    failed(): the file cannot be had, the others go on
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from danmax_sync.errors import DanmaxSyncError
from danmax_sync.sources.spans import Span
from danmax_sync.transfer.allowance import Allowance
from danmax_sync.transfer.arrival import DiskFullError, discard, part_of
from danmax_sync.transfer.incoming import Incoming
from danmax_sync.transfer.journal import BegunPart
from danmax_sync.transfer.mover import Landed, Wanted, leaves_the_rest_good
from danmax_sync.transfer.segments import MISSING

_MOST_OPEN = 128
"""Part files that are open at once; some systems allow a process 256, and connections need theirs."""
_FINISHERS = 4
"""Threads that sync files: on most disks several at once take hardly longer than one."""


class Dispatch:
    """The work of some lanes; see `danmax_sync.sources.spans.Work`.

    Parameters
    ----------
    wanted : iterable of Wanted
        Files, in the order they should come.
    source : str
        URI of their source.
    begun : mapping
        Parts of earlier runs, by path.
    segment_bytes : int or None
        Of the segments of large files; None to read files whole.
    allowance : Allowance
        How fast they may come.
    landed : callable
        Told each file once, from any thread.
    report : callable
        Told what should not happen in a thread, so that nobody waits for it in vain.
    """

    def __init__(
        self,
        wanted: Iterable[Wanted],
        *,
        source: str,
        begun: Mapping[str, BegunPart],
        segment_bytes: int | None,
        allowance: Allowance,
        landed: Callable[[Landed], None],
        report: Callable[[BaseException], None],
    ) -> None:
        self._queue = deque(wanted)
        self._source, self._begun, self._segment_bytes = source, begun, segment_bytes
        self._allowance = allowance
        self._landed, self._report_bug = landed, report
        self._changed = threading.Condition()
        self._counting = threading.Lock()
        self._open: list[Incoming] = []
        """Begun and not landed, in order."""
        self._spans: dict[Span, tuple[Incoming, int]] = {}
        self._kept: list[Incoming] = []
        """Failed, and yet worth going on with."""
        self._finishing = 0
        self._pool = ThreadPoolExecutor(_FINISHERS, thread_name_prefix="finish")
        self._stopped: DanmaxSyncError | None = None
        self.over = False
        self.moved = 0
        """Bytes that have come, with those of earlier runs."""
        self.latest = ""

    def take(self, *, wait: bool) -> Span | None:
        """Return the next span; None when there is none."""
        with self._changed:
            while not self.over:
                found = self._next()
                if found is not None:
                    return found
                if not wait or not (self._spans or self._finishing or self._queue):
                    return None
                self._changed.wait(0.5)
            return None

    def allow(self, size: int) -> float:
        """Take so many bytes from the allowance; return the seconds to wait first."""
        return self._allowance.take(size)

    def done(self, span: Span) -> None:
        """Hear that a span is whole."""
        with self._changed:
            incoming, number = self._spans.pop(span)
            try:
                incoming.there(number)
            except DanmaxSyncError as problem:
                incoming.broken(problem)
        self._look(incoming)

    def failed(self, span: Span, problem: DanmaxSyncError) -> None:
        """Hear that a span, and so its file, cannot be had."""
        with self._changed:
            incoming, _ = self._spans.pop(span)
            incoming.broken(problem)
        if isinstance(problem, DiskFullError):
            # At once, so that no lane begins another file.
            self.stop(problem)
        self._look(incoming)

    def given_back(self, span: Span) -> None:
        """Hear that a span is to be read by somebody else."""
        with self._changed:
            incoming, number = self._spans.pop(span)
            incoming.come_back(number)
        # It may have been the last reader of a file that another lane has given up.
        self._look(incoming)

    def halt(self) -> None:
        """Let the lanes stop where they are."""
        with self._changed:
            self.over = True
            self._changed.notify_all()

    def stop(self, problem: DanmaxSyncError) -> None:
        """Let nothing more begin, and all that is not whole land with a problem."""
        with self._changed:
            self._stopped = self._stopped or problem
            self.over = True
            self._changed.notify_all()

    def save_with(self, save: Callable[[Incoming], None]) -> "Future[None]":
        """Let a thread note how far the files have come that are on their way."""
        with self._changed:
            begun = [one for one in self._open if one.unsaved and len(one.parts.checksums) > 1]

        def save_all() -> None:
            for one in begun:
                save(one)

        return self._pool.submit(save_all)

    def end(self) -> list[Incoming]:
        """Wait for what is being finished, let the rest land, and return the parts that are worth going on with."""
        self._pool.shutdown(wait=True)
        with self._changed:
            left, self._open = self._open, []
            queue, self._queue = list(self._queue), deque()
        for incoming in left:
            if incoming.is_worth_keeping:
                with contextlib.suppress(DanmaxSyncError):
                    incoming.parts.sync()
            else:
                discard(incoming.parts.part)
            incoming.parts.close()
        if self._stopped is not None:
            for wanted in [*(one.wanted for one in left), *queue]:
                self._landed(Landed(wanted, self._stopped))
        return [*self._kept, *(one for one in left if one.is_worth_keeping)]

    def _next(self) -> Span | None:
        """Return a segment of the first file that has one; begin the next file where none has."""
        for incoming in self._open:
            if incoming.todo and (found := incoming.next_span()) is not None:
                self._spans[found[0]] = (incoming, found[1])
                return found[0]
        # Files that are being finished are open, too, and a disk may be slower than the line.
        while self._queue and len(self._open) + self._finishing < _MOST_OPEN:
            begun = self._begin(self._queue.popleft())
            if begun is not None and (found := begun.next_span()) is not None:
                self._spans[found[0]] = (begun, found[1])
                return found[0]
        return None

    def _begin(self, wanted: Wanted) -> Incoming | None:
        file = wanted.file
        # A part in segments is of no use to a source that gives files only whole.
        begun = self._begun.get(str(file.path)) if self._segment_bytes else None
        try:
            incoming = Incoming(
                wanted,
                source=self._source,
                segment_bytes=self._segment_bytes or max(1, file.size),
                begun=begun,
                count=self._count,
            )
        except DanmaxSyncError as problem:
            self._report(Landed(wanted, problem), problem)
            return None
        self._open.append(incoming)
        if incoming.to_recheck:
            self._finishing += 1
            self._pool.submit(self._watched, self._recheck, incoming)
        return incoming

    def _recheck(self, incoming: Incoming) -> None:
        """Compare the segments of an earlier run with their checksums, the last first: that is where a kill hits."""
        try:
            for number in reversed(list(incoming.to_recheck)):
                if self.over:
                    return
                good = incoming.parts.read_back(number) == incoming.parts.checksums[number]
                with self._changed:
                    incoming.rechecked(number, good=good)
                    self._changed.notify_all()
                if good:
                    self._count(incoming.length_of(number), str(incoming.info.path))
        except DanmaxSyncError as problem:
            with self._changed:
                incoming.to_recheck.clear()
                incoming.failure = incoming.failure or problem
        finally:
            with self._changed:
                self._finishing -= 1
            self._look(incoming)

    def _count(self, size: int, path: str) -> None:
        with self._counting:
            self.moved += size
            self.latest = path

    def _look(self, incoming: Incoming) -> None:
        """Finish a file of which nothing is missing, or bury one that cannot be had."""
        with self._changed:
            self._changed.notify_all()
            if not incoming.is_over or incoming not in self._open or (self.over and incoming.failure is None):
                return
            self._open.remove(incoming)
            self._finishing += 1
        try:
            self._pool.submit(self._watched, self._finish, incoming)
        except RuntimeError:
            # The pool has been shut: the run is being stopped.
            self._watched(self._finish, incoming)

    def _watched(self, act: Callable[[Incoming], None], incoming: Incoming) -> None:
        try:
            act(incoming)
        except BaseException as bug:  # noqa: BLE001 - raised again on the caller's thread
            self.halt()
            self._report_bug(bug)

    def _finish(self, incoming: Incoming) -> None:
        problem = incoming.failure
        try:
            if problem is None:
                incoming.parts.finish(incoming.info.mtime_ns)
        except DanmaxSyncError as trouble:
            problem = trouble
        finally:
            incoming.parts.close()
        if leaves_the_rest_good(problem) and incoming.is_worth_keeping:
            self._kept.append(incoming)
        elif problem is not None:
            discard(part_of(incoming.wanted.final))
        checksums = () if MISSING in incoming.parts.checksums else tuple(incoming.parts.checksums)
        segment = incoming.segment_bytes
        self._report(Landed(incoming.wanted, problem, incoming.fetched, checksums, segment), problem)
        with self._changed:
            self._finishing -= 1
            self._changed.notify_all()

    def _report(self, landed: Landed, problem: DanmaxSyncError | None) -> None:
        if isinstance(problem, DiskFullError):
            # The rest need not be tried.
            self.stop(problem)
        self._landed(landed)
