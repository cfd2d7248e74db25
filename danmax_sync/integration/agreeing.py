"""Patterns as the catalogue knows their scan: what their file says of sample and temperature was so when it was made.

A sample may have been renamed since, a temperature device or an energy chosen; every screen, picture and exported file
has to say the same of a scan.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import SourceError
from danmax_sync.integration.localscan import SEVERAL_A_POINT, LocalScan, on_this_disk, query_of
from danmax_sync.integration.patterns import Patterns, read_patterns
from danmax_sync.integration.perframe import frame_groups, read_temperatures


def patterns_of(scans: Sequence[CataloguedScan]) -> list[tuple[str, Patterns]]:
    """Return the patterns of all scans that have been integrated, labelled with their scans.

    Sample, temperatures and energy are those of the catalogue.

    Raises
    ------
    SourceError
        If none has been.
    """
    here = [(scan.label, local) for scan in on_this_disk(scans) if (local := _found(scan)) is not None]
    found = [(label, path, local) for label, local in here for path in local.patterns()[:1]]
    if not found:
        if len(scans) == 1:
            raise SourceError(
                f"{scans[0].label} has not been integrated", hint=f"danmax-sync integrate {query_of(scans[0])}"
            )
        raise SourceError(
            f"none of the {len(scans)} scans found has been integrated", hint="danmax-sync integrate QUERY"
        )
    return [(label, agreed(read_patterns(path), local)) for label, path, local in found]


def _found(scan: CataloguedScan) -> LocalScan | None:
    try:
        return LocalScan.find(scan)
    except SourceError:
        # Deleted since it was indexed: the others can still be shown.
        return None


def agreed(patterns: Patterns, local: LocalScan) -> Patterns:
    """Return patterns with the sample, temperatures and energy of their scan as the catalogue knows it now.

    Where the catalogue knows nothing of these, the file's word stays. Temperatures are read from the master where the
    file took them from another device than the catalogue does; where nobody can tell which frames patterns are of,
    and the file's are not within those of the scan, there are none.
    """
    scan = local.scan
    return replace(
        patterns,
        sample=scan.sample or patterns.sample,
        energy_kev=patterns.energy_kev if scan.energy_kev is None else scan.energy_kev,
        temperature_k=_temperatures(patterns, local),
    )


def _temperatures(patterns: Patterns, local: LocalScan) -> NDArray[np.float64] | None:
    scan, told = local.scan, patterns.temperature_k
    if scan.temperature_k is None or (told is not None and patterns.temperature_origin == scan.temperature_origin):
        return told
    try:
        groups = _groups(patterns, scan)
        if groups is None:
            return told if _is_within(told, scan) else None
        return read_temperatures(scan, local.master, groups, each=_each(patterns, scan))
    except SourceError:
        return told if _is_within(told, scan) else None


def _groups(patterns: Patterns, scan: CataloguedScan) -> list[tuple[int, ...]] | None:
    """Return the frames of each pattern; None where nobody can tell."""
    frames, average, count = *_chosen(patterns.recipe), len(patterns.intensity)
    if frames:
        groups = frame_groups(scan.points, frames, average)
        return groups if len(groups) == count else None
    if not patterns.recipe and count != scan.points:
        # Others' programs do not say what they made patterns of.
        return None
    return frame_groups(count * average, "", average)


def _each(patterns: Patterns, scan: CataloguedScan) -> int:
    """Return how many frames there are a point."""
    frames, average = _chosen(patterns.recipe)
    if frames or scan.macro not in SEVERAL_A_POINT or not scan.points:
        return 1
    # The last ones that fill no average are in no pattern.
    return max(1, -(-len(patterns.intensity) * average // scan.points))


def _chosen(recipe: str) -> tuple[str, int]:
    """Return which frames were chosen, and how many are in a pattern."""
    try:
        told = json.loads(recipe or "{}")
        return str(told.get("frames") or ""), max(1, int(told.get("average") or 1))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "", 1


def _is_within(values: NDArray[np.float64] | None, scan: CataloguedScan) -> bool:
    ends = (scan.temperature_min_k, scan.temperature_max_k)
    known = [end for end in (*ends, scan.temperature_k) if end is not None]
    if values is None or not known or not np.isfinite(values).any():
        return False
    return min(known) - 0.01 <= float(np.nanmin(values)) and float(np.nanmax(values)) <= max(known) + 0.01
