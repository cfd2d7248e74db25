"""Dates as people type them: a month, a day, an hour, two days ago. Without a zone they are the beamline's clock."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from danmax_sync.clock import BEAMLINE_ZONE

_CLOCK = r"[T ](\d{1,2})(?::(\d{2})(?::(\d{2})(\.\d{1,6})?)?)?"
_DATE = re.compile(rf"(\d{{4}})(?:-(\d{{1,2}})(?:-(\d{{1,2}})(?:{_CLOCK})?)?)?(Z|[+-]\d{{2}}:?\d{{2}})?")
_AGO = re.compile(r"(\d{1,6})\s*(min|h|d|w|y)")
_STEPS = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365.25),
}
EXPECTED = "a date is written 2026, 2026-03, 2026-03-05 or 2026-03-05T14:30"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, its end not included; both aware, UTC."""

    start: datetime
    end: datetime


def typed_span(text: str, now: datetime) -> Span:
    """Return what a typed date stands for: a year, a month, a day, an hour, a minute or a second.

    Raises
    ------
    ValueError
        If it is no date.
    """
    if text in {"today", "yesterday"}:
        here = now.astimezone(BEAMLINE_ZONE) - timedelta(days=text == "yesterday")
        text = f"{here:%Y-%m-%d}"
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no date; {EXPECTED}")
    *parts, fraction, zone = match.groups()
    given = [int(part) for part in parts if part is not None]
    try:
        start = datetime(*[*given, 1, 1][: max(3, len(given))], tzinfo=_zone(zone))  # type: ignore[misc, arg-type]
        end = _next(start, len(given))
        if fraction:
            start += timedelta(seconds=float(fraction))
            end = start + timedelta(seconds=10.0 ** -(len(fraction) - 1))
        return Span(start.astimezone(UTC), end.astimezone(UTC))
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{text!r} is no date: {problem}") from None


def long_ago(text: str, now: datetime) -> datetime:
    """Return the moment that lies so long before now: ``2d``, ``12h``, ``3w``.

    Raises
    ------
    ValueError
        If it is no length of time.
    """
    match = _AGO.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no length of time; it is written 30min, 12h, 2d, 3w or 1y")
    try:
        return now - int(match[1]) * _STEPS[match[2]]
    except OverflowError:
        raise ValueError(f"{text!r} is longer than there has been time") from None


def stored(moment: datetime) -> str:
    """Spell a moment as the catalogue does, which sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _zone(text: str | None) -> object:
    if text is None:
        return BEAMLINE_ZONE
    return UTC if text == "Z" else datetime.fromisoformat(f"2000-01-01T00:00{text[:3]}:{text[-2:]}").tzinfo


def _next(start: datetime, given: int) -> datetime:
    """Return the start of the next year, month, day, hour, minute or second, by how many of these were typed."""
    match given:
        case 1:
            return start.replace(year=start.year + 1)
        case 2:
            later = start.month == 12
            return start.replace(year=start.year + later, month=1 if later else start.month + 1)
        case 3:
            # Days have 23 or 25 hours twice a year: the clock's next midnight is meant.
            return (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=start.tzinfo)
        case _:
            step = (timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))[given - 4]
            return (start.astimezone(UTC) + step).astimezone(start.tzinfo)
