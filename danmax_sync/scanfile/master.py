"""Read a master: commands, snapshot, columns and links of each scan in it.

External links are read as links and never followed here: a master may stand alone in a staging folder. The layout is
that of the beamline staff's public notebooks; reading is lenient, and what could not be read is said in the record.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from danmax_sync.errors import SourceError
from danmax_sync.quantities import DEFAULT_PREFERENCES, Preferences
from danmax_sync.scanfile.choice import choose_energy, choose_temperature
from danmax_sync.scanfile.record import (
    ColumnKind,
    ColumnStatistics,
    DetectorLink,
    ScanRecord,
    SnapshotValue,
    resolved,
)
from danmax_sync.scanfile.text import clean_text, macro_of, parse_time
from danmax_sync.visits import ScanPlace

LARGEST_COLUMN = 20_000_000
"""Points. More than any scan has; a file that claims more is not believed."""
MOST_NAMES = 20_000
_ENTRY = re.compile(r"entry([0-9]{0,18})")  # as long as a database's 64 bits can number
# What h5py raises on malformed content, seen by fuzzing: everything from KeyError to bare RuntimeError.
UNREADABLE = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError, MemoryError)


@dataclass(frozen=True, slots=True)
class _Entry:
    group: h5py.Group
    notes: list[str]

    def text(self, name: str) -> str:
        return clean_text(_scalar(self.group, name, self.notes) or "")


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading, without a lock: locks fail or hang on network drives.

    Raises
    ------
    SourceError
        If it is not there or not HDF5.
    """
    try:
        return h5py.File(path, "r", locking=False)
    except FileNotFoundError:
        raise SourceError(f"{path} is not there", hint="index the folder again: danmax-sync index DIR") from None
    except UNREADABLE as problem:
        raise SourceError(f"{path} cannot be read as HDF5: {_first_line(problem)}") from problem


def read_master(path: Path, where: ScanPlace, preferences: Preferences = DEFAULT_PREFERENCES) -> list[ScanRecord]:
    """Read every scan in a master.

    Parameters
    ----------
    path : Path
        The file on disk, wherever it stands now.
    where : ScanPlace
        Where it stands in its visit: link targets are resolved against that.
    preferences : Preferences
        Which names mean energy and temperature.

    Returns
    -------
    list of ScanRecord
        Empty when the file is HDF5 but holds no scan.

    Raises
    ------
    SourceError
        If the file cannot be read at all.
    """
    with open_hdf5(path) as file:
        try:
            groups = list(_entries(file, named_as_master=where.number is not None))
            records = [_read_entry(group, where, preferences, alone=len(groups) == 1) for group in groups]
        except UNREADABLE as problem:
            raise SourceError(f"{path} is damaged: {_first_line(problem)}") from problem
    return records


def _entries(file: h5py.File, *, named_as_master: bool) -> Iterator[h5py.Group]:
    """Yield groups that are scans: named ``entry…`` with something that only a scan has.

    Detector files and integrated ones have an instrument, too: it counts only where the file's name speaks for it.
    """
    signs = {"title", "start_time", "measurement"} | ({"instrument"} if named_as_master else set())
    for name in _names(file):
        if not _ENTRY.fullmatch(name) or not isinstance(file.get(name, getlink=True), h5py.HardLink):
            continue
        group = file[name]
        if isinstance(group, h5py.Group) and not signs.isdisjoint(group.keys()):
            yield group


def _read_entry(group: h5py.Group, where: ScanPlace, preferences: Preferences, *, alone: bool) -> ScanRecord:
    notes: list[str] = []
    entry = _Entry(group, notes)
    name = str(group.name).strip("/")
    instrument, measurement = subgroup(group, "instrument"), subgroup(group, "measurement")
    columns = {c.name: c for g in (measurement, instrument) if g is not None for c in _columns(g, notes)}
    links = {link.detector: link for g in (measurement, instrument) if g is not None for link in _links(g, where)}
    positioners = subgroup(instrument, "start_positioners") if instrument is not None else None
    snapshot = tuple(_snapshot(positioners, notes)) if positioners is not None else ()
    by_name = {value.name: value for value in snapshot}
    digits = re.sub(r"\D", "", name)
    title = entry.text("title")
    return ScanRecord(
        entry=name,
        number=where.number if alone and where.number is not None else int(digits) if digits else where.number,
        title=title,
        macro=macro_of(title),
        start_time=parse_time(entry.text("start_time")),
        end_time=parse_time(entry.text("end_time")),
        points=_points(columns.values()),
        energy=choose_energy(columns, by_name, preferences),
        temperature=choose_temperature(columns, by_name, preferences),
        snapshot=snapshot,
        columns=tuple(columns.values()),
        links=tuple(links.values()),
        proposal=entry.text("proposal_id") or None,
        notes=tuple(notes),
    )


def check_own_data(data: h5py.Dataset) -> None:
    """Check that a dataset's data are in its own file.

    External storage and virtual datasets read from any file of this disk that a hostile file names.

    Raises
    ------
    ValueError
        If they are elsewhere.
    """
    if data.is_virtual or data.external:
        raise ValueError("its data are kept in another file, which is not followed")


def _names(group: h5py.Group) -> list[str]:
    if len(group) > MOST_NAMES:
        raise ValueError(f"{group.name} claims {len(group)} members")
    return list(group.keys())


def subgroup(group: h5py.Group, name: str) -> h5py.Group | None:
    """Return a group of this very file; None where there is none, or only a link to one."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    found = group[name]
    return found if isinstance(found, h5py.Group) else None


def _scalar(group: h5py.Group, name: str, notes: list[str]) -> Any:
    """Return a scalar as bytes, str or a numpy scalar; None where there is none or it cannot be read."""
    try:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            return None
        data = group[name]
        if not isinstance(data, h5py.Dataset) or data.size != 1:
            return None
        check_own_data(data)
        value = data[()]
        return value.reshape(-1)[0] if isinstance(value, np.ndarray) else value
    except UNREADABLE as problem:
        notes.append(f"{group.name}/{clean_text(name)} cannot be read: {_first_line(problem)}")
        return None


def _snapshot(group: h5py.Group, notes: list[str]) -> Iterator[SnapshotValue]:
    for name in _names(group):
        value = _scalar(group, name, notes)
        plain: float | int | str | None
        match value:
            case None:
                plain = None
            case bool() | np.bool_():
                plain = int(value)
            case int() | np.integer():
                plain = int(value)
            case float() | np.floating():
                plain = float(value)
            case _:
                plain = clean_text(value)
        yield SnapshotValue(clean_text(name), plain)


def _columns(group: h5py.Group, notes: list[str]) -> Iterator[ColumnStatistics]:
    """Yield motors (``<name>/value``), channels (``<name>/data``) and flat datasets of old files."""
    for name in _names(group):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        try:
            member, kind = group[name], ColumnKind.CHANNEL
            if isinstance(member, h5py.Group):
                inner = "data" if "data" in member else "value"
                kind = ColumnKind.CHANNEL if inner == "data" else ColumnKind.MOTOR
                member = member[inner] if isinstance(member.get(inner, getlink=True), h5py.HardLink) else None
            if isinstance(member, h5py.Dataset) and member.ndim == 1 and member.dtype.kind in "fiub":
                yield _reduced(clean_text(name), kind, member)
        except UNREADABLE as problem:
            notes.append(f"{group.name}/{clean_text(name)} cannot be read: {_first_line(problem)}")


def _reduced(name: str, kind: ColumnKind, data: h5py.Dataset) -> ColumnStatistics:
    check_own_data(data)
    if data.size > LARGEST_COLUMN:
        raise ValueError(f"claims {data.size} points")
    values = data[()].astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ColumnStatistics(name, kind, int(values.size), int(values.size), None, None, None, None)
    first = float(values[0]) if np.isfinite(values[0]) else None
    with np.errstate(over="ignore"):
        low, high, mean = float(finite.min()), float(finite.max()), float(finite.mean())
    return ColumnStatistics(name, kind, int(values.size), int(values.size - finite.size), first, low, high, mean)


def _links(group: h5py.Group, where: ScanPlace) -> Iterator[DetectorLink]:
    for name in _names(group):
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.ExternalLink):
            continue
        as_written = DetectorLink(clean_text(name), str(link.filename), clean_text(link.path), None)
        checked = resolved(as_written, where.path)
        yield replace(checked, filename=clean_text(checked.filename))


def _points(columns: Any) -> int:
    """Return the length most columns have; where two are as common, the shorter, which all of them reach."""
    lengths = Counter(column.points for column in columns)
    return min(lengths, key=lambda length: (-lengths[length], length), default=0)


def _first_line(problem: BaseException) -> str:
    return clean_text(str(problem).splitlines()[0] if str(problem) else type(problem).__name__)
