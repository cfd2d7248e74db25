"""The fields every scan has, and how a typed number is understood."""

import re
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, type_coerce

from danmax_sync.catalogue.schema import Number, scan
from danmax_sync.quantities import HC_KEV_ANGSTROM, Dimension, parse_quantity

_LITERAL = re.compile(r"\s*[+-]?(\d+)?(?:\.(\d*))?(?:[eE]([+-]?\d+))?")


@dataclass(frozen=True, slots=True)
class NumberField:
    """A quantity every scan may have, between a low and a high column."""

    low: ColumnElement[float]
    high: ColumnElement[float]
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class TextField:
    """A text every scan has."""

    column: Column[str]


_WAVELENGTH: ColumnElement[float] = type_coerce(HC_KEV_ANGSTROM / scan.c.energy_kev, Number)
NUMBER_FIELDS: dict[str, NumberField] = {
    "energy": NumberField(scan.c.energy_kev, scan.c.energy_kev, Dimension.ENERGY),
    "wavelength": NumberField(_WAVELENGTH, _WAVELENGTH, Dimension.WAVELENGTH),
    "temperature": NumberField(scan.c.temperature_min_k, scan.c.temperature_max_k, Dimension.TEMPERATURE),
    "points": NumberField(scan.c.points, scan.c.points, Dimension.PLAIN),
    "scan": NumberField(scan.c.number, scan.c.number, Dimension.PLAIN),
}
TEXT_FIELDS: dict[str, TextField] = {
    name: TextField(scan.c[name])
    for name in ("sample", "title", "macro", "path", "proposal", "visit", "state", "entry", "start_time")
}
DETECTOR = "detector"


@dataclass(frozen=True, slots=True)
class Interval:
    """What a typed number stands for, in the catalogue's unit."""

    low: float
    high: float


def typed_number(text: str, dimension: Dimension) -> float:
    """Return a typed number in the catalogue's unit.

    Raises
    ------
    ValueError
        If it is not a number, or its unit does not fit.
    """
    return parse_quantity(text, dimension)


def typed_interval(text: str, dimension: Dimension) -> Interval:
    """Return the values that round to what was typed: ``35`` is 34.5 to 35.5, ``35.00`` 34.995 to 35.005.

    Raises
    ------
    ValueError
        If it is not a number, or its unit does not fit.
    """
    parse_quantity(text, dimension)
    match = _LITERAL.match(text)
    if match is None:  # pragma: no cover - parse_quantity has just accepted it
        raise ValueError(f"{text!r} is not a number")
    digits = len(match[2] or "")
    try:
        half = 0.5 * 10.0 ** (int(match[3] or 0) - digits)
    except OverflowError:  # 0e999
        raise ValueError(f"no number is as large as {text!r}") from None
    number, unit = text[: match.end()].strip(), text[match.end() :].strip()
    ends = [parse_quantity(f"{float(number) + shift!r}{unit}", dimension) for shift in (-half, half)]
    return Interval(min(ends), max(ends))
