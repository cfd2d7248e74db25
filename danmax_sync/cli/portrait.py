"""Everything about one scan, for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from danmax_sync.cli.families import in_families
from danmax_sync.cli.logbook import draw_log, draw_notes
from danmax_sync.cli.numerals import plain
from danmax_sync.cli.paragraphs import heading, rows, terminal_width
from danmax_sync.cli.speech import count, moment, number

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import (
        CataloguedScan,
        DetectorFile,
        Link,
        Location,
        LogEntry,
        PatternFile,
        RecordedValue,
    )


_LINES = 8
"""Of a sketch: it is one of many things that are shown."""
_WIDE = 120
"""Columns in which the statistics of a channel and its description stand side by side."""
_AXES = {"2th": "over 2θ in degrees", "q": "over q in 1/Å"}
_LAYOUTS = {
    "A": "laid out as at the beamline until 2022",
    "B": "laid out as at the beamline from 2022 to 2024",
    "C": "laid out as NXazint",
}
"""Of the generations of files of patterns, see `danmax_sync.scanfile.patternfile`."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A scan with all that is known of it."""

    scan: "CataloguedScan"
    values: "Sequence[RecordedValue]"
    detector_files: "Sequence[DetectorFile]"
    pattern_files: "Sequence[PatternFile]"
    log: "Sequence[LogEntry]" = ()

    def draw(self) -> None:
        """Print it."""
        heading(self.scan.label)
        rows(_facts(self.scan), indent=2)
        draw_notes(self.scan.marks)
        draw_log(self.log)
        for place in self.scan.locations:
            self._draw_place(place)
        _draw_newest(self.scan)
        snapshot = [value for value in self.values if value.origin == "snapshot"]
        _draw_series([value for value in self.values if value.origin != "snapshot"])
        for title, members in in_families(snapshot, lambda value: value.name):
            heading(f"snapshot: {title}", 2)
            # What the title says already is not said again.
            told = [_scalar(value) for value in members]
            rows([(*row[:-1], "" if row[-1] == title else row[-1]) for row in told], indent=4)

    def _draw_place(self, place: "Location") -> None:
        from danmax_sync.cli.progress import human_bytes

        heading(f"{place.state} at {place.root.name}: {place.path}", 2)
        drawn: list[tuple[str, str, str]] = []
        for link in place.links:
            drawn.append((link.detector, link.state.value, _target(link)))
            drawn += [
                ("", "", ", ".join([*_content(each), human_bytes(each.size)]))
                for each in self.detector_files
                if each.root == place.root.name and each.path == _from_root(place, link.target)
            ]
            drawn += [
                ("integrated", "", f"{found.path}: {_patterns(found)}")
                for found in self.pattern_files
                if found.root == place.root.name and found.path == _from_root(place, link.integrated)
            ]
        rows(drawn, indent=4)


def _draw_newest(scan: "CataloguedScan") -> None:
    """Sketch the newest pattern that is on this disk, for a person: a program would wait for what it does not read."""
    columns = terminal_width()
    found = [
        path
        for at in scan.locations
        for link in at.links
        if at.root.folder is not None and link.integrated is not None
        if (path := link.integrated.below(at.prefix.below(at.root.folder))).is_file()
    ]
    if columns is None or not found:
        return
    from danmax_sync.cli.terminal import marks, print_picture
    from danmax_sync.errors import SourceError
    from danmax_sync.integration.patterns import read_newest
    from danmax_sync.integration.sketch import sketch

    try:
        newest = read_newest(found[0])
    except SourceError as problem:
        heading(f"no picture: {problem.message}", 2)
        return
    if newest is None:
        return
    heading(f"pattern {newest.index + 1} of {newest.patterns}", 2)
    room = min(columns, _WIDE) - 5
    drawn = sketch(newest.radial, newest.unit, newest.intensity, width=room, height=_LINES, marks=marks())
    print_picture(f"    {text}" for text in drawn)


def _facts(scan: "CataloguedScan") -> list[tuple[str, str]]:
    from danmax_sync.cli.scans import duration

    seconds = duration(scan)
    energy = f"{number(scan.energy_kev, 4)} keV, from {scan.energy_origin}" if scan.energy_kev else "not recorded"
    temperature = "not recorded"
    if scan.temperature_k is not None:
        low, high = number(scan.temperature_min_k, 2), number(scan.temperature_max_k, 2)
        reach = f"{low} K" if low == high else f"{low} to {high} K, mean {number(scan.temperature_k, 2)} K"
        temperature = f"{reach}, from {scan.temperature_origin}"
    return [
        ("command", scan.title),
        ("sample", _sample(scan)),
        *([("tags", ", ".join(scan.tags))] if scan.tags else []),
        ("proposal", scan.proposal or "not known"),
        ("visit", scan.visit or "not known"),
        ("file", f"{scan.path} : {scan.entry}"),
        ("start", moment(scan.start_time)),
        ("end", moment(scan.end_time) if scan.end_time else "none recorded"),
        ("duration", "" if seconds is None else f"{seconds:g} s"),
        ("energy", energy),
        ("temperature", temperature),
        ("exposure", "not recorded" if scan.exposure_s is None else f"{scan.exposure_s:g} s"),
        ("points", str(scan.points)),
        ("state", scan.state.value),
    ]


def _sample(scan: "CataloguedScan") -> str:
    if scan.own_sample is None or scan.own_sample == scan.folder:
        return scan.sample
    return f"{scan.sample} (your name for it; its folder is {scan.folder or 'not known'})"


def _target(link: "Link") -> str:
    named = str(link.target) if link.target is not None else link.filename
    return f"{named} ({link.problem})" if link.problem else named


def _from_root(place: "Location", path: object) -> str | None:
    prefix = "".join(f"{part}/" for part in place.prefix.parts)
    return None if path is None else f"{prefix}{path}"


def _content(each: "DetectorFile") -> list[str]:
    if each.problem:
        return [each.problem]
    known = (
        count(each.frames, "frame") if each.frames is not None else "",
        f"{each.frame_shape or ''} {each.dtype or ''}".strip(),
        f"chunks {each.chunks}" if each.chunks else "",
        each.compression or "",
        f"{each.energy_ev / 1000:g} keV" if each.energy_ev is not None else "",
        f"threshold {each.threshold_ev / 1000:g} keV" if each.threshold_ev is not None else "",
        f"{each.exposure_s:g} s" if each.exposure_s is not None else "",
    )
    return [text for text in known if text]


def _patterns(found: "PatternFile") -> str:
    if found.problem:
        return found.problem
    known = (
        count(found.patterns, "pattern") if found.patterns is not None else "",
        count(found.bins, "bin") if found.bins is not None else "",
        count(found.sectors, "sector") if found.sectors else "",
        _AXES.get(found.unit or "", ""),
        _LAYOUTS.get(found.generation or "", ""),
    )
    return ", ".join(text for text in known if text) or "not looked into"


def _draw_series(values: "Sequence[RecordedValue]") -> None:
    """Print a table; in a narrow terminal with fewer digits, and what the names mean below it."""
    if not values:
        return
    heading("motors and channels", 2)
    narrow = (terminal_width() or _WIDE) < _WIDE
    drawn: list[tuple[str, ...]] = [("", "first", "min", "max", "mean", "points", "" if narrow else "unit")]
    meanings: list[tuple[str, ...]] = []
    for value in values:
        numbers = (value.first, value.value, value.maximum, value.mean)
        digits = ["" if each is None else plain(each, 5 if narrow else 7) for each in numbers]
        points = f"{value.points}{f' ({value.nan_count} NaN or ±∞)' if value.nan_count else ''}"
        meaning = _meaning(value.name)
        drawn.append((value.name, *digits, points, "" if narrow else " ".join(meaning).strip()))
        meanings.append((value.name, *meaning))
    rows(drawn, indent=4, right=range(1, 6))
    if narrow and any(unit or about for _, unit, about in meanings):
        heading("which are", 4)
        rows([row for row in meanings if row[1] or row[2]], indent=4)


def _scalar(value: "RecordedValue") -> tuple[str, str, str]:
    unit, about = _meaning(value.name)
    spelled = "NaN" if value.nan_count else "unreadable" if value.value is None else plain(value.value)
    return value.name, f"{spelled} {unit}".strip(), about


def _meaning(name: str) -> tuple[str, str]:
    from danmax_sync.quantities import meaning_of

    meaning = meaning_of(name)
    return (meaning.dimension.value, meaning.description) if meaning else ("", "")
