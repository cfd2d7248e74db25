"""From a calibration to the kernel's matrix, with pyFAI: angles, solid angle, polarization, and how pixels are split.

What pyFAI calls splitting is done along the radius only: in azimuth a pixel belongs to the bin of its centre. So the
pattern is exactly the sum of the cake, errors of sectors are independent of each other, and one pass gives all layers.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, UsageError
from danmax_sync.integration.calibration import Calibration, with_known_orientation
from danmax_sync.integration.matrix import Entries, Matrix, make_matrix
from danmax_sync.integration.recipe import FINEST_BIN, USUAL_BINS, Recipe, Split
from danmax_sync.integration.stoppable import stoppable

_FINE_BINS = 1 << 15
"""So many bins are still summed up segment by segment in double precision; of more, each holds few pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A geometry made ready for frames of one shape.

    Attributes
    ----------
    matrix : Matrix
        Bin number = sector · radial bins + radial bin; likewise in the cake.
    radial_edges : ndarray of float64, (nr + 1,)
        In the recipe's unit.
    pixel_width : float
        Of a pixel at the beam's centre, in the same unit: finer bins show nothing more.
    """

    matrix: Matrix
    radial_edges: NDArray[np.float64]
    pixel_width: float

    @property
    def radial(self) -> NDArray[np.float64]:
        """Centres of the bins."""
        return (self.radial_edges[:-1] + self.radial_edges[1:]) / 2


def make_geometry(
    calibration: Calibration,
    recipe: Recipe,
    frame_shape: tuple[int, ...],
    waiting: Callable[[], None] = lambda: None,
) -> Geometry:
    """Build the matrix; takes some seconds and, at its peak, 550 MB for two million pixels.

    Ctrl-C ends it at once, and so does what `waiting` raises, which is called meanwhile.

    Raises
    ------
    RefusalError
        If the geometry is of another detector.
    UsageError
        If it cannot be understood.
    """
    # Imported here: between two modules Ctrl-C is heard anyway, and no thread is left in the middle of them.
    import pyFAI  # noqa: F401

    return stoppable(lambda: _computed(calibration, recipe, frame_shape), waiting)


def _computed(calibration: Calibration, recipe: Recipe, frame_shape: tuple[int, ...]) -> Geometry:
    ai = load_geometry(calibration, frame_shape)
    width = _pixel_width(ai, recipe)
    edges = _edges(ai, recipe, width)
    _forget(ai)
    masked = _masked(ai, calibration, recipe, frame_shape)
    pixels = int(np.prod(frame_shape))
    weight = _weight(ai, calibration, recipe, frame_shape)
    _forget(ai)
    pixel, bin_, share = _entries(ai, recipe, edges, masked, frame_shape)
    _forget(ai)
    radial = len(edges) - 1
    row = None
    if recipe.azimuthal_bins > 1:
        azimuth = _azimuth(ai, frame_shape).ravel()
        row = np.minimum((azimuth / 360 * recipe.azimuthal_bins).astype(np.int32), recipe.azimuthal_bins - 1)
        del azimuth
    del ai
    bins = radial * (recipe.sectors or 1)
    matrix = make_matrix(
        (pixel, bin_, share),
        pixels=pixels,
        bins=bins,
        fine=bins if bins <= _FINE_BINS else 0,
        weight=weight,
        dark=calibration.dark,
        sector=None if row is None or not recipe.sectors else row // (recipe.azimuthal_bins // recipe.sectors),
        cake_row=row if recipe.cake else None,
        radial=radial,
        cake_bins=radial * recipe.cake,
    )
    return Geometry(matrix, edges, width)


def load_geometry(calibration: Calibration, frame_shape: tuple[int, ...]) -> Any:
    """Return a geometry as pyFAI reads it, for frames of one shape.

    Raises
    ------
    RefusalError
        If it is of another detector.
    UsageError
        If it cannot be understood.
    """
    # Imported here: pyFAI takes seconds, and a refusal should not.
    from pyFAI import load

    hint = "calibrate with pyFAI-calib2, or name another: --poni FILE"
    # From a copy of the text that was checked: the file may change meanwhile, or be part of a file of patterns.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "geometry.poni"
        copy.write_text(with_known_orientation(calibration.poni_text), encoding="utf-8")
        try:
            with _quiet():
                geometry = load(str(copy))
        except Exception as problem:  # pyFAI raises whatever its parser trips over
            why = str(problem).partition("\n")[0].replace(str(copy), calibration.poni.name)
            raise UsageError(f"the geometry {calibration.poni} cannot be understood: {why}", hint=hint) from problem
    detector = geometry.detector
    if not detector.pixel1 or not detector.pixel2:
        raise UsageError(f"the geometry {calibration.poni} does not say how large a pixel is", hint=hint)
    if detector.shape is not None and tuple(detector.shape) != tuple(frame_shape) and "detector" in calibration.allowed:
        from pyFAI.detectors import Detector

        config = {"orientation": int(detector.orientation or 3)}
        geometry.detector = detector = Detector(detector.pixel1, detector.pixel2, **config)
    if detector.shape is None:
        detector.shape = detector.max_shape = frame_shape
    if tuple(detector.shape) != tuple(frame_shape):
        raise RefusalError(
            f"the geometry {calibration.poni} is for frames of {tuple(detector.shape)}, these are {frame_shape}",
            hint="name the geometry of this detector: --poni FILE; or --allow detector",
        )
    return geometry


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pyFAI from logging what is said in words anyway, traceback and all."""
    logger = logging.getLogger("pyFAI")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _edges(ai: Any, recipe: Recipe, pixel_width: float) -> NDArray[np.float64]:
    """Return equal bins over the outlines of all pixels, masked ones too: the axis does not depend on the mask."""
    if recipe.edges is not None:
        return np.array(recipe.edges, dtype=np.float64)
    low, high = recipe.range or _reach(ai, recipe)
    if not (pixel_width > 0 and high > low):
        raise RefusalError(
            f"with this geometry all pixels see the same {recipe.unit.pyfai}: the beam is nowhere near the detector",
            hint="name another geometry: --poni FILE",
        )
    number = recipe.bins or max(10, min(USUAL_BINS, int((high - low) / (FINEST_BIN * pixel_width))))
    return np.linspace(low, high, number + 1)


def _forget(ai: Any) -> None:
    """Have pyFAI drop what it keeps of each pixel: some hundred megabytes, which are quickly made again."""
    ai.reset(collect_garbage=False)


def _reach(ai: Any, recipe: Recipe) -> tuple[float, float]:
    corners = ai.corner_array(unit=recipe.unit.pyfai, scale=True)[..., 0]
    return max(0.0, float(corners.min())), float(corners.max())


def _pixel_width(ai: Any, recipe: Recipe) -> float:
    """Return what a pixel spans along the radius; less than nine in ten of them do."""
    corners = ai.corner_array(unit=recipe.unit.pyfai, scale=True)[..., 0].reshape(-1, 4)
    spans = np.ptp(corners[:: max(1, len(corners) // 100_000)], axis=-1)
    return float(np.percentile(spans, 10))


def _masked(ai: Any, calibration: Calibration, recipe: Recipe, frame_shape: tuple[int, ...]) -> NDArray[np.bool_]:
    known = ai.detector.mask
    masked = np.zeros(frame_shape, dtype=bool) if known is None else np.array(known) != 0
    if calibration.masked is not None:
        masked |= calibration.masked
    if recipe.azimuth is not None:
        low, high = (end % 360 for end in recipe.azimuth)
        azimuth = _azimuth(ai, frame_shape)
        inside = (azimuth >= low) & (azimuth < high) if low < high else (azimuth >= low) | (azimuth < high)
        masked |= ~inside
    for image in (calibration.flat, calibration.dark):
        if image is not None:
            masked |= ~np.isfinite(image)
    if calibration.flat is not None:
        masked |= ~(np.nan_to_num(calibration.flat) > 0)
    return masked


def _azimuth(ai: Any, frame_shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return degrees from 0 to 360: 0 at three o'clock, clockwise on the detector's face."""
    return np.asarray(ai.center_array(frame_shape, unit="chi_deg", scale=True), dtype=np.float64) % 360.0


def _weight(ai: Any, calibration: Calibration, recipe: Recipe, frame_shape: tuple[int, ...]) -> NDArray[np.float32]:
    weight = np.ones(frame_shape, dtype=np.float64)
    if recipe.solid_angle:
        weight *= ai.solidAngleArray(frame_shape)
    if recipe.polarization is not None:
        weight *= ai.polarization(frame_shape, factor=recipe.polarization)
    if calibration.flat is not None:
        weight *= np.nan_to_num(calibration.flat)
    return weight.astype(np.float32)


def _entries(
    ai: Any, recipe: Recipe, edges: NDArray[np.float64], masked: NDArray[np.bool_], frame_shape: tuple[int, ...]
) -> Entries:
    """Return pixel, bin and share of each element of pyFAI's sparse matrix."""
    mask = masked.astype(np.int8)
    if recipe.split is Split.NONE and (recipe.range or recipe.edges):
        # pyFAI rounds towards 0, so that pixels just below the range would fall into its first bin.
        mask |= ai.center_array(frame_shape, unit=recipe.unit.pyfai, scale=True) < edges[0]
    # That a matrix is empty is refused later, in words.
    with _quiet():
        if recipe.edges is None:
            engine = ai.setup_sparse_integrator(
                frame_shape,
                len(edges) - 1,
                mask=mask,
                pos0_range=(edges[0], edges[-1]),
                unit=recipe.unit.pyfai,
                split=recipe.split.pyfai,
                algo="CSC",
            )
        else:
            engine = _uneven(ai, recipe, edges, mask, frame_shape)
    # pyFAI keeps elements that its rounding made 0.
    real = np.asarray(engine.data) > 0
    each = np.diff(np.asarray(engine.indptr))
    share, bin_ = np.asarray(engine.data)[real], np.asarray(engine.indices)[real]
    del engine
    _forget(ai)
    return np.repeat(np.arange(mask.size, dtype=np.int32), each)[real], bin_, share


def _uneven(
    ai: Any, recipe: Recipe, edges: NDArray[np.float64], mask: NDArray[np.int8], frame_shape: tuple[int, ...]
) -> Any:
    """Split pixels between bins of different widths: in units of bins they are equal again."""
    from pyFAI.ext import splitBBoxCSC, splitPixelFullCSC

    number = len(edges) - 1
    # Outside, the axis goes on with the width of the first and the last bin.
    first, last = edges[1] - edges[0], edges[-1] - edges[-2]
    ends = np.array([edges[0] - 1000 * first, *edges, edges[-1] + 1000 * last])
    numbers = np.array([-1000.0, *range(number + 1), number + 1000.0])

    def in_bins(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(np.interp(values, ends, numbers), dtype=np.float64)

    common = {"bins": number, "pos0_range": (0.0, float(number)), "mask": mask, "allow_pos0_neg": True}
    if recipe.split is Split.FULL:
        corners = np.array(ai.corner_array(frame_shape, unit=recipe.unit.pyfai, scale=True), dtype=np.float64)
        corners[..., 0] = in_bins(corners[..., 0])
        corners = corners.reshape(-1, 4, 2)
        return splitPixelFullCSC.FullSplitCSC_1d(corners, orientation=int(ai.detector.orientation or 3), **common)
    centres = ai.center_array(frame_shape, unit=recipe.unit.pyfai, scale=True)
    if recipe.split is Split.NONE:
        return splitBBoxCSC.HistoBBox1d(in_bins(centres), None, **common)
    half = ai.delta_array(frame_shape, unit=recipe.unit.pyfai, scale=True)
    low, high = in_bins(centres - half), in_bins(centres + half)
    return splitBBoxCSC.HistoBBox1d((low + high) / 2, (high - low) / 2, **common)
