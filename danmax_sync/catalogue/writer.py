"""Write records into the catalogue, inside one transaction."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, or_, select, update

from danmax_sync.catalogue.schema import field, file, link, location, problem, root, scan, value
from danmax_sync.catalogue.states import refresh_states
from danmax_sync.catalogue.values import KnownFile, Root
from danmax_sync.scanfile.record import EXTRACTOR_VERSION, DetectorLink, ScanRecord, ScanState, resolved
from danmax_sync.visits import ScanPlace, TreePath, place


def iso_utc(moment: datetime | None) -> str | None:
    """Spell a time so that it sorts as text: UTC, microseconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


class Writer:
    """The write side of a catalogue; made by `Catalogue.writer`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._fields: dict[tuple[str, str], int] = {}

    def root(self, uri: str, name: str, kind: str) -> Root:
        """Return the row of a root, made or renamed as needed."""
        same = (root.c.uri == uri) & (root.c.kind == kind)
        found = self._connection.execute(select(root.c.id, root.c.name).where(same)).first()
        if found is None:
            made = self._connection.execute(insert(root).values(uri=uri, name=name, kind=kind))
            return Root(_new_id(made), uri, name, kind)
        if found.name != name:
            self._connection.execute(update(root).where(root.c.id == found.id).values(name=name))
        return Root(found.id, uri, name, kind)

    def known_files(self, at: Root) -> dict[str, KnownFile]:
        """Return every file of a root as it was when last looked at, by its path there."""
        columns = (file.c.size, file.c.mtime_ns, file.c.state, file.c.provisional, file.c.extractor)
        rows = self._connection.execute(select(file.c.path, file.c.id, *columns).where(file.c.root_id == at.id))
        return {row[0]: KnownFile(row[1], row[2], row[3], row[4], bool(row[5]), row[6]) for row in rows}

    def save_file(self, at: Root, path: TreePath, *, kind: str, size: int, mtime_ns: int, provisional: bool) -> int:
        """Note that a file is there; return its row's id."""
        facts = {
            "kind": kind,
            "size": size,
            "mtime_ns": mtime_ns,
            "state": "present",
            "provisional": int(provisional),
        }
        where = (file.c.root_id == at.id) & (file.c.path == str(path))
        found = self._connection.scalar(select(file.c.id).where(where))
        if found is None:
            return _new_id(
                self._connection.execute(insert(file).values(root_id=at.id, path=str(path), extractor=0, **facts))
            )
        self._connection.execute(update(file).where(file.c.id == found).values(**facts))
        return int(found)

    def save_scans(
        self, at: Root, file_id: int, where: ScanPlace, records: Iterable[ScanRecord], *, running: bool
    ) -> None:
        """Replace what a master said by what it says now.

        Parameters
        ----------
        at : Root
            Where the master is.
        file_id : int
            Its row.
        where : ScanPlace
            Its place in the visit.
        records : iterable of ScanRecord
            All scans in it.
        running : bool
            Whether a scan without an end is still going on.
        """
        prefix = "".join(f"{part}/" for part in where.visit_root.parts)
        before = set(self._connection.scalars(select(location.c.scan_id).where(location.c.file_id == file_id)))
        self._connection.execute(delete(location).where(location.c.file_id == file_id))
        for record in records:
            scan_id = self._save_scan(at, where, record, running=running)
            self._connection.execute(
                insert(location).values(scan_id=scan_id, file_id=file_id, prefix=prefix, state=ScanState.COMPLETE.value)
            )
        self._connection.execute(update(file).where(file.c.id == file_id).values(extractor=EXTRACTOR_VERSION))
        self._drop_placeless(before)

    def save_unreadable(self, at: Root, file_id: int, where: ScanPlace, *, is_master: bool = True) -> int:
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
            self.save_scans(at, file_id, where, [record], running=False)
            scans = 1
        self._connection.execute(update(location).where(location.c.file_id == file_id).values(state="unreadable"))
        extractor = 0 if scans else EXTRACTOR_VERSION
        self._connection.execute(update(file).where(file.c.id == file_id).values(extractor=extractor))
        return scans

    def mark_missing(self, at: Root, paths: Iterable[str]) -> None:
        """Note that files have vanished; their scans stay searchable, what could not be read of them is gone."""
        for path in paths:
            where = (file.c.root_id == at.id) & (file.c.path == path)
            self._connection.execute(update(file).where(where).values(state="missing"))
            self.clear_problems_of(at, path)

    def set_problem(self, at: Root, path: str, stage: str, message: str | None) -> None:
        """Keep what could not be read at a stage, or clear it."""
        where = (problem.c.root_id == at.id) & (problem.c.path == path) & (problem.c.stage == stage)
        self._connection.execute(delete(problem).where(where))
        if message is not None:
            seen = iso_utc(datetime.now(UTC))
            row = {"root_id": at.id, "path": path, "stage": stage, "message": message, "seen_at": seen}
            self._connection.execute(insert(problem).values(**row))

    def clear_problems(self, at: Root, stage: str, below: TreePath) -> None:
        """Forget what could not be read at a stage in a part of a root: it is about to be tried again."""
        here = (problem.c.path == str(below)) | problem.c.path.startswith(f"{below}/", autoescape=True)
        where = (problem.c.root_id == at.id) & (problem.c.stage == stage)
        self._connection.execute(delete(problem).where(where & here if below.parts else where))

    def clear_problems_of(self, at: Root, path: str) -> None:
        """Forget all that could not be read of a file: it has just been tried again, or is gone."""
        self._connection.execute(delete(problem).where(problem.c.root_id == at.id, problem.c.path == path))

    def refresh_states(self, at: Root) -> None:
        """Work out anew how whole each scan of a root is: detector files come and go without their masters changing."""
        refresh_states(self._connection, at.id)

    def _save_scan(self, at: Root, where: ScanPlace, record: ScanRecord, *, running: bool) -> int:
        columns = _scan_columns(at, where, record, running=running)
        scan_id = self._matching(columns)
        links: Sequence[DetectorLink] = record.links
        if scan_id is None:
            scan_id = _new_id(self._connection.execute(insert(scan).values(**columns)))
        else:
            # A copy at home may stand in folders that no longer tell proposal, visit and sample: keep what is known.
            known = {key: text for key, text in columns.items() if key not in {"proposal", "visit", "sample"} or text}
            first = self._first_place(scan_id)
            if first is not None and (first.visit or not where.visit):
                known |= {"path": str(first.path), "sample": first.sample}
                links = [resolved(each, first.path) for each in record.links]
            self._connection.execute(update(scan).where(scan.c.id == scan_id).values(**known))
            self._connection.execute(delete(link).where(link.c.scan_id == scan_id))
            self._connection.execute(delete(value).where(value.c.scan_id == scan_id))
        if links:
            self._connection.execute(insert(link), [_link_columns(scan_id, each) for each in links])
        rows = list(self._value_rows(scan_id, record))
        if rows:
            self._connection.execute(insert(value), rows)
        return scan_id

    def _matching(self, columns: Mapping[str, Any]) -> int | None:
        """Find the same scan, seen elsewhere or earlier. A place that tells no proposal or visit matches any."""
        rows = self._connection.execute(
            select(scan.c.id, scan.c.proposal, scan.c.visit).where(
                scan.c.key == columns["key"],
                *(or_(c == columns[c.name], c == "", columns[c.name] == "") for c in (scan.c.proposal, scan.c.visit)),
            )
        ).all()
        exact = [r.id for r in rows if (r.proposal, r.visit) == (columns["proposal"], columns["visit"])]
        return int((exact or [r.id for r in rows])[0]) if rows else None

    def _first_place(self, scan_id: int) -> ScanPlace | None:
        """Return the place a scan's path and links were taken from, while its master is still there.

        A second copy in other folders only adds a location: it must not bend the links of the first.
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
        moved = {"path": str(where.path)} | ({"sample": where.sample} if where.sample else {})
        self._connection.execute(update(scan).where(scan.c.id == scan_id).values(**moved))
        for row in self._connection.execute(select(link).where(link.c.scan_id == scan_id)).all():
            there = resolved(DetectorLink(row.detector, row.filename, row.inner_path, None), where.path)
            same = (link.c.scan_id == scan_id) & (link.c.detector == row.detector)
            self._connection.execute(update(link).where(same).values(**_link_columns(scan_id, there)))

    def _value_rows(self, scan_id: int, record: ScanRecord) -> Iterable[dict[str, object]]:
        empty: dict[str, object] = dict.fromkeys(("number", "maximum", "first", "mean", "text", "points"))
        seen: set[int] = set()
        for single in record.snapshot:
            field_id = self._field(single.name, "snapshot")
            if field_id in seen:  # two names that differ in characters nobody can see
                continue
            seen.add(field_id)
            row = {**empty, "scan_id": scan_id, "field_id": field_id, "nan_count": 0}
            if isinstance(single.value, str):
                row["text"] = single.value
            elif isinstance(single.value, float) and math.isnan(single.value):
                row["nan_count"] = 1
            elif single.value is not None:
                row["number"] = row["maximum"] = _stored(single.value)
            yield row
        for column in record.columns:
            yield {
                "scan_id": scan_id,
                "field_id": self._field(column.name, column.kind.value),
                "number": column.minimum,
                "maximum": column.maximum,
                "first": column.first,
                "mean": column.mean,
                "text": None,
                "points": column.points,
                "nan_count": column.nan_count,
            }

    def _field(self, name: str, origin: str) -> int:
        key = (name, origin)
        if not self._fields:
            rows = self._connection.execute(select(field.c.name, field.c.origin, field.c.id))
            self._fields = {(row.name, row.origin): row.id for row in rows}
        if key not in self._fields:
            self._fields[key] = _new_id(self._connection.execute(insert(field).values(name=name, origin=origin)))
        return self._fields[key]

    def _drop_placeless(self, scan_ids: Iterable[int]) -> None:
        """Forget scans that a re-read master no longer holds; scans of vanished files keep their location."""
        for scan_id in scan_ids:
            placed = exists().where(location.c.scan_id == scan_id)
            self._connection.execute(delete(scan).where(scan.c.id == scan_id, ~placed))


def _scan_columns(at: Root, where: ScanPlace, record: ScanRecord, *, running: bool) -> dict[str, object]:
    start = iso_utc(record.start_time)
    # Without a start time only the place is left to tell two scans apart.
    identity = start or f"{at.uri} {where.visit_root} {where.path}"
    energy, temperature = record.energy, record.temperature
    return {
        "key": f"{record.number if record.number is not None else '-'} {record.entry} {identity}",
        "proposal": where.proposal or record.proposal or "",
        "visit": where.visit or "",
        "number": record.number,
        "entry": record.entry,
        "path": str(where.path),
        "sample": where.sample,
        "title": record.title,
        "macro": record.macro,
        "start_time": start,
        "end_time": iso_utc(record.end_time),
        "points": record.points,
        "energy_kev": energy.mean if energy else None,
        "energy_origin": energy.origin if energy else None,
        "temperature_k": temperature.mean if temperature else None,
        "temperature_min_k": temperature.minimum if temperature else None,
        "temperature_max_k": temperature.maximum if temperature else None,
        "temperature_origin": temperature.origin if temperature else None,
        "running": int(running and record.end_time is None),
        "state": ScanState.COMPLETE.value,
    }


def _link_columns(scan_id: int, each: DetectorLink) -> dict[str, object]:
    return {
        "scan_id": scan_id,
        "detector": each.detector,
        "filename": each.filename,
        "inner_path": each.inner_path,
        "target": str(each.target) if each.target else None,
        "problem": each.problem,
    }


def _stored(number: float) -> float:
    """Return a number as SQLite and PostgreSQL can hold it; integers beyond a float's range become infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _new_id(result: Any) -> int:
    return int(result.inserted_primary_key[0])
