"""Geometries that were made ready once, on disk: building a matrix takes seconds, reading it a tenth of one."""

import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from danmax_sync.integration.blocks import BLOCK, SEGMENT
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.geometry import Geometry, make_geometry
from danmax_sync.integration.matrix import Matrix
from danmax_sync.integration.recipe import Recipe, fingerprint
from danmax_sync.integration.versions import version
from danmax_sync.settings import home

_LAYOUT = 6
"""Raised whenever a stored geometry would be read otherwise, or built otherwise."""
_MOST_BYTES = 1_500_000_000


_NUMBERS = ("pixels", "bins", "fine", "whole", "cake_bins")


def geometry_folder() -> Path:
    """Return where they are kept; all of it may be deleted at any time."""
    return home() / "cache" / "geometry"


def ready_geometry(
    calibration: Calibration,
    recipe: Recipe,
    frame_shape: tuple[int, ...],
    waiting: Callable[[], None] = lambda: None,
) -> Geometry:
    """Return a geometry made ready, from disk where it has been made before; else `waiting` is called meanwhile.

    Raises
    ------
    RefusalError
        If the geometry is of another detector.
    UsageError
        If it cannot be understood.
    """
    path = _place(calibration, recipe, frame_shape)
    found = _read(path)
    if found is None:
        found = make_geometry(calibration, recipe, frame_shape, waiting)
        _write(path, found)
    return found


def is_stored(calibration: Calibration, recipe: Recipe, frame_shape: tuple[int, ...]) -> bool:
    """Say whether a geometry has been made before."""
    return _place(calibration, recipe, frame_shape).is_file()


def _place(calibration: Calibration, recipe: Recipe, frame_shape: tuple[int, ...]) -> Path:
    made_by = (_LAYOUT, BLOCK, SEGMENT, version("pyFAI"), version("numpy"))
    made_of = (calibration.poni_text, calibration.hashes(), sorted(calibration.allowed & {"detector"}))
    key = fingerprint(made_by, made_of, recipe.geometric(), frame_shape)
    return geometry_folder() / f"{key[:40]}.npz"


def _read(path: Path) -> Geometry | None:
    """Return what was stored; None where it is missing or not as it was written."""
    try:
        # Each array carries a sum, which is checked when it is read.
        with np.load(path, allow_pickle=False) as stored:
            arrays: dict[str, Any] = {name: stored[name] for name in stored.files}
        numbers: dict[str, Any] = {name: int(arrays.pop(name)) for name in _NUMBERS}
        edges, width = arrays.pop("radial_edges"), float(arrays.pop("pixel_width"))
        whole = bool(numbers.pop("whole"))
        matrix = Matrix(**numbers, whole=whole, **arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    with suppress(OSError):
        os.utime(path)
    return Geometry(matrix, edges, width)


def _write(path: Path, geometry: Geometry) -> None:
    arrays = {each.name: getattr(geometry.matrix, each.name) for each in fields(Matrix)}
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(temporary, radial_edges=geometry.radial_edges, pixel_width=geometry.pixel_width, **arrays)
        temporary.replace(path)
        _tidy(path.parent)
    except OSError:
        # A full or read-only disk costs the next start some seconds, nothing more.
        pass
    finally:
        # Also after Ctrl-C.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Delete those that were not used for longest, until the rest is small enough."""
    kept = sorted(((p.stat().st_mtime_ns, p.stat().st_size, p) for p in folder.glob("*.npz")), reverse=True)
    total = 0
    for _, size, path in kept:
        total += size
        if total > _MOST_BYTES:
            path.unlink(missing_ok=True)
