"""One ``get`` at a time in a destination; the lock dies with its process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from danmax_sync.errors import UnfinishedError, UsageError

LOCK_NAME = ".danmax-sync.lock"


class BusyError(UnfinishedError):
    """Somebody else is at work in the same place."""


@contextmanager
def only_one(destination: Path, *, shown: str = "") -> Iterator[None]:
    """Hold the destination's lock; `shown` is what it is called, where that is not its path.

    Raises
    ------
    BusyError
        If another process holds it.
    UsageError
        If the folder cannot be made or written to.
    """
    try:
        destination.mkdir(parents=True, exist_ok=True)
        file = (destination / LOCK_NAME).open("a+b")
    except OSError as problem:
        raise UsageError(
            f"the destination {destination} cannot be written to: {problem.strerror}", hint="name another with --to DIR"
        ) from problem
    with file:
        try:
            hold(file)
        except BlockingIOError:
            raise BusyError(
                f"another danmax-sync is fetching into {shown or destination} right now",
                hint="wait for it, then run again",
            ) from None
        yield


def is_busy(destination: Path) -> bool:
    """Say whether somebody holds a destination's lock."""
    try:
        with (destination / LOCK_NAME).open("r+b") as file:
            hold(file)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


if sys.platform == "win32":
    import msvcrt

    def hold(file: IO[bytes]) -> None:
        """Lock a file until it is closed; BlockingIOError where another process holds it."""
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as problem:
            raise BlockingIOError from problem

else:
    import errno
    import fcntl

    def hold(file: IO[bytes]) -> None:
        """Lock a file until it is closed; BlockingIOError where another process holds it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            # Some network file systems have no locks: then two runs at once only waste each other's work.
            if problem.errno not in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}:
                raise
