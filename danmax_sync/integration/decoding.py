"""From a chunk to bit-planes, and what can be told from them before a pixel is put together. Compiled into the kernel.

A chunk is a header and blocks of 2048 pixels, each a 32-bit length and as many bytes of LZ4. Inside are 32 planes of
256 bytes: plane k holds bit k of every pixel. The last block is short, and of it what is less than eight pixels is not
compressed at all (https://github.com/kiyo-masui/bitshuffle).
"""

from danmax_sync.integration.blocks import BLOCK, LANE_BYTES, PLANE
from danmax_sync.integration.inlining import inlined
from danmax_sync.integration.lz4 import unpack
from danmax_sync.integration.vectors import (
    any_in_8_planes,
    any_in_15_planes,
    any_in_plane,
    get_byte,
    get_int,
    get_long,
    put_byte,
    put_long,
)


@inlined
def _number(address: int) -> int:
    """Read a 32-bit number, the most valuable byte first."""
    high = get_byte(address) << 24 | get_byte(address + 1) << 16
    return int(high | get_byte(address + 2) << 8 | get_byte(address + 3))


@inlined
def _short_block(planes: int, full: int, tail: int, rest: int) -> None:
    """Give a short last block the layout of a long one, and put in the pixels that are not compressed."""
    width = full // 8
    for plane in range(31, -1, -1):
        # From behind: planes move to higher addresses.
        for place in range(width - 1, -1, -1):
            put_byte(planes + PLANE * plane + place, get_byte(planes + width * plane + place))
        for place in range(width, PLANE):
            put_byte(planes + PLANE * plane + place, 0)
    for pixel in range(rest):
        at, bit = full + pixel, (full + pixel) & 7
        for byte in range(4):
            value = get_byte(tail + 4 * pixel + byte)
            for place in range(8):
                if value >> place & 1:
                    where = planes + PLANE * (8 * byte + place) + (at >> 3)
                    put_byte(where, get_byte(where) | 1 << bit)


@inlined
def decode_block(chunk: int, size: int, at: int, planes: int, length: int) -> int:
    """Decode one block into its bit-planes.

    Parameters
    ----------
    chunk, size, at : int
        Address and bytes of the chunk, and where in it the block begins.
    planes : int
        Address of 32 planes, with slack behind.
    length : int
        Pixels of the block.

    Returns
    -------
    int
        Where the next block begins, or -1 when this one is damaged.
    """
    full = length // 8 * 8
    if full:
        if size - at < 4:
            return -1
        packed = _number(chunk + at)
        at += 4
        if packed > size - at or unpack(chunk + at, packed, planes, 4 * full) != 0:
            return -1
        at += packed
    if length < BLOCK:
        rest = length - full
        if 4 * rest > size - at:
            return -1
        _short_block(planes, full, chunk + at, rest)
        at += 4 * rest
    return at


@inlined
def clear_planes(planes: int) -> None:
    """Make a block of zeros."""
    for word in range(0, 32 * PLANE, 8):
        put_long(planes + word, 0)


@inlined
def take_marks(planes: int, valid: int, marks: int, unsigned: int, ceiling: int) -> int:
    """Find the pixels that a frame marks as bad or that are too bright, note them, and empty them.

    Parameters
    ----------
    planes, valid, marks : int
        Addresses of the block's planes, of the bits of pixels that count, and of the bits to be set.
    unsigned : int
        1: the largest number is a mark; 0: negative numbers are.
    ceiling : int
        Counts from here on are too bright; 0 for no such limit.

    Returns
    -------
    int
        How many; -1 where a count has 32 bits, which no count has.
    """
    found = 0
    for word in range(0, PLANE, 8):
        among = get_long(valid + word)
        bad = get_long(planes + PLANE * 31 + word) & among
        if unsigned:
            top = bad
            for plane in range(31):
                bad &= get_long(planes + PLANE * plane + word)
            if top != bad:
                return -1
        if ceiling > 0:
            over, equal = 0, among & ~bad
            for plane in range(30, -1, -1):
                bits = get_long(planes + PLANE * plane + word)
                if ceiling >> plane & 1:
                    equal &= bits
                else:
                    over |= equal & bits
                    equal &= ~bits
            bad |= over | equal
        if bad != 0:
            put_long(marks + word, bad)
            for plane in range(32):
                put_long(planes + PLANE * plane + word, get_long(planes + PLANE * plane + word) & ~bad)
            while bad != 0:
                bad &= bad - 1
                found += 1
    return found


@inlined
def bits_needed(planes: int, valid: int) -> int:
    """Return how many bits the brightest pixel of a block needs, at least 8."""
    if any_in_15_planes(planes + 16 * PLANE, valid):
        for plane in range(30, 16, -1):
            if any_in_plane(planes + plane * PLANE, valid):
                return plane + 1
        return 17
    if any_in_8_planes(planes + 8 * PLANE, valid):
        for plane in range(15, 8, -1):
            if any_in_plane(planes + plane * PLANE, valid):
                return plane + 1
        return 9
    return 8


@inlined
def plain_block(frame: int, length: int, lane: int, valid: int, marks: int, ceiling: int) -> int:
    """Take a block from an array of int32 instead; negative numbers are marks.

    Returns
    -------
    int
        Bits that are needed and pixels that are marked, as bits · 4096 + marked.
    """
    most, found = 0, 0
    for pixel in range(length):
        value = get_int(frame + 4 * pixel)
        counts = get_byte(valid + (pixel >> 3)) >> (pixel & 7) & 1
        if value < 0 or (ceiling > 0 and value >= ceiling):
            value = 0
            if counts:
                where = marks + (pixel >> 3)
                put_byte(where, get_byte(where) | 1 << (pixel & 7))
                found += 1
        elif counts:
            most |= value
        for byte in range(4):
            put_byte(lane + LANE_BYTES * byte + pixel, value >> 8 * byte & 255)
    bits = 8
    while most >> bits:
        bits += 1
    return bits * 4096 + found
