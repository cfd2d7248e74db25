"""Integrate from Python: patterns one by one, nothing written.

::

    from danmax_sync import Catalogue, Recipe, integrate

    with Catalogue.open() as catalogue:
        (scan,) = catalogue.search("42")
        for pattern in integrate(scan, Recipe(unit=Unit.Q)):
            plot(pattern.radial, pattern.intensity)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import SourceError
from danmax_sync.integration.calibration import Named, find_calibration
from danmax_sync.integration.engine import Integrator, Pattern, Rows
from danmax_sync.integration.job import units_of
from danmax_sync.integration.localscan import LocalScan, count_frames
from danmax_sync.integration.perframe import monitor_scales, read_per_frame
from danmax_sync.integration.recipe import Recipe
from danmax_sync.integration.run import check_axis
from danmax_sync.integration.stream import Bad, integrate_units
from danmax_sync.scanfile.frames import open_frames


@dataclass(frozen=True, slots=True, eq=False)
class FramePattern:
    """A pattern with its axis and what was measured along.

    Attributes
    ----------
    frame : int
        The first frame that is in it.
    radial : ndarray, (bins,)
        Bin centres in the recipe's unit.
    intensity, sigma : ndarray of float32, (bins,)
        NaN where no pixel falls into the bin.
    temperature_k : float or None
        Where it was recorded.
    cake, sectors : Rows or None
        Where the recipe asks for them.
    """

    frame: int
    radial: NDArray[np.float64]
    intensity: NDArray[np.float32]
    sigma: NDArray[np.float32]
    temperature_k: float | None
    cake: Rows | None = None
    sectors: Rows | None = None


def integrate(
    scan: CataloguedScan,
    recipe: Recipe | None = None,
    *,
    poni: Path | None = None,
    masks: tuple[Path, ...] = (),
    dark: Path | None = None,
    flat: Path | None = None,
    allow: frozenset[str] = frozenset(),
    detector: str | None = None,
    threads: int | None = None,
) -> Iterator[FramePattern]:
    """Integrate the frames of a scan that is on this disk.

    Parameters
    ----------
    scan : CataloguedScan
        From `Catalogue.search`.
    recipe : Recipe, optional
        The settings.
    poni, masks : optional
        Calibration instead of what is found in the visit's ``process`` folder.
    dark, flat : Path, optional
        Images to be subtracted, and to be divided by.
    allow : frozenset of str
        What is not to be refused, by name.
    detector : str, optional
        Whose frames.
    threads : int, optional
        By default as many as there are processors.

    Yields
    ------
    FramePattern
        In the order of frames. A generator that is closed early stops its threads.

    Raises
    ------
    SourceError
        If the scan is not here, or a frame cannot be read: its name is in the message.
    RefusalError
        If the numbers would be wrong.
    """
    recipe = recipe or Recipe()
    local = LocalScan.find(scan)
    link, target = local.detector_file(detector)
    with open_frames(target.below(local.visit_root), link.inner_path) as frames:
        count = count_frames(local.scan, frames, threshold=recipe.threshold, allowed="frames" in allow)
        calibration = find_calibration(
            local.visit_root / "process",
            energy=local.scan.energy_kev,
            frame_shape=frames.shape,
            named=Named(poni, masks, dark, flat, frozenset(allow)),
        )
        per_frame = read_per_frame(
            local.scan, local.master, frames=count.frames, points=count.points, monitor=recipe.monitor, each=count.each
        )
        scales = monitor_scales(per_frame, recipe.monitor, count.frames, recipe.frames, allowed="monitor" in allow)
        units = units_of(recipe, count, scales)
        integrator = Integrator(calibration, recipe, frames.shape)
        check_axis(integrator, allowed="bins" in allow)
        temperatures = per_frame.of([unit.frames for unit in units]).temperature_k
        made: Iterator[object] = integrate_units(integrator, frames, units, make=_itself, threads=threads)
        for unit, each in zip(units, made, strict=True):
            if isinstance(each, Bad):
                raise SourceError(each.message)
            pattern: Pattern = each.made  # type: ignore[attr-defined]
            kelvin = None if temperatures is None else float(temperatures[unit.index])
            yield FramePattern(
                unit.frames[0],
                integrator.radial,
                pattern.intensity,
                pattern.sigma,
                kelvin,
                pattern.layers.get("cake"),
                pattern.layers.get("sectors"),
            )


def _itself(pattern: Pattern) -> Pattern:
    return pattern
