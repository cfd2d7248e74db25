"""Which share of each pixel belongs to which bin: a sparse matrix, in the order in which pixels are decoded.

A *run* is a pixel with some neighbouring bins. Runs lie in blocks of 2048 pixels, as the detector's compressor cuts
frames, so that a block is decoded and added while it is in the processor's first cache. Patterns by sector add up to
the pattern all around. A cake has bins of its own, hundreds of times as many, and sums of its own, without errors: so
the pattern is the same with a cake and without.
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
    cake_bins : int
        Bins of the cake; 0 for none.
    cake_start : ndarray of int32
        Of each run, its first bin in the cake; empty without one.
    cake_norm, cake_entries, cake_dark : ndarray, (cake_bins,)
        As `norm`, `entries` and `dark`.
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
    cake_bins: int
    cake_start: NDArray[np.int32]
    cake_norm: NDArray[np.float64]
    cake_entries: NDArray[np.int64]
    cake_dark: NDArray[np.float64]

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
    radial: int,
    sector: NDArray[np.int32] | None,
    cake_row: NDArray[np.int32] | None,
    cake_bins: int,
) -> Matrix:
    """Order the elements of a sparse matrix for the kernel.

    Parameters
    ----------
    entries : tuple of ndarray
        Pixel, radial bin and share of each element, in any order.
    pixels, bins, fine : int
        See `Matrix`.
    weight : ndarray, (pixels,)
        Ω·P·flat.
    dark : ndarray, (pixels,), or None
        Counts to be subtracted.
    radial : int
        Radial bins.
    sector, cake_row : ndarray, (pixels,), or None
        Of each pixel; None without sectors, or without a cake.
    cake_bins : int
        See `Matrix`.
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
    weighted = exact * weight.ravel()[pixel]
    darkness = np.zeros(0, dtype=np.float32) if dark is None else dark.ravel().astype(np.float32)
    darkened = None if dark is None else exact * darkness[pixel]
    cake_start, in_cake = np.zeros(0, dtype=np.int32), _below(None, weighted, darkened, 0)
    if cake_row is not None:
        cake_bin = bin_ + cake_row[pixel] * np.int32(radial)
        cake_start, in_cake = cake_bin[first].astype(np.int32), _below(cake_bin, weighted, darkened, cake_bins)
    if sector is not None:
        bin_ = bin_ + sector[pixel] * np.int32(radial)
    below = _below(bin_, weighted, darkened, bins)
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
        norm=below[0],
        entries=below[1],
        dark=below[2],
        weight=weight.ravel().astype(np.float32),
        dark_image=darkness,
        cake_bins=cake_bins,
        cake_start=cake_start,
        cake_norm=in_cake[0],
        cake_entries=in_cake[1],
        cake_dark=in_cake[2],
    )


def _below(
    bin_: NDArray[Any] | None, weighted: NDArray[np.float64], darkened: NDArray[np.float64] | None, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return Σ c·w, the number of shares and Σ c·dark of each bin."""
    if bin_ is None:
        return np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0)
    dark = np.zeros(bins) if darkened is None else _summed(bin_, darkened, bins)
    return _summed(bin_, weighted, bins), np.bincount(bin_, minlength=bins).astype(np.int64), dark


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
