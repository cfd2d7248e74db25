"""Adding pixels to bins, and dividing bins, as vector instructions: any processor numba knows gets its own.

A *lane* is a frame: eight frames are integrated at once, and each vector holds the same pixel of all of them. Products
and sums are separate instructions on purpose, so that every machine rounds alike.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types

from danmax_sync.integration.blocks import BLOCK, LANES, TILE_BYTES
from danmax_sync.integration.spelling import (
    F32,
    F64,
    I8,
    I32,
    I64,
    Builder,
    Step,
    Value,
    get,
    instruction,
    intrinsic,
    put,
    spread,
)

_LANE_BYTES = ir.VectorType(I8, LANES)
_LANE_INTS = ir.VectorType(I32, LANES)
_LANE_FLOATS = ir.VectorType(F32, LANES)


def _counts(builder: Builder, address: Value, bytes_each: int) -> Value:
    """Return the counts of one pixel in all lanes; their bytes of higher value lie a block further each."""
    total: Value = None
    for place in range(bytes_each):
        part = builder.zext(get(builder, address, _LANE_BYTES, place * BLOCK * LANES, align=LANES), _LANE_INTS)
        if place:
            part = builder.or_(total, builder.shl(part, ir.Constant(_LANE_INTS, [8 * place] * LANES)))
        total = part
    return builder.sitofp(total, _LANE_FLOATS)


_ROW = 4 * LANES
"""Bytes of one bin of an accumulator: a float a lane."""


def _add(builder: Builder, value: Value, address: Value, offset: int = 0) -> None:
    before = get(builder, address, _LANE_FLOATS, offset, align=_ROW)
    put(builder, builder.fadd(before, value), address, offset, align=_ROW)


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
        end = builder.add(shares, builder.shl(number, ir.Constant(I64, 2)))
        before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.branch(loop)
        builder.position_at_end(loop)
        bin_at, share_at = builder.phi(I64), builder.phi(I64)
        bin_at.add_incoming(accumulator, before)
        share_at.add_incoming(shares, before)
        cake_at = builder.phi(I64) if cake else None
        share = spread(builder, get(builder, share_at, F32, align=4), _LANE_FLOATS)
        signal = builder.fmul(share, counts)
        _add(builder, signal, bin_at)
        if squares:
            _add(builder, builder.fmul(share, signal), bin_at, _ROW)
        if cake_at is not None:
            _add(builder, signal, cake_at)
            next_cake = builder.add(cake_at, ir.Constant(I64, _ROW))
            cake_at.add_incoming(values[4], before)
            cake_at.add_incoming(next_cake, loop)
        next_bin = builder.add(bin_at, ir.Constant(I64, _ROW * (2 if squares else 1)))
        next_share = builder.add(share_at, ir.Constant(I64, 4))
        bin_at.add_incoming(next_bin, loop)
        share_at.add_incoming(next_share, loop)
        builder.cbranch(builder.icmp_unsigned("<", next_share, end), loop, after)
        builder.position_at_end(after)

    return step


_LANE_DOUBLES = ir.VectorType(F64, LANES)


def _halves(builder: Builder, rows: Sequence[Value]) -> list[Value]:
    """Transpose eight vectors of eight floats."""
    pick = ir.VectorType(I32, 8)
    low = ir.Constant(pick, [each for i in range(4) for each in (i, 8 + i)])
    high = ir.Constant(pick, [each for i in range(4, 8) for each in (i, 8 + i)])
    for _ in range(3):
        rows = [builder.shuffle_vector(rows[i], rows[i + 4], part) for i in range(4) for part in (low, high)]
    return list(rows)


def _divide(stride: int, *, alike: bool) -> Step:
    """Make what divides eight bins of all lanes: float32((sum - dark) · inverse · scale); the sums are emptied."""

    def of_lanes(builder: Builder, pointers: Value, offset: Value) -> Value:
        if alike:
            number = get(builder, builder.add(get(builder, pointers, I64), offset), F64)
            return spread(builder, number, _LANE_DOUBLES)
        found = ir.Constant(_LANE_DOUBLES, ir.Undefined)
        for lane in range(LANES):
            number = get(builder, builder.add(get(builder, pointers, I64, 8 * lane), offset), F64)
            found = builder.insert_element(found, number, ir.Constant(I32, lane))
        return found

    def step(builder: Builder, values: Sequence[Value]) -> None:
        sums, inverses, darks, scales, offset, to = values
        scale = get(builder, scales, _LANE_DOUBLES)
        nothing = ir.Constant(_LANE_FLOATS, [0.0] * LANES)
        rows = []
        for bin_ in range(8):
            here = builder.add(offset, ir.Constant(I64, 8 * bin_))
            signal = builder.fpext(get(builder, sums, _LANE_FLOATS, _ROW * bin_, align=_ROW), _LANE_DOUBLES)
            put(builder, nothing, sums, _ROW * bin_, align=_ROW)
            net = builder.fsub(signal, of_lanes(builder, darks, here))
            mean = builder.fmul(builder.fmul(net, of_lanes(builder, inverses, here)), scale)
            rows.append(builder.fptrunc(mean, _LANE_FLOATS))
        for lane, row in enumerate(_halves(builder, rows)):
            put(builder, row, to, stride * lane)

    return step


def _divided(*, alike: bool) -> Any:
    @intrinsic
    def divide(_context: Any, sums: Any, inverses: Any, darks: Any, scales: Any, offset: Any, to: Any) -> Any:
        return instruction(types.void, 6, _divide(TILE_BYTES, alike=alike))

    return divide


divide_alike, divide_each = _divided(alike=True), _divided(alike=False)
"""Divide eight bins of all lanes: ``(sums, addresses of inverses, of dark counts, scales, offset, to)``. Either all
lanes have the same inverses and dark counts, or each its own."""


def _whole(bytes_each: int) -> Any:
    @intrinsic
    def add_whole(_context: Any, pixel: Any, accumulator: Any) -> Any:
        return instruction(types.void, 2, _add_whole(bytes_each))

    return add_whole


def _whole_both(bytes_each: int) -> Any:
    @intrinsic
    def add_whole(_context: Any, pixel: Any, accumulator: Any, cake: Any) -> Any:
        return instruction(types.void, 3, _add_whole_both(bytes_each))

    return add_whole


def _shared(bytes_each: int, *, squares: bool) -> Any:
    @intrinsic
    def add_shares(_context: Any, pixel: Any, accumulator: Any, shares: Any, number: Any) -> Any:
        return instruction(types.void, 4, _add_shares(bytes_each, squares=squares, cake=False))

    return add_shares


def _shared_both(bytes_each: int) -> Any:
    @intrinsic
    def add_shares(_context: Any, pixel: Any, accumulator: Any, shares: Any, number: Any, cake: Any) -> Any:
        return instruction(types.void, 5, _add_shares(bytes_each, squares=True, cake=True))

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
