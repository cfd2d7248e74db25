"""What a term about dates asks for, as texts that compare like the catalogue's."""

from dataclasses import dataclass
from datetime import datetime

from danmax_sync.query.dates import long_ago, stored, typed_span
from danmax_sync.query.tree import Exactly, Has, Is, Near, Term, Within


@dataclass(frozen=True, slots=True)
class Moments:
    """From `low` on to before `high`, spelled as stored; None is open."""

    low: str | None
    high: str | None


def moments(term: Term, name: str, now: datetime) -> list[Moments]:
    """Return the stretches of time a term asks for; any of them will do.

    Raises
    ------
    ValueError
        If something typed is no date, or no length of time, or the field does not go with the sign.
    """
    if name in {"since", "until", "before", "last"}:
        if not isinstance(term, Is) or len(term.values) != 1:
            raise ValueError(f"written {name}:2d" if name == "last" else f"written {name}:2026-03-05")
        (text,) = term.values
        if name == "last":
            return [Moments(stored(long_ago(text, now)), None)]
        span = typed_span(text, now)
        if name == "since":
            return [Moments(stored(span.start), None)]
        return [Moments(None, stored(span.end if name == "until" else span.start))]
    match term:
        case Is(_, values):
            spans = [typed_span(text, now) for text in values]
            return [Moments(stored(span.start), stored(span.end)) for span in spans]
        case Exactly(_, text):
            span = typed_span(text, now)
            return [Moments(stored(span.start), stored(span.end))]
        case Within(_, low_text, high_text, strict):
            low, high = (None if end is None else typed_span(end, now) for end in (low_text, high_text))
            if low is not None and high is not None and low.start > high.start:
                raise ValueError("the range is empty; write the earlier date first")
            # Both days of a range belong to it; behind a day is after its end, before it before its start.
            start = None if low is None else stored(low.end if strict else low.start)
            end = None if high is None else stored(high.start if strict else high.end)
            return [Moments(start, end)]
        case Near() | Has():
            raise ValueError("a date has no ±; write a range: date:2026-03-01..2026-03-05")
