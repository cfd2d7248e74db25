"""Arrays as the chunks of an HDF5 file, packed by the threads that made them, off HDF5's lock.

Patterns are shuffled and deflated, which every reader of HDF5 understands. A cake is bitshuffled with LZ4, as the
detector's own files are: deflating one would take ten times as long as making it.
"""

import ctypes
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEFLATE = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


def packing_of(name: str) -> Mapping[str, Any]:
    """Return how h5py is told to store a layer of this name."""
    if name != "cake":
        return DEFLATE
    import hdf5plugin

    return dict(hdf5plugin.Bitshuffle(cname="lz4"))


def packed(values: NDArray[np.float32], name: str) -> bytes:
    """Return the chunk that holds some float32 of a layer."""
    values = np.ascontiguousarray(values, dtype="<f4")
    if name != "cake":
        return zlib.compress(np.ascontiguousarray(values.view(np.uint8).reshape(-1, 4).T).tobytes(), 1)
    return _bitshuffled(values.ravel())


def _bitshuffled(values: NDArray[np.float32]) -> bytes:
    compress = _library()
    if compress is None:
        return _by_hdf5(values)
    out = np.empty(2 * values.nbytes + 8192, dtype=np.uint8)
    size = compress(values.ctypes.data, out.ctypes.data, values.size, 4, 0)
    if size <= 0:
        return _by_hdf5(values)
    block = 8192
    return values.nbytes.to_bytes(8, "big") + block.to_bytes(4, "big") + out[:size].tobytes()


@lru_cache(maxsize=1)
def _library() -> Any:
    """Return bitshuffle's own function from the plugin; None where it does not show it."""
    import hdf5plugin

    folder = Path(hdf5plugin.PLUGIN_PATH)
    for path in folder.glob("*h5bshuf*"):
        try:
            compress = ctypes.CDLL(str(path)).bshuf_compress_lz4
        except (OSError, AttributeError):
            continue
        compress.restype = ctypes.c_int64
        compress.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_size_t]
        return compress
    return None


def _by_hdf5(values: NDArray[np.float32]) -> bytes:
    import h5py
    import hdf5plugin

    with h5py.File("chunk", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("chunk", data=values, chunks=values.shape, **hdf5plugin.Bitshuffle(cname="lz4"))
        return bytes(data.id.read_direct_chunk((0,))[1])
