"""What the errors of paramiko mean to somebody who fetches files over SFTP."""

from collections.abc import Iterator
from contextlib import contextmanager

from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.sources.wire import WireError

ASK_FOR_IT = "ask whoever may read it to let you, then run again"


class MissingError(SourceError):
    """The server says there is no such file."""


@contextmanager
def explained(source: str, shown: str) -> Iterator[None]:
    """Turn what paramiko raises into what it means: this file's trouble, or the end of the line.

    Parameters
    ----------
    source, shown : str
        How people know the server, and the file there.

    Raises
    ------
    MissingError, SourceError
        If the server has something against it.
    ConnectionLostError
        If the line broke.
    """
    from paramiko import SFTPError, SSHException

    try:
        yield
    except FileNotFoundError as problem:
        raise MissingError(f"{shown} is not there") from problem
    except PermissionError as problem:
        raise SourceError(f"{shown} may not be read: permission denied", hint=ASK_FOR_IT) from problem
    except UnicodeDecodeError as problem:
        raise SourceError(f"{shown} holds a name that is not text in UTF-8") from problem
    except (EOFError, SSHException, ConnectionError, TimeoutError, WireError) as problem:
        raise line_lost(source, shown) from problem
    except (OSError, SFTPError) as problem:
        # paramiko reports a closed channel as a plain OSError without a number.
        if isinstance(problem, OSError) and "closed" in str(problem).lower():
            raise line_lost(source, shown) from problem
        raise SourceError(f"{shown} cannot be read: {problem}") from problem


def line_lost(source: str, shown: str, why: str = "") -> ConnectionLostError:
    """Return what says at which file a line broke, and why, unless that only says so once more."""
    reason = f" ({why})" if why and "broken pipe" not in why.lower() else ""
    return ConnectionLostError(
        f"the connection to {source} broke at {shown}{reason}; what is done is kept",
        hint="run the same command again to go on",
    )
