"""Decode LZ4 blocks inside the kernel; every length and distance is checked, for files may be damaged or hostile.

Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md. Copies go 16 bytes at a time and may run over by
15, so both buffers need `blocks.SLACK` bytes behind their end.
"""

from danmax_sync.integration.inlining import inlined
from danmax_sync.integration.vectors import copy16, fill16, get_byte, get_long, put_long

_LONG = 15
"""A length of this much goes on in bytes of its own."""


@inlined
def unpack(source: int, size: int, to: int, wanted: int) -> int:
    """Decode a block; all of it must come out.

    Parameters
    ----------
    source, size : int
        Address and length of the compressed block.
    to, wanted : int
        Address and length of what it holds.

    Returns
    -------
    int
        0, or something else when the block is damaged. Nothing beyond the slack is read or written in either case.
    """
    at, end = source, source + size
    out, full = to, to + wanted
    while True:
        if at >= end:
            return 1
        token = get_byte(at)
        at += 1
        length = token >> 4
        if length == _LONG:
            while True:
                if at >= end:
                    return 2
                more = get_byte(at)
                at += 1
                length += more
                if more != 255:
                    break
        if length > end - at or length > full - out:
            return 3
        done = 0
        while done < length:
            copy16(out + done, at + done)
            done += 16
        at += length
        out += length
        if at == end:
            return 0 if out == full else 4
        if end - at < 2:
            return 5
        distance = get_byte(at) | get_byte(at + 1) << 8
        at += 2
        length = token & _LONG
        if length == _LONG:
            while True:
                if at >= end:
                    return 6
                more = get_byte(at)
                at += 1
                length += more
                if more != 255:
                    break
        length += 4
        if distance == 0 or distance > out - to or length > full - out:
            return 7
        done = 0
        if distance == 1:
            repeated = get_byte(out - 1)
            while done < length:
                fill16(out + done, repeated)
                done += 16
        elif distance >= 16:
            while done < length:
                copy16(out + done, out + done - distance)
                done += 16
        elif distance >= 8:
            while done < length:
                put_long(out + done, get_long(out + done - distance))
                done += 8
        else:
            # Sparse bit-planes are full of these: what repeats is put into one register.
            word, step = get_long(out - distance) & (1 << 8 * distance) - 1, distance
            if distance == 2:
                word, step = word * 0x0001000100010001, 8
            elif distance == 3:
                word, step = word * 0x0001000001000001, 6
            elif distance == 4:
                word, step = word * 0x0000000100000001, 8
            while done < length:
                put_long(out + done, word)
                done += step
        out += length
