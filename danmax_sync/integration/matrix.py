"""Which share of each pixel belongs to which bin: a sparse matrix, in the order in which pixels are decoded.

A *run* is a pixel with some neighbouring bins. Runs lie in blocks of 2048 pixels, as the detector's compressor cuts
frames, so that a block is decoded and added while it is in the processor's first cache. Bins of all layers (the
pattern, sectors, a cake) are numbered through, so that one pass serves them all.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danmax_sync.integration.blocks import BLOCK, SEGMENT


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The sparse matrix and what follows from it alone.

    Attributes
    ----------
    pixels, bins : int
        Its size.
    fine : int
        Bins before this one are summed up in double precision segment by segment; those behind hold few pixels each.
    whole : bool
        Whether every pixel belongs to one bin as a whole, so that sums of counts are whole numbers.
    run_pixel : ndarray of uint16
        Of each run, its pixel within its block.
    run_start : ndarray of int32
        Its first bin.
    run_length : ndarray of uint16
        How many bins.
    block_runs, block_shares : ndarray of int64, (blocks + 1,)
        Where the runs and shares of a block begin.
    shares : ndarray of float32
        Of all runs, one after another.
    valid : ndarray of uint8, (blocks · 256,)
        A bit for each pixel: whether any run has it.
    crowd : ndarray of int64, (blocks,)
        The most pixels of a block that belong to one bin.
    segment_bins : ndarray of int64, (segments, 2)
        First and behind the last bin that a segment touches, below `fine`.
    norm : ndarray of float64, (bins,)
        Σ c·Ω·P·flat.
    entries : ndarray of int64, (bins,)
        How many shares a bin consists of; without any it is empty.
    dark : ndarray of float64, (bins,)
        Σ c·dark, zeros without a dark image.
    weight, dark_image : ndarray of float32, (pixels,) and (pixels or 0,)
        Ω·P·flat of each pixel, and the dark image.
    """

    pixels: int
    bins: int
    fine: int
    whole: bool
    run_pixel: NDArray[np.uint16]
    run_start: NDArray[np.int32]
    run_length: NDArray[np.uint16]
    block_runs: NDArray[np.int64]
    block_shares: NDArray[np.int64]
    shares: NDArray[np.float32]
    valid: NDArray[np.uint8]
    crowd: NDArray[np.int64]
    segment_bins: NDArray[np.int64]
    norm: NDArray[np.float64]
    entries: NDArray[np.int64]
    dark: NDArray[np.float64]
    weight: NDArray[np.float32]
    dark_image: NDArray[np.float32]

    @property
    def used(self) -> int:
        """How many pixels belong to any bin."""
        return int(np.unpackbits(self.valid).sum())


Entries = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""Pixel, bin and share of each element that is not 0."""


def make_matrix(
    entries: Entries,
    *,
    pixels: int,
    bins: int,
    fine: int,
    weight: NDArray[np.float32],
    dark: NDArray[np.float32] | None,
) -> Matrix:
    """Order the elements of a sparse matrix for the kernel.

    Parameters
    ----------
    entries : tuple of ndarray
        Pixel, bin and share of each element, in any order.
    pixels, bins, fine : int
        See `Matrix`.
    weight : ndarray, (pixels,)
        Ω·P·flat.
    dark : ndarray, (pixels,), or None
        Counts to be subtracted.
    """
    pixel, bin_, share = entries
    order = np.lexsort((bin_, pixel)) if not _is_ordered(pixel, bin_) else slice(None)
    pixel, bin_, share = pixel[order], bin_[order], share[order].astype(np.float32, copy=False)
    exact = share.astype(np.float64)
    follows = np.zeros(len(pixel), dtype=bool)
    follows[1:] = (pixel[1:] == pixel[:-1]) & (bin_[1:] == bin_[:-1] + 1)
    first = np.flatnonzero(~follows)
    length = np.diff(np.append(first, len(pixel)))
    run_block = pixel[first] // BLOCK
    blocks = -(-pixels // BLOCK)
    block_runs = np.searchsorted(run_block, np.arange(blocks + 1)).astype(np.int64)
    block_shares = np.append(first, len(pixel))[block_runs].astype(np.int64)
    valid = np.zeros(blocks * BLOCK, dtype=bool)
    valid[pixel] = True
    darkness = np.zeros(0, dtype=np.float32) if dark is None else dark.ravel().astype(np.float32)
    dark_counts = np.zeros(len(pixel)) if dark is None else darkness[pixel].astype(np.float64)
    return Matrix(
        pixels=pixels,
        bins=bins,
        fine=fine,
        whole=bool((share == 1).all()),
        run_pixel=(pixel[first] % BLOCK).astype(np.uint16),
        run_start=bin_[first].astype(np.int32),
        run_length=length.astype(np.uint16),
        block_runs=block_runs,
        block_shares=block_shares,
        shares=share,
        valid=np.packbits(valid, bitorder="little"),
        crowd=_crowd(bin_, block_shares),
        segment_bins=_segments(pixel, bin_, blocks, fine),
        norm=_summed(bin_, exact * weight.ravel()[pixel], bins),
        entries=np.bincount(bin_, minlength=bins).astype(np.int64),
        dark=_summed(bin_, exact * dark_counts, bins),
        weight=weight.ravel().astype(np.float32),
        dark_image=darkness,
    )


def _summed(bin_: NDArray[Any], values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(bin_, values, bins), dtype=np.float64)


def _is_ordered(pixel: NDArray[Any], bin_: NDArray[Any]) -> bool:
    steps = np.diff(pixel)
    return bool((steps >= 0).all() and (np.diff(bin_)[steps == 0] > 0).all())


def _crowd(bin_: NDArray[Any], block_shares: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the most pixels that a bin gets from each block."""
    most = np.zeros(len(block_shares) - 1, dtype=np.int64)
    for block, (first, behind) in enumerate(pairwise(block_shares.tolist())):
        if first < behind:
            here = bin_[first:behind]
            most[block] = np.bincount(here - here.min()).max()
    return most


def _segments(pixel: NDArray[Any], bin_: NDArray[Any], blocks: int, fine: int) -> NDArray[np.int64]:
    """Return the range of bins below `fine` that each segment of blocks touches."""
    below = bin_ < fine
    segment, bin_ = pixel[below] // BLOCK // SEGMENT, bin_[below]
    number = -(-blocks // SEGMENT)
    low, high = np.full(number, fine), np.zeros(number, dtype=np.int64)
    np.minimum.at(low, segment, bin_)
    np.maximum.at(high, segment, bin_ + 1)
    return np.stack([np.minimum(low, high), high], axis=1).astype(np.int64)
