"""What a file of integrated patterns holds, in any of the three layouts users have."""

from pathlib import Path

import h5py

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.hdf5 import UNREADABLE, first_line, open_hdf5
from danmax_sync.scanfile.record import PatternFacts


def read_pattern_facts(path: Path) -> PatternFacts:
    """Return the layout and the shape of a file of patterns.

    Generation A (to about 2022) has arrays at the root, B (2022 to 2024) groups ``entry/data1d`` and ``entry/data2d``,
    C (2025 on) follows NXazint1d and NXazint2d.

    Raises
    ------
    SourceError
        If it cannot be read, or is of another layout.
    """
    with open_hdf5(path) as file:
        try:
            for read in (_generation_c, _generation_b, _generation_a):
                facts = read(file)
                if facts is not None:
                    return facts
        except UNREADABLE as problem:
            raise SourceError(f"{path} is damaged: {first_line(problem)}") from problem
    raise SourceError(f"{path} holds no integrated patterns of a layout that is known")


def _generation_c(file: h5py.File) -> PatternFacts | None:
    one, two = _dataset(file, "entry/azint1d/data/I"), _dataset(file, "entry/azint2d/data/I")
    alone = _dataset(file, "entry/data/I")
    if one is None and alone is not None and alone.ndim == 2:
        one = alone
    if two is None and alone is not None and alone.ndim == 3:
        two = alone
    found = one if one is not None else two
    if found is None or found.ndim < 2:
        return None
    axis = _dataset(file, f"{found.parent.name}/radial_axis")
    named = " ".join(str(axis.attrs.get(key, "")) for key in ("long_name", "units")) if axis is not None else ""
    unit = "q" if named.lower().startswith("q") or "angstrom" in named.lower() else "2th"
    return PatternFacts("C", unit, int(found.shape[0]), int(found.shape[-1]), _sectors(two))


def _generation_b(file: h5py.File) -> PatternFacts | None:
    one, two = _dataset(file, "entry/data1d/I"), _dataset(file, "entry/data2d/cake")
    found = one if one is not None else two
    if found is None or found.ndim < 2:
        return None
    unit = "q" if f"{found.parent.name}/q" in file else "2th"
    return PatternFacts("B", unit, int(found.shape[0]), int(found.shape[-1]), _sectors(two))


def _generation_a(file: h5py.File) -> PatternFacts | None:
    found = _dataset(file, "I")
    if found is None or found.ndim not in {2, 3}:
        return None
    unit = "q" if "q" in file else "2th"
    return PatternFacts(
        "A", unit, int(found.shape[0]), int(found.shape[-1]), _sectors(found if found.ndim == 3 else None)
    )


def _sectors(cake: h5py.Dataset | None) -> int:
    return int(cake.shape[1]) if cake is not None and cake.ndim == 3 else 0


def _dataset(file: h5py.File, path: str) -> h5py.Dataset | None:
    """Return a dataset of this very file; soft links inside it are its own, external ones are not."""
    try:
        found = file.get(path)
    except UNREADABLE:
        return None
    if not isinstance(found, h5py.Dataset) or found.file.filename != file.filename:
        return None
    return found
