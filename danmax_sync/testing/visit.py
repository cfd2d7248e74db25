"""A whole simulated visit, in the true format: for tests, for ``danmax-sync demo``, and for users' own tests.

::

    <folder>/raw/<sample>/scan-####.h5              masters
    <folder>/raw/<sample>/scan-####_pilatus.h5      frames; scan-####_falconx.h5 in some
    <folder>/process/LaB6_35keV.poni                calibration, one an energy
    <folder>/process/mask.npy                       gaps, bad and hot pixels, beamstop
    <folder>/.danmax-simulated.json                 what it was made with
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, ignore, progress
from danmax_sync.testing.awkward import Awkward, awkward_plans
from danmax_sync.testing.bench import FULL, SMALL
from danmax_sync.testing.described import SimulatedScan, SimulatedVisit, described
from danmax_sync.testing.frames import FramePool
from danmax_sync.testing.plans import Origin, regular_plans
from danmax_sync.testing.publishing import claim
from danmax_sync.testing.realframe import real_frame_visit
from danmax_sync.testing.writing import MAIN_PONI, write_broken, write_calibration, write_scan

__all__ = ["Awkward", "SimulatedScan", "SimulatedVisit", "real_frame_visit", "simulate_visit", "simulate_visits"]

_FORMAT = 1
"""Of what is written; raised whenever the same parameters would give other bytes."""


def simulate_visit(
    folder: Path,
    *,
    scans: int = 12,
    frames: int = 10,
    seed: int = 0,
    incomplete: Collection[int] = (),
    awkward: Collection[Awkward] = (),
    small: bool = False,
    tell: Listener = ignore,
) -> SimulatedVisit:
    """Make a visit, or go on where it was stopped.

    Parameters
    ----------
    folder : Path
        Becomes the visit's folder: missing, empty, or made by the same call before.
    scans, frames : int
        Ordinary scans, and frames in each.
    seed : int
        The same seed gives the same bytes, in whatever order and however often interrupted.
    incomplete : collection of int
        Places in the list of scans, from 0, whose Pilatus file was never saved.
    awkward : collection of Awkward
        What to add behind the ordinary scans.
    small : bool
        A detector of 167 × 149 pixels instead of the Pilatus' 1679 × 1475, for fast tests.
    tell : Listener
        Hears ``progress`` in scans.

    Raises
    ------
    UsageError
        If the folder holds anything else, or a number is out of range. Nothing is written then.
    """
    wanted = _Wanted(scans, frames, seed, small, Origin(), frozenset(incomplete), frozenset(awkward))
    return _simulate(folder, wanted, tell)


def simulate_visits(
    folder: Path,
    *,
    visits: int = 2,
    scans: int = 12,
    frames: int = 10,
    seed: int = 0,
    small: bool = False,
    tell: Listener = ignore,
) -> tuple[SimulatedVisit, ...]:
    """Make several visits with the same scan numbers: ``<folder>/<8 digits>/<10 digits>/raw/…``.

    Other parameters, and the errors, are those of `simulate_visit`; seeds count up from `seed`.
    """
    origins = [Origin.of(place) for place in range(visits)]
    return tuple(
        _simulate(folder / origin.proposal / origin.visit, _Wanted(scans, frames, seed + place, small, origin), tell)
        for place, origin in enumerate(origins)
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    scans: int
    frames: int
    seed: int
    small: bool
    origin: Origin
    incomplete: frozenset[int] = frozenset()
    awkward: frozenset[Awkward] = frozenset()

    def __post_init__(self) -> None:
        if self.scans < 0 or self.frames < 1 or self.seed < 0:
            raise UsageError(
                f"cannot simulate {self.scans} scans of {self.frames} frames with seed {self.seed}",
                hint="give scans ≥ 0, frames ≥ 1, seed ≥ 0",
            )
        outside = sorted(place for place in self.incomplete if not 0 <= place < self.scans)
        if outside:
            raise UsageError(
                f"scan {outside[0]} cannot be incomplete, there are {self.scans} scans",
                hint=f"give places from 0 to {self.scans - 1}",
            )

    def parameters(self) -> dict[str, object]:
        """Return all that decides what is written, ready for JSON."""
        return {
            "format": _FORMAT,
            "scans": self.scans,
            "frames": self.frames,
            "seed": self.seed,
            "small": self.small,
            "visit": f"{self.origin.proposal}/{self.origin.visit}",
            "incomplete": sorted(self.incomplete),
            "awkward": sorted(kind.value for kind in self.awkward),
        }


def _simulate(folder: Path, wanted: _Wanted, tell: Listener) -> SimulatedVisit:
    claim(folder, wanted.parameters())
    scans, frames, seed, origin = wanted.scans, wanted.frames, wanted.seed, wanted.origin
    ordinary = regular_plans(scans=scans, frames=frames, seed=seed, incomplete=wanted.incomplete, origin=origin)
    extra, broken = awkward_plans(wanted.awkward, first_item=scans, frames=frames, seed=seed, origin=origin)
    plans = [*ordinary, *extra]
    bench = SMALL if wanted.small else FULL
    write_calibration(folder, bench, seed)
    pool = FramePool(bench, seed)
    done, total = 0, len(plans) + len(broken)
    for path, group in groupby(plans, key=lambda plan: plan.path):
        entries = list(group)
        write_scan(folder, entries, pool, seed)
        done += len(entries)
        progress(tell, "simulate", done, total, unit="scans", item=str(path))
    for damaged in broken:
        write_broken(folder, damaged, seed)
        done += 1
        progress(tell, "simulate", done, total, unit="scans", item=str(damaged.plan.path))
    return described(folder, poni=MAIN_PONI, plans=plans, broken=broken)
