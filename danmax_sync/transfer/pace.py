"""How far, how fast, how long still."""

import time
from collections import deque

from danmax_sync.events import Listener, progress

_WINDOW_S = 10.0
"""The rate shown is the mean of so long."""


class Pace:
    """Tells of bytes that arrive.

    Parameters
    ----------
    tell : Listener
        Hears a ``progress`` event at each step, with ``rate`` in bytes a second and ``seconds_left``.
    total : int
        Bytes of all.
    """

    def __init__(self, tell: Listener, total: int) -> None:
        self._tell, self._total = tell, total
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def moved(self, done: int, item: str) -> None:
        """Hear how many bytes have come in all, and of which file the last were."""
        now = time.monotonic()
        if done == self._seen[-1][1]:
            return
        self._seen.append((now, done))
        while now - self._seen[0][0] > _WINDOW_S and len(self._seen) > 2:
            self._seen.popleft()
        since, before = self._seen[0]
        rate = (done - before) / (now - since) if now > since else 0.0
        left = (self._total - done) / rate if rate > 0 else None
        progress(
            self._tell,
            "get",
            min(done, self._total),
            self._total,
            unit="bytes",
            item=item,
            rate=rate,
            seconds_left=left,
        )
