"""Arrays as the chunks of an HDF5 file, packed by the threads that made them, off HDF5's lock.

Patterns are shuffled and deflated, which every reader of HDF5 understands. Sectors and cakes are bitshuffled with LZ4,
as the detector's own files are: deflating them would take longer than making them.
"""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danmax_sync.integration.blocks import BLOCK
from danmax_sync.integration.compiling import addresses
from danmax_sync.integration.machine import functions

DEFLATE = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


def packing_of(name: str) -> Mapping[str, Any]:
    """Return how h5py is told to store a layer of this name."""
    if name == "pattern":
        return DEFLATE
    import hdf5plugin

    return dict(hdf5plugin.Bitshuffle(cname="lz4"))


def packed(values: NDArray[np.float32], name: str) -> bytes:
    """Return the chunk that holds some float32 of a layer."""
    values = np.ascontiguousarray(values, dtype="<f4")
    if name == "pattern":
        return zlib.compress(np.ascontiguousarray(values.view(np.uint8).reshape(-1, 4).T).tobytes(), 1)
    out = np.empty(most_bytes(values.size), dtype=np.uint8)
    work = np.empty(8 * BLOCK + 256, dtype=np.uint8)
    arguments, _alive = addresses(values, values.size, work, out)
    return out[: functions()["pack_numbers"](arguments.ctypes.data)].tobytes()


def most_bytes(numbers: int) -> int:
    """Return what so many packed numbers take at most, with what a copy may write beyond."""
    blocks = numbers // BLOCK + 1
    return 4 * numbers + 64 * blocks + 256
