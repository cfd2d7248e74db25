"""From sums to intensities and errors, and what a frame's own marks take away. Compiled; see `kernel`."""

import math

from danmax_sync.integration.blocks import BLOCK, LANES, NOTHING, PLANE, TILE_BYTES
from danmax_sync.integration.encoding import pack_block, put_header
from danmax_sync.integration.inlining import compiled, inlined
from danmax_sync.integration.lanes import divide_alike, divide_each
from danmax_sync.integration.vectors import (
    copy32,
    get_byte,
    get_double,
    get_float,
    get_int,
    get_long,
    get_short,
    put_double,
    put_float,
    put_long,
)

_TILE = 256


@compiled
def lose_shares(arguments: int) -> int:
    """Take the pixels that one frame marks out of the denominators, which come in whole."""
    marks, pixels, run_pixel = get_long(arguments), get_long(arguments + 8), get_long(arguments + 16)
    run_start, run_length, block_runs = get_long(arguments + 24), get_long(arguments + 32), get_long(arguments + 40)
    block_shares, shares, weight = get_long(arguments + 48), get_long(arguments + 56), get_long(arguments + 64)
    dark, has_dark, norm = get_long(arguments + 72), get_long(arguments + 80), get_long(arguments + 88)
    entries, darkness = get_long(arguments + 96), get_long(arguments + 104)
    for block in range(-(-pixels // BLOCK)):
        here = marks + block * PLANE
        some = get_long(here)
        for word in range(8, PLANE, 8):
            some |= get_long(here + word)
        if some == 0:
            continue
        share = shares + 4 * get_long(block_shares + 8 * block)
        for run in range(get_long(block_runs + 8 * block), get_long(block_runs + 8 * block + 8)):
            pixel, number = get_short(run_pixel + 2 * run), get_short(run_length + 2 * run)
            if get_byte(here + (pixel >> 3)) >> (pixel & 7) & 1:
                its_weight = get_float(weight + 4 * (block * BLOCK + pixel))
                its_dark = get_float(dark + 4 * (block * BLOCK + pixel)) if has_dark else 0.0
                for step in range(number):
                    place, part = 8 * (get_int(run_start + 4 * run) + step), get_float(share + 4 * step)
                    put_double(norm + place, get_double(norm + place) - part * its_weight)
                    put_double(darkness + place, get_double(darkness + place) - part * its_dark)
                    put_long(entries + place, get_long(entries + place) - 1)
            share += 4 * number
    return 0


@compiled
def fold_rows(arguments: int) -> int:
    """Add up rows of sectors, in their order, to those of the pattern."""
    sums, totals, fine = get_long(arguments), get_long(arguments + 8), get_long(arguments + 16)
    rows, fold, width = get_long(arguments + 24), get_long(arguments + 32), get_long(arguments + 40)
    folded = get_long(arguments + 48)
    for row in range(rows * fold):
        start, to = row * width, folded + 8 * (row // fold) * width
        if start < fine:
            for place in range(width):
                put_double(to + 8 * place, get_double(to + 8 * place) + get_double(totals + 8 * (start + place)))
        else:
            for place in range(width):
                put_double(to + 8 * place, get_double(to + 8 * place) + get_float(sums + 4 * (start + place)))
    return 0


@inlined
def _sum(sums: int, totals: int, fine: int, bin_: int, place: int) -> float:
    return float(get_double(totals + 8 * place) if bin_ < fine else get_float(sums + 4 * place))


@compiled
def finish_frames(arguments: int) -> int:
    """Divide the sums of eight frames, and empty those of single precision."""
    sums, totals, squares = get_long(arguments), get_long(arguments + 8), get_long(arguments + 16)
    bins, fine, kinds = get_long(arguments + 24), get_long(arguments + 32), get_long(arguments + 40)
    norms, entries, darks = get_long(arguments + 48), get_long(arguments + 56), get_long(arguments + 64)
    scales, intensity, sigma = get_long(arguments + 72), get_long(arguments + 80), get_long(arguments + 88)
    width = 2 * LANES if squares else LANES
    for start in range(0, bins, _TILE):
        stop = min(start + _TILE, bins)
        for lane in range(LANES):
            if get_long(kinds + 8 * lane) == NOTHING:
                continue
            norm, entry = get_long(norms + 8 * lane), get_long(entries + 8 * lane)
            dark, scale = get_long(darks + 8 * lane), get_double(scales + 8 * lane)
            for bin_ in range(start, stop):
                place, out = bin_ * width + lane, 4 * (lane * bins + bin_)
                divisor = get_double(norm + 8 * bin_) * scale
                if get_long(entry + 8 * bin_) <= 0 or not divisor > 0.0:
                    put_float(intensity + out, math.nan)
                    if sigma:
                        put_float(sigma + out, math.nan)
                    continue
                signal = _sum(sums, totals, fine, bin_, place)
                put_float(intensity + out, (signal - get_double(dark + 8 * bin_)) / divisor)
                if sigma:
                    variance = _sum(sums, totals, fine, bin_, place + LANES) if squares else signal
                    put_float(sigma + out, math.sqrt(variance if variance > 0.0 else 1.0) / divisor)
        for place in range(max(start, fine) * width, stop * width):
            put_float(sums + 4 * place, 0.0)
    return 0


@compiled
def finish_cake(arguments: int) -> int:
    """Divide the sums of eight cakes, which are emptied; write numbers, or chunks that are packed, or both."""
    sums, bins, kinds = get_long(arguments), get_long(arguments + 8), get_long(arguments + 16)
    inverses, darks, scales = get_long(arguments + 24), get_long(arguments + 32), get_long(arguments + 40)
    alike, intensity, chunks = get_long(arguments + 48), get_long(arguments + 56), get_long(arguments + 64)
    room, ends, work = get_long(arguments + 72), get_long(arguments + 80), get_long(arguments + 88)
    planes = work + LANES * TILE_BYTES
    if chunks:
        for lane in range(LANES):
            put_long(ends + 8 * lane, put_header(chunks + lane * room, bins))
    for first in range(0, bins, BLOCK):
        length = min(BLOCK, bins - first)
        for place in range(0, length, 8):
            row, offset, to = sums + 4 * LANES * (first + place), 8 * (first + place), work + 4 * place
            if alike:
                divide_alike(row, inverses, darks, scales, offset, to)
            else:
                divide_each(row, inverses, darks, scales, offset, to)
        for lane in range(LANES):
            if get_long(kinds + 8 * lane) == NOTHING:
                continue
            tile = work + lane * TILE_BYTES
            if intensity:
                to = intensity + 4 * (lane * bins + first)
                for byte in range(0, 4 * (length // 8 * 8), 32):
                    copy32(to + byte, tile + byte)
                for place in range(length // 8 * 8, length):
                    put_float(to + 4 * place, get_float(tile + 4 * place))
            if chunks:
                put_long(ends + 8 * lane, pack_block(tile, length, planes, get_long(ends + 8 * lane)))
    return 0
