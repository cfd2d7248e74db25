"""One frame at a time, in double precision and with several passes: azimuthal errors, clipping, frames of floats."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danmax_sync.integration.compiling import addresses
from danmax_sync.integration.layers import Layer
from danmax_sync.integration.machine import functions
from danmax_sync.integration.matrix import Matrix
from danmax_sync.integration.recipe import ErrorModel, Recipe
from danmax_sync.integration.workspace import Finished

_ROUNDS = 20
"""Clipping ends when no pixel falls away any more, at the latest after so many rounds."""


def integrate_exactly(
    matrix: Matrix, recipe: Recipe, layers: Sequence[Layer], frame: NDArray[Any], scale: float
) -> list[Finished]:
    """Integrate one frame.

    Parameters
    ----------
    matrix : Matrix
        Of the geometry.
    recipe : Recipe
        With an azimuthal error model or clipping there is only the pattern all around.
    layers : sequence of Layer
        What is wanted.
    frame : ndarray
        int32 with negative marks, or floats with NaN.
    scale : float
        What intensities are divided by.

    Returns
    -------
    list of Finished
        One a layer, each of one frame.
    """
    values = np.ascontiguousarray(frame.ravel(), dtype=np.float64)
    bad = (~(values >= 0)).astype(np.uint8)
    if recipe.ceiling:
        bad |= values >= recipe.ceiling
    marked = int(np.count_nonzero(bad[np.unpackbits(matrix.valid, bitorder="little")[: matrix.pixels] > 0]))
    values[bad > 0] = 0.0
    frame_sums = _Sums(matrix, values, bad, matrix.run_start, matrix.bins)
    signal, variance, norm, entries = frame_sums.add()
    if recipe.clip is not None:
        for _ in range(_ROUNDS):
            mean = _divided(signal, norm, entries)
            spread, squares = frame_sums.spread(mean)
            # A single count is no outlier, however few there are: without this floor faint patterns would become 0.
            one_count = _divided(entries, norm, entries)
            limits = recipe.clip * np.fmax(np.sqrt(_divided(spread, squares, entries)), one_count)
            if not frame_sums.clip(mean, np.nan_to_num(limits, nan=np.inf)):
                break
            signal, variance, norm, entries = frame_sums.add()
    if recipe.errors is ErrorModel.AZIMUTHAL:
        spread, _ = frame_sums.spread(_divided(signal, norm, entries))
        # One pixel alone, or pixels without counts, do not scatter; that is no reason to trust them without limit.
        variance = np.where((spread > 0) & (entries > 1), spread, np.where(variance > 0, variance, 1.0))
    parts = []
    for layer in layers:
        if layer.name == "cake":
            sums: Sequence[NDArray[Any]] = _Sums(matrix, values, bad, matrix.cake_start, matrix.cake_bins).add()
        else:
            sums = [folded(each, layer) for each in (signal, variance, norm, entries)]
        parts.append(finished(recipe, layer, sums, scale, marked))
    return parts


def finished(recipe: Recipe, layer: Layer, sums: Sequence[NDArray[Any]], scale: float, marked: int) -> Finished:
    """Divide the sums of one frame: signal, variance, norm and number of shares, of a layer."""
    signal, variance, norm, entries = sums
    intensity = _divided(signal, norm * scale, entries)
    sigma = None
    if recipe.errors is not ErrorModel.NONE and layer.has_errors:
        counted = np.where(variance > 0, variance, 1.0) if recipe.errors is ErrorModel.POISSON else variance
        sigma = _divided(np.sqrt(counted), norm * scale, entries).astype(np.float32)[None]
    nothing = np.zeros(1, dtype=np.int64)
    return Finished(intensity.astype(np.float32)[None], sigma, [norm.astype(np.float32)], nothing + marked, nothing)


def folded(values: NDArray[Any], layer: Layer) -> NDArray[Any]:
    """Add up sectors to the rows of a layer."""
    radial = values.size // (layer.rows * layer.fold)
    return np.asarray(values.reshape(layer.rows, layer.fold, radial).sum(axis=1).ravel())


def _divided(above: NDArray[Any], below: NDArray[Any], entries: NDArray[Any]) -> NDArray[np.float64]:
    filled = (entries > 0) & (below > 0)
    return np.where(filled, above / np.where(filled, below, 1.0), np.nan)


class _Sums:
    """A frame's values and bad pixels, for one pass after another."""

    def __init__(
        self,
        matrix: Matrix,
        values: NDArray[np.float64],
        bad: NDArray[np.uint8],
        run_start: NDArray[np.int32],
        bins: int,
    ) -> None:
        self.matrix, self.values, self.bad, self.run_start, self.bins = matrix, values, bad, run_start, bins

    def add(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        signal, variance, norm = (np.zeros(self.bins) for _ in range(3))
        entries = np.zeros(self.bins, dtype=np.int64)
        self._call("add_exactly", signal, variance, norm, entries)
        return signal, variance, norm, entries

    def spread(self, mean: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        spread, squares = np.zeros(self.bins), np.zeros(self.bins)
        self._call("spread_around", np.nan_to_num(mean), spread, squares, 0)
        return spread, squares

    def clip(self, mean: NDArray[np.float64], limits: NDArray[np.float64]) -> int:
        unused = np.zeros(1)
        return self._call("spread_around", np.nan_to_num(mean), unused, unused, limits)

    def _call(self, name: str, *more: Any) -> int:
        matrix = self.matrix
        arguments, _alive = addresses(
            self.values,
            self.bad,
            matrix.pixels,
            matrix.run_pixel,
            self.run_start,
            matrix.run_length,
            matrix.block_runs,
            matrix.shares,
            matrix.weight,
            matrix.dark_image,
            matrix.dark_image.size > 0,
            *more,
        )
        return functions()[name](arguments.ctypes.data)
