"""Read a master: commands, snapshot, columns and links of each scan in it.

External links are read as links and never followed: a master may stand alone, or be no file at all but bytes that have
just arrived. The layout is that of the beamline staff's public notebooks; reading is lenient, and what could not be
read is said in the record. The library's low level is used throughout: through the high level a snapshot of 200 values
takes ten times as long.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g, h5l, h5o, h5s
from numpy.typing import NDArray

from danmax_sync.errors import SourceError
from danmax_sync.quantities import DEFAULT_PREFERENCES, Preferences
from danmax_sync.scanfile.assembly import TEXTS, record_of
from danmax_sync.scanfile.columns import reduced, reduced_in_blocks
from danmax_sync.scanfile.groups import Member, entries_of, link_to, links_of, members_of, shown, subgroup_of
from danmax_sync.scanfile.hdf5 import UNREADABLE, check_own_data, content_of, first_line, open_content, open_hdf5
from danmax_sync.scanfile.layouts import Layouts
from danmax_sync.scanfile.record import ColumnKind, ColumnStatistics, DetectorLink, ScanRecord, SnapshotValue
from danmax_sync.scanfile.text import clean_name, clean_text
from danmax_sync.scanfile.twins import Twins
from danmax_sync.visits import ScanPlace

LARGEST_IMAGE = 64 << 20
"""Bytes. A larger master is read where it is, through the library alone."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_layouts = Layouts()
"""Of the files this process has read."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """One file while it is read; `twins` only where its bytes are at hand."""

    twins: Twins | None
    where: ScanPlace
    notes: list[str] = field(default_factory=list)
    links: list[DetectorLink] = field(default_factory=list)
    """Of detectors that have a group of their own here, in which only the data are a link."""

    def array(self, group: h5g.GroupID, member: Member) -> NDArray[Any] | h5py.Dataset:
        """Return a dataset's data where that is quick, else the dataset."""
        if self.twins is not None:
            found = self.twins.read(member.address)
            if found is not None:
                return found
        return h5py.Dataset(self._opened(group, member))

    def _opened(self, group: h5g.GroupID, member: Member) -> h5d.DatasetID:
        opened = h5d.open(group, member.name)
        if self.twins is not None:
            self.twins.learn(member.address, opened)
        return opened

    def scalar(self, group: h5g.GroupID, member: Member) -> float | int | str | None:
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

    def text(self, group: h5g.GroupID, members: dict[bytes, Member], name: bytes) -> str:
        found = members.get(name)
        value = self.scalar(group, found) if found is not None and found.kind == h5l.TYPE_HARD else None
        return str(value) if value is not None else ""

    def note(self, group: h5g.GroupID, member: Member, problem: BaseException) -> None:
        where = clean_name(h5py.h5i.get_name(group) or b"")
        self.notes.append(f"{where}/{shown(member.name)} cannot be read: {first_line(problem)}")


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
    if not twins:
        with open_content(content, name) as file:
            return _read(file, None, name, where, preferences)
    alike = _layouts.read(content, name, where, preferences)
    if alike is not None:
        return [alike]
    with open_content(content, name) as file:
        # Behind a user block all addresses are shifted.
        quick = Twins(content) if content.startswith(_SIGNATURE) else None
        records = _read(file, quick, name, where, preferences)
    _layouts.learn(content, where, preferences, records)
    return records


def _read(
    file: h5py.File, twins: Twins | None, name: str, where: ScanPlace, preferences: Preferences
) -> list[ScanRecord]:
    try:
        entries = list(entries_of(file.id, named_as_master=where.number is not None))
        return [
            _read_entry(_Reader(twins, where), entry, group, preferences, alone=len(entries) == 1)
            for entry, group in entries
        ]
    except UNREADABLE as problem:
        raise SourceError(f"{name} is damaged: {first_line(problem)}") from problem


def _read_entry(reader: _Reader, name: str, entry: h5g.GroupID, preferences: Preferences, *, alone: bool) -> ScanRecord:
    where = reader.where
    members = members_of(entry)
    columns: dict[str, ColumnStatistics] = {}
    links: dict[str, DetectorLink] = {}
    snapshot: tuple[SnapshotValue, ...] = ()
    for holder in (b"measurement", b"instrument"):
        group = subgroup_of(entry, members.get(holder))
        if group is None:
            continue
        held = members_of(group)
        columns |= {column.name: column for column in _columns(reader, group, held)}
        links |= {link.detector: link for link in (*links_of(group, held, where), *reader.links)}
        positioners = subgroup_of(group, held.get(b"start_positioners")) if holder == b"instrument" else None
        if positioners is not None:
            snapshot = tuple(_snapshot(reader, positioners))
    texts = {text: reader.text(entry, members, text) for text in TEXTS}
    return record_of(
        name,
        where,
        preferences,
        alone=alone,
        texts=texts,
        columns=columns,
        snapshot=snapshot,
        links=links.values(),
        notes=reader.notes,
    )


def _is_group(group: h5g.GroupID, member: Member) -> bool:
    try:
        return bool(h5o.get_info(group, member.name).type == h5o.TYPE_GROUP)
    except UNREADABLE:
        return False


def _plain(value: Any) -> float | int | str | None:
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, int | np.integer | np.bool_):
        return int(value)
    return clean_text(value)


def _snapshot(reader: _Reader, group: h5g.GroupID) -> Iterator[SnapshotValue]:
    for member in members_of(group).values():
        value = reader.scalar(group, member) if member.kind == h5l.TYPE_HARD else None
        yield SnapshotValue(shown(member.name), value)


def _columns(reader: _Reader, group: h5g.GroupID, members: dict[bytes, Member]) -> Iterator[ColumnStatistics]:
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


def _column(reader: _Reader, group: h5g.GroupID, member: Member) -> ColumnStatistics | None:
    return _quick_column(reader, group, member) or _slow_column(reader, group, member)


def _quick_column(reader: _Reader, group: h5g.GroupID, member: Member) -> ColumnStatistics | None:
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
    return reduced(shown(member.name), ColumnKind.CHANNEL, data)


def _slow_column(reader: _Reader, group: h5g.GroupID, member: Member) -> ColumnStatistics | None:
    found = h5o.open(group, member.name)
    if not isinstance(found, h5g.GroupID):
        flat = isinstance(found, h5d.DatasetID)
        return _reduced(reader, group, member, member.name, ColumnKind.CHANNEL) if flat else None
    for name, kind in ((b"data", ColumnKind.CHANNEL), (b"value", ColumnKind.MOTOR)):
        if found.links.exists(name):
            info = found.links.get_info(name)
            if info.type == h5l.TYPE_EXTERNAL and kind is ColumnKind.CHANNEL:
                reader.links.append(link_to(member.name, *found.links.get_val(name), where=reader.where))
            inner = Member(name, info.type, info.u)
            return _reduced(reader, found, inner, member.name, kind) if info.type == h5l.TYPE_HARD else None
    return None


def _reduced(
    reader: _Reader, holder: h5g.GroupID, inner: Member, name: bytes, kind: ColumnKind
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
        return reduced_in_blocks(shown(name), kind, data)
    return reduced(shown(name), kind, data)


def _only_value(data: h5d.DatasetID) -> float | int | str | None:
    """Read a dataset of this very file that holds one value; None where it holds none or several."""
    space = data.get_space()
    if space.get_simple_extent_type() == h5s.NULL or space.get_simple_extent_npoints() != 1:
        return None
    check_own_data(data)
    values = np.empty(space.get_simple_extent_dims(), dtype=data.dtype)
    data.read(h5s.ALL, h5s.ALL, values)
    return _plain(values.reshape(-1)[0])
