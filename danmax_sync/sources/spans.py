"""Pieces of files on their way: what a lane reads, and who hands it work.

::

    Work ──take()──▶ lane ──write(offset, bytes)──▶ span's sink
      ▲                │
      └─done()/failed()┘

A source that can be read in pieces opens lanes; each is driven by one thread. A span is done when every byte of it was
given to its sink and the file was, after the last of them, still the version that was planned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError
from danmax_sync.sources.base import FileInfo

Write = Callable[[int, memoryview], None]
"""Takes bytes and their offset in the file. They are the lane's again when it returns."""


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A piece of a file.

    Attributes
    ----------
    info : FileInfo
        The version that is wanted.
    offset, length : int
        The piece; a file without bytes has one of length 0.
    write : callable
        Where the bytes go; they may come out of order. It may raise a DanmaxSyncError, which ends the span.
    """

    info: FileInfo
    offset: int
    length: int
    write: Write


class Work(Protocol):
    """Hands out spans to lanes in several threads, and hears what became of them."""

    def take(self, *, wait: bool) -> Span | None:
        """Return the next span; None when there is none, now or, after waiting, ever."""
        ...

    def allow(self, size: int) -> float:
        """Take so many bytes from the allowance; return the seconds to wait first, in which case none were taken."""
        ...

    def done(self, span: Span) -> None:
        """Hear that a span is whole."""
        ...

    def failed(self, span: Span, problem: DanmaxSyncError) -> None:
        """Hear that it cannot be had."""
        ...

    def given_back(self, span: Span) -> None:
        """Hear that a lane ended before the span did: another may take it."""
        ...

    @property
    def over(self) -> bool:
        """Whether lanes should stop at once."""
        ...


class Lane(Protocol):
    """One way to read spans, used by one thread."""

    def run(self, work: Work) -> None:
        """Read spans until there are none.

        Raises
        ------
        ConnectionLostError
            If the line breaks; what was not read is given back.
        """
        ...

    def close(self) -> None:
        """End it, from any thread; whoever runs it sees the line break."""
        ...


def read_one_by_one(work: Work, read: Callable[[Span], bool]) -> None:
    """Read spans one after the other until there are none; what lanes do that ask for one thing at a time.

    Parameters
    ----------
    work : Work
        Hands them out.
    read : callable
        Reads one; says whether it read all of it, and did not stop because the work is over.

    Raises
    ------
    ConnectionLostError
        If the line breaks; what was not read is given back.
    """
    while (span := work.take(wait=True)) is not None:
        try:
            whole = read(span)
        except ConnectionLostError:
            work.given_back(span)
            raise
        except DanmaxSyncError as problem:
            work.failed(span, problem)
        except BaseException:
            work.given_back(span)
            raise
        else:
            if not whole:
                work.given_back(span)
                return
            work.done(span)
