"""Steps of the kernel as vector instructions, spelled for LLVM: any processor numba knows gets its own.

A *lane* is a frame: eight frames are integrated at once, and each vector holds the same pixel of all of them. Products
and sums are separate instructions on purpose, so that every machine rounds alike.

Addresses are integers. Whoever calls has checked that what lies there is long enough.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import extending

from danmax_sync.integration.blocks import BLOCK, LANES, PLANE, TILE_BYTES

Builder = Any
Value = Any
_I8, _I16, _I32, _I64 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64)
_F32, _F64 = ir.FloatType(), ir.DoubleType()
_BYTES = ir.VectorType(_I8, 16)
_WIDE, _WIDEST = ir.VectorType(_I8, 32), ir.VectorType(_I8, 64)
_LANE_BYTES = ir.VectorType(_I8, LANES)
_LANE_INTS = ir.VectorType(_I32, LANES)
_LANE_FLOATS = ir.VectorType(_F32, LANES)
_address = types.int64


def intrinsic(function: Callable[..., Any]) -> Any:
    """Make a function that numba calls with types, and that gives the instructions."""
    return extending.intrinsic(function)


def _at(builder: Builder, address: Value, kind: Any, offset: int = 0) -> Value:
    if offset:
        address = builder.add(address, ir.Constant(_I64, offset))
    return builder.inttoptr(address, kind.as_pointer())


def _get(builder: Builder, address: Value, kind: Any, offset: int = 0, *, align: int = 1) -> Value:
    value = builder.load(_at(builder, address, kind, offset))
    value.align = align
    return value


def _put(builder: Builder, value: Value, address: Value, offset: int = 0, *, align: int = 1) -> None:
    builder.store(value, _at(builder, address, value.type, offset)).align = align


def _spread(builder: Builder, value: Value, kind: Any) -> Value:
    """Fill a vector with one value."""
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_I32, kind.count), [0] * kind.count))


Step = Callable[[Builder, Sequence[Value]], Value]


def _instruction(returns: Any, arguments: int, step: Step, last: Any = types.int64) -> tuple[Any, Callable[..., Any]]:
    """Return what numba wants of an intrinsic: its signature, int64 but for the last, and what makes its code."""

    def generate(context: Any, builder: Builder, _signature: Any, values: Sequence[Value]) -> Value:
        made = step(builder, values)
        return context.get_dummy_value() if returns == types.void else made

    return returns(*[_address] * (arguments - 1), last), generate


@intrinsic
def get_byte(_context: Any, address: Any) -> Any:
    """Return the byte at an address."""
    return _instruction(_address, 1, lambda b, v: b.zext(_get(b, v[0], _I8), _I64))


@intrinsic
def get_int(_context: Any, address: Any) -> Any:
    """Return the signed 32-bit number at an address."""
    return _instruction(_address, 1, lambda b, v: b.sext(_get(b, v[0], _I32), _I64))


@intrinsic
def get_short(_context: Any, address: Any) -> Any:
    """Return the unsigned 16-bit number at an address."""
    return _instruction(_address, 1, lambda b, v: b.zext(_get(b, v[0], _I16), _I64))


@intrinsic
def get_long(_context: Any, address: Any) -> Any:
    """Return the signed 64-bit number at an address."""
    return _instruction(_address, 1, lambda b, v: _get(b, v[0], _I64))


@intrinsic
def get_float(_context: Any, address: Any) -> Any:
    """Return the number of single precision at an address, in double precision."""
    return _instruction(types.float64, 1, lambda b, v: b.fpext(_get(b, v[0], _F32), _F64))


@intrinsic
def get_double(_context: Any, address: Any) -> Any:
    """Return the number of double precision at an address."""
    return _instruction(types.float64, 1, lambda b, v: _get(b, v[0], _F64))


@intrinsic
def put_byte(_context: Any, address: Any, value: Any) -> Any:
    """Write the low byte of a number."""
    return _instruction(types.void, 2, lambda b, v: _put(b, b.trunc(v[1], _I8), v[0]))


@intrinsic
def put_long(_context: Any, address: Any, value: Any) -> Any:
    """Write a 64-bit number."""
    return _instruction(types.void, 2, lambda b, v: _put(b, v[1], v[0]))


@intrinsic
def put_float(_context: Any, address: Any, value: Any) -> Any:
    """Write a number in single precision."""
    return _instruction(types.void, 2, lambda b, v: _put(b, b.fptrunc(v[1], _F32), v[0]), last=types.float64)


@intrinsic
def put_double(_context: Any, address: Any, value: Any) -> Any:
    """Write a number in double precision."""
    return _instruction(types.void, 2, lambda b, v: _put(b, v[1], v[0]), last=types.float64)


@intrinsic
def copy16(_context: Any, to: Any, source: Any) -> Any:
    """Copy 16 bytes."""
    return _instruction(types.void, 2, lambda b, v: _put(b, _get(b, v[1], _BYTES), v[0]))


@intrinsic
def fill16(_context: Any, to: Any, value: Any) -> Any:
    """Write the same byte 16 times."""
    return _instruction(types.void, 2, lambda b, v: _put(b, _spread(b, b.trunc(v[1], _I8), _BYTES), v[0]))


@intrinsic
def copy32(_context: Any, to: Any, source: Any) -> Any:
    """Copy 32 bytes."""
    return _instruction(types.void, 2, lambda b, v: _put(b, _get(b, v[1], _WIDE), v[0]))


def _repeats(builder: Builder, values: Sequence[Value]) -> Value:
    here, before = _get(builder, values[0], _WIDEST), _get(builder, values[0], _WIDEST, -1)
    return builder.bitcast(builder.icmp_unsigned("==", here, before), _I64)


@intrinsic
def repeats(_context: Any, address: Any) -> Any:
    """Return a bit for each of 64 bytes: whether it is the byte before it again."""
    return _instruction(_address, 1, _repeats)


def _low_zeros(builder: Builder, values: Sequence[Value]) -> Value:
    return builder.cttz(values[0], ir.Constant(ir.IntType(1), 0))


@intrinsic
def low_zeros(_context: Any, bits: Any) -> Any:
    """Return how many bits of 64 are 0 below the lowest that is 1."""
    return _instruction(_address, 1, _low_zeros)


def _shifted(builder: Builder, values: Sequence[Value]) -> Value:
    return builder.lshr(values[0], values[1])


@intrinsic
def shifted(_context: Any, bits: Any, by: Any) -> Any:
    """Return 64 bits moved down, with zeros from above; by less than 64."""
    return _instruction(_address, 2, _shifted)


def _floats_to_planes(builder: Builder, values: Sequence[Value]) -> None:
    words, bytes_ = ir.VectorType(_I32, 64), ir.VectorType(_I8, 64)
    numbers = _get(builder, values[0], words)
    none, one = ir.Constant(bytes_, [0] * 64), ir.Constant(bytes_, [1] * 64)
    for place in range(4):
        by = ir.Constant(words, [8 * place] * 64)
        part = builder.trunc(builder.lshr(numbers, by) if place else numbers, bytes_)
        for bit in range(7, -1, -1):
            plane = builder.bitcast(builder.icmp_signed("<", part, none), _I64)
            _put(builder, plane, values[1], PLANE * (8 * place + bit))
            part = builder.shl(part, one)


@intrinsic
def floats_to_planes(_context: Any, floats: Any, to: Any) -> Any:
    """Write the bits of 64 numbers of four bytes into 32 bit-planes, eight bytes each."""
    return _instruction(types.void, 2, _floats_to_planes)


def _fetch(builder: Builder, values: Sequence[Value]) -> None:
    pointer = _I8.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, _I32, _I32, _I32])
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
    builder.call(prefetch, [_at(builder, values[0], _I8), *(ir.Constant(_I32, number) for number in (1, 3, 1))])


@intrinsic
def fetch(_context: Any, address: Any) -> Any:
    """Ask for the cache line at an address, which will be written to; any address is allowed."""
    return _instruction(types.void, 1, _fetch)


def _transposed(builder: Builder, rows: Sequence[Value]) -> list[Value]:
    """Transpose bytes: from eight vectors of 16 columns to 16 columns of eight, two to a vector."""
    pick = ir.VectorType(_I32, 16)
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
    columns = _transposed(builder, [_get(builder, values[0], _BYTES, PLANE * plane) for plane in range(8)])
    pair = ir.VectorType(_I64, 2)
    both = ir.Constant(ir.VectorType(_I32, 4), [0, 1, 2, 3])
    for i in range(0, 8, 2):
        halves = [builder.bitcast(columns[i + half], pair) for half in (0, 1)]
        words = builder.shuffle_vector(halves[0], halves[1], both)
        _put(builder, _bits_transposed(builder, words), values[1], 16 * i)


@intrinsic
def planes_to_bytes(_context: Any, planes: Any, to: Any) -> Any:
    """Turn 16 bytes of each of eight bit-planes into the bytes of 128 pixels."""
    return _instruction(types.void, 2, _planes_to_bytes)


def _zip_lanes(builder: Builder, values: Sequence[Value]) -> None:
    rows = [_get(builder, values[0], _BYTES, BLOCK * lane) for lane in range(LANES)]
    for i, zipped in enumerate(_transposed(builder, rows)):
        _put(builder, zipped, values[1], 16 * i)


@intrinsic
def zip_lanes(_context: Any, source: Any, to: Any) -> Any:
    """Turn 16 pixels' bytes of each lane into 16 times the bytes of all lanes."""
    return _instruction(types.void, 2, _zip_lanes)


def _any_bits(planes: int) -> Step:
    def step(builder: Builder, values: Sequence[Value]) -> Value:
        kind = ir.VectorType(_I64, 4)
        found = ir.Constant(kind, [0] * 4)
        for offset in range(0, PLANE, 32):
            bits = _get(builder, values[0], kind, offset)
            for plane in range(1, planes):
                bits = builder.or_(bits, _get(builder, values[0], kind, PLANE * plane + offset))
            found = builder.or_(found, builder.and_(bits, _get(builder, values[1], kind, offset)))
        parts = [builder.extract_element(found, ir.Constant(_I32, i)) for i in range(4)]
        return builder.or_(builder.or_(parts[0], parts[1]), builder.or_(parts[2], parts[3]))

    return step


@intrinsic
def any_in_plane(_context: Any, plane: Any, among: Any) -> Any:
    """Return something other than 0 where a bit of a plane is set among some pixels."""
    return _instruction(_address, 2, _any_bits(1))


@intrinsic
def any_in_8_planes(_context: Any, planes: Any, among: Any) -> Any:
    """Do the same for eight planes."""
    return _instruction(_address, 2, _any_bits(8))


@intrinsic
def any_in_15_planes(_context: Any, planes: Any, among: Any) -> Any:
    """Do the same for 15 planes: 16 to 30, below the sign."""
    return _instruction(_address, 2, _any_bits(15))


def _counts(builder: Builder, address: Value, bytes_each: int) -> Value:
    """Return the counts of one pixel in all lanes; their bytes of higher value lie a block further each."""
    total: Value = None
    for place in range(bytes_each):
        part = builder.zext(_get(builder, address, _LANE_BYTES, place * BLOCK * LANES, align=LANES), _LANE_INTS)
        if place:
            part = builder.or_(total, builder.shl(part, ir.Constant(_LANE_INTS, [8 * place] * LANES)))
        total = part
    return builder.sitofp(total, _LANE_FLOATS)


_ROW = 4 * LANES
"""Bytes of one bin of an accumulator: a float a lane."""


def _add(builder: Builder, value: Value, address: Value, offset: int = 0) -> None:
    before = _get(builder, address, _LANE_FLOATS, offset, align=_ROW)
    _put(builder, builder.fadd(before, value), address, offset, align=_ROW)


def _add_whole(bytes_each: int) -> Step:
    return lambda builder, values: _add(builder, _counts(builder, values[0], bytes_each), values[1])


def _add_whole_both(bytes_each: int) -> Step:
    def step(builder: Builder, values: Sequence[Value]) -> None:
        counts = _counts(builder, values[0], bytes_each)
        _add(builder, counts, values[1])
        _add(builder, counts, values[2])

    return step


def _add_shares(bytes_each: int, *, squares: bool, cake: bool) -> Step:
    """Make the loop over a pixel's bins: signal += c·I and, where wanted, variance += c·c·I and the cake's += c·I."""

    def step(builder: Builder, values: Sequence[Value]) -> None:
        pixel, accumulator, shares, number = values[:4]
        counts = _counts(builder, pixel, bytes_each)
        end = builder.add(shares, builder.shl(number, ir.Constant(_I64, 2)))
        before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.branch(loop)
        builder.position_at_end(loop)
        bin_at, share_at = builder.phi(_I64), builder.phi(_I64)
        bin_at.add_incoming(accumulator, before)
        share_at.add_incoming(shares, before)
        cake_at = builder.phi(_I64) if cake else None
        share = _spread(builder, _get(builder, share_at, _F32, align=4), _LANE_FLOATS)
        signal = builder.fmul(share, counts)
        _add(builder, signal, bin_at)
        if squares:
            _add(builder, builder.fmul(share, signal), bin_at, _ROW)
        if cake_at is not None:
            _add(builder, signal, cake_at)
            next_cake = builder.add(cake_at, ir.Constant(_I64, _ROW))
            cake_at.add_incoming(values[4], before)
            cake_at.add_incoming(next_cake, loop)
        next_bin = builder.add(bin_at, ir.Constant(_I64, _ROW * (2 if squares else 1)))
        next_share = builder.add(share_at, ir.Constant(_I64, 4))
        bin_at.add_incoming(next_bin, loop)
        share_at.add_incoming(next_share, loop)
        builder.cbranch(builder.icmp_unsigned("<", next_share, end), loop, after)
        builder.position_at_end(after)

    return step


_LANE_DOUBLES = ir.VectorType(_F64, LANES)


def _halves(builder: Builder, rows: Sequence[Value]) -> list[Value]:
    """Transpose eight vectors of eight floats."""
    pick = ir.VectorType(_I32, 8)
    low = ir.Constant(pick, [each for i in range(4) for each in (i, 8 + i)])
    high = ir.Constant(pick, [each for i in range(4, 8) for each in (i, 8 + i)])
    for _ in range(3):
        rows = [builder.shuffle_vector(rows[i], rows[i + 4], part) for i in range(4) for part in (low, high)]
    return list(rows)


def _divide(stride: int, *, alike: bool) -> Step:
    """Make what divides eight bins of all lanes: float32((sum - dark) · inverse · scale); the sums are emptied."""

    def of_lanes(builder: Builder, pointers: Value, offset: Value) -> Value:
        if alike:
            number = _get(builder, builder.add(_get(builder, pointers, _I64), offset), _F64)
            return _spread(builder, number, _LANE_DOUBLES)
        found = ir.Constant(_LANE_DOUBLES, ir.Undefined)
        for lane in range(LANES):
            number = _get(builder, builder.add(_get(builder, pointers, _I64, 8 * lane), offset), _F64)
            found = builder.insert_element(found, number, ir.Constant(_I32, lane))
        return found

    def step(builder: Builder, values: Sequence[Value]) -> None:
        sums, inverses, darks, scales, offset, to = values
        scale = _get(builder, scales, _LANE_DOUBLES)
        nothing = ir.Constant(_LANE_FLOATS, [0.0] * LANES)
        rows = []
        for bin_ in range(8):
            here = builder.add(offset, ir.Constant(_I64, 8 * bin_))
            signal = builder.fpext(_get(builder, sums, _LANE_FLOATS, _ROW * bin_, align=_ROW), _LANE_DOUBLES)
            _put(builder, nothing, sums, _ROW * bin_, align=_ROW)
            net = builder.fsub(signal, of_lanes(builder, darks, here))
            mean = builder.fmul(builder.fmul(net, of_lanes(builder, inverses, here)), scale)
            rows.append(builder.fptrunc(mean, _LANE_FLOATS))
        for lane, row in enumerate(_halves(builder, rows)):
            _put(builder, row, to, stride * lane)

    return step


def _divided(*, alike: bool) -> Any:
    @intrinsic
    def divide(_context: Any, sums: Any, inverses: Any, darks: Any, scales: Any, offset: Any, to: Any) -> Any:
        return _instruction(types.void, 6, _divide(TILE_BYTES, alike=alike))

    return divide


divide_alike, divide_each = _divided(alike=True), _divided(alike=False)
"""Divide eight bins of all lanes: ``(sums, addresses of inverses, of dark counts, scales, offset, to)``. Either all
lanes have the same inverses and dark counts, or each its own."""


def _whole(bytes_each: int) -> Any:
    @intrinsic
    def add_whole(_context: Any, pixel: Any, accumulator: Any) -> Any:
        return _instruction(types.void, 2, _add_whole(bytes_each))

    return add_whole


def _whole_both(bytes_each: int) -> Any:
    @intrinsic
    def add_whole(_context: Any, pixel: Any, accumulator: Any, cake: Any) -> Any:
        return _instruction(types.void, 3, _add_whole_both(bytes_each))

    return add_whole


def _shared(bytes_each: int, *, squares: bool) -> Any:
    @intrinsic
    def add_shares(_context: Any, pixel: Any, accumulator: Any, shares: Any, number: Any) -> Any:
        return _instruction(types.void, 4, _add_shares(bytes_each, squares=squares, cake=False))

    return add_shares


def _shared_both(bytes_each: int) -> Any:
    @intrinsic
    def add_shares(_context: Any, pixel: Any, accumulator: Any, shares: Any, number: Any, cake: Any) -> Any:
        return _instruction(types.void, 5, _add_shares(bytes_each, squares=True, cake=True))

    return add_shares


add_whole_1, add_whole_2, add_whole_4 = _whole(1), _whole(2), _whole(4)
"""Add a pixel of one, two or four bytes to its one bin: ``(pixel, accumulator)``."""
add_whole_both_1, add_whole_both_2, add_whole_both_4 = _whole_both(1), _whole_both(2), _whole_both(4)
"""The same, and to its bin of the cake: ``(pixel, accumulator, cake)``."""
add_shares_1, add_shares_2, add_shares_4 = (_shared(n, squares=False) for n in (1, 2, 4))
"""Add a pixel to several neighbouring bins: ``(pixel, accumulator, shares, number)``."""
add_squares_1, add_squares_2, add_squares_4 = (_shared(n, squares=True) for n in (1, 2, 4))
"""The same with the shares squared behind the signal of each bin."""
add_both_1, add_both_2, add_both_4 = (_shared_both(n) for n in (1, 2, 4))
"""Squares too, and as many bins of the cake: ``(pixel, accumulator, shares, number, cake)``."""
