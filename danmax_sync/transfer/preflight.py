"""Look at the destination before a byte moves: room, lengths of paths, characters, sizes of files."""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from danmax_sync.errors import ExitCode, UnfinishedError
from danmax_sync.events import Listener, ignore, warning
from danmax_sync.transfer.arrival import writing
from danmax_sync.transfer.disks import behind_dead_links, by_disk
from danmax_sync.transfer.nameable import NameLimits
from danmax_sync.transfer.plan import PlannedFile, TransferPlan
from danmax_sync.visits import TreePath

SPARE_BYTES = 64 << 20
"""Left free on the disk: the catalogue and the patterns want to be written too."""
_LARGE = 4 << 30
"""What FAT cannot hold in one file."""
_DOUBTFUL = re.compile(r'[<>:"|?*]')
_ANOTHER = "name another folder with --to DIR"


def check_destination(plan: TransferPlan, *, already_here: int, tell: Listener = ignore) -> TransferPlan:
    """Return a plan without what its destination, which must be there, cannot hold.

    A name or size that the disk does not take is the trouble of one set, which gets an obstacle; the others come.

    Parameters
    ----------
    plan : TransferPlan
        What is to be fetched.
    already_here : int
        Bytes of parts of an earlier run.
    tell : Listener
        Hears a ``warning`` for each file of the calibration that is left out.

    Raises
    ------
    UnfinishedError
        If there is no room for the rest, or the destination cannot be written to: what, how much, and what to do.
    """
    plan = _without(plan, _unfit_names(plan.destination, plan.to_fetch), tell)
    plan = _without(plan, behind_dead_links(plan.destination, plan.to_fetch), tell)
    for unfit in (_unfit_characters, _unfit_twins):
        for folder, files in by_disk(plan.destination, plan.to_fetch).items():
            plan = _without(plan, unfit(folder, files), tell)
    disks = by_disk(plan.destination, plan.to_fetch)
    _check_room(disks, already_here)
    for folder, files in disks.items():
        plan = _without(plan, _too_large(folder, files), tell)
    return plan


def _without(plan: TransferPlan, unfit: Mapping[TreePath, str], tell: Listener) -> TransferPlan:
    """Leave out what holds one of some files; `unfit` says why it cannot be stored."""
    if not unfit:
        return plan
    sets = []
    for each in plan.sets:
        why = "" if each.obstacle else next((unfit[file.path] for file in each.to_fetch if file.path in unfit), "")
        sets.append(replace(each, obstacle=why, obstacle_code=ExitCode.UNFINISHED) if why else each)
    for file in plan.calibration:
        if file.path in unfit:
            warning(tell, unfit[file.path], path=str(file.path), hint=_ANOTHER)
    calibration = tuple(file for file in plan.calibration if file.path not in unfit)
    return replace(plan, sets=tuple(sets), calibration=calibration)


def _check_room(disks: Mapping[Path, Sequence[PlannedFile]], already_here: int) -> None:
    sizes = {folder: sum(file.size for file in files) for folder, files in disks.items()}
    for folder, size in sizes.items():
        # Parts of earlier runs are of large files, which are in one place, if anywhere.
        here = already_here if size == max(sizes.values()) else 0
        free, needed = shutil.disk_usage(folder).free, size - here
        if needed > 0 and needed + SPARE_BYTES > free:
            raise UnfinishedError(
                f"{folder} has {free / 1e6:,.1f} MB free, the plan needs {needed / 1e6:,.1f} MB",
                hint="make space or name another disk with --to DIR; a narrower query or --max-total needs less",
            )


def _unfit_names(destination: Path, wanted: Sequence[PlannedFile]) -> dict[TreePath, str]:
    limits = NameLimits.of(destination)
    problems = ((file.path, limits.problem(file.path)) for file in wanted)
    return {path: problem for path, problem in problems if problem}


def _unfit_characters(destination: Path, wanted: Sequence[PlannedFile]) -> dict[TreePath, str]:
    """Try what a USB disk formatted for Windows would refuse in the middle of a transfer."""
    if os.name == "nt":
        return {}
    taken: dict[str, bool] = {}
    unfit = {}
    for file in wanted:
        doubtful = "".join(sorted(set(_DOUBTFUL.findall(str(file.path)))))
        if doubtful and doubtful not in taken:
            taken[doubtful] = _takes_name(destination / f".danmax-sync-{doubtful}")
        if doubtful and not taken[doubtful]:
            # The same words for every file, so that many sets are one thing to say.
            unfit[file.path] = f"{destination} is on a disk that does not allow {' '.join(doubtful)} in names"
    return unfit


def _takes_name(probe: Path) -> bool:
    try:
        probe.touch()
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return True


def _unfit_twins(destination: Path, wanted: Sequence[PlannedFile]) -> dict[TreePath, str]:
    """Find the second of two paths that differ only in case, where that is the same file."""
    seen: dict[str, PlannedFile] = {}
    unfit: dict[TreePath, str] = {}
    for file in wanted:
        other = seen.setdefault(str(file.path).casefold(), file)
        if other.path != file.path and (unfit or _ignores_case(destination)):
            unfit[file.path] = (
                f"{other.path} and {file.path} would be the same file in {destination}: it does not tell a from A"
            )
    return unfit


def _ignores_case(destination: Path) -> bool:
    probe = destination / ".danmax-sync-Case"
    try:
        with writing(probe):
            probe.touch()
            return destination.joinpath(probe.name.lower()).exists()
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _too_large(destination: Path, wanted: Sequence[PlannedFile]) -> dict[TreePath, str]:
    """Try files of their length, without content: FAT refuses at once."""
    unfit = {}
    for file in sorted(wanted, key=lambda file: file.size, reverse=True):
        refused = _refusal(destination / ".danmax-sync-large", file.size) if file.size >= _LARGE else ""
        if not refused:
            break
        unfit[file.path] = (
            f"{file.path} holds {file.size / 1e9:,.1f} GB, and {destination} takes no file as large as that: "
            f"{refused}; FAT holds 4 GB a file, a limit may be set (ulimit -f)"
        )
    return unfit


def _refusal(probe: Path, size: int) -> str:
    try:
        with probe.open("wb") as file:
            file.truncate(size)
    except OSError as problem:
        return problem.strerror or str(problem)
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return ""
