"""Give a file its name: a part file beside its place, then the place, and never over something else.

::

    source ──move──▶ .scan-0042_pilatus.h5.danmax-part ──checked, synced, renamed──▶ scan-0042_pilatus.h5
"""

import contextlib
import errno
import filecmp
import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from danmax_sync.errors import UnfinishedError, VerificationError

PART_SUFFIX = ".danmax-part"
IN_THE_WAY = " is in the way: "
"""Behind the path of what is, in messages that `status` reads again."""
_PART_NAME = re.compile(rf"\.([^/\\]+?){re.escape(PART_SUFFIX)}")


class DiskFullError(UnfinishedError):
    """Nothing more fits on the disk, so the rest need not be tried."""


class InTheWayError(VerificationError):
    """Another file stands where one should go.

    Attributes
    ----------
    place : Path or None
        Where, if that is on this disk and the two were compared.
    """

    place: Path | None = None


def in_the_way(final: Path) -> str:
    """Say that what stands at a place is another file."""
    return f"{final}{IN_THE_WAY}it is not the file of the source, and it is not overwritten"


def part_of(final: Path) -> Path:
    """Return the part file of a place: hidden, in the same folder, so that the rename cannot cross file systems."""
    return final.with_name(f".{final.name}{PART_SUFFIX}")


def with_final_names(message: str) -> str:
    """Name files as they will be called, in a message about their part files."""
    return _PART_NAME.sub(r"\1", message)


def publish(part: Path, final: Path) -> None:
    """Give a part file its name. What already stands there is kept; the folder is not synced (`sync_folder`).

    Raises
    ------
    InTheWayError
        If another file stands there.
    UnfinishedError
        If the disk cannot be written to.
    """
    with writing(final):
        # A link that leads nowhere does not exist, and yet its name is taken.
        if os.path.lexists(final) or not _renamed(part, final):
            _adopt(part, final)


def _renamed(part: Path, final: Path) -> bool:
    """Rename without replacing; False where something stands there by now."""
    try:
        # A hard link fails where something stands, a rename would replace it.
        os.link(part, final)
    except FileExistsError:
        return False
    except OSError:
        # No hard links on FAT, exFAT and some shares; there a rename is the closest thing.
        part.rename(final)
    else:
        part.unlink()
    return True


def _adopt(part: Path, final: Path) -> None:
    """Take what stands there for the file, if it is: another tool may have copied it and kept no times."""
    if not (final.is_file() and filecmp.cmp(part, final, shallow=False)):
        problem = InTheWayError(in_the_way(final), hint="move it away and run again")
        problem.place = final
        raise problem
    times = part.stat()
    # Not ours to touch, perhaps; then it is compared again next time.
    with contextlib.suppress(PermissionError):
        os.utime(final, ns=(times.st_atime_ns, times.st_mtime_ns))
    part.unlink()


def discard(part: Path) -> None:
    """Remove a part file, where that can be done."""
    with contextlib.suppress(OSError):
        part.unlink()


def sweep(folders: Iterable[Path], *, known: Collection[Path] = ()) -> None:
    """Remove the part files that a kill has left behind, apart from known ones; the destination's lock must be held."""
    for folder in folders:
        # One whose name is too long for this disk is none.
        with contextlib.suppress(OSError):
            for part in folder.glob(f".*{PART_SUFFIX}"):
                if part not in known:
                    discard(part)


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


@contextlib.contextmanager
def writing(final: Path) -> Iterator[None]:
    """Say in a user's words what the disk has against a file.

    Raises
    ------
    DiskFullError, UnfinishedError
        Instead of any OSError.
    """
    try:
        yield
    except OSError as problem:
        raise _explained(problem, final) from problem


def _explained(problem: OSError, final: Path) -> UnfinishedError:
    if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFullError(f"no space left for {final}", hint="make space, then run again to go on")
    if problem.errno == errno.EFBIG:
        return UnfinishedError(
            f"{final} is larger than files may be there",
            hint="FAT holds 4 GB a file: name another disk with --to DIR; or lift the limit (ulimit -f)",
        )
    return UnfinishedError(
        f"{final} cannot be written: {problem.strerror or problem}", hint="mend that, then run again"
    )
