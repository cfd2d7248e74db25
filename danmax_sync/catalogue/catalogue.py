"""The catalogue: open it, ask it, write to it."""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from sqlalchemy import ColumnElement, Engine, UnaryExpression, func, select, true

from danmax_sync.catalogue.database import database_url, make_engine, reading, writing
from danmax_sync.catalogue.forgetting import Forgotten, foreseen, forget_root
from danmax_sync.catalogue.found import FoundScans
from danmax_sync.catalogue.given import id_of, scans_of, unexpected
from danmax_sync.catalogue.logbooks import Logbook, forget_logbook, log_entries_of, logbooks
from danmax_sync.catalogue.marks import count_lost, marks_of, put_mark, tags, take_marks
from danmax_sync.catalogue.migrate import bring_up_to_date
from danmax_sync.catalogue.reading import (
    detector_files_of,
    pattern_files_of,
    places_of,
    recorded_values,
    scan_of,
)
from danmax_sync.catalogue.schema import field, file, location, problem, root, scan
from danmax_sync.catalogue.values import (
    CataloguedScan,
    DetectorFile,
    Field,
    LogEntry,
    MarkKind,
    PatternFile,
    Problem,
    RecordedValue,
    Root,
)
from danmax_sync.catalogue.writer import Writer
from danmax_sync.scanfile.record import EXTRACTOR_VERSION
from danmax_sync.settings import catalogue_location
from danmax_sync.visits import TreePath

_ROWS_AT_ONCE = 5000
_MANY = 500
"""Ids in one statement: SQLite's oldest limit on variables is 999."""


class Catalogue:
    """Every scan ever indexed, wherever its files are.

    Examples
    --------
    >>> with Catalogue.open("catalogue.db") as catalogue:
    ...     catalogue.scans()
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, where: str | Path | None = None) -> Self:
        """Open a catalogue, making or upgrading it where that is safe.

        Parameters
        ----------
        where : str or Path, optional
            A path (SQLite) or a database URL; by default ``DANMAX_SYNC_CATALOGUE``, else the user's own.

        Raises
        ------
        CatalogueError
            If it is not a catalogue, was written by a newer version, or cannot be reached.
        """
        engine = make_engine(database_url(str(where or catalogue_location())))
        try:
            bring_up_to_date(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def compact(self) -> None:
        """Close the gaps that many insertions leave, a tenth of the file; if somebody else is at it, another time."""
        if self.engine.dialect.name != "sqlite":
            return
        with suppress(sqlite3.OperationalError), self.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("VACUUM")

    @contextmanager
    def writer(self, *, extractor: int = EXTRACTOR_VERSION) -> Iterator[Writer]:
        """Write in one transaction: all of it is kept, or nothing. Masters are noted as read by `extractor`."""
        with writing(self.engine) as connection:
            writer = Writer(connection, extractor=extractor)
            yield writer
            writer.finish()

    def scans(
        self,
        where: ColumnElement[bool] | None = None,
        *,
        order_by: Iterable[ColumnElement[Any] | UnaryExpression[Any]] = (),
        limit: int | None = None,
    ) -> list[CataloguedScan]:
        """Return the scans a condition holds for, oldest first unless ordered otherwise, with links and places."""
        return list(self.find(where, order_by=order_by, limit=limit))

    def find(
        self,
        where: ColumnElement[bool] | None = None,
        *,
        order_by: Iterable[ColumnElement[Any] | UnaryExpression[Any]] = (),
        limit: int | None = None,
    ) -> FoundScans:
        """Find the scans a condition holds for; links, places and the rest are read when a scan is looked at."""
        # PostgreSQL would put what is missing last.
        order = (*order_by, scan.c.start_time.nulls_first(), scan.c.number.nulls_first(), scan.c.entry, scan.c.id)
        statement = select(scan.c.id).order_by(*order).limit(limit)
        if where is not None:
            statement = statement.where(where)
        with reading(self.engine) as connection:
            # Rows by the thousand: a row takes ten times the room of its number.
            ids = array("q", connection.execution_options(yield_per=_ROWS_AT_ONCE).scalars(statement))
        return FoundScans(ids, self._load)

    def _load(self, ids: Sequence[int]) -> list[CataloguedScan]:
        """Return scans by their rows, in the order of `ids`; those that are gone are left out."""
        with reading(self.engine) as connection:
            rows = {row.id: row for row in connection.execute(select(scan).where(scan.c.id.in_(ids)))}
            places = places_of(connection, list(rows))
            marks = marks_of(connection, ids)
        return [scan_of(rows[id_], places.get(id_, ()), marks.get(id_, ())) for id_ in ids if id_ in rows]

    def in_the_same_masters(self, scans: Sequence[CataloguedScan]) -> list[CataloguedScan]:
        """Return the other scans that the masters of some scans hold: masters of in-situ runs hold many."""
        known = {each.id for each in scans}
        masters = {(at.root.id, at.path) for each in scans for at in each.locations}
        paths = sorted({str(each.path) for each in scans})
        return [
            other
            for start in range(0, len(paths), _MANY)
            for other in self.scans(scan.c.path.in_(paths[start : start + _MANY]))
            if other.id not in known and any((at.root.id, at.path) in masters for at in other.locations)
        ]

    def count(self, where: ColumnElement[bool] | None = None, *, limit: int | None = None) -> int:
        """Return the number of scans, of all or of those a condition holds for; counting ends at a limit."""
        found = select(scan.c.id) if where is None else select(scan.c.id).where(where)
        statement = select(func.count()).select_from(found.limit(limit).subquery())
        with reading(self.engine) as connection:
            return connection.scalar(statement) or 0

    def spans_visits(self, where: ColumnElement[bool]) -> bool:
        """Say whether the scans a condition holds for are of more than one visit."""
        with reading(self.engine) as connection:
            visits = select(scan.c.visit).where(where).distinct().limit(2)
            return len(connection.execute(visits).all()) > 1

    def values(self, scan_id: int) -> list[RecordedValue]:
        """Return the snapshot, motors and channels of one scan, in the order of their names."""
        with reading(self.engine) as connection:
            return recorded_values(connection, id_of(scan_id))

    def detector_files(self, scan_id: int) -> list[DetectorFile]:
        """Return what is known of the content of a scan's detector files, wherever they could be opened."""
        with reading(self.engine) as connection:
            return detector_files_of(connection, id_of(scan_id))

    def pattern_files(self, scan_id: int) -> list[PatternFile]:
        """Return the files of integrated patterns of a scan, ours and the beamline's own, wherever they are."""
        with reading(self.engine) as connection:
            return pattern_files_of(connection, id_of(scan_id))

    def log_entries(self, scan_id: int) -> list[LogEntry]:
        """Return the entries of logbooks that speak of a scan, the oldest first."""
        with reading(self.engine) as connection:
            return log_entries_of(connection, id_of(scan_id))

    def logbooks(self) -> list[Logbook]:
        """Return the logbooks that were read."""
        with reading(self.engine) as connection:
            return logbooks(connection)

    def forget_logbook(self, book: Logbook) -> None:
        """Forget a logbook with its entries; it can be read again."""
        with writing(self.engine) as connection:
            forget_logbook(connection, book.id)

    def set_sample(self, scans: CataloguedScan | Iterable[CataloguedScan], name: str) -> int:
        """Call the sample of some scans by a name of one's own; it stays whatever their folders say.

        Returns
        -------
        int
            How many scans that changed.

        Raises
        ------
        UsageError
            If the name cannot be one.
        """
        with writing(self.engine) as connection:
            return put_mark(connection, [scan.id for scan in scans_of(scans)], MarkKind.SAMPLE, name)

    def tag(self, scans: CataloguedScan | Iterable[CataloguedScan], tag: str) -> int:
        """Give some scans a tag; return how many did not have it.

        Raises
        ------
        UsageError
            If it cannot be one.
        """
        with writing(self.engine) as connection:
            return put_mark(connection, [scan.id for scan in scans_of(scans)], MarkKind.TAG, tag)

    def note(self, scans: CataloguedScan | Iterable[CataloguedScan], text: str) -> int:
        """Add a note to some scans; return how many did not have it.

        Raises
        ------
        UsageError
            If it is empty or too long.
        """
        with writing(self.engine) as connection:
            return put_mark(connection, [scan.id for scan in scans_of(scans)], MarkKind.NOTE, text)

    def unmark(self, scans: CataloguedScan | Iterable[CataloguedScan], kind: MarkKind, text: str | None = None) -> int:
        """Take a tag, or all notes, or the sample's name away from some scans; return from how many.

        Raises
        ------
        UsageError
            If there is no such kind.
        """
        try:
            kind = MarkKind(kind)
        except ValueError:
            raise unexpected(f"one of {', '.join(MarkKind)}", kind) from None
        with writing(self.engine) as connection:
            return take_marks(connection, [scan.id for scan in scans_of(scans)], kind, text)

    def tags(self) -> list[tuple[str, int]]:
        """Return every tag there is, and how many scans have it."""
        with reading(self.engine) as connection:
            return tags(connection)

    def count_lost_marks(self) -> int:
        """Return of how many scans something was said that are not in the catalogue now."""
        with reading(self.engine) as connection:
            return count_lost(connection)

    def fields(self) -> list[Field]:
        """Return every snapshot, motor and channel name there is, with its row and origin."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(field.c.id, field.c.name, field.c.origin))
            return sorted((Field(*row) for row in rows), key=lambda each: (each.name, each.id))

    def field_names(self) -> list[str]:
        """Return every snapshot, motor and channel name there is."""
        with reading(self.engine) as connection:
            # Sorted here: a server may have its own ideas of an alphabet.
            return sorted(connection.scalars(select(field.c.name).distinct()))

    def roots(self) -> list[Root]:
        """Return every place that was indexed."""
        with reading(self.engine) as connection:
            return [Root(*row) for row in connection.execute(select(root.c.id, root.c.uri, root.c.name, root.c.kind))]

    def would_forget(self, at: Root) -> Forgotten:
        """Return what `forget` would take along."""
        with reading(self.engine) as connection:
            return foreseen(connection, at.id)

    def forget(self, at: Root) -> Forgotten:
        """Forget a root, and the scans that are known nowhere else; what the user said of them waits for their return.

        Returns
        -------
        Forgotten
            How many scans that concerned.
        """
        with writing(self.engine) as connection:
            return forget_root(connection, at.id)

    def problems(self) -> list[Problem]:
        """Return what could not be read."""
        return self._problems(true())

    def problems_at(self, at: Root, stage: str | None = None) -> list[Problem]:
        """Return what could not be read at one root, of all stages or of one."""
        return [each for each in self._problems(problem.c.root_id == at.id) if stage in {None, each.stage}]

    def _problems(self, where: ColumnElement[bool]) -> list[Problem]:
        statement = select(root.c.name, problem.c.path, problem.c.stage, problem.c.message).join(root).where(where)
        with reading(self.engine) as connection:
            found = [Problem(*row) for row in connection.execute(statement.order_by(problem.c.id))]
        return sorted(found, key=lambda each: (each.root, each.path, each.stage))

    def count_at(self, at: Root, below: TreePath) -> tuple[int, int]:
        """Return how many scans a part of a root holds, and how many it held that have vanished from the root."""
        statement = (
            select(location.c.scan_id, file.c.path, file.c.state)
            .join(file, file.c.id == location.c.file_id)
            .where(file.c.root_id == at.id)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(statement).all()
        here = [row for row in rows if TreePath.parse(row.path).is_below(below)]
        present = {row.scan_id for row in rows if row.state == "present"}
        gone = {row.scan_id for row in here if row.state == "missing"} - present
        return sum(row.state == "present" for row in here), len(gone)

    def file_sizes(self, root_id: int) -> dict[str, int]:
        """Return the size of each present file of a root, by its path there."""
        statement = select(file.c.path, file.c.size).where(file.c.root_id == root_id, file.c.state == "present")
        with reading(self.engine) as connection:
            return {row.path: row.size for row in connection.execute(statement)}
