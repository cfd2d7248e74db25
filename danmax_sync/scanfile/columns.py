"""Motors and channels with a value a point, reduced to what a catalogue needs."""

import math
from collections.abc import Iterable, Iterator

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync.quantities import count
from danmax_sync.scanfile.record import ColumnKind, ColumnStatistics

LARGEST_COLUMN = 200_000_000
"""Points. More than any scan has; a file that claims more is not believed."""
_BLOCK = 1 << 20


def reduced(name: str, kind: ColumnKind, values: NDArray[np.generic]) -> ColumnStatistics:
    """Return the statistics of a column, given as an array of shape (points,)."""
    numbers = values.astype(np.float64, copy=False)
    if numbers.size:
        # The methods of the same names take twice as long over some hundred points.
        low, high = float(np.minimum.reduce(numbers)), float(np.maximum.reduce(numbers))
        # Without an infinity or NaN among them, which both ends would show, nothing has to be left out.
        if math.isfinite(low) and math.isfinite(high):
            with np.errstate(over="ignore"):
                mean = float(np.add.reduce(numbers)) / numbers.size
            return ColumnStatistics(name, kind, int(numbers.size), 0, float(numbers[0]), low, high, mean)
    return _merged(name, kind, [numbers])


def reduced_in_blocks(name: str, kind: ColumnKind, data: h5py.Dataset) -> ColumnStatistics:
    """Return the statistics of a dataset of any length, with little of it in memory.

    Raises
    ------
    ValueError
        If it claims more points than can be.
    """
    if data.size > LARGEST_COLUMN:
        raise ValueError(f"claims {count(data.size, 'point')}")
    if data.size <= _BLOCK:
        return reduced(name, kind, data[()])
    return _merged(name, kind, _blocks(data))


def _blocks(data: h5py.Dataset) -> Iterator[NDArray[np.float64]]:
    for start in range(0, data.size, _BLOCK):
        yield data[start : start + _BLOCK].astype(np.float64)


def _merged(name: str, kind: ColumnKind, blocks: Iterable[NDArray[np.float64]]) -> ColumnStatistics:
    points = count = 0
    total, low, high = 0.0, np.inf, -np.inf
    first: float | None = None
    for block in blocks:
        if not points and block.size and np.isfinite(block[0]):
            first = float(block[0])
        points += block.size
        finite = block[np.isfinite(block)]
        if finite.size:
            with np.errstate(over="ignore"):
                total += float(finite.sum())
            count += finite.size
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if not count:
        return ColumnStatistics(name, kind, points, points, None, None, None, None)
    return ColumnStatistics(name, kind, points, points - count, first, low, high, total / count)
