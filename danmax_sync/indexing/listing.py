"""What a source holds now, against what the catalogue remembers."""

import time
from dataclasses import dataclass, field

from danmax_sync.catalogue.facts import PATTERNS
from danmax_sync.catalogue.rows import SeenFile
from danmax_sync.catalogue.values import KnownFile, Root
from danmax_sync.catalogue.writer import Writer
from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, progress, warning
from danmax_sync.sources.base import FileInfo, Source
from danmax_sync.visits import ROOT, FileKind, TreePath, below_process, is_integrated, kind_of

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
    patterns : list of FileInfo
        Files of integrated patterns.
    problems : dict
        What could not be listed, and why.
    """

    masters: list[FileInfo] = field(default_factory=list)
    others: list[FileInfo] = field(default_factory=list)
    patterns: list[FileInfo] = field(default_factory=list)
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
    if below_process(info.path) is not None:
        if is_integrated(info.path):
            listing.patterns.append(info)
    elif kind is FileKind.MASTER or (kind is FileKind.CANDIDATE and info.size <= LARGEST_CANDIDATE):
        listing.masters.append(info)
    elif kind is not FileKind.OTHER:
        listing.others.append(info)


def save_listing(
    writer: Writer, at: Root, listing: Listing, known: dict[str, KnownFile], *, below: TreePath | None
) -> bool:
    """Remember detector files, and, where the listing was of a whole folder `below` the root, what is gone from it.

    Returns
    -------
    bool
        Whether anything differs from what was known, masters that are still to be read apart.
    """
    differing = [(info, "data") for info in listing.others if differs(info, known.get(str(info.path)))]
    differing += [(info, PATTERNS) for info in listing.patterns if differs(info, known.get(str(info.path)))]
    if differing:
        writer.save_files(at, [seen_file(info, kind) for info, kind in differing])
    if below is None:
        return bool(differing)
    writer.clear_problems(at, LISTING_STAGE, below)
    for path, message in listing.problems.items():
        writer.set_problem(at, path, LISTING_STAGE, message)
    seen = {str(info.path) for info in (*listing.masters, *listing.others, *listing.patterns)}
    unlisted = [folder for folder in map(_folder, listing.problems) if folder is not None]
    gone = [
        path
        for path, was in known.items()
        if path not in seen and was.state == "present" and not _is_hidden(path, unlisted)
    ]
    writer.mark_missing(at, gone)
    return bool(differing or gone)


def differs(info: FileInfo, known: KnownFile | None) -> bool:
    """Say whether a file has to be looked at again."""
    return known is None or bool(known.provisional) or has_changed(info, known)


def has_changed(info: FileInfo, known: KnownFile) -> bool:
    """Say whether a file is seen to be another than it was."""
    if known.state != "present" or (known.size, known.mtime_ns) != (info.size, info.mtime_ns):
        return True
    # A copy that keeps size and time still is another file, where the file system tells.
    return any(
        None not in pair and pair[0] != pair[1] for pair in ((known.ctime_ns, info.ctime_ns), (known.inode, info.inode))
    )


def needs_reading(info: FileInfo, known: KnownFile | None, extractor: int) -> bool:
    """Say whether a master has to be read: it differs, or an older reader read it, or one with other preferences."""
    return differs(info, known) or known is None or known.extractor != extractor


def seen_file(info: FileInfo, kind: str) -> SeenFile:
    """Return a file as the catalogue remembers it."""
    provisional = info.mtime_ns >= (time.time() - PROVISIONAL_SECONDS) * 1e9
    return SeenFile(info.path, kind, info.size, info.mtime_ns, info.ctime_ns, info.inode, provisional)


def _folder(path: str) -> TreePath | None:
    try:
        return ROOT if path == "." else TreePath.parse(path)
    except UsageError:
        return None


def _is_hidden(path: str, unlisted: list[TreePath]) -> bool:
    """Say whether a file stands below a folder that could not be listed: then it is unseen, not gone."""
    return any(TreePath.parse(path).is_below(folder) for folder in unlisted)
