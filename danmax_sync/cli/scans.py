"""The columns of a list of scans."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from danmax_sync.cli.numerals import plain
from danmax_sync.cli.speech import number
from danmax_sync.cli.table import Column
from danmax_sync.clock import ZONE_SAID, to_the_minute

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.chosen import Recorded
    from danmax_sync.catalogue.values import CataloguedScan

ScanColumn = Column["CataloguedScan"]


def scan_columns(*, several_visits: bool = False) -> "Sequence[ScanColumn]":
    """Return the columns every list of scans can have; some only if asked for.

    Numbers begin anew in each visit, so a list of `several_visits` shows which one is meant.
    """
    return (
        Column("scan", lambda s: str(s.number) if s.number is not None else str(s.path.name), right=True),
        Column("visit", lambda s: s.visit or "", hidden=not several_visits),
        Column("sample", lambda s: s.sample, cut=True),
        Column("title", lambda s: s.title, cut=True),
        Column("start", lambda s: to_the_minute(s.start_time), key="start_time", spare=4, note=ZONE_SAID),
        Column("keV", lambda s: number(s.energy_kev, 3), right=True, key="energy_kev"),
        Column("K", _temperature, right=True, key="temperature_k", spare=3),
        Column("points", lambda s: str(s.points), right=True, spare=5),
        Column("state", lambda s: s.state.value, spare=2),
        Column("where", where, cut=True, spare=1, value=where),
        *(_hidden(name, attrgetter(name)) for name in ("proposal", "entry", "macro")),
        Column("path", lambda s: str(s.path), cut=True, hidden=True),
        Column("end", lambda s: to_the_minute(s.end_time), key="end_time", hidden=True, note=ZONE_SAID),
        _hidden("duration", duration),
        _hidden("exposure", lambda s: s.exposure_s),
        _hidden("wavelength", _wavelength),
        Column("energy", lambda s: number(s.energy_kev, 3), right=True, key="energy_kev", hidden=True),
        Column("temperature", _temperature, right=True, key="temperature_k", hidden=True),
        # Either way people say it; the query language says `tag` and `note`.
        *(_said(name, attrgetter("tags")) for name in ("tags", "tag")),
        *(_said(name, attrgetter("notes")) for name in ("note", "notes")),
        _hidden("folder", attrgetter("folder")),
        Column("detectors", lambda s: ", ".join(link.detector for link in s.links), cut=True, hidden=True),
    )


def recorded_columns(catalogue: "Catalogue", scan_ids: Sequence[int]) -> "Callable[[str], Sequence[ScanColumn]]":
    """Return what finds the columns of a snapshot, motor or channel name, with ``*`` and ``?`` of several.

    `scan_ids` are the rows of the scans that are listed.
    """
    from danmax_sync.catalogue.chosen import chosen_values
    from danmax_sync.query.fields import resolve

    known = catalogue.field_names()

    def find(name: str) -> "Sequence[ScanColumn]":
        names = resolve(name, known)
        found = chosen_values(catalogue, names, scan_ids)
        return [_recorded(each, found[each]) for each in names]

    return find


def where(scan: "CataloguedScan") -> str:
    """Return in which places a scan is."""
    there = [each.root for each in scan.locations if each.state != "missing"]
    return ", ".join(dict.fromkeys("here" if root.folder else root.name for root in there))


def master_paths(scan: "CataloguedScan") -> Sequence[str]:
    """Return where the master is: on this disk where it is here, else as a URI."""
    there = [each for each in scan.locations if each.state != "missing"]
    local = [str(each.path.below(each.root.folder)) for each in there if each.root.folder]
    return local[:1] or [f"{each.root.uri}/{each.path}" for each in there[:1]]


def duration(scan: "CataloguedScan") -> float | None:
    """Return how many seconds a scan took; None while it has no end."""
    if not scan.start_time or not scan.end_time:
        return None
    start, end = (datetime.fromisoformat(text) for text in (scan.start_time, scan.end_time))
    return round((end - start).total_seconds(), 6)


def _temperature(scan: "CataloguedScan") -> str:
    low, high = scan.temperature_min_k, scan.temperature_max_k
    if low is None or high is None:
        return ""
    return f"{low:.1f}" if high - low < 0.05 else f"{low:.1f}–{high:.1f}"


def _wavelength(scan: "CataloguedScan") -> float | None:
    from danmax_sync.quantities import wavelength_angstrom

    return wavelength_angstrom(scan.energy_kev) if scan.energy_kev else None


def _hidden(title: str, value: "Callable[[CataloguedScan], float | str | None]") -> "ScanColumn":
    def text(scan: "CataloguedScan") -> str:
        found = value(scan)
        return "" if found is None else plain(found)

    return Column(title, text, right=title in {"duration", "exposure", "wavelength"}, value=value, hidden=True)


def _said(title: str, texts: "Callable[[CataloguedScan], Sequence[str]]") -> "ScanColumn":
    return Column(title, lambda s: ", ".join(texts(s)), cut=True, value=lambda s: list(texts(s)), hidden=True)


def _recorded(name: str, values: "Mapping[int, Recorded]") -> "ScanColumn":
    from danmax_sync.catalogue.chosen import Span

    def text(scan: "CataloguedScan") -> str:
        found = values.get(scan.id)
        if isinstance(found, Span):
            low, high = plain(found.low), plain(found.high)
            return low if low == high else f"{low}–{high}"
        return "" if found is None else plain(found)

    def value(scan: "CataloguedScan") -> Any:
        found = values.get(scan.id)
        return {"min": found.low, "max": found.high} if isinstance(found, Span) else found

    right = not any(isinstance(each, str) for each in values.values())
    return Column(name, text, right=right, value=value)
