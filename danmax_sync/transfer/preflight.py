"""Look at the destination before a byte moves: room, lengths of paths, characters, sizes of files."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from danmax_sync.errors import UnfinishedError
from danmax_sync.transfer.arrival import part_of, writing
from danmax_sync.transfer.plan import PlannedFile, TransferPlan

SPARE_BYTES = 64 << 20
"""Left free on the disk: the catalogue and the patterns want to be written too."""
_LARGE = 4 << 30
"""What FAT cannot hold in one file."""
_USUAL_NAME = 255
_WINDOWS_PATH = 260
_DOUBTFUL = re.compile(r'[<>:"|?*]')
_ANOTHER = "name another folder with --to DIR"


def check_destination(plan: TransferPlan, *, already_here: int) -> None:
    """Check that a plan can be carried out in its destination, which must be there.

    Parameters
    ----------
    plan : TransferPlan
        What is to be fetched.
    already_here : int
        Bytes of parts of an earlier run.

    Raises
    ------
    UnfinishedError
        If it cannot: what, how much, and what to do.
    """
    wanted = plan.to_fetch
    if not wanted:
        return
    _check_room(plan, already_here)
    _check_names(plan.destination, wanted)
    _check_case(plan.destination, wanted)
    largest = max(wanted, key=lambda file: file.size)
    if largest.size >= _LARGE:
        _check_large(plan.destination, largest)


def _check_room(plan: TransferPlan, already_here: int) -> None:
    free, needed = shutil.disk_usage(plan.destination).free, plan.bytes_to_fetch - already_here
    if needed > 0 and needed + SPARE_BYTES > free:
        raise UnfinishedError(
            f"{plan.destination} has {free / 1e6:,.1f} MB free, the plan needs {needed / 1e6:,.1f} MB",
            hint="make space or name another disk with --to DIR; a narrower query or --max-total needs less",
        )


def _check_names(destination: Path, wanted: Iterable[PlannedFile]) -> None:
    longest_name = _limit(destination, "PC_NAME_MAX", _USUAL_NAME)
    longest_path = _WINDOWS_PATH - 1 if os.name == "nt" else _limit(destination, "PC_PATH_MAX", 4096)
    doubtful = ""
    for file in wanted:
        final = file.path.below(destination)
        part = part_of(final)
        if (length := len(os.fsencode(part.name))) > longest_name:
            raise UnfinishedError(
                f"{final} is too long a name here: {length} bytes with its part file's ending, "
                f"{longest_name} are possible",
                hint="leave its scan out of the query, or name a folder on another disk: --to DIR",
            )
        if (length := len(os.fsencode(part))) > longest_path:
            raise UnfinishedError(
                f"{final} is too long a path here: {length} bytes with its part file's ending, "
                f"{longest_path} are possible",
                hint="name a folder with a shorter path: --to DIR",
            )
        if os.name == "nt" and (problem := file.path.windows_problem()):
            raise UnfinishedError(f"{file.path} cannot be stored here: {problem}", hint="fetch it on another system")
        if not doubtful and _DOUBTFUL.search(str(file.path)):
            doubtful = str(file.path)
    if doubtful and os.name != "nt":
        _try_characters(destination, doubtful)


def _try_characters(destination: Path, path: str) -> None:
    """Try what a USB disk formatted for Windows would refuse in the middle of a transfer."""
    probe = destination / f".danmax-sync-{''.join(sorted(set(_DOUBTFUL.findall(path))))}"
    try:
        probe.touch()
    except OSError:
        raise UnfinishedError(
            f"{destination} takes no file called {path!r}: its file system does not allow such characters",
            hint=f"{_ANOTHER}, on a disk that is not formatted for Windows",
        ) from None
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _check_case(destination: Path, wanted: Iterable[PlannedFile]) -> None:
    """Refuse two paths that differ only in case where that is the same file."""
    seen: dict[str, PlannedFile] = {}
    for file in wanted:
        other = seen.setdefault(str(file.path).casefold(), file)
        if other.path != file.path and _ignores_case(destination):
            raise UnfinishedError(
                f"{other.path} and {file.path} would be the same file in {destination}: it does not tell a from A",
                hint=f"{_ANOTHER}, on a disk that does, or fetch the two apart",
            )


def _ignores_case(destination: Path) -> bool:
    probe = destination / ".danmax-sync-Case"
    try:
        with writing(probe):
            probe.touch()
            return destination.joinpath(probe.name.lower()).exists()
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _check_large(destination: Path, largest: PlannedFile) -> None:
    """Try a file of that length, without content: FAT refuses at once."""
    probe = destination / ".danmax-sync-large"
    try:
        with probe.open("wb") as file:
            file.truncate(largest.size)
    except OSError as problem:
        raise UnfinishedError(
            f"{largest.path} holds {largest.size / 1e9:,.1f} GB, and {destination} takes no file as large as that: "
            f"{problem.strerror}",
            hint=f"{_ANOTHER}: FAT holds 4 GB a file, exFAT and others more; or lift the limit (ulimit -f)",
        ) from None
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _limit(folder: Path, name: str, usual: int) -> int:
    if not hasattr(os, "pathconf"):
        return usual
    try:
        limit = os.pathconf(folder, name)
    except (OSError, ValueError):
        return usual
    return limit if limit > 0 else usual
