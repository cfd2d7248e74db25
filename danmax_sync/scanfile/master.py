"""Read a master: commands, snapshot, columns and links of each scan in it.

External links are read as links and never followed: a master may stand alone, or be no file at all but bytes that have
just arrived. The layout is that of the beamline staff's public notebooks; reading is lenient, and what could not be
read is said in the record. The library's low level is used throughout: through the high level a snapshot of 200 values
takes ten times as long.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from h5py import h5d, h5g, h5l, h5o, h5s
from numpy.typing import NDArray

from danmax_sync.errors import SourceError
from danmax_sync.quantities import DEFAULT_PREFERENCES, Preferences
from danmax_sync.scanfile.choice import choose_energy, choose_temperature
from danmax_sync.scanfile.columns import reduced, reduced_in_blocks
from danmax_sync.scanfile.hdf5 import UNREADABLE, check_own_data, content_of, first_line, open_content, open_hdf5
from danmax_sync.scanfile.record import (
    ColumnKind,
    ColumnStatistics,
    DetectorLink,
    ScanRecord,
    SnapshotValue,
    resolved,
)
from danmax_sync.scanfile.text import clean_name, clean_text, macro_of, parse_time
from danmax_sync.scanfile.twins import Twins
from danmax_sync.visits import ScanPlace

MOST_NAMES = 20_000
LARGEST_IMAGE = 64 << 20
"""Bytes. A larger master is read where it is, through the library alone."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ENTRY = re.compile(rb"entry([0-9]{0,18})")  # as long as a database's 64 bits can number
_SIGNS = frozenset((b"title", b"start_time", b"measurement"))


class _Member(NamedTuple):
    name: bytes
    kind: int
    address: int


@dataclass(frozen=True, slots=True)
class _Reader:
    """One file while it is read; `twins` only where its bytes are at hand."""

    twins: Twins | None
    notes: list[str] = field(default_factory=list)

    def array(self, group: h5g.GroupID, member: _Member) -> NDArray[Any] | h5py.Dataset:
        """Return a dataset's data where that is quick, else the dataset."""
        if self.twins is not None:
            found = self.twins.read(member.address)
            if found is not None:
                return found
        return h5py.Dataset(self._opened(group, member))

    def _opened(self, group: h5g.GroupID, member: _Member) -> h5d.DatasetID:
        opened = h5d.open(group, member.name)
        if self.twins is not None:
            self.twins.learn(member.address, opened)
        return opened

    def scalar(self, group: h5g.GroupID, member: _Member) -> float | int | str | None:
        """Return a scalar; None where there is none or it cannot be read."""
        if self.twins is not None:
            quick = self.twins.only(member.address)
            if quick is not None:
                return clean_text(quick) if isinstance(quick, bytes) else quick
        try:
            return _only_value(self._opened(group, member))
        except UNREADABLE as problem:
            if not _is_group(group, member):
                self.note(group, member, problem)
            return None

    def text(self, group: h5g.GroupID, members: dict[bytes, _Member], name: bytes) -> str:
        found = members.get(name)
        value = self.scalar(group, found) if found is not None and found.kind == h5l.TYPE_HARD else None
        return str(value) if value is not None else ""

    def note(self, group: h5g.GroupID, member: _Member, problem: BaseException) -> None:
        where = clean_name(h5py.h5i.get_name(group) or b"")
        self.notes.append(f"{where}/{_name(member.name)} cannot be read: {first_line(problem)}")


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
    try:
        large = path.stat().st_size > LARGEST_IMAGE
    except OSError:
        large = False  # opening it says why
    if not large:
        return read_content(content_of(path), str(path), where, preferences)
    with open_hdf5(path) as file:
        return _read(file, None, str(path), where, preferences)


def read_content(
    content: bytes,
    name: str,
    where: ScanPlace,
    preferences: Preferences = DEFAULT_PREFERENCES,
    *,
    twins: bool = True,
) -> list[ScanRecord]:
    """Read every scan in a master given as the bytes of the file; `name` is for messages. See `read_master`.

    Without `twins` everything goes through the library, ten times as slowly, which tests compare with.
    """
    with open_content(content, name) as file:
        # Behind a user block all addresses are shifted.
        quick = Twins(content) if twins and content.startswith(_SIGNATURE) else None
        return _read(file, quick, name, where, preferences)


def _read(
    file: h5py.File, twins: Twins | None, name: str, where: ScanPlace, preferences: Preferences
) -> list[ScanRecord]:
    try:
        entries = list(_entries(file.id, named_as_master=where.number is not None))
        return [
            _read_entry(_Reader(twins), entry, group, where, preferences, alone=len(entries) == 1)
            for entry, group in entries
        ]
    except UNREADABLE as problem:
        raise SourceError(f"{name} is damaged: {first_line(problem)}") from problem


def _entries(file: h5g.GroupID, *, named_as_master: bool) -> Iterator[tuple[str, h5g.GroupID]]:
    """Yield groups that are scans: named ``entry…`` with something that only a scan has.

    Detector files and integrated ones have an instrument, too: it counts only where the file's name speaks for it.
    """
    signs = _SIGNS | {b"instrument"} if named_as_master else _SIGNS
    for member in _members(h5g.open(file, b"/")).values():
        if not _ENTRY.fullmatch(member.name) or member.kind != h5l.TYPE_HARD:
            continue
        group = h5o.open(file, member.name)
        if isinstance(group, h5g.GroupID) and any(sign in group for sign in signs):
            yield member.name.decode(), group


def _read_entry(
    reader: _Reader, name: str, entry: h5g.GroupID, where: ScanPlace, preferences: Preferences, *, alone: bool
) -> ScanRecord:
    members = _members(entry)
    columns: dict[str, ColumnStatistics] = {}
    links: dict[str, DetectorLink] = {}
    snapshot: tuple[SnapshotValue, ...] = ()
    for holder in (b"measurement", b"instrument"):
        group = _subgroup(entry, members.get(holder))
        if group is None:
            continue
        held = _members(group)
        columns |= {column.name: column for column in _columns(reader, group, held)}
        links |= {link.detector: link for link in _links(group, held, where)}
        positioners = _subgroup(group, held.get(b"start_positioners")) if holder == b"instrument" else None
        if positioners is not None:
            snapshot = tuple(_snapshot(reader, positioners))
    by_name = {value.name: value for value in snapshot}
    digits = re.sub(r"\D", "", name)
    title = reader.text(entry, members, b"title")
    return ScanRecord(
        entry=name,
        number=where.number if alone and where.number is not None else int(digits) if digits else where.number,
        title=title,
        macro=macro_of(title),
        start_time=parse_time(reader.text(entry, members, b"start_time")),
        end_time=parse_time(reader.text(entry, members, b"end_time")),
        points=_points(columns.values()),
        energy=choose_energy(columns, by_name, preferences),
        temperature=choose_temperature(columns, by_name, preferences),
        snapshot=snapshot,
        columns=tuple(columns.values()),
        links=tuple(links.values()),
        proposal=reader.text(entry, members, b"proposal_id") or None,
        notes=tuple(reader.notes),
    )


def _members(group: h5g.GroupID) -> dict[bytes, _Member]:
    """Return the members of a group, without opening one."""
    if len(group) > MOST_NAMES:
        raise ValueError(f"a group claims {len(group)} members")
    listed: list[_Member] = []

    def take(name: bytes, info: h5l.LinkInfo) -> None:
        listed.append(_Member(name, info.type, info.u))

    group.links.iterate(take, info=True)
    found = {member.name: member for member in listed}
    if len(listed) != len(found):
        # Only damage does that, and then nobody knows which is which.
        raise ValueError("a group has two members of one name")
    return found


def _is_group(group: h5g.GroupID, member: _Member) -> bool:
    try:
        return bool(h5o.get_info(group, member.name).type == h5o.TYPE_GROUP)
    except UNREADABLE:
        return False


def _subgroup(group: h5g.GroupID, member: _Member | None) -> h5g.GroupID | None:
    """Return a group of this very file; None where there is none, or only a link to one."""
    if member is None or member.kind != h5l.TYPE_HARD:
        return None
    found = h5o.open(group, member.name)
    return found if isinstance(found, h5g.GroupID) else None


@lru_cache(maxsize=4096)
def _name(name: bytes) -> str:
    """Return a member's name as it may be stored; one scan has the names of the next."""
    return clean_name(name)


def _plain(value: Any) -> float | int | str | None:
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, int | np.integer | np.bool_):
        return int(value)
    return clean_text(value)


def _snapshot(reader: _Reader, group: h5g.GroupID) -> Iterator[SnapshotValue]:
    for member in _members(group).values():
        value = reader.scalar(group, member) if member.kind == h5l.TYPE_HARD else None
        yield SnapshotValue(_name(member.name), value)


def _columns(reader: _Reader, group: h5g.GroupID, members: dict[bytes, _Member]) -> Iterator[ColumnStatistics]:
    """Yield motors (``<name>/value``), channels (``<name>/data``) and flat datasets of old files."""
    for member in members.values():
        if member.kind != h5l.TYPE_HARD or member.name == b"start_positioners":
            continue
        try:
            column = _column(reader, group, member)
        except UNREADABLE as problem:
            reader.note(group, member, problem)
        else:
            if column is not None:
                yield column


def _column(reader: _Reader, group: h5g.GroupID, member: _Member) -> ColumnStatistics | None:
    return _quick_column(reader, group, member) or _slow_column(reader, group, member)


def _quick_column(reader: _Reader, group: h5g.GroupID, member: _Member) -> ColumnStatistics | None:
    """Return a channel whose data are where a twin has them, without opening its group."""
    if reader.twins is None:
        return None
    try:
        info = group.links.get_info(member.name + b"/data")
    except UNREADABLE:
        return None
    data = reader.twins.read(info.u) if info.type == h5l.TYPE_HARD else None
    if data is None or data.ndim != 1 or data.dtype.kind not in "fiub":
        return None
    return reduced(_name(member.name), ColumnKind.CHANNEL, data)


def _slow_column(reader: _Reader, group: h5g.GroupID, member: _Member) -> ColumnStatistics | None:
    found = h5o.open(group, member.name)
    if not isinstance(found, h5g.GroupID):
        flat = isinstance(found, h5d.DatasetID)
        return _reduced(reader, group, member, member.name, ColumnKind.CHANNEL) if flat else None
    for name, kind in ((b"data", ColumnKind.CHANNEL), (b"value", ColumnKind.MOTOR)):
        if found.links.exists(name):
            info = found.links.get_info(name)
            inner = _Member(name, info.type, info.u)
            return _reduced(reader, found, inner, member.name, kind) if info.type == h5l.TYPE_HARD else None
    return None


def _reduced(
    reader: _Reader, holder: h5g.GroupID, inner: _Member, name: bytes, kind: ColumnKind
) -> ColumnStatistics | None:
    """Return the statistics of a dataset if it is one, with a number a point."""
    quick = reader.twins.read(inner.address) if reader.twins is not None else None
    if quick is None and not isinstance(h5o.open(holder, inner.name), h5d.DatasetID):
        return None
    data = quick if quick is not None else reader.array(holder, inner)
    if data.ndim != 1 or data.dtype.kind not in "fiub":
        return None
    if isinstance(data, h5py.Dataset):
        check_own_data(data.id)
        return reduced_in_blocks(_name(name), kind, data)
    return reduced(_name(name), kind, data)


def _only_value(data: h5d.DatasetID) -> float | int | str | None:
    """Read a dataset of this very file that holds one value; None where it holds none or several."""
    space = data.get_space()
    if space.get_simple_extent_type() == h5s.NULL or space.get_simple_extent_npoints() != 1:
        return None
    check_own_data(data)
    values = np.empty(space.get_simple_extent_dims(), dtype=data.dtype)
    data.read(h5s.ALL, h5s.ALL, values)
    return _plain(values.reshape(-1)[0])


def _links(group: h5g.GroupID, members: dict[bytes, _Member], where: ScanPlace) -> Iterator[DetectorLink]:
    for member in members.values():
        if member.kind != h5l.TYPE_EXTERNAL:
            continue
        filename, path = group.links.get_val(member.name)
        as_written = DetectorLink(
            _name(member.name), filename.decode("utf-8", "surrogateescape"), clean_name(path), None
        )
        checked = resolved(as_written, where.path)
        yield replace(checked, filename=clean_name(checked.filename), problem=clean_name(checked.problem))


def _points(columns: Any) -> int:
    """Return the length most columns have; where two are as common, the shorter, which all of them reach."""
    lengths = Counter(column.points for column in columns)
    return min(lengths, key=lambda length: (-lengths[length], length), default=0)
