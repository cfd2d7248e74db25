"""The three layouts of integrated files that users have."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.patternfile import read_pattern_facts
from danmax_sync.scanfile.record import PatternFacts

FRAMES, SECTORS, BINS = 4, 6, 50
ONE, TWO = np.zeros((FRAMES, BINS), "f4"), np.zeros((FRAMES, SECTORS, BINS), "f4")


def written(path: Path, content: Mapping[str, Any]) -> Path:
    """Write datasets by their paths."""
    with h5py.File(path, "w") as file:
        for name, data in content.items():
            file[name] = data
    return path


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        ({"I": ONE, "q": np.zeros(BINS)}, PatternFacts("A", "q", FRAMES, BINS, 0)),
        ({"I": TWO, "2th": np.zeros(BINS), "phi": np.zeros(SECTORS)}, PatternFacts("A", "2th", FRAMES, BINS, SECTORS)),
        ({"entry/data1d/I": ONE, "entry/data1d/q": np.zeros(BINS)}, PatternFacts("B", "q", FRAMES, BINS, 0)),
        (
            {"entry/data1d/I": ONE, "entry/data1d/2th": np.zeros(BINS), "entry/data2d/cake": TWO},
            PatternFacts("B", "2th", FRAMES, BINS, SECTORS),
        ),
        (
            {"entry/data/I": ONE, "entry/data/radial_axis": np.zeros(BINS)},
            PatternFacts("C", "2th", FRAMES, BINS, 0),
        ),
        (
            {"entry/azint1d/data/I": ONE, "entry/azint2d/data/I": TWO},
            PatternFacts("C", "2th", FRAMES, BINS, SECTORS),
        ),
    ],
    ids=["A", "A cake", "B", "B both", "C", "C both"],
)
def test_each_generation_is_recognised(tmp_path: Path, content: Mapping[str, Any], facts: PatternFacts) -> None:
    """With its unit, its patterns, its bins and its sectors."""
    assert read_pattern_facts(written(tmp_path / "x.h5", content)) == facts


@pytest.mark.parametrize("unit", ["q", "2th"])
def test_the_axis_of_an_nxazint1d_file_tells_its_unit(tmp_path: Path, unit: str) -> None:
    """By its units, as the definition has them."""
    path = written(tmp_path / "x.h5", {"entry/data/I": ONE, "entry/data/radial_axis": np.zeros(BINS)})
    with h5py.File(path, "a") as file:
        file["entry/data/radial_axis"].attrs["units"] = "1/angstrom" if unit == "q" else "degree"
    assert read_pattern_facts(path).unit == unit


def test_what_holds_no_patterns_is_a_source_error(tmp_path: Path) -> None:
    """Nor do patterns in another file count, or something that is no HDF5."""
    written(tmp_path / "other.h5", {"I": ONE})
    path = written(tmp_path / "x.h5", {"result": 1.0, "I_flat": np.zeros(5)})
    with h5py.File(path, "a") as file:
        file["I"] = h5py.ExternalLink("other.h5", "/I")
    with pytest.raises(SourceError, match="no integrated patterns"):
        read_pattern_facts(path)
    path.write_bytes(b"nothing")
    with pytest.raises(SourceError, match="cannot be read"):
        read_pattern_facts(path)
