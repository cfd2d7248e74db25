"""The catalogue: open it, ask it, write to it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from sqlalchemy import ColumnElement, Engine, Executable, Row, UnaryExpression, func, select, true

from danmax_sync.catalogue.database import database_url, make_engine, reading, writing
from danmax_sync.catalogue.migrate import bring_up_to_date
from danmax_sync.catalogue.schema import field, file, link, location, problem, root, scan, value
from danmax_sync.catalogue.values import CataloguedScan, Link, Location, Problem, RecordedValue, Root
from danmax_sync.catalogue.writer import Writer
from danmax_sync.scanfile.record import ScanState
from danmax_sync.settings import catalogue_location
from danmax_sync.visits import TreePath

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
    def open(cls, where: str | None = None) -> Self:
        """Open a catalogue, making or upgrading it where that is safe.

        Parameters
        ----------
        where : str, optional
            A path (SQLite) or a database URL; by default ``DANMAX_SYNC_CATALOGUE``, else the user's own.

        Raises
        ------
        CatalogueError
            If it is not a catalogue, was written by a newer version, or cannot be reached.
        """
        engine = make_engine(database_url(where or catalogue_location()))
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

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Write in one transaction: all of it is kept, or nothing."""
        with writing(self.engine) as connection:
            yield Writer(connection)

    def scans(
        self,
        where: ColumnElement[bool] | None = None,
        *,
        order_by: Iterable[ColumnElement[object] | UnaryExpression[object]] = (),
        limit: int | None = None,
    ) -> list[CataloguedScan]:
        """Return the scans a condition holds for, oldest first unless ordered otherwise, with links and places."""
        order = tuple(order_by) or (scan.c.start_time, scan.c.number, scan.c.entry, scan.c.id)
        statement = select(scan).order_by(*order).limit(limit)
        if where is not None:
            statement = statement.where(where)
        with reading(self.engine) as connection:
            rows = connection.execute(statement).all()
            links: dict[int, list[Link]] = {}
            places: dict[int, list[Location]] = {}
            for start in range(0, len(rows), _MANY):
                ids = [row.id for row in rows[start : start + _MANY]]
                for row in connection.execute(select(link).where(link.c.scan_id.in_(ids)).order_by(link.c.detector)):
                    links.setdefault(row.scan_id, []).append(_link(row))
                for row in connection.execute(_places_of(ids)):
                    places.setdefault(row.scan_id, []).append(_location(row))
        return [_scan(row, tuple(links.get(row.id, ())), tuple(places.get(row.id, ()))) for row in rows]

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

    def count(self) -> int:
        """Return the number of scans."""
        with reading(self.engine) as connection:
            return connection.scalar(select(func.count()).select_from(scan)) or 0

    def values(self, scan_id: int) -> list[RecordedValue]:
        """Return the snapshot, motors and channels of one scan, in the order of their names."""
        statement = (
            select(value, field.c.name, field.c.origin)
            .join(field, field.c.id == value.c.field_id)
            .where(value.c.scan_id == scan_id)
            .order_by(field.c.origin, field.c.name)
        )
        with reading(self.engine) as connection:
            return [
                RecordedValue(
                    row.name,
                    row.origin,
                    row.text if row.text is not None else row.number,
                    row.maximum,
                    row.first,
                    row.mean,
                    row.points,
                    row.nan_count,
                )
                for row in connection.execute(statement)
            ]

    def field_names(self) -> list[str]:
        """Return every snapshot, motor and channel name there is."""
        with reading(self.engine) as connection:
            return list(connection.scalars(select(field.c.name).distinct().order_by(field.c.name)))

    def roots(self) -> list[Root]:
        """Return every place that was indexed."""
        with reading(self.engine) as connection:
            return [Root(*row) for row in connection.execute(select(root.c.id, root.c.uri, root.c.name, root.c.kind))]

    def problems(self) -> list[Problem]:
        """Return what could not be read."""
        return self._problems(true())

    def problems_at(self, at: Root, stage: str | None = None) -> list[Problem]:
        """Return what could not be read at one root, of all stages or of one."""
        return [each for each in self._problems(problem.c.root_id == at.id) if stage in {None, each.stage}]

    def _problems(self, where: ColumnElement[bool]) -> list[Problem]:
        statement = select(root.c.name, problem.c.path, problem.c.stage, problem.c.message).join(root).where(where)
        with reading(self.engine) as connection:
            return [Problem(*row) for row in connection.execute(statement.order_by(root.c.name, problem.c.path))]

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


def _places_of(ids: list[int]) -> Executable:
    return (
        select(
            location.c.scan_id,
            location.c.prefix,
            location.c.state,
            file.c.path,
            root.c.id.label("root_id"),
            root.c.uri,
            root.c.name,
            root.c.kind,
        )
        .join(file, file.c.id == location.c.file_id)
        .join(root, root.c.id == file.c.root_id)
        .where(location.c.scan_id.in_(ids))
        .order_by(root.c.kind, root.c.name, file.c.path)
    )


def _link(row: Row[tuple[object, ...]]) -> Link:
    target = TreePath.parse(row.target) if row.target is not None else None
    return Link(row.detector, row.filename, row.inner_path, target, row.problem)


def _location(row: Row[tuple[object, ...]]) -> Location:
    prefix = TreePath(tuple(row.prefix.split("/")[:-1]))
    return Location(Root(row.root_id, row.uri, row.name, row.kind), TreePath.parse(row.path), prefix, row.state)


def _scan(row: Row[tuple[object, ...]], links: tuple[Link, ...], locations: tuple[Location, ...]) -> CataloguedScan:
    return CataloguedScan(
        id=row.id,
        number=row.number,
        entry=row.entry,
        proposal=row.proposal or None,
        visit=row.visit or None,
        sample=row.sample,
        path=TreePath.parse(row.path),
        title=row.title,
        macro=row.macro,
        start_time=row.start_time,
        end_time=row.end_time,
        energy_kev=row.energy_kev,
        energy_origin=row.energy_origin,
        temperature_k=row.temperature_k,
        temperature_min_k=row.temperature_min_k,
        temperature_max_k=row.temperature_max_k,
        temperature_origin=row.temperature_origin,
        points=row.points,
        state=ScanState(row.state),
        links=links,
        locations=locations,
    )
