"""Chunks of bitshuffle and LZ4, looked at before HDF5 decodes them: a wrong length in one crashes the plugin.

A chunk is 8 bytes with the size of the frame, 4 with that of a block, then blocks, each behind its size in 4 bytes, all
big-endian; fewer than 8 numbers at the end are stored as they are (the bitshuffle filter's README, "HDF5 filter").
"""

import math
from collections.abc import Iterator
from itertools import product

import h5py

_BITSHUFFLE = 32008
_LZ4 = 2


def check_blocks(chunk: bytes, elements: int, size: int) -> None:
    """Check that the blocks of a chunk of bitshuffle and LZ4 lie within it.

    Parameters
    ----------
    chunk : bytes
        As stored.
    elements, size : int
        How many numbers it holds, of how many bytes.

    Raises
    ------
    ValueError
        If one does not.
    """
    if len(chunk) < 12 or int.from_bytes(chunk[:8], "big") != elements * size:
        raise ValueError("its header does not tell of a whole frame")
    block = int.from_bytes(chunk[8:12], "big") // size
    if block <= 0 or block % 8:
        raise ValueError("its header tells of blocks that cannot be")
    at, left = 12, elements
    while left >= 8:
        at += 4 + int.from_bytes(chunk[at : at + 4], "big")
        left -= min(block, left // 8 * 8)
        if at > len(chunk):
            raise ValueError("a block reaches beyond its end")
    if at + left * size > len(chunk):
        raise ValueError("its last pixels are missing")


def has_only_bitshuffle(data: h5py.Dataset) -> bool:
    """Say whether a dataset's chunks are compressed with bitshuffle and LZ4, and with nothing else."""
    filters = data.id.get_create_plist()
    if filters.get_nfilters() != 1:
        return False
    code, _, options, _ = filters.get_filter(0)
    return bool(code == _BITSHUFFLE and len(options) >= 5 and options[4] == _LZ4)


def check_frame(data: h5py.Dataset, index: int) -> None:
    """Check the chunks of one frame, where they are compressed so.

    Parameters
    ----------
    data : h5py.Dataset
        Frames along its first axis.
    index : int
        Which frame.

    Raises
    ------
    ValueError
        If a block of one does not lie within it.
    """
    if data.chunks is None or not has_only_bitshuffle(data):
        return
    for start in _starts(data, index):
        try:
            mask, chunk = data.id.read_direct_chunk(start)
        except (OSError, RuntimeError):
            continue  # never written, or unreadable, which reading it will tell
        # Its filter may have been left out for this chunk.
        if not mask & 1:
            check_blocks(chunk, math.prod(data.chunks), data.dtype.itemsize)


def _starts(data: h5py.Dataset, index: int) -> Iterator[tuple[int, ...]]:
    first = index - index % data.chunks[0]
    rest = (range(0, length, chunk) for length, chunk in zip(data.shape[1:], data.chunks[1:], strict=True))
    return ((first, *start) for start in product(*rest))
