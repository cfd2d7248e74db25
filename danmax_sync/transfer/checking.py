"""Check a set that has arrived but does not bear its names yet."""

import os
from pathlib import Path

from danmax_sync.errors import SourceError, VerificationError
from danmax_sync.scanfile.detector import check_storage, frames_of
from danmax_sync.scanfile.hdf5 import open_hdf5
from danmax_sync.scanfile.master import read_master
from danmax_sync.scanfile.record import ScanRecord
from danmax_sync.scanfile.structure import check_set
from danmax_sync.sources.base import Source
from danmax_sync.transfer.arrival import part_of, with_final_names
from danmax_sync.transfer.plan import FileState, ScanSet
from danmax_sync.visits import TreePath

_LATER = "run again when the scan has ended"


def check_still(source: Source, scan_set: ScanSet) -> None:
    """Check that nothing of a set was written to at the source while it was fetched.

    Raises
    ------
    SourceError
        If something was.
    """
    for file in scan_set.files:
        now = source.stat(file.path)
        if now is None or now.size != file.size or abs(now.mtime_ns - file.mtime_ns) >= 1_000_000_000:
            raise SourceError(
                f"{file.path} changed at the source while the set was fetched; the set is left out", hint=_LATER
            )


def check_arrived(scan_set: ScanSet, destination: Path, *, source: str) -> None:
    """Check that a set's files belong together, wherever they stand now, before one of them gets its name.

    Parameters
    ----------
    scan_set : ScanSet
        What was planned: files that were fetched are in their part files, the others in place.
    destination : Path
        The folder below which the source's tree is kept.
    source : str
        The remote's name.

    Raises
    ------
    VerificationError
        If the master names other files than those that were planned: it has changed since it was indexed.
    SourceError
        If a file cannot be read, or holds fewer frames than the master has points.
    """
    root = scan_set.place.visit_root
    planned = {file.path: file for file in scan_set.detectors}
    try:
        records = read_master(newest(scan_set, destination), scan_set.place)
        _check_links(scan_set, records, set(planned), source)
        for record in records:
            for link in record.links:
                if link.target:
                    file = planned[TreePath((*root.parts, *link.target.parts))]
                    final = file.path.below(destination)
                    fetched = file.state is FileState.FETCH
                    _check_frames(part_of(final) if fetched else final, link.inner_path, record)
    except SourceError as problem:
        message = with_final_names(problem.message).replace(f"{destination}{os.sep}", "")
        raise SourceError(f"incomplete at the source: {message}", hint=_LATER) from problem


def check_published(scan_set: ScanSet, destination: Path) -> None:
    """Check that a master's links open its siblings: those bear their names, and it stands in its folder.

    Raises
    ------
    SourceError
        If a link opens anything else.
    """
    place = scan_set.place
    faults = check_set(place.visit_root.below(destination), place, master=newest(scan_set, destination))
    if faults:
        raise SourceError(f"incomplete at the source: {with_final_names(faults[0].message)}", hint=_LATER)


def newest(scan_set: ScanSet, destination: Path) -> Path:
    """Return where a set's master is: its part file if it was fetched."""
    final = scan_set.master.path.below(destination)
    return part_of(final) if scan_set.master.state is FileState.FETCH else final


def _check_links(scan_set: ScanSet, records: list[ScanRecord], planned: set[TreePath], source: str) -> None:
    root = scan_set.place.visit_root
    linked = {TreePath((*root.parts, *link.target.parts)) for record in records for link in record.links if link.target}
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
            raise SourceError(f"{local} holds {data.shape[0]} frames for {record.points} points of its scan")
        check_storage(data, local)
