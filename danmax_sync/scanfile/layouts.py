"""Read a master that differs from an earlier one in nothing but its data, without asking the HDF5 library again.

A series of scans is written by one program with one set of names, and its masters differ in the numbers alone. What the
library makes of a file depends on the bytes that it reads of it and on no others; so one master is opened once more
with every byte noted that the library looks at on the way to its datasets (`watched.py`). Another file of the same size
in which all these bytes are the same has the same groups, names, types, shapes and addresses: its values are taken from
there. Again nothing is interpreted, only compared, and whatever differs in a bit goes to the library.

Two things may differ without harm: the data themselves, with the heaps in which their strings are (`heap.py`), and the
blocks in which links to detector files are spelled out, since each master names its own files. Where such a block
differs, the links are read by the library, and the members must be those of the earlier file.
"""

import struct
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from danmax_sync.quantities import Preferences
from danmax_sync.scanfile.assembly import record_of
from danmax_sync.scanfile.columns import reduced
from danmax_sync.scanfile.groups import Member, entries_of, link_to, links_of, members_of, subgroup_of
from danmax_sync.scanfile.hdf5 import UNREADABLE, open_content
from danmax_sync.scanfile.heap import GlobalHeap
from danmax_sync.scanfile.record import ColumnKind, DetectorLink, ScanRecord, SnapshotValue
from danmax_sync.scanfile.text import clean_text
from danmax_sync.visits import ScanPlace

_MOST_BYTES = 32 << 20
_TRIALS = 4.0
"""Layouts learnt in vain before giving up; each file read by one earns some of a trial back."""
_EARNED = 0.25

Part = tuple[int, int, bytes]
"""From where to where in a file, and the bytes there."""


class Single(NamedTuple):
    """Where a scalar is: a number at `data` (`place` is its place among all numbers), a string's reference, or neither.

    Attributes
    ----------
    place : int
        Among the numbers; -1 for none.
    data : int
        Where a string's reference is; -1 for none.
    """

    place: int
    data: int


class Column(NamedTuple):
    """Where a motor's or channel's data are."""

    name: str
    kind: ColumnKind
    dtype: "np.dtype[np.generic]"
    points: int
    data: int


class Holder(NamedTuple):
    """A group with columns and links: its name, its members and its external links as written."""

    name: bytes
    members: Mapping[bytes, Member]
    links: tuple[tuple[bytes, bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout of a master with a single entry.

    Attributes
    ----------
    same : sequence of Part
        What must be the same in another file.
    spelled : sequence of Part
        Blocks of links: where they differ, the library reads the links.
    numbers : struct.Struct
        Takes all scalar numbers out of a file.
    """

    size: int
    named: bool
    entry: str
    same: Sequence[Part]
    spelled: Sequence[Part]
    holders: Sequence[Holder]
    columns: Sequence[Column]
    texts: Mapping[bytes, Single]
    names: Sequence[str]
    snapshot: Sequence[Single]
    numbers: struct.Struct

    @property
    def weight(self) -> int:
        """Bytes of memory, about."""
        return sum(len(part[2]) + 100 for part in (*self.same, *self.spelled)) + 200 * len(self.names)

    def read(self, content: bytes, name: str, where: ScanPlace, preferences: Preferences) -> ScanRecord | None:
        """Return what a file of this layout says; None where it is of another."""
        if any(content[start:end] != part for start, end, part in self.same):
            return None
        links = self._links(content, name, where)
        if links is None:
            return None
        numbers, heap = self.numbers.unpack_from(content), GlobalHeap(content)
        values: list[float | int | str | None] = []
        for index, data in self.snapshot:
            if index >= 0:
                values.append(numbers[index])
                continue
            text = heap.string(data) if data >= 0 else None
            if text is None and data >= 0:
                return None
            values.append(None if text is None else clean_text(text))
        texts: dict[bytes, str] = {}
        for key, (index, data) in self.texts.items():
            text = heap.string(data) if data >= 0 else None
            if text is None and data >= 0:
                return None
            texts[key] = str(numbers[index]) if index >= 0 else "" if text is None else clean_text(text)
        columns = {
            each.name: reduced(each.name, each.kind, np.frombuffer(content, each.dtype, each.points, each.data))
            for each in self.columns
        }
        snapshot = tuple(map(SnapshotValue._make, zip(self.names, values, strict=True)))
        return record_of(
            self.entry, where, preferences, alone=True, texts=texts, columns=columns, snapshot=snapshot, links=links
        )

    def _links(self, content: bytes, name: str, where: ScanPlace) -> list[DetectorLink] | None:
        if all(content[start:end] == part for start, end, part in self.spelled):
            found = [link_to(*link, where=where) for holder in self.holders for link in holder.links]
        else:
            try:
                with open_content(content, name) as file:
                    ((entry, group),) = entries_of(file.id, named_as_master=self.named)
                    members = members_of(group)
                    found = []
                    for holder in self.holders:
                        held = subgroup_of(group, members.get(holder.name))
                        if held is None or entry != self.entry or members_of(held) != holder.members:
                            return None
                        found += links_of(held, holder.members, where)
            except UNREADABLE:
                return None  # whoever reads all of it says why
        return list({link.detector: link for link in found}.values())


class Layouts:
    """The layouts of files read so far, the last used ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, list[Layout]] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._weight = 0
        self._trials = _TRIALS

    def read(self, content: bytes, name: str, where: ScanPlace, preferences: Preferences) -> ScanRecord | None:
        """Return what a file of a known layout says, None for any other."""
        named = where.number is not None
        for layout in self._known.get(len(content), ()):
            found = layout.read(content, name, where, preferences) if layout.named == named else None
            if found is not None:
                self._known.move_to_end(len(content))
                self._trials = min(_TRIALS, self._trials + _EARNED)
                return found
        return None

    def learn(self, content: bytes, where: ScanPlace, preferences: Preferences, records: Sequence[ScanRecord]) -> None:
        """Take a file that the library has just read as an example, if there was another one of its size before."""
        size = len(content)
        again = size in self._seen
        self._seen[size] = None
        if len(self._seen) > 1000:
            self._seen.popitem(last=False)
        # Files without columns and snapshot are read quickly anyway.
        if not again or self._trials < 1 or len(records) != 1 or records[0].notes or not records[0].snapshot:
            return
        from danmax_sync.scanfile.watched import layout_of

        self._trials -= 1
        layout = layout_of(content, named=where.number is not None)
        found = None if layout is None else layout.read(content, "", where, preferences)
        # As text: NaN is not the same as itself.
        if layout is None or repr(found) != repr(records[0]):
            return
        self._known.setdefault(size, []).append(layout)
        self._weight += layout.weight
        while self._weight > _MOST_BYTES and self._known:
            _, dropped = self._known.popitem(last=False)
            self._weight -= sum(each.weight for each in dropped)
