"""The fields every scan has, and how a typed name finds the names in a catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from fnmatch import fnmatchcase

from sqlalchemy import Column, ColumnElement, type_coerce

from danmax_sync.catalogue.schema import Number, scan
from danmax_sync.errors import UsageError
from danmax_sync.quantities import HC_KEV_ANGSTROM, Dimension
from danmax_sync.query.tree import Scans, Term


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
    "exposure": NumberField(scan.c.exposure_s, scan.c.exposure_s, Dimension.TIME),
    "points": NumberField(scan.c.points, scan.c.points, Dimension.PLAIN),
    "scan": NumberField(scan.c.number, scan.c.number, Dimension.PLAIN),
}
TEXT_FIELDS: dict[str, TextField] = {
    name: TextField(scan.c[name])
    for name in ("sample", "title", "macro", "path", "proposal", "visit", "state", "entry")
}
DATE_FIELDS = ("date", "since", "until", "before", "last", "start_time", "end_time")
DETECTOR, LINK, INTEGRATED, ROOT = "detector", "link", "integrated", "root"
TAG, NOTE, LOG = "tag", "note", "log"
PROSE_FIELDS = (NOTE, LOG)
"""Texts of many words, of which one is asked for."""
ELSEWHERE_FIELDS = (DETECTOR, LINK, INTEGRATED, ROOT, TAG, *PROSE_FIELDS)
_FARTHER = 0.2
_AS_IN_LISTS = {"start": "start_time", "end": "end_time", "kev": "energy", "k": "temperature", "where": "root"}
"""The heads of columns, which people read and type."""
BASE_FIELDS = (*NUMBER_FIELDS, *TEXT_FIELDS, *DATE_FIELDS, *ELSEWHERE_FIELDS)
"""In the order in which help names them."""


def in_prose(typed: str) -> str:
    """Return the pattern of a word that is looked for in a text of many."""
    return typed if "*" in typed or "?" in typed else f"*{typed}*"


class TermError(UsageError):
    """A term that can be read but not answered; `term` says which, so that a caret can be put under it."""

    def __init__(self, message: str, *, hint: str = "", term: Term | Scans | None = None) -> None:
        super().__init__(message, hint=hint)
        self.term = term


def base_field(name: str, field_names: Sequence[str]) -> str | None:
    """Return the field of every scan that a typed name means, in any spelling of its case; None for recorded names."""
    lower = _AS_IN_LISTS.get(name.lower(), name.lower())
    return lower if lower in BASE_FIELDS and name not in field_names else None


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Return the names that are spelled like one, the nearest first; none that is much farther off than that."""
    close = get_close_matches(name, known, n=3)
    likeness = [SequenceMatcher(None, each, name).ratio() for each in close]
    return [each for each, like in zip(close, likeness, strict=True) if like > likeness[0] - _FARTHER]


def resolve(name: str, field_names: Sequence[str]) -> list[str]:
    """Return the recorded names meant: exact, by wildcard, or by a unique end.

    Raises
    ------
    TermError
        If there is none; similar ones are suggested.
    """
    if name in field_names:
        return [name]
    if "*" in name or "?" in name:
        found = [known for known in field_names if fnmatchcase(known, name)]
    else:
        found = [known for known in field_names if known.endswith(name)]
        if len(found) > 1:
            several = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
            raise TermError(f"{name!r} is the end of {len(found)} names: {several}", hint=f"all of them: *{name}")
    if found:
        return found
    close = _near(name, [*BASE_FIELDS, *field_names])
    meant = f"; did you mean {', '.join(close)}?" if close else ""
    raise TermError(
        f"there is no field {name!r}{meant}",
        hint="all: danmax-sync fields, and energy, temperature, sample, points, state…",
    )
