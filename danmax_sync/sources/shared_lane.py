"""A lane for servers that allow one channel only: spans travel over the one there is, in turns with other questions."""

import time
from collections.abc import Callable

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError
from danmax_sync.sources.spans import Span, Work

_NAP_S = 0.2


class SharedLane:
    """Reads one span after the other.

    Parameters
    ----------
    read : callable
        Reads a span in its turn, and stops early when the work is over.
    closed : callable
        Told when the lane has ended.
    """

    def __init__(self, read: Callable[[Span, Work], None], *, closed: Callable[[], None]) -> None:
        self._read, self._closed = read, closed

    def run(self, work: Work) -> None:
        """Read spans until there are none; see `Lane.run`."""
        while (span := work.take(wait=True)) is not None:
            try:
                # Not in its turn: others need not wait for a rate.
                while (wait_s := work.allow(span.length)) and not work.over:
                    time.sleep(min(wait_s, _NAP_S))
                self._read(span, work)
            except ConnectionLostError:
                work.given_back(span)
                raise
            except DanmaxSyncError as problem:
                work.failed(span, problem)
            except BaseException:
                work.given_back(span)
                raise
            else:
                if work.over:
                    work.given_back(span)
                    return
                work.done(span)

    def close(self) -> None:
        """Leave the channel to the source; what runs ends with its block."""
        self._closed()
