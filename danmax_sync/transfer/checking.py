"""Check a set that has arrived but does not bear its names yet."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from danmax_sync.errors import SourceError, VerificationError
from danmax_sync.quantities import count
from danmax_sync.scanfile.detector import check_storage, frames_of
from danmax_sync.scanfile.hdf5 import open_hdf5
from danmax_sync.scanfile.master import read_master
from danmax_sync.scanfile.record import DetectorLink, ScanRecord
from danmax_sync.scanfile.structure import check_resolution
from danmax_sync.sources.base import FileInfo, Source, stat_all
from danmax_sync.transfer.arrival import part_of, with_final_names
from danmax_sync.transfer.plan import FileState, PlannedFile, ScanSet
from danmax_sync.visits import ScanPlace, TreePath

_LATER = "run again when the scan has ended"


def check_still(source: Source, sets: Sequence[ScanSet]) -> dict[ScanPlace, SourceError]:
    """Check that nothing of some sets was written to at the source while they were fetched.

    Returns
    -------
    dict
        By set, what was; all is well with those that are not in it.
    """
    paths = list(dict.fromkeys(file.path for each in sets for file in each.files))
    seen = dict(zip(paths, stat_all(source, paths), strict=True))
    changed = {}
    for each in sets:
        for file in each.files:
            now = seen[file.path]
            if now is None or not now.same_version(FileInfo(file.path, file.size, file.mtime_ns)):
                message = f"{file.path} changed at the source while the set was fetched; the set is left out"
                changed[each.place] = SourceError(message, hint=_LATER)
                break
    return changed


def check_arrived(scan_set: ScanSet, destination: Path, *, source: str) -> list[ScanRecord]:
    """Check that a set's files belong together, wherever they stand now, before one of them gets its name.

    Parameters
    ----------
    scan_set : ScanSet
        What was planned: files that were fetched are in their part files, the others in place.
    destination : Path
        The folder below which the source's tree is kept.
    source : str
        The remote's name.

    Returns
    -------
    list of ScanRecord
        What the master says.

    Raises
    ------
    VerificationError
        If the master names other files than those that were planned: it has changed since it was indexed.
    SourceError
        If a file cannot be read, or holds fewer frames than the master has points.
    """
    planned = {file.path: file for file in scan_set.detectors}
    with _at_the_source(destination):
        records = read_master(standing(scan_set.master, destination), scan_set.place)
        _check_links(scan_set, records, {*planned, *scan_set.left_out}, source)
        for record, link, target in _targets(scan_set, records):
            if target in planned:
                _check_frames(standing(planned[target], destination), link.inner_path, record)
    return records


def check_published(scan_set: ScanSet, destination: Path, records: Sequence[ScanRecord]) -> None:
    """Check that a master's links open its siblings: those bear their names, and it stands in its folder.

    Raises
    ------
    SourceError
        If a link opens anything else.
    """
    master = standing(scan_set.master, destination)
    with _at_the_source(destination):
        for record, link, target in _targets(scan_set, records):
            if target not in scan_set.left_out:
                check_resolution(master, record, link, target.below(destination))


def standing(file: PlannedFile, destination: Path) -> Path:
    """Return where a file of a set is: its part file while it has one, else its place."""
    final = file.path.below(destination)
    part = part_of(final)
    return part if file.state is FileState.FETCH and part.exists() else final


def _targets(scan_set: ScanSet, records: Iterable[ScanRecord]) -> Iterator[tuple[ScanRecord, DetectorLink, TreePath]]:
    root = scan_set.place.visit_root
    for record in records:
        for link in record.links:
            if link.target:
                yield record, link, TreePath((*root.parts, *link.target.parts))


def _check_links(scan_set: ScanSet, records: list[ScanRecord], planned: set[TreePath], source: str) -> None:
    linked = {target for _, _, target in _targets(scan_set, records)}
    if linked != planned:
        new = ", ".join(str(path) for path in sorted(linked ^ planned))
        raise VerificationError(
            f"{scan_set.master.path} links to other files than when it was indexed: {new}",
            hint=f"danmax-sync index {source}, then get again",
        )


def _check_frames(local: Path, inner_path: str, record: ScanRecord) -> None:
    with open_hdf5(local) as file:
        data = frames_of(file, inner_path)
        if data.shape[0] < record.points:
            found = f"{count(data.shape[0], 'frame')} for {count(record.points, 'point')}"
            raise SourceError(f"{local} holds {found} of its scan")
        check_storage(data, local)


@contextmanager
def _at_the_source(destination: Path) -> Iterator[None]:
    """Blame the source for what is wrong with a faithful copy, under the names it has there."""
    try:
        yield
    except SourceError as problem:
        message = with_final_names(problem.message).replace(f"{destination}{os.sep}", "")
        raise SourceError(f"incomplete at the source: {message}", hint=_LATER) from problem
