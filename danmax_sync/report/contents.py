"""What a report is made of: everything that is known of some scans, read once and made small at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan, DetectorFile
from danmax_sync.errors import DanmaxSyncError
from danmax_sync.events import Listener, progress
from danmax_sync.integration.agreeing import agreed
from danmax_sync.integration.canvas import columns_of
from danmax_sync.integration.figure import curves_of
from danmax_sync.integration.localscan import LocalScan
from danmax_sync.integration.patterns import Patterns, read_patterns
from danmax_sync.integration.perframe import TIME_CHANNEL
from danmax_sync.integration.provenance import Making, read_making
from danmax_sync.integration.waterfall import Curve
from danmax_sync.quantities import SANE_ENERGY_KEV
from danmax_sync.report.charts import Floats, Trace
from danmax_sync.report.faults import Fault, KnownProblems, faults_of, known_files, within
from danmax_sync.scanfile.choice import SANE_TEMPERATURE_K, Range
from danmax_sync.scanfile.frames import read_columns

_MOST_LOOKED_INTO = 1000
"""Scans whose files are opened; of more, the catalogue tells."""
_MOST_POINTS = 120
"""Of a trace of one scan."""
_COLUMNS = 1600
_UNIX_S = (1e9, 1e10)
"""Other numbers are no time at which a scan was measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictured:
    """The patterns of one scan, small enough to keep those of many.

    Attributes
    ----------
    curve : Curve
        The mean of its frames.
    frames : tuple of Curve
        Some of them, evenly chosen; empty with a single one.
    patterns, bins : int
        What is in the file.
    """

    curve: Curve
    frames: tuple[Curve, ...]
    unit: str
    patterns: int
    bins: int
    making: Making


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """One scan, with what its files tell.

    Attributes
    ----------
    faults : tuple of Fault
        What is not as it should be.
    """

    scan: CataloguedScan
    detector_files: Sequence[DetectorFile]
    pictured: Pictured | None = None
    temperature: Trace | None = None
    energy: Trace | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """All that a page tells.

    Attributes
    ----------
    query, english : str
        What was asked, as typed and in words.
    """

    query: str
    english: str
    scans: Sequence[Told] = field(default_factory=tuple)


def gather(
    catalogue: Catalogue, scans: Sequence[CataloguedScan], *, query: str, english: str, tell: Listener
) -> Contents:
    """Collect what is known of scans; what cannot be read is said in the page, and stops nothing."""
    told = []
    with_frames = len(scans) <= 12
    known = KnownProblems(catalogue)
    for done, scan in enumerate(scans):
        progress(tell, "report", done, len(scans), unit="scans", item=scan.label)
        files = known_files(scan, catalogue.detector_files(scan.id))
        each, found = _told(scan, files, look=done < _MOST_LOOKED_INTO, with_frames=with_frames)
        told.append(replace(each, faults=tuple(faults_of(scan, known, found))))
    progress(tell, "report", len(scans), len(scans), unit="scans")
    return Contents(query, english, told)


def _told(
    scan: CataloguedScan, files: Sequence[DetectorFile], *, look: bool, with_frames: bool
) -> tuple[Told, list[tuple[str, str]]]:
    """Return what is known of a scan, and what of its files here could not be read, and why."""
    told = Told(
        scan,
        files,
        temperature=_ends(scan, scan.temperature_min_k, scan.temperature_max_k),
        energy=_ends(scan, scan.energy_kev, scan.energy_kev),
    )
    if not look:
        return told, []
    try:
        local = LocalScan.find(scan)
    except DanmaxSyncError:
        return told, []
    found = []
    try:
        paths = local.patterns()
        told = replace(told, pictured=_pictured(local, paths[0], with_frames=with_frames) if paths else None)
    except DanmaxSyncError as trouble:
        found.append(("patterns", within(trouble.message, str(local.visit_root))))
    try:
        columns = _columns(local)
    except DanmaxSyncError as trouble:
        return told, [*found, ("master", within(trouble.message, str(local.visit_root)))]
    seconds = _seconds(scan, columns)
    temperature, energy = (
        _along(scan, seconds, columns.get(origin or ""), sane)
        for origin, sane in (
            (scan.temperature_origin, SANE_TEMPERATURE_K),
            (scan.energy_origin, SANE_ENERGY_KEV),
        )
    )
    return replace(told, temperature=temperature or told.temperature, energy=energy or told.energy), found


def _pictured(local: LocalScan, path: Path, *, with_frames: bool) -> Pictured | None:
    scan, patterns = local.scan, agreed(_sane(read_patterns(path)), local)
    count, bins = patterns.intensity.shape
    if not np.isfinite(patterns.intensity).any():
        return None
    labelled = (scan.label, patterns)
    # The mean of one is the first of two that are the same.
    (mean, _) = curves_of([labelled, labelled])
    frames = curves_of([labelled]) if with_frames and count > 1 else []
    return Pictured(_small(mean), tuple(map(_small, frames)), patterns.unit, count, bins, read_making(path))


def _sane(patterns: Patterns) -> Patterns:
    """Return patterns without temperatures and an energy that cannot be."""
    kelvins, kev = patterns.temperature_k, patterns.energy_kev
    if kelvins is not None:
        kelvins = np.where(_is_within(kelvins, SANE_TEMPERATURE_K), kelvins, np.nan)
    if kev is not None and not SANE_ENERGY_KEV[0] <= kev <= SANE_ENERGY_KEV[1]:
        kev = None
    return replace(patterns, temperature_k=kelvins, energy_kev=kev)


def _is_within(values: Floats, sane: Range) -> NDArray[np.bool_]:
    return (values >= sane[0]) & (values <= sane[1])


def _small(curve: Curve) -> Curve:
    """Return a curve with as many bins as can be seen."""
    if len(curve.radial) <= _COLUMNS:
        return curve
    edges = np.linspace(curve.radial[0], curve.radial[-1], _COLUMNS, endpoint=False)
    _, greatest = columns_of(curve.radial, curve.intensity, _COLUMNS)
    return Curve(curve.label, curve.sample, edges, greatest, curve.temperature_k, curve.energy_kev)


def _columns(local: LocalScan) -> dict[str, Floats]:
    scan = local.scan
    names = [name for name in (scan.temperature_origin, scan.energy_origin, TIME_CHANNEL) if name]
    return read_columns(local.master, scan.entry, names)


def moment_of(text: str | None) -> float | None:
    """Return a time as seconds since 1970; None where no scan can have been measured then."""
    seconds = datetime.fromisoformat(text).timestamp() if text else 0.0
    return seconds if _UNIX_S[0] < seconds < _UNIX_S[1] else None


def _seconds(scan: CataloguedScan, columns: dict[str, Floats]) -> Floats | None:
    """Return when each point was measured: by its trigger, else evenly from start to end."""
    stamps = columns.get(TIME_CHANNEL)
    if stamps is not None and len(stamps) and _UNIX_S[0] < float(stamps[0]) < _UNIX_S[1]:
        # Points that were never reached may hold anything.
        return np.where(_is_within(stamps, _UNIX_S), stamps, np.nan)
    start, end = moment_of(scan.start_time), moment_of(scan.end_time)
    length = max((len(column) for column in columns.values()), default=0)
    if start is None or not length:
        return None
    return np.linspace(start, end if end is not None and end > start else start + 1, length)


def _along(scan: CataloguedScan, seconds: Floats | None, values: Floats | None, sane: Range) -> Trace | None:
    if seconds is None or values is None:
        return None
    count = min(len(seconds), len(values))
    known = np.flatnonzero(np.isfinite(seconds[:count]) & _is_within(values[:count], sane))
    if not known.size:
        return None
    chosen = known[:: -(-len(known) // _MOST_POINTS)]
    return Trace(_described(scan, values[known]), seconds[chosen], values[chosen])


def _ends(scan: CataloguedScan, low: float | None, high: float | None) -> Trace | None:
    """Return a trace of what the catalogue knows: the least and the greatest."""
    start, end = moment_of(scan.start_time), moment_of(scan.end_time)
    if start is None or low is None or high is None:
        return None
    ends = np.array([low, high])
    return Trace(_described(scan, ends), np.array([start, start if end is None else max(start, end)]), ends)


def _described(scan: CataloguedScan, values: Floats) -> str:
    low, high = f"{values.min():.6g}", f"{values.max():.6g}"
    return f"{scan.label}, {scan.sample}: {low}" + ("" if low == high else f" to {high}")
