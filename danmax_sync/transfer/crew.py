"""The threads that read: one for each lane, and the queue in which files land."""

import queue
import threading
import time
from collections.abc import Callable

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError
from danmax_sync.sources.spans import Lane
from danmax_sync.transfer.dispatch import Dispatch
from danmax_sync.transfer.mover import Landed

_PATIENCE_S = 2.0


class Landings:
    """Files that have landed, or the bug that keeps any from landing; filled by any thread, emptied by one."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Landed | BaseException] = queue.SimpleQueue()

    def put(self, landed: Landed) -> None:
        """Add one."""
        self._queue.put(landed)

    def fail(self, bug: BaseException) -> None:
        """Let whoever waits raise this."""
        self._queue.put(bug)

    def next(self, timeout_s: float) -> Landed | None:
        """Return the next, or None when there is none within the time."""
        try:
            landed = self._queue.get(timeout=timeout_s) if timeout_s else self._queue.get_nowait()
        except queue.Empty:
            return None
        if isinstance(landed, BaseException):
            raise landed
        return landed

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return self._queue.empty()


class Crew:
    """Lanes, each in a thread of its own. When none is left and that is not the end of the work, that is stopped.

    Parameters
    ----------
    open_lane : callable
        Opens one; called in its thread.
    dispatch : Dispatch
        Their work.
    report : callable
        Told what no lane should raise.
    cut : callable
        Cuts the line below all lanes, so that whoever waits for it, or still opens a lane, waits no longer.
    """

    def __init__(
        self,
        open_lane: Callable[[], Lane],
        dispatch: Dispatch,
        report: Callable[[BaseException], None],
        *,
        cut: Callable[[], None] = lambda: None,
    ) -> None:
        self._open_lane, self._dispatch, self._report, self._cut = open_lane, dispatch, report, cut
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._lanes: list[Lane] = []
        self._working = 0
        self._why: DanmaxSyncError | None = None

    def start(self, count: int) -> None:
        """Open so many lanes."""
        self._working = count
        for number in range(count):
            thread = threading.Thread(target=self._run, name=f"lane-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, *, hurry: bool = False) -> None:
        """End every lane; in a hurry the line is cut for those that do not end within some seconds."""
        self._dispatch.halt()
        with self._lock:
            lanes = list(self._lanes)
        # All at once: on a line that is dead each may take a second to end.
        closing = [threading.Thread(target=lane.close, name="close-lane", daemon=True) for lane in lanes]
        for thread in closing:
            thread.start()
        ending = (*closing, *self._threads)
        deadline = time.monotonic() + _PATIENCE_S
        for thread in ending if hurry else ():
            thread.join(max(0.0, deadline - time.monotonic()))
        if hurry and any(thread.is_alive() for thread in ending):
            self._cut()
        for thread in ending:
            thread.join()

    def _run(self) -> None:
        try:
            lane = self._open_lane()
            with self._lock:
                self._lanes.append(lane)
            try:
                lane.run(self._dispatch)
            finally:
                with self._lock:
                    self._lanes.remove(lane)
                lane.close()
        except DanmaxSyncError as problem:
            # A server that allows fewer channels leaves the work to those there are.
            with self._lock:
                if self._why is None or isinstance(problem, ConnectionLostError):
                    self._why = problem
        except BaseException as bug:  # noqa: BLE001 - raised again on the caller's thread
            self._report(bug)
        finally:
            with self._lock:
                self._working -= 1
                if self._working == 0 and self._why is not None:
                    self._dispatch.stop(self._why)
