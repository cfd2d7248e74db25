"""Pack numbers as bitshuffle with LZ4, the filter of the detector's own files: planes of bits, runs of bytes cut short.

Signs, exponents and bins that nobody measured are long runs of one byte, the rest is noise of which nothing can be
saved. So only runs are looked for, which takes a fifth of the time that a search for repeated strings takes and packs
as well. What comes out is LZ4 as any reader knows it. Compiled into the kernel.
"""

from danmax_sync.integration.blocks import BLOCK, HEADER, PLANE
from danmax_sync.integration.inlining import compiled, inlined
from danmax_sync.integration.vectors import (
    copy32,
    floats_to_planes,
    get_byte,
    get_long,
    low_zeros,
    put_byte,
    repeats,
    shifted,
)

_TAIL = 16
"""Bytes at the end of a block that are written as they are. LZ4 asks for twelve, for decoders that look ahead."""


@inlined
def _put_long(out: int, length: int) -> int:
    """Write what of a length did not fit into its token."""
    while length >= 255:
        put_byte(out, 255)
        out += 1
        length -= 255
    put_byte(out, length)
    return out + 1


@inlined
def _literals(source: int, length: int, match: int, out: int) -> int:
    """Write a token for so many bytes as they are and a match of so many, and the bytes."""
    put_byte(out, min(length, 15) << 4 | min(match, 15))
    out += 1
    if length >= 15:
        out = _put_long(out, length - 15)
    done = 0
    while done < length:
        copy32(out + done, source + done)
        done += 32
    return out + length


@inlined
def _long_runs(bits: int) -> int:
    """Keep of 64 bits the first of each seven that are set one after the other."""
    bits &= shifted(bits, 1)
    bits &= shifted(bits, 2)
    return int(bits & shifted(bits, 3))


@inlined
def _pack_runs(source: int, size: int, out: int) -> int:
    """Write a block of LZ4; return where it ends. Up to 63 bytes are read and 31 written beyond."""
    at, done, end = 1, 0, size - _TAIL
    while at < end:
        bits = repeats(source + at)
        found = _long_runs(bits)
        if found == 0:
            # A run may begin in the last bytes of these.
            at += 58
            continue
        start = at + low_zeros(found)
        at = start
        while at < end:
            length = low_zeros(~repeats(source + at))
            at += length
            if length < 64:
                break
        at = min(at, end)
        match = at - start - 4
        if match < 0:
            break
        out = _literals(source + done, start - done, match, out)
        put_byte(out, 1)
        put_byte(out + 1, 0)
        out += 2
        if match >= 15:
            out = _put_long(out, match - 15)
        done = at
        at += 1
    return int(_literals(source + done, size - done, 0, out))


@inlined
def _put_number(to: int, value: int, size: int) -> None:
    """Write a number, the most valuable byte first."""
    for place in range(size):
        put_byte(to + place, value >> 8 * (size - 1 - place) & 255)


@inlined
def put_header(to: int, numbers: int) -> int:
    """Write what a chunk of so many numbers begins with."""
    _put_number(to, 4 * numbers, 8)
    _put_number(to + 8, 4 * BLOCK, 4)
    return to + HEADER


@inlined
def pack_block(floats: int, length: int, planes: int, out: int) -> int:
    """Pack up to 2048 numbers; return where their block ends. 2048 are read whatever the length."""
    for place in range(0, BLOCK, 64):
        floats_to_planes(floats + 4 * place, planes + place // 8)
    full = length // 8 * 8
    if 0 < full < BLOCK:
        width = full // 8
        for plane in range(1, 32):
            for place in range(width):
                put_byte(planes + width * plane + place, get_byte(planes + PLANE * plane + place))
    if full:
        end = _pack_runs(planes, 4 * full, out + 4)
        _put_number(out, end - out - 4, 4)
        out = end
    for byte in range(4 * full, 4 * length):
        put_byte(out, get_byte(floats + byte))
        out += 1
    return out


@compiled
def pack_numbers(arguments: int) -> int:
    """Pack an array; return the bytes of the chunk."""
    source, numbers, work, to = (
        get_long(arguments),
        get_long(arguments + 8),
        get_long(arguments + 16),
        get_long(arguments + 24),
    )
    planes, tile = work, work + 4 * BLOCK + 64
    out = put_header(to, numbers)
    for first in range(0, numbers, BLOCK):
        length = min(BLOCK, numbers - first)
        block = source + 4 * first
        if length < BLOCK:
            for byte in range(4 * length):
                put_byte(tile + byte, get_byte(block + byte))
            block = tile
        out = pack_block(block, length, planes, out)
    return int(out - to)
