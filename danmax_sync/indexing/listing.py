"""What a source holds now, against what the catalogue remembers."""

import time
from dataclasses import dataclass, field

from danmax_sync.catalogue.values import KnownFile, Root
from danmax_sync.catalogue.writer import Writer
from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, progress, warning
from danmax_sync.scanfile.record import EXTRACTOR_VERSION
from danmax_sync.sources.base import FileInfo, Source
from danmax_sync.visits import ROOT, FileKind, TreePath, kind_of

PROVISIONAL_SECONDS = 10
"""A file this young may change again without its time changing: it is looked at again next time."""
LARGEST_CANDIDATE = 64 << 20
"""Bytes. A larger file whose name is not a master's does not travel to see whether it is one."""
LISTING_STAGE = "list"


@dataclass(slots=True)
class Listing:
    """The files of a source that matter.

    Attributes
    ----------
    masters : list of FileInfo
        Masters by name, and small enough ``.h5`` files of other names, which may be masters.
    others : list of FileInfo
        Detector files.
    problems : dict
        What could not be listed, and why.
    """

    masters: list[FileInfo] = field(default_factory=list)
    others: list[FileInfo] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def list_source(source: Source, below: TreePath, tell: Listener) -> Listing:
    """Walk a source."""
    listing = Listing()

    def complain(path: str, message: str) -> None:
        listing.problems[path] = message
        warning(tell, message, path=path)

    for count, info in enumerate(source.walk(complain, below), start=1):
        sort_in(listing, info)
        if count % 100 == 0:
            progress(tell, "list", count, 0, unit="files", item=str(info.path.parent))
    return listing


def sort_in(listing: Listing, info: FileInfo) -> None:
    """Put a file where it belongs."""
    kind = kind_of(info.path.name)
    if kind is FileKind.MASTER or (kind is FileKind.CANDIDATE and info.size <= LARGEST_CANDIDATE):
        listing.masters.append(info)
    elif kind is not FileKind.OTHER:
        listing.others.append(info)


def save_listing(
    writer: Writer, at: Root, listing: Listing, known: dict[str, KnownFile], *, below: TreePath | None
) -> None:
    """Remember detector files, and, where the listing was of a whole folder `below` the root, what is gone from it."""
    for info in listing.others:
        if differs(info, known.get(str(info.path))):
            save_file(writer, at, info, "data")
    if below is None:
        return
    writer.clear_problems(at, LISTING_STAGE, below)
    for path, message in listing.problems.items():
        writer.set_problem(at, path, LISTING_STAGE, message)
    seen = {str(info.path) for info in (*listing.masters, *listing.others)}
    unlisted = [folder for folder in map(_folder, listing.problems) if folder is not None]
    writer.mark_missing(at, [path for path in known if path not in seen and not _is_hidden(path, unlisted)])


def differs(info: FileInfo, known: KnownFile | None) -> bool:
    """Say whether a file has to be looked at again."""
    return known is None or known.provisional or has_changed(info, known)


def has_changed(info: FileInfo, known: KnownFile) -> bool:
    """Say whether a file is seen to be another than it was."""
    return known.state != "present" or (known.size, known.mtime_ns) != (info.size, info.mtime_ns)


def needs_reading(info: FileInfo, known: KnownFile | None) -> bool:
    """Say whether a master has to be read: it differs, or an older reader read it."""
    return differs(info, known) or known is None or known.extractor < EXTRACTOR_VERSION


def save_file(writer: Writer, at: Root, info: FileInfo, kind: str) -> int:
    """Remember a file; return its row's id."""
    provisional = info.mtime_ns >= (time.time() - PROVISIONAL_SECONDS) * 1e9
    return writer.save_file(at, info.path, kind=kind, size=info.size, mtime_ns=info.mtime_ns, provisional=provisional)


def _folder(path: str) -> TreePath | None:
    try:
        return ROOT if path == "." else TreePath.parse(path)
    except UsageError:
        return None


def _is_hidden(path: str, unlisted: list[TreePath]) -> bool:
    """Say whether a file stands below a folder that could not be listed: then it is unseen, not gone."""
    return any(TreePath.parse(path).is_below(folder) for folder in unlisted)
