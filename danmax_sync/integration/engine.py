"""Frames to patterns with pyFAI's geometry.

Definition, that of pyFAI: intensity = Σ c·I / Σ c·Ω·P over the pixels of a bin, with c the share of a pixel in it, Ω
its solid angle and P its polarization factor. Poisson variance is Σ c²·I, unbiased at any count rate; pyFAI's own error
model takes max(1, I) for each pixel instead, which is seven times too wide at 0.02 counts a pixel. A bin without pixels
is NaN; a bin without counts has the error that one count would make.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, UsageError
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Pattern:
    """One frame, integrated.

    Attributes
    ----------
    intensity, sigma : ndarray of float32, (bins,)
        Counts a pixel, corrected; NaN where no pixel falls into the bin.
    norm : ndarray of float32, (bins,)
        Σ c·Ω·P.
    """

    intensity: NDArray[np.float32]
    sigma: NDArray[np.float32]
    norm: NDArray[np.float32]


class Integrator:
    """A geometry, made ready for frames of one shape. Not to be shared between threads.

    Parameters
    ----------
    calibration : Calibration
        Geometry and mask.
    recipe : Recipe
        The settings.
    frame_shape : tuple of int
        Rows and columns of a frame.

    Raises
    ------
    RefusalError
        If the geometry is of another detector.
    UsageError
        If the geometry cannot be understood.
    """

    def __init__(self, calibration: Calibration, recipe: Recipe, frame_shape: tuple[int, ...]) -> None:
        self.recipe = recipe
        self._ai = _load(calibration, frame_shape)
        static = _detector_mask(self._ai, frame_shape)
        self._masked = static if calibration.masked is None else static | calibration.masked
        self._mask = self._masked.astype(np.int8)
        edges = _edges(self._ai, recipe)
        self.radial_edges: NDArray[np.float64] = edges
        self.radial: NDArray[np.float64] = (edges[:-1] + edges[1:]) / 2

    def integrate(self, frame: NDArray[Any]) -> Pattern:
        """Integrate one frame; negative pixels are gaps or bad, and are left out of it."""
        counts = frame.astype(np.float32)
        counts[_unusable(frame)] = np.nan
        result: Any = self._ai.integrate1d_ng(
            counts,
            self.recipe.bins,
            unit=self.recipe.unit.pyfai,
            radial_range=(self.radial_edges[0], self.radial_edges[-1]),
            mask=self._mask,
            variance=counts,
            correctSolidAngle=self.recipe.solid_angle,
            polarization_factor=self.recipe.polarization,
            method=(self.recipe.split.pyfai, "csr", "cython"),
        )
        norm = np.asarray(result.sum_normalization, dtype=np.float64)
        signal, variance = np.asarray(result.sum_signal), np.asarray(result.sum_variance)
        filled = np.asarray(result.count) > 0
        safe = np.where(filled & (norm > 0), norm, np.nan)
        sigma = np.sqrt(np.where(variance > 0, variance, 1.0)) / safe
        return Pattern((signal / safe).astype(np.float32), sigma.astype(np.float32), norm.astype(np.float32))


def _unusable(frame: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark gaps and bad pixels: negative in signed frames, the largest value in unsigned ones (Eiger)."""
    if frame.dtype.kind == "u":
        return np.asarray(frame == np.iinfo(frame.dtype).max, dtype=np.bool_)
    return np.asarray(~np.isfinite(frame) | (frame < 0), dtype=np.bool_)


def _load(calibration: Calibration, frame_shape: tuple[int, ...]) -> Any:
    # Imported here: pyFAI takes seconds, and a refusal should not.
    from pyFAI import load

    hint = "calibrate with pyFAI-calib2, or name another: --poni FILE"
    try:
        with _quiet():
            geometry = load(str(calibration.poni))
    except Exception as problem:  # pyFAI raises whatever its parser trips over
        why = str(problem).partition("\n")[0]
        raise UsageError(f"the geometry {calibration.poni} cannot be understood: {why}", hint=hint) from problem
    detector = geometry.detector
    if not detector.pixel1 or not detector.pixel2:
        raise UsageError(f"the geometry {calibration.poni} does not say how large a pixel is", hint=hint)
    if detector.shape is None:
        detector.shape = detector.max_shape = frame_shape
    if tuple(detector.shape) != tuple(frame_shape):
        raise RefusalError(
            f"the geometry {calibration.poni} is for frames of {tuple(detector.shape)}, these are {frame_shape}",
            hint="name the geometry of this detector: --poni FILE",
        )
    return geometry


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pyFAI from logging what it raises anyway, traceback and all."""
    logger = logging.getLogger("pyFAI")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _detector_mask(geometry: Any, frame_shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = geometry.detector.mask
    return np.zeros(frame_shape, dtype=bool) if mask is None else np.asarray(mask) != 0


def _edges(geometry: Any, recipe: Recipe) -> NDArray[np.float64]:
    """Return equal bins over the outlines of all pixels, masked ones too: the axis does not depend on the mask."""
    corners = geometry.corner_array(unit=recipe.unit.pyfai, scale=True)[..., 0]
    return np.linspace(max(0.0, float(corners.min())), float(corners.max()), recipe.bins + 1)
