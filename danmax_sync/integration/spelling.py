"""What instructions are spelled with for LLVM: kinds of numbers, reading and writing, and how numba gets to see a step.

Addresses are integers. Whoever calls has checked that what lies there is long enough.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import extending

Builder = Any
Value = Any
I8, I16, I32, I64 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64)
F32, F64 = ir.FloatType(), ir.DoubleType()
ADDRESS = types.int64


def intrinsic(function: Callable[..., Any]) -> Any:
    """Make a function that numba calls with types, and that gives the instructions."""
    return extending.intrinsic(function)


def at(builder: Builder, address: Value, kind: Any, offset: int = 0) -> Value:
    """Turn an address, and so many bytes more, into a pointer."""
    if offset:
        address = builder.add(address, ir.Constant(I64, offset))
    return builder.inttoptr(address, kind.as_pointer())


def get(builder: Builder, address: Value, kind: Any, offset: int = 0, *, align: int = 1) -> Value:
    """Read a value of a kind."""
    value = builder.load(at(builder, address, kind, offset))
    value.align = align
    return value


def put(builder: Builder, value: Value, address: Value, offset: int = 0, *, align: int = 1) -> None:
    """Write a value."""
    builder.store(value, at(builder, address, value.type, offset)).align = align


def spread(builder: Builder, value: Value, kind: Any) -> Value:
    """Fill a vector with one value."""
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count))


Step = Callable[[Builder, Sequence[Value]], Value]
"""What makes the code of an instruction from its arguments."""


def instruction(returns: Any, arguments: int, step: Step, last: Any = types.int64) -> tuple[Any, Callable[..., Any]]:
    """Return what numba wants of an intrinsic: its signature, int64 but for the last, and what makes its code."""

    def generate(context: Any, builder: Builder, _signature: Any, values: Sequence[Value]) -> Value:
        made = step(builder, values)
        return context.get_dummy_value() if returns == types.void else made

    return returns(*[ADDRESS] * (arguments - 1), last), generate
