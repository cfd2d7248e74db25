"""Tree to a condition of SQL on the catalogue's tables."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select, true, union_all

from danmax_sync.catalogue.schema import field, link, scan, series, value
from danmax_sync.errors import UsageError
from danmax_sync.quantities import Dimension, meaning_of, runs_backwards
from danmax_sync.query.fields import DETECTOR, NUMBER_FIELDS, TEXT_FIELDS, typed_interval, typed_number
from danmax_sync.query.tree import And, Everything, Has, Is, Not, Or, Query, Scans, Within, Word


def condition(query: Query, field_names: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that holds for the scans a query means.

    Parameters
    ----------
    query : Query
        The tree.
    field_names : sequence of str
        The snapshot, motor and channel names in the catalogue.

    Raises
    ------
    UsageError
        If a field is unknown (with a suggestion) or a value does not fit it.
    """
    match query:
        case Everything():
            return true()
        case And(items):
            return and_(*(condition(item, field_names) for item in items))
        case Or(items):
            return or_(*(condition(item, field_names) for item in items))
        case Not(item):
            return not_(func.coalesce(condition(item, field_names), false()))
        case Word(text):
            pattern = _like(text if "*" in text or "?" in text else f"*{text}*")
            return or_(*(c.ilike(pattern, escape="\\") for c in (scan.c.title, scan.c.sample, scan.c.path)))
        case Scans(first, last):
            _check_order(query, first, last)
            return scan.c.number.between(first, last)
        case _:
            return _field_condition(query, field_names)


def _field_condition(term: Within | Is | Has, field_names: Sequence[str]) -> ColumnElement[bool]:
    known_to_all = {*NUMBER_FIELDS, *TEXT_FIELDS, DETECTOR}
    if term.field.lower() in known_to_all and term.field not in field_names:
        term = replace(term, field=term.field.lower())
    if term.field in NUMBER_FIELDS:
        known = NUMBER_FIELDS[term.field]
        if isinstance(term, Has):
            return known.low.is_not(None)
        return or_(*(_overlaps(known.low, known.high, *ends) for ends in _ranges(term, known.dimension)))
    if term.field in TEXT_FIELDS:
        column = TEXT_FIELDS[term.field].column
        if isinstance(term, Has):
            return and_(column.is_not(None), column != "")
        if isinstance(term, Within):
            low, high = term.low, term.high
            return and_(true() if low is None else column >= low, true() if high is None else column <= high)
        return or_(*(_text_is(column, text, nested=term.field == "sample") for text in term.values))
    if term.field == DETECTOR:
        if isinstance(term, Within):
            raise UsageError(f"{term}: detectors have no order", hint="for example detector:pilatus")
        texts = ("*",) if isinstance(term, Has) else term.values
        named = or_(*(_text_is(link.c.detector, text) for text in texts))
        return exists(select(link.c.scan_id).where(link.c.scan_id == scan.c.id, named))
    return _recorded(term, _resolve(term.field, field_names))


def _recorded(term: Within | Is | Has, names: list[str]) -> ColumnElement[bool]:
    """Search values and series by field ids; a column of points matches when any part of it may."""
    ids = select(field.c.id).where(field.c.name.in_(names)).scalar_subquery()
    in_values, in_series = value.c.field_id.in_(ids), series.c.field_id.in_(ids)
    if isinstance(term, Has):
        matches: ColumnElement[bool] = or_(value.c.number.is_not(None), value.c.text.is_not(None))
        return _any_of(and_(in_values, matches), and_(in_series, series.c.minimum.is_not(None)))
    meaning = meaning_of(names[0])
    dimension = meaning.dimension if meaning else Dimension.PLAIN
    scalars: list[ColumnElement[bool]] = []
    if isinstance(term, Is):
        # Texts have no number, which keeps the search on the index.
        texts = or_(*(_text_is(value.c.text, text) for text in term.values))
        scalars.append(and_(in_values, value.c.number.is_(None), texts))
        term = Is(term.field, tuple(text for text in term.values if _is_number(text, dimension)))
    ranges = _ranges(term, dimension)
    scalars += [and_(in_values, _overlaps(value.c.number, value.c.number, *ends)) for ends in ranges]
    columns = [and_(in_series, _overlaps(series.c.minimum, series.c.maximum, *ends)) for ends in ranges]
    return _any_of(or_(*scalars), or_(false(), *columns))


def _any_of(in_values: ColumnElement[bool], in_series: ColumnElement[bool]) -> ColumnElement[bool]:
    return scan.c.id.in_(union_all(select(value.c.scan_id).where(in_values), select(series.c.scan_id).where(in_series)))


def _is_number(text: str, dimension: Dimension) -> bool:
    try:
        typed_number(text, dimension)
    except ValueError:
        return False
    return True


def _ranges(term: Within | Is, dimension: Dimension) -> list[tuple[float | None, float | None]]:
    try:
        if isinstance(term, Is):
            intervals = [typed_interval(text, dimension) for text in term.values]
            return [(interval.low, interval.high) for interval in intervals]
        ends = [None if end is None else typed_number(end, dimension) for end in (term.low, term.high)]
    except ValueError as problem:
        raise UsageError(f"{term}: {problem}", hint="for example temperature:300..400 or energy:35keV") from None
    low, high = ends
    # Energy and wavelength run against each other: 0.35A..0.36A typed for an energy comes out turned round.
    if all(runs_backwards(end, dimension) for end in (term.low, term.high) if end):
        low, high = high, low
    _check_order(term, low, high)
    return [(low, high)]


def _check_order(term: Query, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise UsageError(
            f"{term}: the range is empty, {low:g} is more than {high:g}", hint="write the smaller end first"
        )


def _overlaps(
    low: ColumnElement[float], high: ColumnElement[float], least: float | None, most: float | None
) -> ColumnElement[bool]:
    return and_(
        high.is_not(None) if least is None else high >= least,
        low.is_not(None) if most is None else low <= most,
    )


def _text_is(column: ColumnElement[str], text: str, *, nested: bool = False) -> ColumnElement[bool]:
    whole = column.ilike(_like(text), escape="\\")
    if not nested:
        return whole
    # A sample is a folder, and folders nest: LaB6 also means LaB6/heating and calibrants/LaB6.
    return or_(whole, *(column.ilike(_like(p), escape="\\") for p in (f"{text}/*", f"*/{text}", f"*/{text}/*")))


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _resolve(name: str, field_names: Sequence[str]) -> list[str]:
    """Find the names meant: exact, by wildcard, or by a unique end."""
    if name in field_names:
        return [name]
    if "*" in name or "?" in name:
        found = [known for known in field_names if fnmatchcase(known, name)]
    else:
        found = [known for known in field_names if known.endswith(name)]
        found = found if len(found) == 1 else []
    if found:
        return found
    known_names = [*NUMBER_FIELDS, *TEXT_FIELDS, DETECTOR, *field_names]
    close = get_close_matches(name, known_names, n=3)
    meant = f"; did you mean {' or '.join(close)}?" if close else ""
    raise UsageError(
        f"there is no field {name!r} in the catalogue{meant}",
        hint=f"fields of every scan: {', '.join([*NUMBER_FIELDS, *TEXT_FIELDS, DETECTOR])}",
    )
