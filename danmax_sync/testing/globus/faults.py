"""What can go wrong at Globus, on demand.

A fault is an object with any of the methods of `Fault`; the service asks each of its faults in turn.
"""

import threading
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the service; `body` is JSON or a form."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    token: str

    def matches(self, what: str) -> bool:
        """Say whether ``METHOD ending-of-the-path`` means this request; both may hold ``*``."""
        method, _, ending = what.partition(" ")
        return method in {self.method, "*"} and fnmatchcase(self.path, f"*{ending}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service says to a request."""

    status: int
    document: Any
    headers: dict[str, str] = field(default_factory=dict)


class LostAnswerError(Exception):
    """The service has done what was asked, and hangs up without a word."""


class Fault:
    """No fault at all; override what should go wrong."""

    def before(self, request: Request) -> Answer | None:  # noqa: ARG002 - for those who override it
        """Return an answer instead of doing what was asked."""
        return None

    def after(self, request: Request, answer: Answer) -> Answer:  # noqa: ARG002
        """Return what the client gets; may raise `LostAnswerError`."""
        return answer

    def writing(self, path: str, offset: int, data: bytes) -> bytes:  # noqa: ARG002
        """Return what a task writes at the destination; an OSError becomes a fault of the task."""
        return data

    def downloading(self, path: str) -> int | None:  # noqa: ARG002
        """Return a status for a file asked for over HTTP, instead of its content."""
        return None


@dataclass
class _Times(Fault):
    times: int = field(default=1, kw_only=True)
    happened: int = field(default=0, kw_only=True)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, kw_only=True)

    def due(self) -> bool:
        """Say whether it should happen once more, and count."""
        with self._lock:
            if self.happened >= self.times:
                return False
            self.happened += 1
            return True


@dataclass
class Answered(_Times):
    """Answer some requests with an error: ``Answered("GET /ls", 503, "ServiceUnavailable", times=2)``.

    Attributes
    ----------
    what : str
        ``METHOD ending-of-the-path``.
    more : dict
        More keys of the document.
    headers : dict
        Such as ``Retry-After``.
    """

    what: str = "*"
    status: int = 503
    code: str = "ServiceUnavailable"
    message: str = "on demand"
    more: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def before(self, request: Request) -> Answer | None:
        """Answer, as often as wished."""
        if not request.matches(self.what) or not self.due():
            return None
        document = {"code": self.code, "message": self.message, "request_id": "fault", "resource": request.path}
        return Answer(self.status, document | self.more, self.headers)


@dataclass
class LostAnswer(_Times):
    """Do what was asked and hang up: ``LostAnswer("POST /transfer")``."""

    what: str = "POST /transfer"

    def after(self, request: Request, answer: Answer) -> Answer:
        """Lose it, as often as wished."""
        if request.matches(self.what) and self.due():
            raise LostAnswerError
        return answer


@dataclass
class Corrupted(_Times):
    """Let the files whose destination ends so arrive with a wrong first byte."""

    ending: str = ".h5"

    def writing(self, path: str, offset: int, data: bytes) -> bytes:
        """Change it."""
        if offset == 0 and data and self.ending in path and self.due():
            return bytes([data[0] ^ 0xFF]) + data[1:]
        return data


@dataclass
class Slow(Fault):
    """Let every block that is written take a while; `release` ends that."""

    seconds: float = 0.05
    ending: str = ""
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    def writing(self, path: str, offset: int, data: bytes) -> bytes:  # noqa: ARG002
        """Wait."""
        if self.ending in path and not self._over.is_set():
            self._over.wait(self.seconds)
        return data

    def release(self) -> None:
        """Be slow no longer."""
        self._over.set()


@dataclass
class Refused(_Times):
    """Answer downloads over HTTP with a status; 404 is what real collections sometimes say in passing."""

    ending: str = ""
    status: int = 404

    def downloading(self, path: str) -> int | None:
        """Refuse, as often as wished."""
        return self.status if path.endswith(self.ending) and self.due() else None


def wait_until(happens: Any, *, seconds: float = 20.0) -> None:
    """Wait until a callable answers true.

    Raises
    ------
    TimeoutError
        If it does not in time.
    """
    end = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing happened in {seconds} s")
        time.sleep(0.01)
