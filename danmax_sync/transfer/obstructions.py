"""Files of one's own where a source's should go: only their bytes tell, which costs fetching, but only once.

::

    same size, another time ──fetched, compared──▶ the source's: adopted
                                   └── another file: in the way, noted ──▶ the next run says so before a byte moves
"""

from dataclasses import replace
from pathlib import Path

from danmax_sync.errors import ExitCode
from danmax_sync.transfer.arrival import in_the_way
from danmax_sync.transfer.journal import Journal, Obstruction
from danmax_sync.transfer.plan import FileState, PlannedFile, ScanSet, TransferPlan


def without_obstructed(plan: TransferPlan, journal: Journal) -> TransferPlan:
    """Return a plan without the files that an earlier run found in the way of: neither they nor the source changed.

    Parameters
    ----------
    plan : TransferPlan
        What is to be fetched.
    journal : Journal
        Knows what was compared.
    """
    known = journal.obstructions(plan.destination)
    if not known:
        return plan

    def is_obstructed(file: PlannedFile) -> bool:
        noted = known.get(str(file.path))
        return noted is not None and file.state is FileState.FETCH and noted == obstruction(file, plan)

    def judged(each: ScanSet) -> ScanSet:
        obstructed = [] if each.obstacle else [file for file in each.files if is_obstructed(file)]
        if not obstructed:
            return each
        why = in_the_way(obstructed[0].path.below(plan.destination))
        return replace(each, obstacle=why, obstacle_code=ExitCode.VERIFICATION)

    calibration = (replace(file, state=FileState.DIFFERS) if is_obstructed(file) else file for file in plan.calibration)
    return replace(plan, sets=tuple(map(judged, plan.sets)), calibration=tuple(calibration))


def obstruction(file: PlannedFile, plan: TransferPlan) -> Obstruction | None:
    """Return what stands at a file's place now, and in the way of what; None where nothing can be seen there."""
    try:
        here = file.path.below(plan.destination).lstat()
    except OSError:
        return None
    return Obstruction(plan.source_uri, file.size, file.mtime_ns, here.st_size, here.st_mtime_ns, here.st_ctime_ns)


def note_obstruction(plan: TransferPlan, final: Path, journal: Journal) -> None:
    """Note that what stands at a place is another file than the source's.

    Raises
    ------
    UnfinishedError
        If the journal cannot be written to.
    """
    for file in plan.to_fetch:
        found = obstruction(file, plan) if file.path.below(plan.destination) == final else None
        if found is not None:
            journal.keep_obstruction(plan.destination, str(file.path), found)
