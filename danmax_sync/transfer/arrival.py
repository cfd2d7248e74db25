"""Bring one file in: a part file beside its place, then the place, and never over something else.

::

    source ──fetch──▶ .scan-0042_pilatus.h5.danmax-part ──checked, fsynced, renamed──▶ scan-0042_pilatus.h5
"""

import contextlib
import errno
import filecmp
import os
from pathlib import Path

from danmax_sync.errors import UnfinishedError, VerificationError
from danmax_sync.sources.base import Advance, FileInfo, Source
from danmax_sync.transfer.plan import PlannedFile

PART_SUFFIX = ".danmax-part"


def part_of(final: Path) -> Path:
    """Return the part file of a place: hidden, in the same folder, so that the rename cannot cross file systems."""
    return final.with_name(f".{final.name}{PART_SUFFIX}")


def fetch_part(source: Source, file: PlannedFile, destination: Path, advance: Advance) -> Path:
    """Fetch a file into its part file and put it safely on disk.

    Returns
    -------
    Path
        The part file: whole, with the source's modification time, synced.

    Raises
    ------
    SourceError
        If the source lacks it, or it is not the version that was planned, or it changes while it is read.
    UnfinishedError
        If the disk is full or cannot be written to.
    """
    final = file.path.below(destination)
    part = part_of(final)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as sink:
            version = source.fetch(file.path, sink, advance)
            sink.flush()
            os.fsync(sink.fileno())
    except OSError as problem:
        with contextlib.suppress(OSError):
            part.unlink()
        raise _explained(problem, final) from problem
    _check_version(file, version, part)
    os.utime(part, ns=(version.mtime_ns, version.mtime_ns))
    return part


def _check_version(file: PlannedFile, version: FileInfo, part: Path) -> None:
    planned = FileInfo(file.path, file.size, file.mtime_ns)
    if not planned.same_version(version):
        raise VerificationError(
            f"{file.path} changed at the source: {file.size} bytes planned, {version.size} bytes read",
            hint="run again: it is planned anew",
        )
    size = part.stat().st_size
    if size != version.size:
        raise VerificationError(f"{part} holds {size} bytes, the source sent {version.size}", hint="check the disk")


def publish(part: Path, final: Path) -> None:
    """Give a part file its name. What already stands there is kept.

    Raises
    ------
    VerificationError
        If another file stands there.
    """
    if final.exists():
        if not filecmp.cmp(part, final, shallow=False):
            raise VerificationError(
                f"{final} is in the way: it is not the file of the source, and it is not overwritten",
                hint=f"move it away and run again, or look at what came: {part}",
            )
        times = part.stat()
        os.utime(final, ns=(times.st_atime_ns, times.st_mtime_ns))
        part.unlink()
        return
    try:
        # A hard link fails where something stands, a rename would replace it.
        os.link(part, final)
        part.unlink()
    except FileExistsError:
        publish(part, final)
        return
    except OSError:
        # No hard links on FAT, exFAT and some shares; there a rename is the closest thing.
        part.rename(final)
    sync_folder(final.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where folders can be synced (not on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(problem: OSError, final: Path) -> UnfinishedError:
    if problem.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return UnfinishedError(f"no space left for {final}", hint="make space, then run again to go on")
    return UnfinishedError(
        f"{final} cannot be written: {problem.strerror or problem}", hint="mend that, then run again"
    )
