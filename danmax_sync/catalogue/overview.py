"""What is recorded at all: each name with its range, over many scans, in a handful of aggregates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import reading
from danmax_sync.catalogue.schema import field, scan, series, value
from danmax_sync.quantities import meaning_of

EXAMPLES = 3
"""Texts shown of a field that holds texts."""


@dataclass(frozen=True, slots=True)
class FieldOverview:
    """A name of the snapshot, of a motor or of a channel, over some scans.

    Attributes
    ----------
    origin : str
        ``snapshot``, ``motor`` or ``channel``.
    scans : int
        How many of the scans have it.
    least, greatest : float or None
        Of its numbers; None where there are only texts or NaN.
    texts : tuple of str
        The most frequent ones, three at most.
    spread : bool
        Whether the scans differ in it by more than the tolerance. That some lack it, or recorded NaN, is no difference.
    """

    name: str
    origin: str
    scans: int
    least: float | None = None
    greatest: float | None = None
    texts: tuple[str, ...] = ()
    spread: bool = False

    @property
    def unit(self) -> str:
        """The unit, empty where it is not known."""
        meaning = meaning_of(self.name)
        return meaning.dimension.value if meaning else ""

    @property
    def description(self) -> str:
        """What the beamline says it is, empty where the name has to explain itself."""
        meaning = meaning_of(self.name)
        return meaning.description if meaning else ""

    def to_json(self) -> dict[str, object]:
        """Return what ``fields -f json`` prints for it."""
        return {
            "name": self.name,
            "origin": self.origin,
            "unit": self.unit,
            "description": self.description,
            "scans": self.scans,
            "least": self.least,
            "greatest": self.greatest,
            "texts": list(self.texts),
        }


def field_overviews(
    catalogue: Catalogue, where: ColumnElement[bool] | None = None, *, tolerance: float = 0.0
) -> list[FieldOverview]:
    """Return every name the scans of a condition have, in the order of their names.

    Parameters
    ----------
    catalogue : Catalogue
        Where to look.
    where : condition, optional
        Of the table of scans; without one all scans count.
    tolerance : float
        Numbers that differ by less than this part of the larger one are the same: encoders tremble.
    """
    ids = None if where is None else select(scan.c.id).where(where)
    with reading(catalogue.engine) as connection:
        found = dict(_numbers(connection, ids, tolerance)) | dict(_columns(connection, ids, tolerance))
        texts: dict[int, list[str]] = {}
        for row in connection.execute(_texts(ids)):
            texts.setdefault(row.field_id, []).append(row.text)
    for field_id, examples in texts.items():
        known = found[field_id]
        differs = known.spread or len(examples) > 1 or known.least is not None
        found[field_id] = replace(known, texts=tuple(examples[:EXAMPLES]), spread=differs)
    return sorted(found.values(), key=lambda each: (each.name, each.origin))


def differ(one: float | None, other: float | None, tolerance: float) -> bool:
    """Say whether two numbers differ by more than a part of the larger one; NaN is None here and equals itself."""
    if one is None or other is None:
        return one is not other
    return abs(one - other) > tolerance * max(abs(one), abs(other))


def _numbers(connection: Connection, ids: Select[Any] | None, tolerance: float) -> Iterator[tuple[int, FieldOverview]]:
    """Aggregate scalars; only columns of the covering index are named, which spares reading the table itself."""
    number = value.c.number
    counted = select(
        value.c.field_id,
        func.count().label("scans"),
        func.min(number).label("least"),
        func.max(number).label("greatest"),
    )
    if ids is not None:
        counted = counted.where(value.c.scan_id.in_(ids))
    for row in _named(connection, counted.group_by(value.c.field_id)):
        spread = row.least is not None and differ(row.least, row.greatest, tolerance)
        yield row.id, FieldOverview(row.name, row.origin, row.scans, row.least, row.greatest, spread=spread)


def _columns(connection: Connection, ids: Select[Any] | None, tolerance: float) -> Iterator[tuple[int, FieldOverview]]:
    """Aggregate columns of points: scans differ where their least or their greatest points do."""
    low, high = series.c.minimum, series.c.maximum
    counted = select(
        series.c.field_id,
        func.count().label("scans"),
        func.min(low).label("least"),
        func.max(low).label("greatest_low"),
        func.min(high).label("least_high"),
        func.max(high).label("greatest"),
    )
    if ids is not None:
        counted = counted.where(series.c.scan_id.in_(ids))
    for row in _named(connection, counted.group_by(series.c.field_id)):
        spread = row.least is not None and (
            differ(row.least, row.greatest_low, tolerance) or differ(row.least_high, row.greatest, tolerance)
        )
        yield row.id, FieldOverview(row.name, row.origin, row.scans, row.least, row.greatest, spread=spread)


def _named(connection: Connection, counted: Select[Any]) -> Sequence[Any]:
    counts = counted.subquery()
    statement = select(field.c.id, field.c.name, field.c.origin, counts).join(counts, counts.c.field_id == field.c.id)
    return connection.execute(statement).all()


def _texts(ids: Select[Any] | None) -> Select[Any]:
    """Return the statement for the texts of each field, the most frequent first; texts have no number."""
    often = func.count().desc()
    statement = select(value.c.field_id, value.c.text).where(value.c.number.is_(None), value.c.text.is_not(None))
    if ids is None:
        # Field by field along the index (field, number), where texts stand together.
        statement = statement.where(value.c.field_id.in_(select(field.c.id)))
    else:
        statement = statement.where(value.c.scan_id.in_(ids))
    return statement.group_by(value.c.field_id, value.c.text).order_by(value.c.field_id, often, value.c.text)
