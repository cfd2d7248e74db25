"""A folder as a source: a visit at home, a USB disk, a mounted share."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Self

from danmax_sync.errors import SourceError, UnsafePathError, UsageError
from danmax_sync.sources.base import Advance, Complain, FileInfo, check_unchanged, is_worth_walking, shown_name
from danmax_sync.sources.folder_lane import FolderLane
from danmax_sync.sources.visitmark import VisitName, marked_visit
from danmax_sync.visits import ROOT, ScanPlace, TreePath, place

_BLOCK = 1 << 20
_LINKED = {"raw", "process"}


def whole_path(folder: Path) -> Path:
    """Return a folder's absolute path without ``..``, so that one folder has one name."""
    path = folder.expanduser().absolute()
    return path.resolve() if ".." in path.parts else path


class FolderSource:
    """A local folder.

    Parameters
    ----------
    folder : Path
        The root; must be a folder.
    name : str, optional
        How it is shown; by default its path.
    all_links : bool
        Whether every linked folder is entered. Otherwise only ``raw`` and ``process`` of a visit are, which people put
        on a larger disk: behind any other link may be somebody else's visit.

    Raises
    ------
    UsageError
        If it is not a folder.
    """

    local = True

    def __init__(self, folder: Path, *, name: str | None = None, all_links: bool = False) -> None:
        self._all_links = all_links
        self.folder = whole_path(folder)
        if not self.folder.is_dir():
            if self.folder.exists():
                raise UsageError(f"{folder} is not a folder", hint="name the folder that the file is in")
            raise UsageError(
                f"the folder {folder} does not exist",
                hint="check the spelling, or name a remote: danmax-sync remote list",
            )
        self.name = name or str(self.folder)
        self.uri = self.folder.as_uri()
        self.base = self.folder.as_posix()
        self._marked: dict[TreePath, VisitName | None] = {}

    def place(self, path: TreePath) -> ScanPlace:
        """Return a master's place; where folders do not tell its visit, the mark in the visit's folder may."""
        found = place(path, root=self.base)
        if found.visit:
            return found
        if found.visit_root not in self._marked:
            self._marked[found.visit_root] = marked_visit(found.visit_root.below(self.folder))
        name = self._marked[found.visit_root]
        return replace(found, proposal=name.proposal or None, visit=name.visit) if name and name.visit else found

    def walk(self, complain: Complain, below: TreePath = ROOT) -> Iterator[FileInfo]:
        """Yield the regular files below a folder; most links to folders are named and not entered."""
        return self._walk(complain, below, (Path(os.path.realpath(below.below(self.folder))),))

    def _walk(self, complain: Complain, below: TreePath, entered: tuple[Path, ...]) -> Iterator[FileInfo]:
        """Walk a folder; `entered` is where the way to it really led, from link to link."""
        try:
            entries = sorted(os.scandir(below.below(self.folder)), key=lambda entry: entry.name)
        except OSError as problem:
            complain(str(below) or ".", f"the folder cannot be listed: {problem.strerror}")
            return
        for entry in entries:
            try:
                path = below / entry.name
                info = entry.stat()
            except UnsafePathError as unsafe:
                complain(shown_name(below, entry.name), unsafe.message)
                continue
            except OSError as problem:
                complain(str(below / entry.name), f"cannot be looked at: {problem.strerror}")
                continue
            if stat.S_ISDIR(info.st_mode):
                leads_to = Path(os.path.realpath(entry.path)) if entry.is_symlink() else None
                why_not = "" if leads_to is None else self._why_not(path, leads_to, entered)
                if why_not:
                    complain(str(path), why_not)
                elif is_worth_walking(path):
                    yield from self._walk(complain, path, entered if leads_to is None else (*entered, leads_to))
            elif stat.S_ISREG(info.st_mode):
                yield _seen(path, info)

    def _why_not(self, path: TreePath, leads_to: Path, entered: tuple[Path, ...]) -> str:
        """Say why a linked folder is not entered; empty where it is."""
        if any(place.is_relative_to(leads_to) for place in entered):
            return "is a link to a folder that it is in, and is not followed"
        above = {*self.folder.parts, *path.parts[:-1]}
        is_of_visit = path.name in _LINKED and above.isdisjoint(_LINKED)
        return "" if self._all_links or is_of_visit else "is a link to a folder, and is not followed"

    def files_in(self, folder: TreePath) -> list[FileInfo]:
        """List the regular files of one folder; empty where there is no such folder."""
        try:
            entries = list(os.scandir(folder.below(self.folder)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as problem:
            raise SourceError(f"{folder.below(self.folder)} cannot be listed: {problem.strerror}") from problem
        infos = []
        for entry in entries:
            # What cannot be looked at is not there for anyone.
            with suppress(UnsafePathError, OSError):
                info = entry.stat()
                if stat.S_ISREG(info.st_mode):
                    infos.append(_seen(folder / entry.name, info))
        return infos

    def stat(self, path: TreePath) -> FileInfo | None:
        """Look at one file; None when it is not there."""
        try:
            info = path.below(self.folder).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            raise SourceError(f"{path.below(self.folder)} cannot be looked at: {problem.strerror}") from problem
        return _seen(path, info) if stat.S_ISREG(info.st_mode) else None

    def fetch(self, path: TreePath, sink: BinaryIO, advance: Advance) -> FileInfo:
        """Copy a whole file into `sink`; see `Source.fetch`."""
        before = self.stat(path)
        where = path.below(self.folder)
        if before is None:
            raise SourceError(f"{where} is not there")
        received = 0
        for block in _blocks(where):
            sink.write(block)
            received += len(block)
            advance(len(block))
        check_unchanged(before, self.stat(path), received, str(where))
        return before

    def open_lane(self) -> FolderLane:
        """Open a lane to read spans of files over."""
        return FolderLane(self.folder)

    @property
    def most_lanes(self) -> int:
        """One at a time: most disks are slower at two things at once."""
        return 1

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _seen(path: TreePath, info: os.stat_result) -> FileInfo:
    # A listing on Windows knows no inode.
    inode = str(info.st_ino) if info.st_ino else None
    return FileInfo(path, info.st_size, info.st_mtime_ns, info.st_ctime_ns, inode)


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes; what goes wrong while they are used elsewhere is not the file's fault."""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as problem:
        raise SourceError(f"{path} cannot be read: {problem.strerror}") from problem
