"""Give complete sets their names: several at a time, the detector files first, the masters last.

::

    landed ─▶ did the source stand still? ─▶ do the files belong together? ─▶ detector files named, folders synced
           ─▶ does each link open its sibling? ─▶ masters named, folders synced

Whatever goes wrong with one set leaves the others alone.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from danmax_sync.errors import DanmaxSyncError
from danmax_sync.scanfile.record import ScanRecord
from danmax_sync.sources.base import Source
from danmax_sync.transfer.arrival import part_of, publish, sync_folder
from danmax_sync.transfer.checking import check_arrived, check_published, check_still
from danmax_sync.transfer.plan import FileState, PlannedFile, ScanSet, TransferPlan
from danmax_sync.visits import ScanPlace

Broken = Callable[[ScanSet, DanmaxSyncError], None]


def publish_sets(source: Source, plan: TransferPlan, sets: Sequence[ScanSet], broken: Broken) -> list[ScanSet]:
    """Check some sets whose files have landed, and give them their names.

    Parameters
    ----------
    source : Source
        Asked once more about every file.
    plan : TransferPlan
        The sets belong to.
    sets : sequence of ScanSet
        All their files are in their part files, or in place.
    broken : callable
        Told each set that must not be published, and why.

    Returns
    -------
    list of ScanSet
        Those that can be seen now.

    Raises
    ------
    ConnectionLostError
        If the source cannot be asked; nothing was published then.
    """
    destination = plan.destination
    changed: dict[ScanPlace, DanmaxSyncError] = dict(check_still(source, sets))
    good: list[tuple[ScanSet, list[ScanRecord]]] = []
    for each in sets:
        try:
            if each.place in changed:
                raise changed[each.place]
            good.append((each, check_arrived(each, destination, source=plan.source)))
        except DanmaxSyncError as problem:
            broken(each, problem)

    def keeping(
        act: Callable[[ScanSet, list[ScanRecord]], None],
    ) -> list[tuple[ScanSet, list[ScanRecord]]]:
        kept = []
        for each, records in good:
            try:
                act(each, records)
            except DanmaxSyncError as problem:
                broken(each, problem)
            else:
                kept.append((each, records))
        return kept

    def name_detectors(each: ScanSet, _: list[ScanRecord]) -> None:
        for file in each.detectors:
            name(file, destination)

    def name_master(each: ScanSet, records: list[ScanRecord]) -> None:
        # Now its links open what a user's program will open.
        check_published(each, destination, records)
        name(each.master, destination)

    good = keeping(name_detectors)
    _sync(destination, (file for each, _ in good for file in each.detectors))
    good = keeping(name_master)
    _sync(destination, (each.master for each, _ in good))
    return [each for each, _ in good]


def name(file: PlannedFile, destination: Path) -> None:
    """Give a file that was fetched its name, unless another set has done so.

    Raises
    ------
    InTheWayError, UnfinishedError
        If that cannot be done; see `danmax_sync.transfer.arrival.publish`.
    """
    final = file.path.below(destination)
    part = part_of(final)
    if file.state is FileState.FETCH and part.exists():
        publish(part, final)


def _sync(destination: Path, files: Iterable[PlannedFile]) -> None:
    for folder in {file.path.below(destination).parent for file in files if file.state is FileState.FETCH}:
        sync_folder(folder)
