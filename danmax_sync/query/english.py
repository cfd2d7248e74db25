"""A tree in words, so that people see what was understood: units, the reach of typed digits, dates in full."""

from collections.abc import Sequence
from datetime import UTC, datetime

from danmax_sync.clock import clock
from danmax_sync.errors import UsageError
from danmax_sync.quantities import Dimension
from danmax_sync.query.fields import DATE_FIELDS, LOG, NOTE, NUMBER_FIELDS, PROSE_FIELDS, TAG, base_field, resolve
from danmax_sync.query.intervals import Interval, intervals
from danmax_sync.query.moments import moments
from danmax_sync.query.recorded import asked_of
from danmax_sync.query.tree import (
    All,
    And,
    Everything,
    Exactly,
    Has,
    Is,
    Latest,
    Near,
    Not,
    Or,
    Query,
    Scans,
    Term,
    Within,
    Word,
)

_SAID = {TAG: "a tag", NOTE: "a note", LOG: "a log entry"}


def in_english(query: Query, field_names: Sequence[str] = (), *, now: datetime | None = None) -> str:
    """Return what a query means in words.

    Parameters
    ----------
    query : Query
        The tree.
    field_names : sequence of str
        Recorded names in the catalogue; they may hide a field of every scan.
    now : datetime, optional
        The moment that ``last:2d`` counts back from.
    """
    return _words(query, field_names, now or datetime.now(UTC))


def _words(query: Query, names: Sequence[str], now: datetime) -> str:
    def words(each: Query) -> str:
        return _words(each, names, now)

    match query:
        case Not(item):
            return f"not ({words(item)})" if isinstance(item, And | Or) else f"not {words(item)}"
        case And(items):
            return " and ".join(f"({words(i)})" if isinstance(i, Or) else words(i) for i in items)
        case Or(items):
            return " or ".join(f"({words(i)})" if isinstance(i, And) else words(i) for i in items)
        case All(term):
            return f"at every point {_term(term, names, now)}"
        case Within() | Near() | Is() | Exactly() | Has():
            return _term(query, names, now)
        case _:
            return _leaf(query)


def _leaf(query: Everything | Word | Scans | Latest) -> str:
    match query:
        case Everything():
            return "all scans"
        case Word(text):
            return f"“{text}” in title, sample or path"
        case Latest():
            return "the latest of them"
        case Scans(first, last, proposal, visit):
            numbers = f"scan {first}" if first == last else f"scans {first} to {last}"
            where = "/".join(part for part in (proposal, visit) if part)
            return f"{numbers} of {where}" if where else numbers


def _term(term: Term, field_names: Sequence[str], now: datetime) -> str:
    base = base_field(term.field, field_names)
    names = [base] if base else _recorded_names(term.field, field_names)
    name = names[0] if len(names) == 1 else term.field
    if base in _SAID:
        return _said(term, base or "")
    if isinstance(term, Has):
        return f"{name} recorded"
    try:
        if base in DATE_FIELDS:
            label = "ended" if base == "end_time" else "started"
            return f"{label} " + " or ".join(
                _from_to(m.low and f"from {_moment(m.low)}", m.high and f"before {_moment(m.high)}")
                for m in moments(term, base or "", now)
            )
        if base in NUMBER_FIELDS:
            dimension = NUMBER_FIELDS[base or ""].dimension
            phrases = [_interval(each, dimension) for each in intervals(term, dimension)]
        else:
            phrases = [] if base else _of_recorded(term, names)
    except (ValueError, UsageError):
        phrases = []
    return f"{name} {' or '.join(phrases) or _texts(term)}"


def _said(term: Term, base: str) -> str:
    """Say what was said of a scan: by its user or in a logbook."""
    if isinstance(term, Has):
        return f"with {_SAID[base]}"
    if isinstance(term, Is) and base in PROSE_FIELDS:
        return " or ".join(f"“{value}” in {_SAID[base]}" for value in term.values)
    return f"{base} {_texts(term)}"


def _recorded_names(typed: str, field_names: Sequence[str]) -> list[str]:
    try:
        return resolve(typed, field_names)
    except UsageError:
        return [typed]


def _of_recorded(term: Within | Near | Is | Exactly, names: list[str]) -> list[str]:
    asked = [(dimension, found) for dimension, _, found in asked_of(term, names) if found]
    if len(asked) > 1 and all(found == asked[0][1] for _, found in asked):
        # A bare number is read in the unit of each name.
        asked = [(Dimension.PLAIN, asked[0][1])]
    return [_interval(each, dimension) for dimension, found in asked for each in found]


def _interval(each: Interval, dimension: Dimension) -> str:
    unit = f" {dimension.value}" if dimension.value else ""
    low, high = (None if end is None else f"{end:.7g}" for end in (each.low, each.high))
    if low is not None and low == high:
        return f"exactly {low}{unit}"
    if low is None or high is None:
        word = "above" if low is not None else "below"
        if each.strict:
            return f"{word} {low or high}{unit}"
        return f"{low}{unit} or more" if low is not None else f"{high}{unit} or less"
    return f"{low} to {high}{unit}"


def _texts(term: Within | Near | Is | Exactly) -> str:
    match term:
        case Is(_, values):
            return " or ".join(values)
        case Exactly(_, value):
            return f"exactly {value}"
        case Near(_, value, spread):
            return f"{value} ± {spread}"
        case Within(_, low, high):
            return _from_to(low and f"from {low}", high and f"to {high}")


def _from_to(low: str | None, high: str | None) -> str:
    return " ".join(part for part in (low, high) if part)


def _moment(stored: str) -> str:
    return clock(stored, "%Y-%m-%d %H:%M %Z")
