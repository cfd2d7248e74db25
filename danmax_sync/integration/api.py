"""Integrate from Python: patterns one by one, nothing written.

::

    from danmax_sync import Catalogue, Recipe, integrate

    with Catalogue.open() as catalogue:
        (scan,) = catalogue.search("42")
        for pattern in integrate(scan, Recipe(unit=Unit.Q)):
            plot(pattern.radial, pattern.intensity)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from danmax_sync.catalogue.given import one_scan
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import SourceError
from danmax_sync.integration.choices import Choices, GivenPath, named_from, recipe_of
from danmax_sync.integration.engine import Integrator, Pattern, Rows
from danmax_sync.integration.job import job_of
from danmax_sync.integration.localscan import LocalScan
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
    problem : str
        Why there is no pattern: which frame could not be read, and of which file. Then all numbers are NaN. Empty
        otherwise.
    """

    frame: int
    radial: NDArray[np.float64]
    intensity: NDArray[np.float32]
    sigma: NDArray[np.float32]
    temperature_k: float | None
    cake: Rows | None = None
    sectors: Rows | None = None
    problem: str = ""


def integrate(
    scan: CataloguedScan,
    recipe: Recipe | None = None,
    *,
    poni: GivenPath | None = None,
    masks: GivenPath | Iterable[GivenPath] = (),
    dark: GivenPath | None = None,
    flat: GivenPath | None = None,
    allow: str | Iterable[str] = (),
    detector: str | None = None,
    threads: int | None = None,
    keep_bad: bool = False,
) -> Iterator[FramePattern]:
    """Integrate the frames of a scan that is on this disk.

    Parameters
    ----------
    scan : CataloguedScan
        From `Catalogue.search`.
    recipe : Recipe, optional
        The settings.
    poni, masks : str or Path, or several masks, optional
        Calibration instead of what is found in the visit's ``process`` folder.
    dark, flat : str or Path, optional
        Images to be subtracted, and to be divided by.
    allow : str or several
        What is not to be refused, by name.
    detector : str, optional
        Whose frames.
    threads : int, optional
        By default as many as there are processors.
    keep_bad : bool
        Whether a frame that cannot be read is yielded as NaN, with its `problem`, as ``danmax-sync integrate`` keeps
        it; else it is raised.

    Yields
    ------
    FramePattern
        In the order of frames, one for each frame or average. A generator that is closed early stops its threads.

    Raises
    ------
    SourceError
        If the scan is not here, or a frame cannot be read, unless `keep_bad`: its number is in the message.
    RefusalError
        If the numbers would be wrong.
    UsageError
        If what was given is not what is expected.
    """
    named = named_from(poni, masks, dark, flat, allow)
    choices = Choices(recipe_of(recipe), named, detector, threads=threads)
    local = LocalScan.find(one_scan(scan))
    link, target = local.detector_file(detector)
    with open_frames(target.below(local.visit_root), link.inner_path) as frames:
        job = job_of(local, frames, target, choices)
        integrator = Integrator(job.provenance.calibration, choices.recipe, frames.shape)
        check_axis(integrator, allowed="bins" in allow)
        kelvins = job.per_frame.temperature_k
        for made in integrate_units(integrator, frames, job.units, make=_itself, threads=threads):
            if isinstance(made, Bad) and not keep_bad:
                raise SourceError(made.message, hint="fetch the set again; or go on past it: keep_bad=True")
            pattern, problem = (_nothing(integrator), made.message) if isinstance(made, Bad) else (made.made, "")
            yield FramePattern(
                job.units[made.index].frames[0],
                integrator.radial,
                pattern.intensity,
                pattern.sigma,
                None if kelvins is None else float(kelvins[made.index]),
                pattern.layers.get("cake"),
                pattern.layers.get("sectors"),
                problem,
            )


def _nothing(integrator: Integrator) -> Pattern:
    """Return the pattern of a frame that could not be read: of the usual shapes, and NaN all over."""

    def empty(*shape: int) -> NDArray[np.float32]:
        return np.full(shape, np.nan, dtype=np.float32)

    bins = len(integrator.radial)
    layers = {
        each.name: Rows(
            empty(each.rows, bins), empty(each.rows, bins) if each.has_errors else None, empty(each.rows, bins)
        )
        for each in integrator.layers[1:]
    }
    return Pattern(empty(bins), empty(bins), empty(bins), layers=layers)


def _itself(pattern: Pattern) -> Pattern:
    return pattern
