"""Save scans: find the same one seen elsewhere, keep what is known of it, give each master its own links."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, exists, insert, or_, select, update

from danmax_sync.catalogue.marks import hand_over, settle_marks
from danmax_sync.catalogue.prepared import Prepared, prepared
from danmax_sync.catalogue.rows import (
    ReadMaster,
    Row,
    batched,
    link_row,
    prefix_of,
    scan_row,
)
from danmax_sync.catalogue.schema import field, file, link, location, root, scan, series, value
from danmax_sync.catalogue.values import Root
from danmax_sync.scanfile.record import ScanRecord, ScanState, resolved
from danmax_sync.visits import ScanPlace, TreePath, place

_MOST_NAMESAKES = 20
"""Different scans of one number, entry and start."""
_TOLD_BY_FOLDERS = ("proposal", "visit", "sample", "folder")
_ROWS_AT_ONCE = 100
"""In one statement; SQLite's oldest limit on variables is 999."""


class ScanWriter:
    """Saves the scans of masters; part of a `Writer`.

    Values are most of the rows, by far. They are kept back until `finish`, to be inserted at once.
    """

    def __init__(self, connection: Connection, extractor: int) -> None:
        self._connection = connection
        self._extractor = extractor
        self._fields: dict[tuple[str, str], int] = {}
        self._field_ids: dict[tuple[str, ...], list[int]] = {}
        self._records: dict[int, Prepared] = {}

    def save(self, at: Root, masters: Sequence[ReadMaster]) -> None:
        """Replace what masters said by what they say now; see `Writer.save_scans`."""
        before = self._forget_places([master.file_id for master in masters])
        saved: set[tuple[int, int]] = set()
        places: list[Row] = []
        links: list[Row] = []
        for master, ids in zip(masters, self._scan_ids(at, masters), strict=True):
            # Two entries that nothing tells apart are one scan: the later one stands.
            of_master = dict(zip(ids, master.records, strict=True))
            for scan_id, record in of_master.items():
                saved.add((scan_id, master.file_id))
                self._records[scan_id] = record
                places.append(
                    {
                        "scan_id": scan_id,
                        "file_id": master.file_id,
                        "prefix": prefix_of(master.where),
                        "state": ScanState.COMPLETE.value,
                    }
                )
                # Resolved here once more: what a record says of one place must not stand for another.
                links += [
                    link_row(scan_id, master.file_id, resolved(e, master.where.path)) for e in record.record.links
                ]
        for table, rows in ((location, places), (link, links)):
            if rows:
                self._connection.execute(insert(table), rows)
        read = [{"_id": master.file_id, "extractor": self._extractor} for master in masters]
        self._connection.execute(update(file).where(file.c.id == bindparam("_id")), read)
        kept = {scan_id for scan_id, _ in saved}
        hand_over(self._connection, before - kept, kept)
        self._drop_placeless(before - kept)

    def _forget_places(self, file_ids: Sequence[int]) -> set[int]:
        """Forget where the scans of some files are; return those scans."""
        found: set[int] = set()
        for some in batched(file_ids):
            found.update(self._connection.scalars(select(location.c.scan_id).where(location.c.file_id.in_(some))))
            if found:
                for table in (location, link):
                    self._connection.execute(delete(table).where(table.c.file_id.in_(some)))
        return found

    def _scan_ids(self, at: Root, masters: Sequence[ReadMaster]) -> list[list[int]]:
        """Return the row of each scan of each master, made or brought up to date."""
        rows = [[scan_row(at, m.where, each.record, running=m.running) for each in m.records] for m in masters]
        keys = [row["key"] for group in rows for row in group]
        known = {
            key
            for some in batched(keys)
            for key in self._connection.scalars(select(scan.c.key).where(scan.c.key.in_(some)))
        }
        # Of several that may be one scan, the first is made and the others are found.
        fresh: dict[str, Row] = {}
        for row in (row for group in rows for row in group if row["key"] not in known):
            fresh.setdefault(row["key"], row)
        made: dict[int, int] = {}
        if fresh:
            statement = insert(scan).returning(scan.c.id, sort_by_parameter_order=True)
            ids = self._connection.scalars(statement, list(fresh.values())).all()
            made = {id(row): scan_id for row, scan_id in zip(fresh.values(), ids, strict=True)}
        found: list[list[int]] = []
        for master, group in zip(masters, rows, strict=True):
            found.append([])
            for row, record in zip(group, master.records, strict=True):
                scan_id = made.get(id(row)) or self._found(row, master.where, record)
                # Its values are written at the end, and others may be compared with it before.
                self._records.setdefault(scan_id, record)
                found[-1].append(scan_id)
        return found

    def save_unreadable(self, at: Root, file_id: int, where: ScanPlace, *, is_master: bool) -> int:
        """Note that a file cannot be read; return how many scans that concerns.

        What was known of its scans stays; a master that never could be read gets a row, so that it is seen. Either is
        tried again next time, because the cause may have been the way there. Another file of which no scan is known
        is nothing to us until it changes.
        """
        known = self._connection.scalars(select(location.c.scan_id).where(location.c.file_id == file_id)).all()
        for scan_id in known:
            self._move(scan_id, where)
        scans = len(known)
        if is_master and not scans:
            record = ScanRecord("entry", where.number, "", "", None, None, 0, None, None)
            self.save(at, [ReadMaster(file_id, where, (prepared(record),), running=False)])
            scans = 1
        unreadable = update(location).where(location.c.file_id == file_id)
        self._connection.execute(unreadable.values(state=ScanState.UNREADABLE.value))
        extractor = 0 if scans else self._extractor
        self._connection.execute(update(file).where(file.c.id == file_id).values(extractor=extractor))
        return scans

    def finish(self) -> None:
        """Write the values of all scans saved so far, and give them what the user says of them."""
        settle_marks(self._connection)
        values = [row for id_, each in self._records.items() for row in self._value_rows(id_, each)]
        # So each part of the index is visited once for all scans: half the time of going scan by scan.
        values.sort(key=itemgetter(1))
        columns = [
            (id_, self._field(name, origin), *numbers)
            for id_, each in self._records.items()
            for name, origin, numbers in each.series
        ]
        self._records.clear()
        for table, rows in ((value, values), (series, columns)):
            if rows:
                self._insert(table, rows)

    def _value_rows(self, scan_id: int, each: Prepared) -> Iterator[tuple[object, ...]]:
        """Return the rows of a snapshot, in the order of the table's columns."""
        # One scan has the names of the next.
        fields = self._field_ids.get(each.names)
        if fields is None:
            fields = self._field_ids[each.names] = [self._field(name, "snapshot") for name in each.names]
        return zip(repeat(scan_id), fields, each.numbers, each.texts, each.nans, strict=False)

    def _insert(self, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert rows that have a value for every column of a table, in order.

        A fifth of all time went into turning 200 dictionaries a master into what the driver takes. And SQLite's driver
        gives way to other threads with every statement it runs: so many rows in one.
        """
        statement = insert(table).compile(dialect=self._connection.dialect)
        if not self._connection.dialect.positional:
            names = [column.name for column in table.columns]
            self._connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
            return
        one = str(statement)
        odd = len(rows) % _ROWS_AT_ONCE
        if odd:
            self._connection.exec_driver_sql(one, list(rows[:odd]))
        if len(rows) > odd:
            row = one[one.rindex("(") :]
            many = one + f", {row}" * (_ROWS_AT_ONCE - 1)
            starts = range(odd, len(rows), _ROWS_AT_ONCE)
            flat = [tuple(chain.from_iterable(rows[start : start + _ROWS_AT_ONCE])) for start in starts]
            self._connection.exec_driver_sql(many, flat)

    def _found(self, columns: Row, where: ScanPlace, record: Prepared) -> int:
        """Bring a scan up to date that is known, perhaps from elsewhere; or make it after all."""
        scan_id = self._matching(columns, record)
        if scan_id is None:
            key = self._free_key(columns)
            return _new_id(self._connection.execute(insert(scan).values(**columns | {"key": key})))
        # A copy at home may stand in folders that no longer tell proposal, visit and sample: keep what is known.
        known = {key: text for key, text in columns.items() if key not in _TOLD_BY_FOLDERS or text}
        del known["key"]
        first = self._first_place(scan_id)
        if first is not None and (first.visit or not where.visit):
            known |= {"path": str(first.path), "sample": first.sample, "folder": first.sample}
        self._connection.execute(update(scan).where(scan.c.id == scan_id).values(**known))
        for table in (value, series):
            self._connection.execute(delete(table).where(table.c.scan_id == scan_id))
        return scan_id

    def _matching(self, columns: Mapping[str, Any], record: Prepared) -> int | None:
        """Find the same scan, seen elsewhere or earlier. A place that tells no proposal or visit matches any."""
        rows = self._connection.execute(
            select(scan.c.id, scan.c.proposal, scan.c.visit, scan.c.title)
            .where(
                scan.c.key.in_(_keys(columns["key"])),
                *(or_(c == columns[c.name], c == "", columns[c.name] == "") for c in (scan.c.proposal, scan.c.visit)),
            )
            .order_by(scan.c.id)
        ).all()
        exact = [r for r in rows if (r.proposal, r.visit) == (columns["proposal"], columns["visit"])]
        candidates = exact + [r for r in rows if r not in exact]
        return next((int(row.id) for row in candidates if self._is_same(row.id, row.title, record)), None)

    def _is_same(self, scan_id: int, title: str, record: Prepared) -> bool:
        """Say whether a scan of the same number, entry and start is the same: its copies have the same snapshot.

        Where it has no place any more, the master was read anew, and may say what it likes.
        """
        placed = exists().where(location.c.scan_id == scan_id)
        if scan_id not in self._records and not self._connection.scalar(select(placed)):
            return True
        if title and record.record.title and title != record.record.title:
            return False
        known = self._snapshot_of(scan_id)
        each = zip(record.names, zip(record.numbers, record.texts, record.nans, strict=True), strict=True)
        return all(known.get(name, value) == value for name, value in each)

    def _snapshot_of(self, scan_id: int) -> dict[str, tuple[float | None, str | None, int]]:
        """Return the snapshot of a scan as it is kept, or about to be."""
        kept = self._records.get(scan_id)
        if kept is not None:
            return dict(zip(kept.names, zip(kept.numbers, kept.texts, kept.nans, strict=True), strict=True))
        rows = self._connection.execute(
            select(field.c.name, value.c.number, value.c.text, value.c.nan)
            .join(field, field.c.id == value.c.field_id)
            .where(value.c.scan_id == scan_id)
        )
        return {row.name: (row.number, row.text, row.nan) for row in rows}

    def _free_key(self, columns: Row) -> str:
        """Return a key for a scan that is another than those of its number, entry and start."""
        keys = _keys(columns["key"])
        same = (scan.c.proposal == columns["proposal"]) & (scan.c.visit == columns["visit"])
        taken = set(self._connection.scalars(select(scan.c.key).where(same, scan.c.key.in_(keys))))
        return next((key for key in keys if key not in taken), keys[-1])

    def _first_place(self, scan_id: int) -> ScanPlace | None:
        """Return the place a scan's path was taken from, while its master is still there.

        A second copy in other folders only adds a location: it must not bend what the first one tells.
        """
        found = self._connection.execute(
            select(root.c.id, root.c.uri, root.c.name, root.c.kind, file.c.path)
            .join(file, file.c.root_id == root.c.id)
            .join(location, location.c.file_id == file.c.id)
            .join(scan, scan.c.id == location.c.scan_id)
            .where(scan.c.id == scan_id, file.c.state == "present", file.c.path == location.c.prefix + scan.c.path)
        ).all()
        places = [place(TreePath.parse(row.path), root=Root(*row[:4]).base) for row in found]
        return min(places, key=lambda one: not one.visit, default=None)

    def _move(self, scan_id: int, where: ScanPlace) -> None:
        """Let a scan stand where its master was seen, unless that is still where it was."""
        if self._first_place(scan_id) is not None:
            return
        told = {"sample": where.sample, "folder": where.sample} if where.sample else {}
        moved = {"path": str(where.path)} | told
        self._connection.execute(update(scan).where(scan.c.id == scan_id).values(**moved))

    def _field(self, name: str, origin: str) -> int:
        try:
            return self._fields[name, origin]
        except KeyError:
            pass
        if not self._fields:
            rows = self._connection.execute(select(field.c.name, field.c.origin, field.c.id))
            self._fields = {(row.name, row.origin): row.id for row in rows}
        if (name, origin) not in self._fields:
            made = self._connection.execute(insert(field).values(name=name, origin=origin))
            self._fields[name, origin] = _new_id(made)
        return self._fields[name, origin]

    def _drop_placeless(self, scan_ids: Iterable[int]) -> None:
        """Forget scans that a re-read master no longer holds; scans of vanished files keep their location."""
        for scan_id in scan_ids:
            placed = exists().where(location.c.scan_id == scan_id)
            self._connection.execute(delete(scan).where(scan.c.id == scan_id, ~placed))
            if scan_id in self._records and not self._connection.scalar(select(scan.c.id).where(scan.c.id == scan_id)):
                del self._records[scan_id]


def _keys(key: str) -> list[str]:
    """Return the keys that scans of one number, entry and start may have: different ones get a number more."""
    return [key, *(f"{key} ({number})" for number in range(2, _MOST_NAMESAKES + 1))]


def _new_id(result: Any) -> int:
    return int(result.inserted_primary_key[0])
