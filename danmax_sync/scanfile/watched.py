"""Open a master with every byte noted that the HDF5 library looks at, to learn its layout; see `layouts.py`."""

import io
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g, h5l, h5o, h5s

from danmax_sync.scanfile.assembly import TEXTS
from danmax_sync.scanfile.groups import Member, entries_of, members_of, shown, subgroup_of
from danmax_sync.scanfile.hdf5 import UNREADABLE
from danmax_sync.scanfile.heap import REFERENCE_BYTES, GlobalHeap
from danmax_sync.scanfile.layouts import Column, Holder, Layout, Part, Single
from danmax_sync.scanfile.record import ColumnKind
from danmax_sync.scanfile.twins import known_type, letter_of

_LINKS = b"FHDB"
"""How a block begins in which a group with more than a few members keeps its links."""
_NOTHING = Single(-1, -1)


class _UnsuitableError(Exception):
    """A file whose values are not where they can be taken from."""


class _Watched(io.BytesIO):
    """A file's bytes; which of them were read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.ranges: list[tuple[int, int]] = []

    def readinto(self, buffer: Any) -> int:
        start = self.tell()
        count = super().readinto(buffer)
        self.ranges.append((start, start + count))
        return count


class _Places:
    """Where data are: numbers, strings and columns, none of which overlaps another or a header."""

    def __init__(self, content: bytes) -> None:
        self.numbers: list[tuple[int, str, int]] = []
        self.extents: list[tuple[int, int]] = []
        self.headers: set[int] = set()
        self._heap = GlobalHeap(content)

    def single(self, group: h5g.GroupID, member: Member | None) -> Single:
        """Note a scalar."""
        if member is None or member.kind != h5l.TYPE_HARD:
            return _NOTHING
        self.headers.add(member.address)
        found = h5o.open(group, member.name)
        if not isinstance(found, h5d.DatasetID):
            return _NOTHING
        space = found.get_space()
        if space.get_simple_extent_type() == h5s.NULL or space.get_simple_extent_npoints() != 1:
            return _NOTHING
        dtype, data = self._data(found, 1)
        if dtype.kind == "O":
            reference = self._heap.collection_of(data)
            if reference is None:
                raise _UnsuitableError
            self.extents += [(data, data + REFERENCE_BYTES), reference]
            return Single(-1, data)
        letter = letter_of(dtype)
        native = "=|<" if sys.byteorder == "little" else "=|>"
        if letter is None or dtype.byteorder not in native:
            raise _UnsuitableError
        self.extents.append((data, data + dtype.itemsize))
        self.numbers.append((data, letter, dtype.itemsize))
        return Single(len(self.numbers) - 1, -1)

    def column(self, group: h5g.GroupID, member: Member) -> Column | None:
        """Note a motor or channel, if it is one."""
        self.headers.add(member.address)
        found, kind = h5o.open(group, member.name), ColumnKind.CHANNEL
        if isinstance(found, h5g.GroupID):
            inner = members_of(found)
            name = next((name for name in (b"data", b"value") if name in inner), None)
            if name is None or inner[name].kind != h5l.TYPE_HARD:
                return None
            self.headers.add(inner[name].address)
            found, kind = h5o.open(found, name), ColumnKind.CHANNEL if name == b"data" else ColumnKind.MOTOR
        if not isinstance(found, h5d.DatasetID) or found.rank != 1 or found.dtype.kind not in "fiub":
            return None
        (points,) = found.shape
        dtype, data = self._data(found, points)
        if dtype.kind == "O":
            raise _UnsuitableError
        self.extents.append((data, data + points * dtype.itemsize))
        return Column(shown(member.name), kind, dtype, points, data)

    def _data(self, dataset: h5d.DatasetID, count: int) -> tuple["np.dtype[Any]", int]:
        """Return type and address of data that stand in this file as they are."""
        offset, dtype = dataset.get_offset(), known_type(dataset.get_type())
        if offset is None or dtype is None:
            raise _UnsuitableError
        itemsize = REFERENCE_BYTES if dtype.kind == "O" else dtype.itemsize
        if dataset.get_storage_size() != count * itemsize:
            raise _UnsuitableError
        return dtype, offset

    def merged(self, size: int) -> list[tuple[int, int]]:
        """Return the extents in order.

        Raises
        ------
        _UnsuitableError
            If they overlap, or lie over a header or beyond the end: only damage does that.
        """
        ordered = sorted(set(self.extents))
        ends = [0, *(end for _, end in ordered)]
        if any(start < end for (start, _), end in zip(ordered, ends, strict=False)) or ends[-1] > size:
            raise _UnsuitableError
        if any(start <= header < end for start, end in ordered for header in self.headers):
            raise _UnsuitableError
        return ordered


def layout_of(content: bytes, *, named: bool) -> Layout | None:
    """Return the layout of a master; None where it has several entries, or data that are stored in another way.

    Parameters
    ----------
    content : bytes
        The file, which the library has read well before.
    named : bool
        Whether it bears a master's name.
    """
    watched = _Watched(content)
    places = _Places(content)
    try:
        with h5py.File(watched, "r") as file:
            ((entry, group),) = entries_of(file.id, named_as_master=named)
            members = members_of(group)
            texts = {text: places.single(group, members.get(text)) for text in TEXTS}
            holders: list[Holder] = []
            columns: dict[str, Column] = {}
            names, singles = [], []
            for holder in (b"measurement", b"instrument"):
                held = subgroup_of(group, members.get(holder))
                if held is None:
                    continue
                inside = members_of(held)
                holders.append(Holder(holder, inside, tuple(_links(held, inside))))
                for member in inside.values():
                    if member.kind != h5l.TYPE_HARD or member.name == b"start_positioners":
                        continue
                    column = places.column(held, member)
                    if column is not None:
                        columns[column.name] = column
                positioners = subgroup_of(held, inside.get(b"start_positioners")) if holder == b"instrument" else None
                if positioners is not None:
                    for member in members_of(positioners).values():
                        names.append(shown(member.name))
                        singles.append(places.single(positioners, member))
        data = places.merged(len(content))
        numbers, order = _numbers(places.numbers)
    except (_UnsuitableError, *UNREADABLE):
        return None
    spelled = [each for each in watched.ranges if content.startswith(_LINKS, each[0])] if _has_links(holders) else []
    # Read in several pieces sometimes: what belongs to such a block is what its longest piece covers.
    same = _without(_united([each for each in watched.ranges if each not in spelled]), [*data, *spelled])
    return Layout(
        size=len(content),
        named=named,
        entry=entry,
        same=_parts(content, same),
        spelled=_parts(content, _united(spelled)),
        holders=holders,
        columns=tuple(columns.values()),
        texts={text: _ordered(single, order) for text, single in texts.items()},
        names=names,
        snapshot=[_ordered(single, order) for single in singles],
        numbers=numbers,
    )


def _links(group: h5g.GroupID, members: dict[bytes, Member]) -> Iterator[tuple[bytes, bytes, bytes]]:
    for member in members.values():
        if member.kind == h5l.TYPE_EXTERNAL:
            filename, path = group.links.get_val(member.name)
            yield member.name, filename, path


def _has_links(holders: Sequence[Holder]) -> bool:
    return any(holder.links for holder in holders)


def _numbers(found: Sequence[tuple[int, str, int]]) -> tuple[struct.Struct, list[int]]:
    """Return what takes all numbers out of a file at once, and at which place of its answer each is."""
    spelling, at = ["="], 0
    order = [0] * len(found)
    for place, (index, (data, letter, size)) in enumerate(sorted(enumerate(found), key=lambda item: item[1])):
        if data < at:
            raise _UnsuitableError
        spelling.append(f"{data - at}x{letter}")
        at = data + size
        order[index] = place
    return struct.Struct("".join(spelling)), order


def _ordered(single: Single, order: Sequence[int]) -> Single:
    return single if single.place < 0 else Single(order[single.place], -1)


def _united(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    united: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        else:
            united.append((start, end))
    return united


def _without(ranges: Sequence[tuple[int, int]], holes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what is left of ranges, both in order."""
    ordered = _united(holes)
    for start, end in ranges:
        at = start
        for begin, until in ordered:
            if until <= at or begin >= end:
                continue
            if begin > at:
                yield at, begin
            at = until
        if at < end:
            yield at, end


def _parts(content: bytes, ranges: "Iterator[tuple[int, int]] | Sequence[tuple[int, int]]") -> list[Part]:
    return [(start, end, content[start:end]) for start, end in ranges]
