"""Steps of decoding and encoding as vector instructions, spelled for LLVM: any processor numba knows gets its own.

Numbers are read and written, bytes copied, bits counted and transposed. Adding and dividing is in `lanes.py`.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types

from danmax_sync.integration.blocks import BLOCK, LANES, PLANE
from danmax_sync.integration.spelling import (
    ADDRESS,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    Builder,
    Step,
    Value,
    at,
    get,
    instruction,
    intrinsic,
    put,
    spread,
)

_BYTES = ir.VectorType(I8, 16)
_WIDE, _WIDEST = ir.VectorType(I8, 32), ir.VectorType(I8, 64)


@intrinsic
def get_byte(_context: Any, address: Any) -> Any:
    """Return the byte at an address."""
    return instruction(ADDRESS, 1, lambda b, v: b.zext(get(b, v[0], I8), I64))


@intrinsic
def get_int(_context: Any, address: Any) -> Any:
    """Return the signed 32-bit number at an address."""
    return instruction(ADDRESS, 1, lambda b, v: b.sext(get(b, v[0], I32), I64))


@intrinsic
def get_short(_context: Any, address: Any) -> Any:
    """Return the unsigned 16-bit number at an address."""
    return instruction(ADDRESS, 1, lambda b, v: b.zext(get(b, v[0], I16), I64))


@intrinsic
def get_long(_context: Any, address: Any) -> Any:
    """Return the signed 64-bit number at an address."""
    return instruction(ADDRESS, 1, lambda b, v: get(b, v[0], I64))


@intrinsic
def get_float(_context: Any, address: Any) -> Any:
    """Return the number of single precision at an address, in double precision."""
    return instruction(types.float64, 1, lambda b, v: b.fpext(get(b, v[0], F32), F64))


@intrinsic
def get_double(_context: Any, address: Any) -> Any:
    """Return the number of double precision at an address."""
    return instruction(types.float64, 1, lambda b, v: get(b, v[0], F64))


@intrinsic
def put_byte(_context: Any, address: Any, value: Any) -> Any:
    """Write the low byte of a number."""
    return instruction(types.void, 2, lambda b, v: put(b, b.trunc(v[1], I8), v[0]))


@intrinsic
def put_long(_context: Any, address: Any, value: Any) -> Any:
    """Write a 64-bit number."""
    return instruction(types.void, 2, lambda b, v: put(b, v[1], v[0]))


@intrinsic
def put_float(_context: Any, address: Any, value: Any) -> Any:
    """Write a number in single precision."""
    return instruction(types.void, 2, lambda b, v: put(b, b.fptrunc(v[1], F32), v[0]), last=types.float64)


@intrinsic
def put_double(_context: Any, address: Any, value: Any) -> Any:
    """Write a number in double precision."""
    return instruction(types.void, 2, lambda b, v: put(b, v[1], v[0]), last=types.float64)


@intrinsic
def copy16(_context: Any, to: Any, source: Any) -> Any:
    """Copy 16 bytes."""
    return instruction(types.void, 2, lambda b, v: put(b, get(b, v[1], _BYTES), v[0]))


@intrinsic
def fill16(_context: Any, to: Any, value: Any) -> Any:
    """Write the same byte 16 times."""
    return instruction(types.void, 2, lambda b, v: put(b, spread(b, b.trunc(v[1], I8), _BYTES), v[0]))


@intrinsic
def copy32(_context: Any, to: Any, source: Any) -> Any:
    """Copy 32 bytes."""
    return instruction(types.void, 2, lambda b, v: put(b, get(b, v[1], _WIDE), v[0]))


def _repeats(builder: Builder, values: Sequence[Value]) -> Value:
    here, before = get(builder, values[0], _WIDEST), get(builder, values[0], _WIDEST, -1)
    return builder.bitcast(builder.icmp_unsigned("==", here, before), I64)


@intrinsic
def repeats(_context: Any, address: Any) -> Any:
    """Return a bit for each of 64 bytes: whether it is the byte before it again."""
    return instruction(ADDRESS, 1, _repeats)


def _low_zeros(builder: Builder, values: Sequence[Value]) -> Value:
    return builder.cttz(values[0], ir.Constant(ir.IntType(1), 0))


@intrinsic
def low_zeros(_context: Any, bits: Any) -> Any:
    """Return how many bits of 64 are 0 below the lowest that is 1."""
    return instruction(ADDRESS, 1, _low_zeros)


def _shifted(builder: Builder, values: Sequence[Value]) -> Value:
    return builder.lshr(values[0], values[1])


@intrinsic
def shifted(_context: Any, bits: Any, by: Any) -> Any:
    """Return 64 bits moved down, with zeros from above; by less than 64."""
    return instruction(ADDRESS, 2, _shifted)


def _floats_to_planes(builder: Builder, values: Sequence[Value]) -> None:
    words, bytes_ = ir.VectorType(I32, 64), ir.VectorType(I8, 64)
    numbers = get(builder, values[0], words)
    none, one = ir.Constant(bytes_, [0] * 64), ir.Constant(bytes_, [1] * 64)
    for place in range(4):
        by = ir.Constant(words, [8 * place] * 64)
        part = builder.trunc(builder.lshr(numbers, by) if place else numbers, bytes_)
        for bit in range(7, -1, -1):
            plane = builder.bitcast(builder.icmp_signed("<", part, none), I64)
            put(builder, plane, values[1], PLANE * (8 * place + bit))
            part = builder.shl(part, one)


@intrinsic
def floats_to_planes(_context: Any, floats: Any, to: Any) -> Any:
    """Write the bits of 64 numbers of four bytes into 32 bit-planes, eight bytes each."""
    return instruction(types.void, 2, _floats_to_planes)


def _fetch(builder: Builder, values: Sequence[Value]) -> None:
    pointer = I8.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, I32, I32, I32])
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
    builder.call(prefetch, [at(builder, values[0], I8), *(ir.Constant(I32, number) for number in (1, 3, 1))])


@intrinsic
def fetch(_context: Any, address: Any) -> Any:
    """Ask for the cache line at an address, which will be written to; any address is allowed."""
    return instruction(types.void, 1, _fetch)


def _transposed(builder: Builder, rows: Sequence[Value]) -> list[Value]:
    """Transpose bytes: from eight vectors of 16 columns to 16 columns of eight, two to a vector."""
    pick = ir.VectorType(I32, 16)
    low = ir.Constant(pick, [each for i in range(8) for each in (i, 16 + i)])
    high = ir.Constant(pick, [each for i in range(8, 16) for each in (i, 16 + i)])
    for _ in range(3):
        rows = [builder.shuffle_vector(rows[i], rows[i + 4], part) for i in range(4) for part in (low, high)]
    return list(rows)


def _bits_transposed(builder: Builder, words: Value) -> Value:
    """Transpose the 8 × 8 bits of each 64-bit word (Warren, Hacker's Delight, 7-3)."""
    for shift, mask in ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0)):
        by = ir.Constant(words.type, [shift] * words.type.count)
        chosen = ir.Constant(words.type, [mask] * words.type.count)
        swapped = builder.and_(builder.xor(words, builder.lshr(words, by)), chosen)
        words = builder.xor(builder.xor(words, swapped), builder.shl(swapped, by))
    return words


def _planes_to_bytes(builder: Builder, values: Sequence[Value]) -> None:
    columns = _transposed(builder, [get(builder, values[0], _BYTES, PLANE * plane) for plane in range(8)])
    pair = ir.VectorType(I64, 2)
    both = ir.Constant(ir.VectorType(I32, 4), [0, 1, 2, 3])
    for i in range(0, 8, 2):
        halves = [builder.bitcast(columns[i + half], pair) for half in (0, 1)]
        words = builder.shuffle_vector(halves[0], halves[1], both)
        put(builder, _bits_transposed(builder, words), values[1], 16 * i)


@intrinsic
def planes_to_bytes(_context: Any, planes: Any, to: Any) -> Any:
    """Turn 16 bytes of each of eight bit-planes into the bytes of 128 pixels."""
    return instruction(types.void, 2, _planes_to_bytes)


def _zip_lanes(builder: Builder, values: Sequence[Value]) -> None:
    rows = [get(builder, values[0], _BYTES, BLOCK * lane) for lane in range(LANES)]
    for i, zipped in enumerate(_transposed(builder, rows)):
        put(builder, zipped, values[1], 16 * i)


@intrinsic
def zip_lanes(_context: Any, source: Any, to: Any) -> Any:
    """Turn 16 pixels' bytes of each lane into 16 times the bytes of all lanes."""
    return instruction(types.void, 2, _zip_lanes)


def _any_bits(planes: int) -> Step:
    def step(builder: Builder, values: Sequence[Value]) -> Value:
        kind = ir.VectorType(I64, 4)
        found = ir.Constant(kind, [0] * 4)
        for offset in range(0, PLANE, 32):
            bits = get(builder, values[0], kind, offset)
            for plane in range(1, planes):
                bits = builder.or_(bits, get(builder, values[0], kind, PLANE * plane + offset))
            found = builder.or_(found, builder.and_(bits, get(builder, values[1], kind, offset)))
        parts = [builder.extract_element(found, ir.Constant(I32, i)) for i in range(4)]
        return builder.or_(builder.or_(parts[0], parts[1]), builder.or_(parts[2], parts[3]))

    return step


@intrinsic
def any_in_plane(_context: Any, plane: Any, among: Any) -> Any:
    """Return something other than 0 where a bit of a plane is set among some pixels."""
    return instruction(ADDRESS, 2, _any_bits(1))


@intrinsic
def any_in_8_planes(_context: Any, planes: Any, among: Any) -> Any:
    """Do the same for eight planes."""
    return instruction(ADDRESS, 2, _any_bits(8))


@intrinsic
def any_in_15_planes(_context: Any, planes: Any, among: Any) -> Any:
    """Do the same for 15 planes: 16 to 30, below the sign."""
    return instruction(ADDRESS, 2, _any_bits(15))
