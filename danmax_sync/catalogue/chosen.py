"""Chosen snapshot values, motors and channels of many scans at once: the columns of a list."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import reading
from danmax_sync.catalogue.schema import field, series, value

_MANY = 500
"""Ids in one statement: SQLite's oldest limit on variables is 999."""


@dataclass(frozen=True, slots=True)
class Span:
    """The least and greatest of a column of points."""

    low: float
    high: float


Recorded = float | str | Span
"""A scalar of the snapshot, or the span of a motor or channel."""


def chosen_values(
    catalogue: Catalogue, names: Collection[str], scan_ids: Sequence[int]
) -> dict[str, dict[int, Recorded]]:
    """Return what scans recorded under some names, by name and scan.

    Points come before the snapshot: where a motor was scanned, its position before the scan says less. Values that
    are NaN or could not be read are left out.

    Parameters
    ----------
    catalogue : Catalogue
        Where to look.
    names : collection of str
        Exact ones.
    scan_ids : sequence of int
        The rows of the scans.
    """
    found: dict[str, dict[int, Recorded]] = {name: {} for name in names}
    wanted = set(scan_ids)
    scalars = select(value.c.scan_id, field.c.name, value.c.number, value.c.text).join(field)
    columns = select(series.c.scan_id, field.c.name, series.c.minimum, series.c.maximum).join(field)
    with reading(catalogue.engine) as connection:
        for row in connection.execute(_narrowed(scalars, value.c.scan_id, names, scan_ids)):
            plain = row.text if row.text is not None else row.number
            if plain is not None and row.scan_id in wanted:
                found[row.name][row.scan_id] = plain
        for row in connection.execute(_narrowed(columns, series.c.scan_id, names, scan_ids)):
            if row.minimum is not None and row.scan_id in wanted:
                found[row.name][row.scan_id] = Span(row.minimum, row.maximum)
    return found


def _narrowed(
    statement: Select[Any], scan_id: ColumnElement[int], names: Collection[str], scan_ids: Sequence[int]
) -> Select[Any]:
    """Ask by scan for few scans, else for all of them: naming thousands of ids is slower than reading past some."""
    named = statement.where(field.c.name.in_(sorted(names)))
    return named if len(scan_ids) > _MANY else named.where(scan_id.in_(scan_ids))
