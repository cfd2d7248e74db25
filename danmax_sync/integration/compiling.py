"""Machine code for the inner loops: compiled once with numba, then kept on disk and loaded without it.

Importing numba takes longer than integrating a scan, so what it made is stored as an object file, in the tool's own
folder, keyed by source, compiler and processor. Functions take one number, the address of their arguments (an array of
int64), and give one back; they hold no Python object and run off the interpreter's lock.
"""

import ctypes
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llvmlite import binding

from danmax_sync.integration.versions import version
from danmax_sync.settings import home

FOLDER_VARIABLE = "DANMAX_SYNC_KERNEL_CACHE"
"""Moves the folder of compiled code alone."""
_MAKING = "DANMAX_SYNC_KERNEL_MAKING"
"""Set in the process that compiles."""
_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p, ctypes.c_int64)
_HERE = Path(__file__).parent
_SOURCES = (
    *("blocks.py", "spelling.py", "vectors.py", "lanes.py", "inlining.py", "lz4.py", "decoding.py", "kernel.py"),
    *("encoding.py", "finishing.py", "clipping.py", "machine.py", "compiling.py"),
)

Compiled = Callable[[int], int]


def cache_folder() -> Path:
    """Return where compiled code is kept."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else home() / "cache" / "kernel"


@dataclass(frozen=True, slots=True)
class _Code:
    """One function: the name of its symbol, and its object file."""

    symbol: str
    content: bytes


def is_compiled() -> bool:
    """Say whether the machine code is on disk already."""
    return _place().is_file()


def load_functions(compile_all: Callable[[], Mapping[str, Any]]) -> dict[str, Compiled]:
    """Return the compiled functions by name.

    Parameters
    ----------
    compile_all : callable
        Imports numba and returns its compiled functions; called only when there is no code on disk that fits.
    """
    codes = _read(_place())
    if codes is None and _MAKING not in os.environ:
        _make_elsewhere()
        codes = _read(_place())
    if codes is None:
        codes = {name: _code_of(function) for name, function in compile_all().items()}
        _write(_place(), codes)
    return {name: _linked(code) for name, code in codes.items()}


def _make_elsewhere() -> None:
    """Compile in a process of its own: numba takes more than a hundred megabytes, which are then given back."""
    program = "from danmax_sync.integration.machine import functions; functions()"
    nowhere = subprocess.DEVNULL
    # Where it cannot be started, or cannot write, it is done here.
    with suppress(OSError):
        subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-c", program],
            env={**os.environ, _MAKING: "1"},
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            check=False,
        )


def _place() -> Path:
    """Return the file that holds the code for this source, compiler and processor."""
    parts = [path.read_bytes() for path in sorted(_HERE / name for name in _SOURCES) if path.is_file()]
    features = binding.get_host_cpu_features().flatten()
    machine = (sys.platform, sys.version, binding.get_host_cpu_name(), features, version("numba"), version("llvmlite"))
    digest = hashlib.sha256(b"\0".join([*parts, *(part.encode() for part in machine)])).hexdigest()
    return cache_folder() / f"{digest[:32]}.zip"


def _read(path: Path) -> dict[str, _Code] | None:
    """Return what was stored; None where it is missing or not as it was written."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            # Reading checks each member's sum.
            return {name.partition(" ")[0]: _Code(name.partition(" ")[2], archive.read(name)) for name in names}
    except (OSError, zipfile.BadZipFile, ValueError):
        return None


def _write(path: Path, codes: Mapping[str, _Code]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, code in codes.items():
            archive.writestr(f"{name} {code.symbol}", code.content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(content.getvalue())
        temporary.replace(path)
    except OSError:
        # A full or read-only disk costs the next start some seconds, nothing more.
        return


def _code_of(function: Any) -> _Code:
    compiled = function.overloads[function.signatures[0]]
    library = compiled.library
    asked = set(re.findall(r"^declare .*@\"?([^\"(]+)\"?\(", library.get_llvm_str(), re.MULTILINE))
    foreign = {name for name in asked if not name.startswith(("llvm.", "memset", "memcpy", "memmove", "sqrt"))}
    if foreign:
        raise AssertionError(f"{function.__name__} needs {sorted(foreign)}, which is not there without numba")
    return _Code(compiled.fndesc.llvm_func_name, library._get_compiled_object())  # noqa: SLF001 - numba's own cache uses it


_engines: list[Any] = []
"""They own the code that runs and must not be collected."""


def _linked(code: _Code) -> Compiled:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple().create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
    engine.add_object_file(binding.ObjectFileRef.from_data(code.content))
    engine.finalize_object()
    _engines.append(engine)
    native = _SIGNATURE(engine.get_function_address(code.symbol))

    def call(arguments: int) -> int:
        result = ctypes.c_int64(0)
        status = native(ctypes.byref(result), None, arguments)
        if status != 0:
            raise AssertionError(f"the kernel ended with {status}")
        return result.value

    return call


def addresses(*values: Any) -> "tuple[Any, Sequence[object]]":
    """Return an array of int64 with numbers and addresses of arrays, and the arrays, which must live as long."""
    import numpy as np

    numbers = [each.ctypes.data if isinstance(each, np.ndarray) else int(each) for each in values]
    return np.array(numbers, dtype=np.int64), values
