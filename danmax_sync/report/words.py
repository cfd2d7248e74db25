"""How the page spells things."""

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from danmax_sync.catalogue.values import CataloguedScan, Location
from danmax_sync.clock import clock
from danmax_sync.report.markup import Markup, tag

_SHORT = 48
_LONGEST_TITLE = 200
_NO_SETTINGS = ("definition", "reference", "note", "key", "source", "mask_", "dark_", "flat_", "title")
_GOOD = frozenset({"ok", "complete"})


def amount(number: int, noun: str) -> str:
    """Spell a number of things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(text: str | None) -> str:
    """Spell a time to the second, as the beamline's clock showed it."""
    return clock(text)


def span(values: Sequence[float], digits: int) -> str:
    """Spell from where to where values go; nothing where there are none."""
    if not values:
        return ""
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low}–{high}"


def size(number: float) -> str:
    """Spell a number of bytes."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def state_of(state: str) -> Markup:
    """Return a state in the colour it deserves; the word says it, too."""
    return tag("span", state, class_="good" if state in _GOOD else "bad")


def where(place: Location) -> str:
    """Name a place without telling how folders on this disk are called: a page travels."""
    return "here" if place.root.folder is not None else place.root.name


def shortened(title: str) -> str:
    """Return a title for a table; the whole of it is told where the scan is told at length."""
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


def heading_of(scan: CataloguedScan) -> str:
    """Return a scan's title in the page."""
    return ", ".join(each for each in (scan.label, scan.sample, scan.title) if each)


def numbers(scans: Iterable[CataloguedScan]) -> str:
    """Spell which scans, runs of numbers as ranges."""
    all_of_them = list(scans)
    known = sorted({scan.number for scan in all_of_them if scan.number is not None})
    runs: list[list[int]] = []
    for number in known:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    named = [str(low) if low == high else f"{low}–{high}" for low, high in runs]
    named += [str(scan.path) for scan in all_of_them if scan.number is None]
    return f"{'scan' if len(all_of_them) == 1 else 'scans'} {', '.join(named[:40])}{', …' if len(named) > 40 else ''}"


def maker_of(program: str, version: str) -> str:
    """Spell what made a file; versions may name the program again, and others."""
    versions = ", ".join(line.strip() for line in version.splitlines() if line.strip())
    return versions if program and program in versions else ", ".join(each for each in (program, versions) if each)


def day_of(date: str) -> str:
    """Return the day of a date, or what stands there where it is not written as dates should be."""
    return date[:10] if re.match(r"\d{4}-\d\d-\d\d", date) else date


def settings_of(said: Mapping[str, str]) -> str:
    """Spell how patterns were made: our recipe where there is one, else what is short among the things said."""
    given: object = None
    # It is text of a file: brackets in brackets may go deeper than Python does.
    with contextlib.suppress(ValueError, RecursionError):
        given = json.loads(said.get("recipe", ""))
    if not isinstance(given, dict):
        short = {name: value for name, value in said.items() if len(value) < _SHORT}
        given = {name: value for name, value in short.items() if not name.startswith(_NO_SETTINGS)}
    known = {name: value for name, value in given.items() if value not in (None, "", 0, False)}
    return ", ".join(name.replace("_", " ") + ("" if value is True else f" {value}") for name, value in known.items())
