"""Check a set on disk: the master opens, and each of its links opens the sibling it names."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py

from danmax_sync.errors import SourceError
from danmax_sync.quantities import count
from danmax_sync.scanfile.detector import check_storage, frames_of, read_all
from danmax_sync.scanfile.hdf5 import open_hdf5, subgroup
from danmax_sync.scanfile.master import read_master
from danmax_sync.scanfile.record import DetectorLink, ScanRecord
from danmax_sync.visits import ScanPlace


@dataclass(frozen=True, slots=True)
class SetFault:
    """Something that is wrong with one file of a set."""

    path: Path
    message: str


def check_set(root: Path, where: ScanPlace, *, master: Path | None = None, deep: bool = False) -> list[SetFault]:
    """Check a master and all files its links name.

    Parameters
    ----------
    root : Path
        The visit's folder on disk.
    where : ScanPlace
        The master in that visit.
    master : Path, optional
        The master's file where it does not bear its own name yet; it must be in its own folder.
    deep : bool
        Also read and decompress every frame.

    Returns
    -------
    list of SetFault
        Empty when all is well.
    """
    master = master or where.path.below(root)
    try:
        records = read_master(master, where)
    except SourceError as problem:
        return [SetFault(master, problem.message)]
    if not records:
        return [SetFault(master, f"{master} holds no scan")]
    return [fault for record in records for fault in _check_record(root, master, record, deep=deep)]


def _check_record(root: Path, master: Path, record: ScanRecord, *, deep: bool) -> Iterator[SetFault]:
    for link in record.links:
        if link.target is None:
            yield SetFault(master, f"{master}: {link.problem}")
            continue
        target = link.target.below(root)
        try:
            _check_target(master, record, link, target, deep=deep)
        except SourceError as problem:
            yield SetFault(target, problem.message)


def _check_target(master: Path, record: ScanRecord, link: DetectorLink, target: Path, *, deep: bool) -> None:
    if not target.is_file():
        raise SourceError(f"{target} is missing; {master.name} links to it")
    with open_hdf5(target) as file:
        data = frames_of(file, link.inner_path)
        if data.shape[0] < record.points:
            found = f"{count(data.shape[0], 'frame')} for {count(record.points, 'point')}"
            raise SourceError(f"{target} holds {found} of {master.name}")
        check_storage(data, target)
        if deep:
            read_all(data, target)
    check_resolution(master, record, link, target)


def check_resolution(master: Path, record: ScanRecord, link: DetectorLink, target: Path) -> None:
    """Follow a link as a user's program will: HDF5 also searches other folders than the master's.

    Raises
    ------
    SourceError
        If it opens anything else than `target`, or nothing.
    """
    with open_hdf5(master) as file:
        for group in ("instrument", "measurement"):
            holder = subgroup(file[record.entry], group)
            own = subgroup(holder, link.detector) if holder is not None else None
            holder, name = (holder, link.detector) if own is None else (own, "data")
            if holder is None or not isinstance(holder.get(name, getlink=True), h5py.ExternalLink):
                continue
            try:
                opened = Path(holder[name].file.filename)
            except (KeyError, OSError, RuntimeError) as problem:
                raise SourceError(f"the link {link.detector!r} of {master} does not open: {problem}") from problem
            if not opened.samefile(target):
                raise SourceError(f"the link {link.detector!r} of {master} opens {opened} instead of {target}")
            return
