"""The order of a list as a database works it out: what is missing stands last, numbers stand before texts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression, func, null, select

from danmax_sync.catalogue.schema import field, scan, series, value
from danmax_sync.query.fields import TermError, resolve

Order = list[ColumnElement[Any] | UnaryExpression[Any]]
_NUMBERS = {
    "scan": scan.c.number,
    "kev": scan.c.energy_kev,
    "energy": scan.c.energy_kev,
    "energy_kev": scan.c.energy_kev,
    "k": scan.c.temperature_k,
    "temperature": scan.c.temperature_k,
    "temperature_k": scan.c.temperature_k,
    "points": scan.c.points,
    "exposure": scan.c.exposure_s,
}
_TEXTS = {
    "start": scan.c.start_time,
    "start_time": scan.c.start_time,
    "end": scan.c.end_time,
    "end_time": scan.c.end_time,
    **{name: scan.c[name] for name in ("sample", "title", "state", "proposal", "visit", "entry", "macro", "path")},
}


def order_of(text: str, field_names: Sequence[str], *, others: frozenset[str] = frozenset()) -> Order | None:
    """Return what to order scans by.

    Parameters
    ----------
    text : str
        Names between commas, ``-name`` from the greatest down: columns of a list of scans, or recorded names.
    field_names : sequence of str
        The recorded names in the catalogue.
    others : frozenset of str
        Columns that a list has and no database knows, in lower case.

    Returns
    -------
    list or None
        None where one of the names has to be worked out scan by scan, or is none.
    """
    order: Order = []
    for word in (word.strip() for word in text.split(",")):
        if not word:
            continue
        name = word.removeprefix("-").removeprefix("+")
        keys = _keys(name, field_names, others)
        if keys is None:
            return None
        missing, *ranks = keys
        order += [missing, *(rank.desc() if word[0] == "-" else rank for rank in ranks)]
    return order


def _keys(name: str, field_names: Sequence[str], others: frozenset[str]) -> list[ColumnElement[Any]] | None:
    """Return what says that there is nothing to order by, and what to order by."""
    lower = name.lower()
    if lower in _NUMBERS:
        return [_NUMBERS[lower].is_(None), _NUMBERS[lower]]
    if lower in _TEXTS:
        folded = func.lower(func.nullif(_TEXTS[lower], ""))
        return [folded.is_(None), folded]
    if lower in others:
        return None
    try:
        names = resolve(name, field_names)
    except TermError:
        return None  # who draws the list says which there are
    return _recorded(names[0]) if len(names) == 1 else None


def _recorded(name: str) -> list[ColumnElement[Any]]:
    """Order by a recorded name as a list shows it: the least of a column of points before the snapshot."""
    ids = select(field.c.id).where(field.c.name == name)
    of_scan = (value.c.scan_id == scan.c.id) & value.c.field_id.in_(ids)
    least = (
        select(func.min(series.c.minimum))
        .where(series.c.scan_id == scan.c.id, series.c.field_id.in_(ids))
        .correlate(scan)
        .scalar_subquery()
    )
    number = func.coalesce(least, select(func.min(value.c.number)).where(of_scan).correlate(scan).scalar_subquery())
    words = select(func.lower(func.min(func.nullif(value.c.text, "")))).where(of_scan).correlate(scan)
    text = func.coalesce(words.scalar_subquery(), null())
    return [number.is_(None) & text.is_(None), number.is_(None), number, text]
