"""A lane for servers that allow one channel only: spans travel over the one there is, in turns with other questions."""

import time
from collections.abc import Callable

from danmax_sync.sources.spans import Span, Work, read_one_by_one

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

        def read(span: Span) -> bool:
            # Not in its turn: others need not wait for a rate.
            while (wait_s := work.allow(span.length)) and not work.over:
                time.sleep(min(wait_s, _NAP_S))
            self._read(span, work)
            return not work.over

        read_one_by_one(work, read)

    def close(self) -> None:
        """Leave the channel to the source; what runs ends with its block."""
        self._closed()
