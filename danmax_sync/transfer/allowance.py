"""How fast bytes may come: a bucket that fills at a steady rate, shared by all lanes."""

import threading
import time

_BURST_S = 0.5


class Allowance:
    """A token bucket.

    Parameters
    ----------
    bytes_per_s : float, optional
        The rate; without it there is no limit.
    """

    def __init__(self, bytes_per_s: float | None = None) -> None:
        self._rate = bytes_per_s
        self._lock = threading.Lock()
        self._filled_at = time.monotonic()
        self._left = 0.0

    def take(self, size: int) -> float:
        """Take so many bytes; return the seconds to wait first, in which case none were taken."""
        if self._rate is None:
            return 0.0
        with self._lock:
            now = time.monotonic()
            self._left = min(self._left + (now - self._filled_at) * self._rate, self._rate * _BURST_S)
            self._filled_at = now
            # Larger pieces than a burst are let through when the bucket is full, and leave it in debt.
            needed = min(size, self._rate * _BURST_S)
            if self._left < needed:
                return (needed - self._left) / self._rate
            self._left -= size
            return 0.0
