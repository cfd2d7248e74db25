"""The loop over pixels: decode a block of eight frames, add it to their bins, go on with the next.

For each block of 2048 pixels: LZ4 → 32 bit-planes → bytes → the same pixel of all lanes side by side → sums. Only
planes in which a pixel that counts has a bit are looked at; marks of the detector are found in the planes too, before
any pixel has been put together. Sums are of single precision within a segment of blocks, of double precision beyond.
Their order is fixed by the matrix, so a frame's result depends on nothing else: neither on threads nor on the frames
beside it.

Every function takes the address of its arguments; `danmax_sync.integration.workspace` puts them together.
"""

from danmax_sync.integration import lanes
from danmax_sync.integration.blocks import (
    BLOCK,
    COMPRESSED,
    DAMAGED,
    HEADER,
    LANE_BYTES,
    LANE_PLANES,
    LANES,
    NOTHING,
    PLAIN,
    PLANE,
    SEGMENT,
    TOO_BRIGHT,
)
from danmax_sync.integration.decoding import bits_needed, clear_planes, decode_block, plain_block, take_marks
from danmax_sync.integration.inlining import compiled, inlined
from danmax_sync.integration.vectors import (
    any_in_plane,
    fetch,
    get_byte,
    get_double,
    get_float,
    get_int,
    get_long,
    get_short,
    planes_to_bytes,
    put_double,
    put_float,
    put_long,
    zip_lanes,
)

_EXACT = 1 << 24
"""Up to here single precision holds every whole number."""
_AHEAD = 64
"""Runs whose bins of a cake are asked for before they are needed."""
add_whole_1, add_whole_2, add_whole_4 = lanes.add_whole_1, lanes.add_whole_2, lanes.add_whole_4
add_shares_1, add_shares_2, add_shares_4 = lanes.add_shares_1, lanes.add_shares_2, lanes.add_shares_4
add_whole_both_1, add_whole_both_2 = lanes.add_whole_both_1, lanes.add_whole_both_2
add_whole_both_4 = lanes.add_whole_both_4
add_both_1, add_both_2, add_both_4 = lanes.add_both_1, lanes.add_both_2, lanes.add_both_4
add_squares_1, add_squares_2, add_squares_4 = lanes.add_squares_1, lanes.add_squares_2, lanes.add_squares_4


@inlined
def _flush(sums: int, totals: int, low: int, high: int) -> None:
    """Add sums of single precision to those of double precision, and empty them."""
    for place in range(low, high):
        put_double(totals + 8 * place, get_double(totals + 8 * place) + get_float(sums + 4 * place))
        put_float(sums + 4 * place, 0.0)


@inlined
def _add_whole(count: int, zipped: int, pixels: int, starts: int, sums: int, first: int, behind: int) -> None:
    row = 4 * LANES
    if count == 1:
        for run in range(first, behind):
            add_whole_1(zipped + LANES * get_short(pixels + 2 * run), sums + row * get_int(starts + 4 * run))
    elif count == 2:
        for run in range(first, behind):
            add_whole_2(zipped + LANES * get_short(pixels + 2 * run), sums + row * get_int(starts + 4 * run))
    else:
        for run in range(first, behind):
            add_whole_4(zipped + LANES * get_short(pixels + 2 * run), sums + row * get_int(starts + 4 * run))


@inlined
def _fetch_ahead(starts: int, sums: int, run: int, behind: int, lines: int) -> None:
    """Ask for the bins of a run further on: sums of a cake do not fit into the cache."""
    ahead = min(run + _AHEAD, behind - 1)
    where = sums + 4 * LANES * get_int(starts + 4 * ahead)
    for line in range(lines):
        fetch(where + 64 * line)


@inlined
def _add_whole_both(
    count: int,
    zipped: int,
    pixels: int,
    starts: int,
    sums: int,
    cake_starts: int,
    cake_sums: int,
    first: int,
    behind: int,
) -> None:
    row = 4 * LANES
    for run in range(first, behind):
        _fetch_ahead(cake_starts, cake_sums, run, behind, 1)
        pixel, where = zipped + LANES * get_short(pixels + 2 * run), sums + row * get_int(starts + 4 * run)
        cake = cake_sums + row * get_int(cake_starts + 4 * run)
        if count == 1:
            add_whole_both_1(pixel, where, cake)
        elif count == 2:
            add_whole_both_2(pixel, where, cake)
        else:
            add_whole_both_4(pixel, where, cake)


@inlined
def _add_whole_slowly(
    count: int, zipped: int, pixels: int, starts: int, sums: int, totals: int, fine: int, first: int, behind: int
) -> None:
    """Add counts so high that even one block could go beyond what single precision holds."""
    for run in range(first, behind):
        pixel, bin_ = zipped + LANES * get_short(pixels + 2 * run), get_int(starts + 4 * run)
        for lane in range(LANES):
            value = 0
            for byte in range(count):
                value |= get_byte(pixel + byte * LANE_BYTES + lane) << 8 * byte
            place = bin_ * LANES + lane
            if bin_ < fine:
                put_double(totals + 8 * place, get_double(totals + 8 * place) + value)
            else:
                put_float(sums + 4 * place, get_float(sums + 4 * place) + value)


@inlined
def _add_shares(
    count: int, zipped: int, pixels: int, starts: int, lengths: int, share: int, sums: int, first: int, behind: int
) -> None:
    row = 4 * LANES
    for run in range(first, behind):
        pixel, where = zipped + LANES * get_short(pixels + 2 * run), sums + row * get_int(starts + 4 * run)
        number = get_short(lengths + 2 * run)
        if count == 1:
            add_shares_1(pixel, where, share, number)
        elif count == 2:
            add_shares_2(pixel, where, share, number)
        else:
            add_shares_4(pixel, where, share, number)
        share += 4 * number


@inlined
def _add_squares(
    count: int, zipped: int, pixels: int, starts: int, lengths: int, share: int, sums: int, first: int, behind: int
) -> None:
    row = 8 * LANES
    for run in range(first, behind):
        pixel, where = zipped + LANES * get_short(pixels + 2 * run), sums + row * get_int(starts + 4 * run)
        number = get_short(lengths + 2 * run)
        if count == 1:
            add_squares_1(pixel, where, share, number)
        elif count == 2:
            add_squares_2(pixel, where, share, number)
        else:
            add_squares_4(pixel, where, share, number)
        share += 4 * number


@inlined
def _add_both(
    count: int,
    zipped: int,
    pixels: int,
    starts: int,
    lengths: int,
    share: int,
    sums: int,
    cake_starts: int,
    cake_sums: int,
    first: int,
    behind: int,
) -> None:
    row, cake_row = 8 * LANES, 4 * LANES
    for run in range(first, behind):
        _fetch_ahead(cake_starts, cake_sums, run, behind, 3)
        pixel, where = zipped + LANES * get_short(pixels + 2 * run), sums + row * get_int(starts + 4 * run)
        number, cake = get_short(lengths + 2 * run), cake_sums + cake_row * get_int(cake_starts + 4 * run)
        if count == 1:
            add_both_1(pixel, where, share, number, cake)
        elif count == 2:
            add_both_2(pixel, where, share, number, cake)
        else:
            add_both_4(pixel, where, share, number, cake)
        share += 4 * number


@compiled
def add_frames(arguments: int) -> int:
    """Add up eight frames."""
    kinds, frames, sizes = get_long(arguments), get_long(arguments + 8), get_long(arguments + 16)
    unsigned, ceiling, squares = get_long(arguments + 24), get_long(arguments + 32), get_long(arguments + 40)
    work, sums, totals = get_long(arguments + 48), get_long(arguments + 56), get_long(arguments + 64)
    marks, marked, wrong = get_long(arguments + 72), get_long(arguments + 80), get_long(arguments + 88)
    places, pixels, fine = get_long(arguments + 96), get_long(arguments + 104), get_long(arguments + 112)
    whole, run_pixel, run_start = get_long(arguments + 120), get_long(arguments + 128), get_long(arguments + 136)
    run_length, block_runs = get_long(arguments + 144), get_long(arguments + 152)
    block_shares, shares, valid = get_long(arguments + 160), get_long(arguments + 168), get_long(arguments + 176)
    crowd, segments = get_long(arguments + 184), get_long(arguments + 192)
    cake_start, cake_sums = get_long(arguments + 200), get_long(arguments + 208)
    blocks = -(-pixels // BLOCK)
    lanes = work + LANES * LANE_PLANES
    zipped = lanes + 4 * LANE_BYTES
    width = 2 * LANES if squares else LANES
    bound = 0
    for lane in range(LANES):
        put_long(places + 8 * lane, HEADER)
    for block in range(blocks):
        length = min(BLOCK, pixels - block * BLOCK)
        here = valid + block * PLANE
        bits = 8
        for lane in range(LANES):
            kind, planes = get_long(kinds + 8 * lane), work + lane * LANE_PLANES
            its_marks = marks + (lane * blocks + block) * PLANE
            if kind == PLAIN:
                at = get_long(frames + 8 * lane) + 4 * BLOCK * block
                seen = plain_block(at, length, lanes + lane * BLOCK, here, its_marks, ceiling)
                bits = max(bits, seen // 4096)
                put_long(marked + 8 * lane, get_long(marked + 8 * lane) + seen % 4096)
                continue
            if kind == COMPRESSED and get_long(wrong + 8 * lane) == 0:
                at, size = get_long(places + 8 * lane), get_long(sizes + 8 * lane)
                at = decode_block(get_long(frames + 8 * lane), size, at, planes, length)
                put_long(places + 8 * lane, at)
                if at < 0:
                    put_long(wrong + 8 * lane, DAMAGED)
            if kind == NOTHING or get_long(wrong + 8 * lane) != 0:
                clear_planes(planes)
                continue
            needed = bits_needed(planes, here)
            if any_in_plane(planes + 31 * PLANE, here) or (ceiling > 0 and ceiling >> needed == 0):
                found = take_marks(planes, here, its_marks, unsigned, ceiling)
                if found < 0:
                    put_long(wrong + 8 * lane, TOO_BRIGHT)
                    clear_planes(planes)
                    continue
                put_long(marked + 8 * lane, get_long(marked + 8 * lane) + found)
                needed = bits_needed(planes, here)
            bits = max(bits, needed)
        count = 1 if bits <= 8 else 2 if bits <= 16 else 4
        for lane in range(LANES):
            if get_long(kinds + 8 * lane) != PLAIN:
                for byte in range(count):
                    planes = work + lane * LANE_PLANES + 8 * PLANE * byte
                    for place in range(0, PLANE, 16):
                        planes_to_bytes(planes + place, lanes + byte * LANE_BYTES + lane * BLOCK + 8 * place)
        for byte in range(count):
            for place in range(0, BLOCK, 16):
                zip_lanes(lanes + byte * LANE_BYTES + place, zipped + byte * LANE_BYTES + LANES * place)
        first, behind = get_long(block_runs + 8 * block), get_long(block_runs + 8 * block + 8)
        segment = segments + 16 * (block // SEGMENT)
        low, high = get_long(segment) * width, get_long(segment + 8) * width
        if whole:
            # Whole numbers stay exact: what single precision could not hold goes to double precision before.
            most = get_long(crowd + 8 * block) << bits
            if bound + most >= _EXACT:
                _flush(sums, totals, low, high)
                bound = 0
            if most >= _EXACT:
                _add_whole_slowly(count, zipped, run_pixel, run_start, sums, totals, fine, first, behind)
                if cake_start:
                    _add_whole_slowly(count, zipped, run_pixel, cake_start, cake_sums, 0, 0, first, behind)
            elif cake_start:
                bound += most
                _add_whole_both(count, zipped, run_pixel, run_start, sums, cake_start, cake_sums, first, behind)
            else:
                bound += most
                _add_whole(count, zipped, run_pixel, run_start, sums, first, behind)
        else:
            share = shares + 4 * get_long(block_shares + 8 * block)
            if cake_start:
                _add_both(
                    count, zipped, run_pixel, run_start, run_length, share, sums, cake_start, cake_sums, first, behind
                )
            elif squares:
                _add_squares(count, zipped, run_pixel, run_start, run_length, share, sums, first, behind)
            else:
                _add_shares(count, zipped, run_pixel, run_start, run_length, share, sums, first, behind)
        if (block + 1) % SEGMENT == 0 or block + 1 == blocks:
            _flush(sums, totals, low, high)
            bound = 0
    return 0
