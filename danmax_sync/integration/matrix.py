"""Which share of each pixel belongs to which bin: a sparse matrix, in the order in which pixels are decoded.

A *run* is a pixel with some neighbouring bins. Runs lie in blocks of 2048 pixels, as the detector's compressor cuts
frames, so that a block is decoded and added while it is in the processor's first cache. Patterns by sector add up to
the pattern all around. A cake has bins of its own, hundreds of times as many, and sums of its own, without errors: so
the pattern is the same with a cake and without.
"""

from collections.abc import Iterator
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
    if not _is_ordered(pixel, bin_):
        order = np.lexsort((bin_, pixel))
        pixel, bin_, share = pixel[order], bin_[order], share[order]
    share = share.astype(np.float32, copy=False)
    follows = np.zeros(len(pixel), dtype=bool)
    follows[1:] = pixel[1:] == pixel[:-1]
    follows[1:] &= bin_[1:] == bin_[:-1] + 1
    first = np.flatnonzero(~follows)
    del follows
    length = np.diff(np.append(first, len(pixel))).astype(np.uint16)
    blocks = -(-pixels // BLOCK)
    block_runs = np.searchsorted(pixel[first] // BLOCK, np.arange(blocks + 1)).astype(np.int64)
    block_shares = np.append(first, len(pixel))[block_runs].astype(np.int64)
    valid = np.zeros(blocks * BLOCK, dtype=bool)
    valid[pixel] = True
    darkness = np.zeros(0, dtype=np.float32) if dark is None else dark.ravel().astype(np.float32)
    weight = weight.ravel().astype(np.float32, copy=False)
    cake_start, in_cake = np.zeros(0, dtype=np.int32), _Below(0)
    if cake_row is not None:
        cake_start = (bin_[first] + cake_row[pixel[first]] * np.int32(radial)).astype(np.int32)
        in_cake = _below((pixel, bin_, share), cake_row, radial, cake_bins, weight=weight, dark=darkness)
    below = _below((pixel, bin_, share), sector, radial, bins, weight=weight, dark=darkness)
    run_pixel, run_start = (pixel[first] % BLOCK).astype(np.uint16), bin_[first].astype(np.int32)
    if sector is not None:
        run_start += sector[pixel[first]] * np.int32(radial)
    return Matrix(
        pixels=pixels,
        bins=bins,
        fine=fine,
        whole=bool((share == 1).all()),
        run_pixel=run_pixel,
        run_start=run_start,
        run_length=length,
        block_runs=block_runs,
        block_shares=block_shares,
        shares=share,
        valid=np.packbits(valid, bitorder="little"),
        crowd=_crowd(run_start, length, block_runs),
        segment_bins=_segments(run_start, length, block_runs, fine),
        norm=below.norm,
        entries=below.entries,
        dark=below.dark,
        weight=weight,
        dark_image=darkness,
        cake_bins=cake_bins,
        cake_start=cake_start,
        cake_norm=in_cake.norm,
        cake_entries=in_cake.entries,
        cake_dark=in_cake.dark,
    )


_PART = 1 << 20
"""Elements that are looked at together: there are ten million, and copies of all of them would take much memory."""


def _parts(length: int) -> Iterator[slice]:
    return (slice(start, min(start + _PART, length)) for start in range(0, length, _PART))


class _Below:
    """Σ c·w, the number of shares and Σ c·dark of each bin."""

    def __init__(self, bins: int) -> None:
        self.norm, self.dark = np.zeros(bins), np.zeros(bins)
        self.entries = np.zeros(bins, dtype=np.int64)


def _below(
    entries: Entries,
    row: NDArray[np.int32] | None,
    radial: int,
    bins: int,
    *,
    weight: NDArray[np.float32],
    dark: NDArray[np.float32],
) -> _Below:
    made = _Below(bins)
    for part in _parts(len(entries[0])):
        pixel, bin_, share = (each[part] for each in entries)
        if row is not None:
            bin_ = bin_ + row[pixel] * np.int32(radial)
        exact = share.astype(np.float64)
        made.norm += np.bincount(bin_, exact * weight[pixel], bins)
        made.entries += np.bincount(bin_, minlength=bins)
        if dark.size:
            made.dark += np.bincount(bin_, exact * dark[pixel], bins)
    return made


def _is_ordered(pixel: NDArray[Any], bin_: NDArray[Any]) -> bool:
    for part in _parts(len(pixel) - 1):
        behind = slice(part.start + 1, part.stop + 1)
        steps = pixel[behind] - pixel[part]
        if (steps < 0).any() or ((bin_[behind] <= bin_[part]) & (steps == 0)).any():
            return False
    return True


def _crowd(run_start: NDArray[Any], length: NDArray[Any], block_runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the most pixels that a bin gets from each block."""
    most = np.zeros(len(block_runs) - 1, dtype=np.int64)
    for block, (first, behind) in enumerate(pairwise(block_runs.tolist())):
        if first < behind:
            starts = run_start[first:behind].astype(np.int64)
            low, ends = int(starts.min()), starts + length[first:behind]
            changes = np.bincount(starts - low, minlength=int(ends.max()) - low + 1)
            most[block] = np.cumsum(changes - np.bincount(ends - low, minlength=len(changes))).max()
    return most


def _segments(
    run_start: NDArray[Any], length: NDArray[Any], block_runs: NDArray[np.int64], fine: int
) -> NDArray[np.int64]:
    """Return the range of bins below `fine` that each segment of blocks touches."""
    blocks = len(block_runs) - 1
    ranges = np.zeros((-(-blocks // SEGMENT), 2), dtype=np.int64)
    for number, block in enumerate(range(0, blocks, SEGMENT)):
        first, behind = block_runs[block], block_runs[min(block + SEGMENT, blocks)]
        if fine and first < behind:
            starts = run_start[first:behind].astype(np.int64)
            ranges[number] = starts.min(), (starts + length[first:behind]).max()
    return ranges
