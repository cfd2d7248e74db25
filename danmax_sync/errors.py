"""Everything that can go wrong, as one tree.

::

    DanmaxSyncError                        exit
    ├── NothingMatchedError                   1   the query or the folder holds nothing
    │   └── EmptyCatalogueError               1   there is nothing yet that could match
    ├── UsageError                            2   the words of the call are off
    │   └── UnsafePathError                   2   a name that could leave its folder
    ├── UnfinishedError                       3   part of it is done, run again to resume
    ├── LoginError                            4   who you are is not settled
    ├── SourceError                           5   missing or incomplete at the source
    │   └── ConnectionLostError               3   the line broke, run again to resume
    ├── VerificationError                     6   what arrived is not what was sent
    ├── RefusalError                          7   the numbers would be wrong
    └── CatalogueError                        8   the catalogue needs attention

A message says what happened, to which file, what was expected and what was found. The hint is what to do next,
where possible the command to type. Anything else that reaches the user is a bug (exit 70) or Ctrl-C (exit 130).
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit codes of the command line, a contract."""

    DONE = 0
    NOTHING_MATCHED = 1
    USAGE = 2
    UNFINISHED = 3
    LOGIN = 4
    SOURCE = 5
    VERIFICATION = 6
    REFUSED = 7
    CATALOGUE = 8
    BUG = 70
    STOPPED = 130

    @property
    def meaning(self) -> str:
        """What it says, as README and the reference show it."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.NOTHING_MATCHED: "nothing matched",
    ExitCode.USAGE: "the call cannot be understood",
    ExitCode.UNFINISHED: "partly done: run again to go on",
    ExitCode.LOGIN: "the server does not know you, or you do not know the server",
    ExitCode.SOURCE: "missing or incomplete at the source",
    ExitCode.VERIFICATION: "verification failed",
    ExitCode.REFUSED: "refused: the numbers would be wrong",
    ExitCode.CATALOGUE: "the catalogue needs attention: `danmax-sync db check`",
    ExitCode.BUG: "a bug; a report file is written",
    ExitCode.STOPPED: "stopped",
}


class DanmaxSyncError(Exception):
    """Base of all errors a user can act on.

    Parameters
    ----------
    message : str
        What happened, to which file or name, expected and got.
    hint : str, optional
        What to do next; where possible the command to type.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NothingMatchedError(DanmaxSyncError):
    """The query, folder or scan reference holds nothing."""

    exit_code = ExitCode.NOTHING_MATCHED


class EmptyCatalogueError(NothingMatchedError):
    """Nothing was indexed yet."""


class UsageError(DanmaxSyncError):
    """A name, path or option of the call cannot be used as given."""

    exit_code = ExitCode.USAGE


class UnsafePathError(UsageError):
    """A path from a file or a server that could leave its folder."""


class UnfinishedError(DanmaxSyncError):
    """Some of the work is done and kept; running again goes on from there."""

    exit_code = ExitCode.UNFINISHED


class LoginError(DanmaxSyncError):
    """The server does not accept us, or we do not recognise the server."""

    exit_code = ExitCode.LOGIN


class SourceError(DanmaxSyncError):
    """A folder, file or set is missing, incomplete or unreadable where it should come from."""

    exit_code = ExitCode.SOURCE


class ConnectionLostError(SourceError):
    """The line to the source broke; what arrived is kept."""

    exit_code = ExitCode.UNFINISHED


class VerificationError(DanmaxSyncError):
    """A file on disk is not what its set or its source says it should be."""

    exit_code = ExitCode.VERIFICATION


class RefusalError(DanmaxSyncError):
    """The computation would give wrong numbers, so there are none."""

    exit_code = ExitCode.REFUSED


class CatalogueError(DanmaxSyncError):
    """The catalogue cannot be used as it is."""

    exit_code = ExitCode.CATALOGUE
