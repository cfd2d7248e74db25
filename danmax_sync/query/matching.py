"""A tree evaluated in Python over one scan: what SQL must agree with, and a filter for scans already at hand."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from danmax_sync.catalogue.values import CataloguedScan, LogEntry, RecordedValue
from danmax_sync.quantities import wavelength_angstrom
from danmax_sync.query.fields import (
    DATE_FIELDS,
    DETECTOR,
    LINK,
    LOG,
    NOTE,
    NUMBER_FIELDS,
    PROSE_FIELDS,
    ROOT,
    TAG,
    TEXT_FIELDS,
    TermError,
    base_field,
    in_prose,
    resolve,
)
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

Span = tuple[float, float]
_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
"""As a database folds case: ASCII only."""


def matches(
    query: Query,
    scan: CataloguedScan,
    values: Sequence[RecordedValue],
    field_names: Sequence[str],
    *,
    log: Sequence[LogEntry] = (),
    now: datetime | None = None,
) -> bool:
    """Say whether a query means a scan.

    Parameters
    ----------
    query : Query
        Without ``latest``, which compares scans with each other, and ``integrated``, which asks for files.
    scan : CataloguedScan
        The scan.
    values : sequence of RecordedValue
        Its snapshot, motors and channels.
    field_names : sequence of str
        All such names in the catalogue.
    log : sequence of LogEntry
        The entries of logbooks that speak of it.
    now : datetime, optional
        The moment that ``last:2d`` counts back from.

    Raises
    ------
    UsageError
        As `danmax_sync.query.sql.condition` does.
    """
    return _Matcher(scan, values, field_names, log, now or datetime.now(UTC)).of(query)


class _Matcher:
    def __init__(
        self,
        scan: CataloguedScan,
        values: Sequence[RecordedValue],
        field_names: Sequence[str],
        log: Sequence[LogEntry],
        now: datetime,
    ) -> None:
        self.scan, self.values, self.field_names, self.log, self.now = scan, values, field_names, log, now

    def of(self, query: Query) -> bool:
        match query:
            case Everything():
                return True
            case And(items):
                return all(self.of(item) for item in items)
            case Or(items):
                return any(self.of(item) for item in items)
            case Not(item):
                return not self.of(item)
            case Word(text):
                pattern = in_prose(text)
                return any(_like(each, pattern) for each in (self.scan.title, self.scan.sample, str(self.scan.path)))
            case Scans(first, last, proposal, visit):
                number = self.scan.number
                here = (visit in {None, self.scan.visit}) and (proposal in {None, self.scan.proposal})
                return number is not None and first <= number <= last and here
            case Latest():
                raise ValueError("`latest` compares scans with each other")
            case All(term):
                return self.term(term, whole=True)
            case _:
                return self.term(query, whole=False)

    def term(self, term: Term, *, whole: bool) -> bool:
        name = base_field(term.field, self.field_names)
        try:
            if name in NUMBER_FIELDS:
                span = self._span(name or "")
                if isinstance(term, Has):
                    return span is not None
                asked = intervals(term, NUMBER_FIELDS[name].dimension)
                return span is not None and any(_fits(span, each, whole=whole) for each in asked)
            if name in TEXT_FIELDS:
                return _text(term, self._base_text(name or ""), nested=name == "sample")
            if name in DATE_FIELDS:
                return self._date(term, name or "")
            if name is not None:
                test = _prose if name in PROSE_FIELDS else _text
                if name == LOG and isinstance(term, Has):
                    return bool(self.log)
                return any(test(term, text) for text in self._elsewhere(name))
            return self._recorded(term, resolve(term.field, self.field_names), whole=whole)
        except ValueError as problem:
            raise TermError(f"{term}: {problem}", term=term) from None

    def _span(self, name: str) -> Span | None:
        scan = self.scan
        number: float | None
        match name:
            case "temperature":
                low, high = scan.temperature_min_k, scan.temperature_max_k
                return None if low is None or high is None else (low, high)
            case "wavelength":
                number = None if scan.energy_kev is None else wavelength_angstrom(scan.energy_kev)
            case "energy":
                number = scan.energy_kev
            case "exposure":
                number = scan.exposure_s
            case "points":
                number = scan.points
            case _:
                number = scan.number
        return None if number is None else (float(number), float(number))

    def _base_text(self, name: str) -> str | None:
        if name == "state":
            return self.scan.state.value
        found = getattr(self.scan, name)
        # The database keeps an empty text where nothing is known.
        return "" if found is None else str(found)

    def _date(self, term: Term, name: str) -> bool:
        time = self.scan.end_time if name == "end_time" else self.scan.start_time
        if isinstance(term, Has) or time is None:
            return time is not None
        asked = moments(term, name, self.now)
        return any((m.low is None or time >= m.low) and (m.high is None or time < m.high) for m in asked)

    def _elsewhere(self, name: str) -> list[str]:
        places = self.scan.locations
        if name in {TAG, NOTE}:
            return list(self.scan.tags if name == TAG else self.scan.notes)
        if name == LOG:
            return [text for entry in self.log for text in (entry.title, entry.text, entry.authors)]
        if name == DETECTOR:
            return [link.detector for at in places for link in at.links]
        if name == LINK:
            return [link.state.value for at in places for link in at.links]
        if name == ROOT:
            there = [at.root for at in places if at.state != "missing"]
            return [text for root in there for text in (root.name, *(["here"] if root.folder else []))]
        raise ValueError("files of patterns are known to the catalogue alone")

    def _recorded(self, term: Term, names: list[str], *, whole: bool) -> bool:
        groups = [] if isinstance(term, Has) else asked_of(term, names)
        asked = {name: found for _, group, found in groups for name in group}
        return any(
            _value(term, each, asked.get(each.name, ()), whole=whole) for each in self.values if each.name in names
        )


def _value(term: Term, recorded: RecordedValue, asked: Sequence[Interval], *, whole: bool) -> bool:
    value = recorded.value
    if isinstance(term, Has):
        return value is not None or recorded.nan_count > 0
    if isinstance(value, str):
        return isinstance(term, Is | Exactly) and _text(term, value)
    if value is None or recorded.maximum is None:
        return False
    return any(_fits((value, recorded.maximum), each, whole=whole) for each in asked)


def _fits(span: Span, asked: Interval, *, whole: bool) -> bool:
    low, high = span if whole else (span[1], span[0])
    above = asked.low is None or (low > asked.low if asked.strict else low >= asked.low)
    below = asked.high is None or (high < asked.high if asked.strict else high <= asked.high)
    return above and below


def _text(term: Term, text: str | None, *, nested: bool = False) -> bool:
    if text is None:
        return False
    match term:
        case Has():
            return text != ""
        case Exactly(_, wanted):
            return text == wanted
        case Is(_, values):
            patterns = [p for v in values for p in ((v, f"{v}/*", f"*/{v}", f"*/{v}/*") if nested else (v,))]
            return any(_like(text, pattern) for pattern in patterns)
        case Within(_, low, high, strict):
            above = low is None or (text > low if strict else text >= low)
            return above and (high is None or (text < high if strict else text <= high))
        case Near():
            raise ValueError("a text has no ±")


def _prose(term: Term, text: str) -> bool:
    if isinstance(term, Is):
        return any(_like(text, in_prose(value)) for value in term.values)
    return _text(term, text)


def _like(text: str, pattern: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern.translate(_TO_LOWER))
    return re.fullmatch("".join(parts), text.translate(_TO_LOWER), re.DOTALL) is not None
