"""What a place to fetch from can do, whatever stands behind it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, Self

from danmax_sync.errors import SourceError
from danmax_sync.visits import ROOT, TreePath, below_process

Advance = Callable[[int], None]
Complain = Callable[[str, str], None]
"""Told a path (or what is printable of it) and why it was passed over."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A regular file as it is now. SFTP knows whole seconds only, and neither change time nor inode."""

    path: TreePath
    size: int
    mtime_ns: int
    ctime_ns: int | None = field(default=None, compare=False)
    inode: str | None = field(default=None, compare=False)

    def same_version(self, other: "FileInfo") -> bool:
        """Say whether nothing was written between two looks; half-known times count as whole seconds."""
        return self.size == other.size and abs(self.mtime_ns - other.mtime_ns) < 1_000_000_000


class SourceChangedError(SourceError):
    """A file was written to while it was read."""


class Source(Protocol):
    """A place scans can be got from.

    Errors of a single file are `SourceError`; a broken line is `ConnectionLostError` and ends the work.
    """

    name: str
    uri: str
    base: str
    """The root's own absolute path there."""
    local: bool
    """Whether files can be read where they are, without fetching."""

    def walk(self, complain: Complain, below: TreePath = ROOT) -> Iterator[FileInfo]:
        """Yield the regular files below a folder; names that cannot be used are told to `complain`."""
        ...

    def files_in(self, folder: TreePath) -> list[FileInfo]:
        """List the regular files of one folder, in one go; empty where there is no such folder."""
        ...

    def stat(self, path: TreePath) -> FileInfo | None:
        """Look at one file; None when it is not there."""
        ...

    def fetch(self, path: TreePath, sink: BinaryIO, advance: Advance) -> FileInfo:
        """Write a whole file into `sink` and return the version that was read.

        Raises
        ------
        SourceError
            If it is missing or may not be read.
        SourceChangedError
            If it grew, shrank or was replaced meanwhile.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def stat_all(source: Source, paths: Sequence[TreePath]) -> list[FileInfo | None]:
    """Look at many files, in one go where the source can do that; None for those that are not there."""
    all_at_once = getattr(source, "stat_all", None)
    return list(all_at_once(paths)) if all_at_once is not None else [source.stat(path) for path in paths]


def is_worth_walking(folder: TreePath) -> bool:
    """Say whether a folder may hold scans or integrated patterns: hidden ones do not, nor most of ``process``."""
    return not folder.name.startswith(".") and (below_process(folder) or ("azint",))[0] == "azint"


def check_unchanged(before: FileInfo, after: FileInfo | None, received: int, where: str) -> None:
    """Check that one version of a file was read, whole.

    Raises
    ------
    SourceChangedError
        If not.
    """
    if after is None:
        raise SourceChangedError(f"{where} vanished while it was read", hint="run again later")
    if received == before.size == after.size and not before.same_version(after):
        raise SourceChangedError(f"{where} was written to while it was read", hint="run again when the scan has ended")
    if received != before.size or after.size != before.size:
        raise SourceChangedError(
            f"{where} is still being written: {before.size} bytes announced, {received} read, {after.size} there now",
            hint="run again when the scan has ended",
        )


def shown_name(folder: TreePath, name: str) -> str:
    """Return what is printable of a name that cannot be used, with the folder it is in."""
    return "/".join((*folder.parts, ascii(name)[1:-1] or "''"))
