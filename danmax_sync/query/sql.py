"""Tree to a condition of SQL on the catalogue's tables."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
)

from danmax_sync.catalogue.schema import (
    field,
    file,
    link,
    location,
    log_entry,
    log_link,
    mark,
    root,
    scan,
    series,
    value,
)
from danmax_sync.catalogue.values import LOCAL
from danmax_sync.query.fields import (
    DATE_FIELDS,
    DETECTOR,
    ELSEWHERE_FIELDS,
    INTEGRATED,
    LINK,
    LOG,
    NOTE,
    NUMBER_FIELDS,
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

Condition = ColumnElement[bool]
_MOST_PARAMETERS = 50
_DATE_HINT = "for example date:2026-03-01..2026-03-05 or last:2d"
_NUMBER_HINT = "for example temperature:300..400 or energy:35keV"


def condition(query: Query, field_names: Sequence[str], *, now: datetime | None = None, few: bool = False) -> Condition:
    """Return the condition that holds for the scans a query means.

    Parameters
    ----------
    query : Query
        The tree.
    field_names : sequence of str
        The snapshot, motor and channel names in the catalogue.
    now : datetime, optional
        The moment that ``last:2d`` counts back from.
    few : bool
        Whether only a few scans are left when recorded names are asked for: then each scan is looked up, rather than
        every value that fits.

    Raises
    ------
    UsageError
        If a field is unknown (with a suggestion) or a value does not fit it.
    """
    return _Renderer(field_names, now or datetime.now(UTC), few=few).of(query)


def narrowing(query: Query, field_names: Sequence[str], *, now: datetime | None = None) -> Condition | None:
    """Return what a query asks of scans themselves, where it also asks for recorded names; else None."""
    items = query.items if isinstance(query, And) else ()
    plain = [each for each in items if _is_plain(each, field_names)]
    if not plain or len(plain) == len(items):
        return None
    return condition(And(tuple(plain)), field_names, now=now)


def _is_plain(query: Query, field_names: Sequence[str]) -> bool:
    """Say whether a term asks for nothing but a column of the table of scans."""
    if isinstance(query, Scans):
        return True
    term = query.term if isinstance(query, All) else query
    if not isinstance(term, Within | Near | Is | Exactly):
        return False
    name = base_field(term.field, field_names)
    return name is not None and name not in ELSEWHERE_FIELDS


class _Renderer:
    def __init__(self, field_names: Sequence[str], now: datetime, *, few: bool) -> None:
        self.field_names, self.now, self.few = field_names, now, few

    def of(self, query: Query) -> Condition:
        match query:
            case Everything():
                return true()
            case Latest():
                return _latest(true())
            case And(items):
                rest = and_(true(), *(self.of(item) for item in items if not isinstance(item, Latest)))
                return and_(rest, _latest(rest)) if any(isinstance(item, Latest) for item in items) else rest
            case Or(items):
                return or_(*(self.of(item) for item in items))
            case Not(item):
                return not_(func.coalesce(self.of(item), false()))
            case Word() | Scans():
                return _word(query) if isinstance(query, Word) else _scans(query)
            case _:
                whole = isinstance(query, All)
                return self.term(query.term if isinstance(query, All) else query, whole=whole)

    def term(self, term: Term, *, whole: bool) -> Condition:
        name = base_field(term.field, self.field_names)
        try:
            if name in NUMBER_FIELDS:
                known = NUMBER_FIELDS[name]
                if isinstance(term, Has):
                    return known.low.is_not(None)
                test = _lies_in if whole else _overlaps
                return or_(*(test(known.low, known.high, each) for each in intervals(term, known.dimension)))
            if name in TEXT_FIELDS:
                return _text(term, TEXT_FIELDS[name].column, nested=name == "sample")
            if name in DATE_FIELDS:
                return self._date(term, name or "")
            if name is not None:
                return _elsewhere(term, name)
            return _recorded(term, resolve(term.field, self.field_names), whole=whole, few=self.few)
        except ValueError as problem:
            hint = _DATE_HINT if name in DATE_FIELDS else _NUMBER_HINT
            raise TermError(f"{term}: {problem}", hint=hint, term=term) from None
        except TermError as problem:
            problem.term = term
            raise

    def _date(self, term: Term, name: str) -> Condition:
        column = scan.c.end_time if name == "end_time" else scan.c.start_time
        if isinstance(term, Has):
            return column.is_not(None)
        spans = moments(term, name, self.now)
        return or_(
            *(
                and_(
                    column.is_not(None),
                    true() if span.low is None else column >= span.low,
                    true() if span.high is None else column < span.high,
                )
                for span in spans
            )
        )


def _latest(rest: Condition) -> Condition:
    newest = (
        select(scan.c.id)
        .where(rest, scan.c.start_time.is_not(None))
        .order_by(scan.c.start_time.desc(), scan.c.id.desc())
        .limit(1)
        .correlate(None)
    )
    return scan.c.id.in_(newest)


def _word(query: Word) -> Condition:
    pattern = _like(in_prose(query.text))
    return or_(*(c.ilike(pattern, escape="\\") for c in (scan.c.title, scan.c.sample, scan.c.path)))


def _scans(query: Scans) -> Condition:
    if query.first > query.last:
        raise TermError(f"{query}: the range is empty", hint="write the smaller end first", term=query)
    parts: list[Condition] = [scan.c.number.between(query.first, query.last)]
    if query.visit is not None:
        parts.append(scan.c.visit == query.visit)
    if query.proposal is not None:
        parts.append(scan.c.proposal == query.proposal)
    return and_(*parts)


def _text(term: Term, column: ColumnElement[str], *, nested: bool = False) -> Condition:
    match term:
        case Has():
            return and_(column.is_not(None), column != "")
        case Within(_, low, high, strict):
            above = true() if low is None else column > low if strict else column >= low
            below = true() if high is None else column < high if strict else column <= high
            return and_(above, below)
        case Exactly(_, text):
            return column == text
        case Near():
            raise ValueError("a text has no ±")
        case Is(_, values):
            return or_(*(_text_is(column, text, nested=nested) for text in values))


def _elsewhere(term: Term, name: str) -> Condition:
    """Search what is kept of a scan's links and places rather than of the scan."""
    if isinstance(term, Within | Near):
        raise TermError(f"{term}: {name}s have no order", hint=f"for example {name}:NAME")
    if name in {TAG, NOTE}:
        said = _text(term, mark.c.text) if name == TAG else _prose(term, mark.c.text)
        # The list of few is made once; asking scan by scan would take as long as there are scans.
        return scan.c.id.in_(select(mark.c.scan_id).where(mark.c.scan_id.is_not(None), mark.c.kind == name, said))
    if name == LOG:
        said = or_(*(_prose(term, column) for column in (log_entry.c.title, log_entry.c.text, log_entry.c.authors)))
        of_them = select(log_link.c.scan_id).join(log_entry, log_entry.c.id == log_link.c.entry_id)
        return scan.c.id.in_(of_them if isinstance(term, Has) else of_them.where(said))
    place = and_(location.c.scan_id == scan.c.id, location.c.file_id == file.c.id)
    if name == ROOT:
        # A folder on this machine is `here`.
        named = or_(_text(term, root.c.name), and_(root.c.kind == LOCAL, _text(term, literal_column("'here'"))))
        there = and_(place, file.c.root_id == root.c.id, location.c.state != "missing", named)
        return exists(select(location.c.scan_id).where(there).correlate(scan))
    if name == INTEGRATED:
        patterns, master = file.alias("patterns"), file.alias("master")
        there = and_(
            link.c.scan_id == scan.c.id,
            location.c.scan_id == link.c.scan_id,
            location.c.file_id == link.c.file_id,
            master.c.id == link.c.file_id,
            patterns.c.root_id == master.c.root_id,
            patterns.c.path == location.c.prefix + link.c.integrated,
            patterns.c.state == "present",
            true() if isinstance(term, Has) else _text(term, link.c.detector),
        )
        return exists(select(link.c.scan_id).where(there).correlate(scan))
    column = {DETECTOR: link.c.detector, LINK: link.c.state}[name]
    return exists(select(link.c.scan_id).where(link.c.scan_id == scan.c.id, _text(term, column)).correlate(scan))


def _prose(term: Term, column: ColumnElement[str]) -> Condition:
    if isinstance(term, Is):
        return or_(*(column.ilike(_like(in_prose(text)), escape="\\") for text in term.values))
    return _text(term, column)


def _recorded(term: Term, names: list[str], *, whole: bool, few: bool) -> Condition:
    """Search values and series by field ids; a column of points matches when any part of it may, or all must."""
    in_values, in_series = value.c.field_id.in_(_ids(names)), series.c.field_id.in_(_ids(names))
    if isinstance(term, Has):
        # NaN was recorded, too; what could not be read is neither.
        recorded = or_(value.c.number.is_not(None), value.c.text.is_not(None), value.c.nan > 0)
        measured = or_(series.c.minimum.is_not(None), series.c.nan_count > 0)
        return _any_of(and_(in_values, recorded), and_(in_series, measured), few=few)
    scalars: list[Condition] = []
    if isinstance(term, Is | Exactly):
        # Texts have no number, which keeps the search on the index.
        texts = and_(in_values, value.c.number.is_(None), value.c.text.is_not(None), _text(term, value.c.text))
        scalars.append(texts)
    columns: list[Condition] = []
    test = _lies_in if whole else _overlaps
    for _, group, found in asked_of(term, names):
        of_values, of_series = value.c.field_id.in_(_ids(group)), series.c.field_id.in_(_ids(group))
        scalars += [and_(of_values, _lies_in(value.c.number, value.c.number, each)) for each in found]
        columns += [and_(of_series, test(series.c.minimum, series.c.maximum, each)) for each in found]
    return _any_of(or_(false(), *scalars), or_(*columns) if columns else None, few=few)


def _ids(names: list[str]) -> Select[tuple[int]]:
    # A wildcard may mean thousands of names, more than a database takes as parameters: they are written out.
    many = len(names) > _MOST_PARAMETERS
    listed = bindparam(None, names, expanding=True, literal_execute=True) if many else names
    return select(field.c.id).where(field.c.name.in_(listed))


def _any_of(in_values: Condition, in_series: Condition | None, *, few: bool) -> Condition:
    scalars = select(value.c.scan_id).where(in_values)
    columns = None if in_series is None else select(series.c.scan_id).where(in_series)
    if few:
        found = exists(scalars.where(value.c.scan_id == scan.c.id).correlate(scan))
        if columns is None:
            return found
        return or_(found, exists(columns.where(series.c.scan_id == scan.c.id).correlate(scan)))
    return scan.c.id.in_(scalars if columns is None else union_all(scalars, columns))


def _overlaps(low: ColumnElement[float], high: ColumnElement[float], asked: Interval) -> Condition:
    least, most = asked.low, asked.high
    above = high.is_not(None) if least is None else high > least if asked.strict else high >= least
    below = low.is_not(None) if most is None else low < most if asked.strict else low <= most
    return and_(above, below)


def _lies_in(low: ColumnElement[float], high: ColumnElement[float], asked: Interval) -> Condition:
    least, most = asked.low, asked.high
    above = low.is_not(None) if least is None else low > least if asked.strict else low >= least
    below = high.is_not(None) if most is None else high < most if asked.strict else high <= most
    return and_(above, below)


def _text_is(column: ColumnElement[str], text: str, *, nested: bool = False) -> Condition:
    whole = column.ilike(_like(text), escape="\\")
    if not nested:
        return whole
    # A sample is a folder, and folders nest: LaB6 also means LaB6/heating and calibrants/LaB6.
    return or_(whole, *(column.ilike(_like(p), escape="\\") for p in (f"{text}/*", f"*/{text}", f"*/{text}/*")))


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")
