"""Never ask Globus too often: it answers 20 requests a second of a user, and ours stay well below 10."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

REQUESTS = 8
WINDOW_S = 1.1
"""A little more than a second: requests may come closer together on their way."""

_SHORTEST_S = 0.001
"""Rounding may leave less than a clock can tell."""


class Pace:
    """Lets at most so many through in any stretch of time, in the order they come.

    Parameters
    ----------
    most : int
        How many.
    window_s : float
        In how many seconds.
    clock, sleep : callable
        For tests.
    """

    def __init__(
        self,
        most: int = REQUESTS,
        window_s: float = WINDOW_S,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._most, self._window_s = most, window_s
        self._clock, self._sleep = clock, sleep
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when one more may go."""
        with self._lock:
            while True:
                now = self._clock()
                while self._recent and now - self._recent[0] >= self._window_s:
                    self._recent.popleft()
                if len(self._recent) < self._most:
                    self._recent.append(now)
                    return
                self._sleep(max(self._window_s - (now - self._recent[0]), _SHORTEST_S))


PACE = Pace()
"""Of this process: the limit is one for all a user does."""


def keep_pace(session: "requests.Session") -> None:
    """Let every request of a session wait for its turn, second tries of the SDK too."""
    from requests.adapters import HTTPAdapter

    class PacedAdapter(HTTPAdapter):
        def send(self, *arguments: Any, **options: Any) -> "requests.Response":
            PACE.wait()
            return super().send(*arguments, **options)

    for prefix in ("https://", "http://"):
        session.mount(prefix, PacedAdapter())
