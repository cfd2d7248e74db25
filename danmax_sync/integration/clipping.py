"""One frame at a time in double precision: for errors from the scatter of pixels, clipping, and frames of floats.

Compiled; see `kernel`. It makes several passes over a frame, which the fast way cannot. A pixel's value is
(I - dark) / w with w = Ω·P·flat, its weight in a bin c·w.
"""

from danmax_sync.integration.blocks import BLOCK
from danmax_sync.integration.inlining import compiled
from danmax_sync.integration.vectors import (
    get_byte,
    get_double,
    get_float,
    get_int,
    get_long,
    get_short,
    put_byte,
    put_double,
    put_long,
)


@compiled
def add_exactly(arguments: int) -> int:
    """Sum up one frame: Σ c·(I - dark), Σ c²·I, Σ c·w and the number of shares, over pixels that are not bad."""
    values, bad, pixels = get_long(arguments), get_long(arguments + 8), get_long(arguments + 16)
    run_pixel, run_start, run_length = get_long(arguments + 24), get_long(arguments + 32), get_long(arguments + 40)
    block_runs, shares, weight = get_long(arguments + 48), get_long(arguments + 56), get_long(arguments + 64)
    dark, has_dark, signal = get_long(arguments + 72), get_long(arguments + 80), get_long(arguments + 88)
    variance, norm, entries = get_long(arguments + 96), get_long(arguments + 104), get_long(arguments + 112)
    share = shares
    for block in range(-(-pixels // BLOCK)):
        for run in range(get_long(block_runs + 8 * block), get_long(block_runs + 8 * block + 8)):
            pixel, number = block * BLOCK + get_short(run_pixel + 2 * run), get_short(run_length + 2 * run)
            if not get_byte(bad + pixel):
                value, its_weight = get_double(values + 8 * pixel), get_float(weight + 4 * pixel)
                net = value - get_float(dark + 4 * pixel) if has_dark else value
                for step in range(number):
                    place, part = 8 * (get_int(run_start + 4 * run) + step), get_float(share + 4 * step)
                    put_double(signal + place, get_double(signal + place) + part * net)
                    put_double(variance + place, get_double(variance + place) + part * part * value)
                    put_double(norm + place, get_double(norm + place) + part * its_weight)
                    put_long(entries + place, get_long(entries + place) + 1)
            share += 4 * number
    return 0


@compiled
def spread_around(arguments: int) -> int:
    """Sum up Σ (c·w)²·(value - mean)² and Σ (c·w)² of the bins; mark pixels beyond given limits bad, and count them."""
    values, bad, pixels = get_long(arguments), get_long(arguments + 8), get_long(arguments + 16)
    run_pixel, run_start, run_length = get_long(arguments + 24), get_long(arguments + 32), get_long(arguments + 40)
    block_runs, shares, weight = get_long(arguments + 48), get_long(arguments + 56), get_long(arguments + 64)
    dark, has_dark, mean = get_long(arguments + 72), get_long(arguments + 80), get_long(arguments + 88)
    spread, squares, limits = get_long(arguments + 96), get_long(arguments + 104), get_long(arguments + 112)
    share, clipped = shares, 0
    for block in range(-(-pixels // BLOCK)):
        for run in range(get_long(block_runs + 8 * block), get_long(block_runs + 8 * block + 8)):
            pixel, number = block * BLOCK + get_short(run_pixel + 2 * run), get_short(run_length + 2 * run)
            if not get_byte(bad + pixel):
                its_weight = get_float(weight + 4 * pixel)
                net = get_double(values + 8 * pixel)
                if has_dark:
                    net -= get_float(dark + 4 * pixel)
                for step in range(number):
                    place = 8 * (get_int(run_start + 4 * run) + step)
                    away = net / its_weight - get_double(mean + place)
                    part = get_float(share + 4 * step) * its_weight
                    if limits:
                        if abs(away) > get_double(limits + place):
                            put_byte(bad + pixel, 1)
                            clipped += 1
                    else:
                        put_double(spread + place, get_double(spread + place) + part * part * away * away)
                        put_double(squares + place, get_double(squares + place) + part * part)
            share += 4 * number
    return clipped
