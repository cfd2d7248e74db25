"""Why a query found nothing, and how many scans could not be asked."""

from difflib import get_close_matches

from sqlalchemy import ColumnElement, and_, func, or_, select, true, union_all

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import reading
from danmax_sync.catalogue.marks import tags
from danmax_sync.catalogue.schema import field, link, root, scan, series, value
from danmax_sync.quantities import count, of_which
from danmax_sync.query.fields import DETECTOR, LINK, LOG, NUMBER_FIELDS, ROOT, TAG, TEXT_FIELDS, base_field, resolve
from danmax_sync.query.recorded import by_dimension
from danmax_sync.query.sql import condition
from danmax_sync.query.tree import All, And, Exactly, Has, Is, Near, Not, Or, Query, Term, Within, Word, quoted

_MOST_LINES = 6
_MOST_TEXTS = 1000
_COLUMNS: dict[str, ColumnElement[str]] = {
    **{name: TEXT_FIELDS[name].column for name in ("sample", "macro", "proposal", "visit", "state", "entry")},
    DETECTOR: link.c.detector,
    LINK: link.c.state,
    ROOT: root.c.name,
}


def explanation(catalogue: Catalogue, tree: Query) -> list[str]:
    """Return a line for each part of a query: its hits alone, and where the catalogue's values lie."""
    names = catalogue.field_names()
    parts = tree.items if isinstance(tree, And | Or) else (tree,)
    lines = []
    for part in parts[:_MOST_LINES]:
        alone = _count(catalogue, condition(part, names))
        lines.append(f"{part} alone: {alone or 'none'}{_reach(catalogue, part, names, alone)}")
    if len(parts) > _MOST_LINES:
        lines.append(f"and {len(parts) - _MOST_LINES} more terms")
    return lines


def lacking(catalogue: Catalogue, tree: Query) -> list[str]:
    """Return a note for each range that some scans could not answer: ``12 of 40 scans have no temperature``."""
    names = catalogue.field_names()
    total = catalogue.count()
    notes = []
    for part in tree.items if isinstance(tree, And) else (tree,):
        term = part.term if isinstance(part, All) else part
        if not isinstance(term, Within | Near) or base_field(term.field, names) not in {None, *NUMBER_FIELDS}:
            continue
        without = total - _count(catalogue, _has_value(term, names))
        if without:
            notes.append(f"{of_which(without, total, 'scan')} no {term.field}")
    return notes


def _count(catalogue: Catalogue, where: ColumnElement[bool]) -> int:
    with reading(catalogue.engine) as connection:
        return connection.scalar(select(func.count()).select_from(scan).where(where)) or 0


def _has_value(term: Term, names: list[str]) -> ColumnElement[bool]:
    """Return the condition of scans that could be found by a value: NaN is recorded, and yet in no range."""
    if base_field(term.field, names) is not None:
        return condition(Has(term.field), names)
    ids = select(field.c.id).where(field.c.name.in_(resolve(term.field, names)))
    known = or_(value.c.number.is_not(None), value.c.text.is_not(None))
    scalars = select(value.c.scan_id).where(value.c.field_id.in_(ids), known)
    columns = select(series.c.scan_id).where(series.c.field_id.in_(ids), series.c.minimum.is_not(None))
    return scan.c.id.in_(union_all(scalars, columns))


def _reach(catalogue: Catalogue, part: Query, names: list[str], alone: int) -> str:
    """Say from where to where the values of a field lie, and how many scans have none; of texts, where none was hit."""
    if isinstance(part, Word):
        return "" if alone else _meant_term(part.text, names)
    tell_texts = not alone and not isinstance(part, Not)
    inner = part.item if isinstance(part, Not) else part
    term = inner.term if isinstance(inner, All) else inner
    if not isinstance(term, Within | Near | Is | Exactly):
        return ""
    base = base_field(term.field, names)
    if base == TAG:
        return _tags(catalogue)
    if base == LOG:
        return "" if catalogue.logbooks() else "; no logbook was read yet: danmax-sync logbook sync URL"
    if base is not None and base not in NUMBER_FIELDS:
        return _texts(catalogue, term, _COLUMNS.get(base)) if tell_texts else ""
    low, high, unit = _ends(catalogue, term, base, names)
    if low is None or high is None:
        told = _recorded_texts(catalogue, term, names) if tell_texts else ""
        return told or ("" if alone else "; no scan has a number there")
    without = catalogue.count() - _count(catalogue, _has_value(term, names))
    lack = f", {count(without, 'scan')} {'has' if without == 1 else 'have'} none" if without else ""
    return f"; the catalogue has {low:.6g} to {high:.6g}{f' {unit}' if unit else ''}{lack}"


def _meant_term(word: str, names: list[str]) -> str:
    """Say how a term is written where a word looks like one: ``sample=CeO2``."""
    name, sign, value = word.partition("=")
    if not (sign and name and value):
        return ""
    known = base_field(name, names) or name in names
    return f"; did you mean {name}:{quoted(value)}?" if known else ""


def _texts(
    catalogue: Catalogue, term: Term, column: ColumnElement[str] | None, where: ColumnElement[bool] | None = None
) -> str:
    """Say which texts there are, those first that a typed one may have been meant for."""
    if column is None or not isinstance(term, Is | Exactly):
        return ""
    asked = select(column).where(column != "", true() if where is None else where).distinct().order_by(column)
    with reading(catalogue.engine) as connection:
        known = list(connection.scalars(asked.limit(_MOST_TEXTS)))
    lower = {text.lower(): quoted(text) for text in known}
    typed = term.values if isinstance(term, Is) else (term.value,)
    close = [lower[found] for text in typed for found in get_close_matches(text.lower(), lower, n=2)]
    if close:
        return f"; did you mean {' or '.join(dict.fromkeys(close))}?"
    shown = [quoted(text) for text in known[:_MOST_LINES]]
    more = ", …" if len(known) > _MOST_LINES else ""
    return f"; the catalogue has {', '.join(shown)}{more}" if shown else "; no scan has one"


def _recorded_texts(catalogue: Catalogue, term: Term, names: list[str]) -> str:
    ids = select(field.c.id).where(field.c.name.in_(resolve(term.field, names)))
    return _texts(catalogue, term, value.c.text, value.c.field_id.in_(ids))


def _tags(catalogue: Catalogue) -> str:
    with reading(catalogue.engine) as connection:
        known = [tag for tag, _ in tags(connection)]
    more = ", …" if len(known) > _MOST_LINES else ""
    return f"; the tags are {', '.join(known[:_MOST_LINES])}{more}" if known else "; no scan has a tag"


def _ends(
    catalogue: Catalogue, term: Term, base: str | None, names: list[str]
) -> tuple[float | None, float | None, str]:
    with reading(catalogue.engine) as connection:
        if base is not None:
            known = NUMBER_FIELDS[base]
            row = connection.execute(select(func.min(known.low), func.max(known.high))).one()
            return row[0], row[1], known.dimension.value
        meant = resolve(term.field, names)
        ids = select(field.c.id).where(field.c.name.in_(meant))
        ends = []
        for table, low, high in (
            (value, value.c.number, value.c.number),
            (series, series.c.minimum, series.c.maximum),
        ):
            here = and_(table.c.field_id.in_(ids), low.is_not(None))
            ends.append(connection.execute(select(func.min(low), func.max(high)).where(here)).one())
    lows, highs = ([end for row in ends if (end := row[at]) is not None] for at in (0, 1))
    dimensions = list(by_dimension(meant))
    unit = dimensions[0].value if len(dimensions) == 1 else ""
    return min(lows, default=None), max(highs, default=None), unit
