"""Frames as the detector would send them: counted, marked, compressed once and used again.

Counting 2.5 million pixels takes longer than anything else here, so a state of the sample has a few independent frames
which its scans draw from in turn.
"""

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from danmax_sync.testing.bench import Bench, defects, view
from danmax_sync.testing.physics import State, expected_image
from danmax_sync.testing.seeds import generator

GAP, BAD = -1, -2
"""What Pilatus detectors write where they cannot count."""
POOL = 3
"""Independent frames a state."""


def compress(array: NDArray[np.generic]) -> bytes:
    """Return a chunk as HDF5 would store it with bitshuffle and LZ4 (filter 32008, options 0 and 2)."""
    with h5py.File("chunk", "w", driver="core", backing_store=False) as file:
        chunk = file.create_dataset("chunk", data=array, chunks=array.shape, **hdf5plugin.Bitshuffle(cname="lz4"))
        return bytes(chunk.id.read_direct_chunk((0,) * array.ndim)[1])


class FramePool:
    """The frames of one visit, made when first asked for.

    Parameters
    ----------
    bench : Bench
        The detector in its place.
    seed : int
        Of the visit.
    """

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self._seed = seed
        self._expected: tuple[State, NDArray[np.float64]] | None = None
        self._chunks: dict[tuple[State, int], bytes] = {}

    def frame(self, state: State, number: int) -> NDArray[np.int32]:
        """Count frame `number` of a state: int32 of the detector's shape, gaps -1, bad pixels -2."""
        # Only the last expectation is kept: scans come ordered by state, and an image is 20 MB.
        if self._expected is None or self._expected[0] != state:
            self._expected = (state, expected_image(state, self.bench))
        item = generator(self._seed, "frame", state.calibrant, state.energy_kev, state.temperature_k, number)
        counts = item.poisson(self._expected[1]).astype(np.int32)
        wrong = defects(self.bench, self._seed)
        counts[wrong.hot] = item.integers(2_000, 60_000, size=int(wrong.hot.sum()))
        counts[wrong.bad] = BAD
        counts[view(self.bench).gaps] = GAP
        return counts

    def chunk(self, state: State, number: int) -> bytes:
        """Return a frame's compressed chunk, of shape (1, rows, columns)."""
        key = (state, number % POOL)
        if key not in self._chunks:
            self._chunks[key] = compress(self.frame(*key)[None])
        return self._chunks[key]
