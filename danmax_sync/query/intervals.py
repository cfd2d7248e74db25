"""What a typed number stands for, in the catalogue's unit: the one place that knows, for SQL, Python and English."""

import re
from dataclasses import dataclass

from danmax_sync.quantities import Dimension, parse_quantity, runs_backwards
from danmax_sync.query.tree import Exactly, Is, Near, Within

_LITERAL = re.compile(r"\s*[+-]?(\d+)?(?:\.(\d*))?(?:[eE]([+-]?\d+))?")


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers between two ends; None is open. `strict` leaves out an end that is there."""

    low: float | None
    high: float | None
    strict: bool = False


def intervals(term: Within | Near | Is | Exactly, dimension: Dimension) -> list[Interval]:
    """Return the numbers a term asks for; any of the intervals will do.

    Raises
    ------
    ValueError
        If something typed is not a number, its unit does not fit, or the range is empty.
    """
    match term:
        case Is(_, values):
            return [typed_interval(text, dimension) for text in values]
        case Exactly(_, text):
            number = parse_quantity(text, dimension)
            return [Interval(number, number)]
        case Near(_, text, spread):
            return [_near(text, spread, dimension)]
        case Within(_, low_text, high_text, strict):
            low, high = (None if end is None else parse_quantity(end, dimension) for end in (low_text, high_text))
            # Energy and wavelength run against each other: 0.35A..0.36A typed for an energy comes out turned round.
            if all(runs_backwards(end, dimension) for end in (low_text, high_text) if end):
                low, high = high, low
            if low is not None and high is not None and low > high:
                raise ValueError(f"the range is empty, {low:g} is more than {high:g}; write the smaller end first")
            return [Interval(low, high, strict)]


def typed_interval(text: str, dimension: Dimension) -> Interval:
    """Return the values that round to what was typed: ``35`` is 34.5 to 35.5, ``35.00`` 34.995 to 35.005.

    Raises
    ------
    ValueError
        If it is not a number, or its unit does not fit.
    """
    parse_quantity(text, dimension)
    number, unit, half = _taken_apart(text)
    ends = [parse_quantity(f"{number + shift!r}{unit}", dimension) for shift in (-half, half)]
    return Interval(min(ends), max(ends))


def _near(text: str, spread: str, dimension: Dimension) -> Interval:
    parse_quantity(text, dimension)
    number, unit, _ = _taken_apart(text)
    width, its_unit, _ = _taken_apart(spread)
    if width < 0:
        raise ValueError(f"a difference of {spread} makes no sense")
    if not its_unit or its_unit == unit:
        ends = [parse_quantity(f"{number + shift!r}{unit}", dimension) for shift in (-width, width)]
    else:
        # A difference: 5C are 5 K.
        difference = parse_quantity(spread, dimension) - parse_quantity(f"0{its_unit}", dimension)
        middle = parse_quantity(text, dimension)
        ends = [middle - difference, middle + difference]
    return Interval(min(ends), max(ends))


def _taken_apart(text: str) -> tuple[float, str, float]:
    """Return a typed number, its unit, and half of its last digit's worth."""
    match = _LITERAL.match(text)
    if match is None or not match.group().strip():
        raise ValueError(f"{text!r} is not a number")
    try:
        half = 0.5 * 10.0 ** (int(match[3] or 0) - len(match[2] or ""))
        return float(match.group()), text[match.end() :].strip(), half
    except OverflowError:  # 0e999
        raise ValueError(f"no number is as large as {text!r}") from None
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
