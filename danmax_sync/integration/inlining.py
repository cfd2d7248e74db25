"""How functions of the kernel are compiled. Only imported where there is no machine code yet: it needs numba."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def inlined(function: Function) -> Function:
    """Compile a small function into those that call it."""
    return cast("Function", numba.njit(nogil=True, error_model="numpy", forceinline=True)(function))


def compiled(function: Callable[[int], int]) -> Any:
    """Compile a function of one address, ready to be stored."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit("int64(int64)", **options)(function)
