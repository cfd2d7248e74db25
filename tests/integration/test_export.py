"""Patterns as text, read back by numpy: the numbers of the file, without empty bins, and nothing overwritten."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from danmax_sync.errors import UsageError
from danmax_sync.integration.export import TextFormat, _folder_of, export_patterns
from tests.integration.scenes import Home


def patterns_of(home: Home, number: int) -> dict[str, Any]:
    """Return intensity, error and axis of a scan's patterns."""
    with h5py.File(home.output(number)) as file:
        data = file["entry/data"]
        return {name: data[name][()] for name in ("I", "I_errors", "radial_axis")}


@pytest.mark.parametrize(("form", "skip", "columns"), [("xye", 0, 3), ("xy", 0, 2), ("fxye", 2, 3), ("chi", 4, 2)])
def test_every_format_reads_back(integrated: Home, tmp_path: Path, form: str, skip: int, columns: int) -> None:
    """One file a frame, in an order that sorts; numpy reads the numbers that are in the HDF5 file."""
    out = tmp_path / "out"
    integrated.run_line(["export", "48", "--format", form, "-o", str(out)])
    files = sorted((out / "CeO2").iterdir())
    assert [path.name for path in files] == [f"scan-0048_pilatus_{n:04d}.{form}" for n in range(4)]
    patterns = patterns_of(integrated, 48)
    for index, path in enumerate(files):
        table = np.loadtxt(path, skiprows=skip)
        filled = np.isfinite(patterns["I"][index])
        assert table.shape == (filled.sum(), columns)
        scale = 100 if form == "fxye" else 1
        np.testing.assert_allclose(table[:, 0], scale * patterns["radial_axis"][filled], atol=1e-5)
        np.testing.assert_allclose(table[:, 1], patterns["I"][index][filled], rtol=1e-5, atol=1e-6)
        if columns == 3:
            np.testing.assert_allclose(table[:, 2], patterns["I_errors"][index][filled], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("sample", "folder"),
    [
        ("LaB6/660c", "LaB6_660c"),
        ("..", "sample"),
        ("../../x", "_.._x"),
        ("C:\\x\n", "C__x_"),
        (" ", "sample"),
        ("x" * 500, "x" * 100),
    ],
)
def test_a_sample_may_be_called_anything(sample: str, folder: str) -> None:
    """By its user or by whoever wrote the file: its patterns stay in the folder that was named."""
    assert _folder_of(sample) == folder


def test_headers_tell_energy_temperature_and_scan(integrated: Home, tmp_path: Path) -> None:
    """Whoever finds the file alone knows what it is; --no-header leaves numbers alone."""
    out = tmp_path / "out"
    integrated.run_line(["export", "48", "-o", str(out), "--average"])
    text = (out / "CeO2" / "scan-0048_pilatus.xye").read_text()
    for word in ("scan 48", "CeO2", "energy 34.99", "wavelength 0.354", "temperature 3", "mean of 4 frames"):
        assert word in text
    integrated.run_line(["export", "48", "-o", str(tmp_path / "bare"), "--average", "--no-header"])
    assert "#" not in (tmp_path / "bare" / "CeO2" / "scan-0048_pilatus.xye").read_text()


def test_gsas_lines_are_eighty_characters_and_counted(integrated: Home, tmp_path: Path) -> None:
    """BANK tells how many points follow."""
    integrated.run_line(["export", "48", "--format", "fxye", "-o", str(tmp_path), "--average"])
    lines = (tmp_path / "CeO2" / "scan-0048_pilatus.fxye").read_text().splitlines()
    assert [len(line) for line in lines[:2]] == [80, 80]
    words = lines[1].split()
    assert (words[0], words[1], words[-1]) == ("BANK", "1", "FXYE")
    assert int(words[2]) == len(lines) - 2


def test_another_axis_is_computed(integrated: Home, tmp_path: Path) -> None:
    """2θ becomes q by the energy of the scan."""
    integrated.run_line(["export", "48", "--unit", "q", "-o", str(tmp_path), "--average"])
    table = np.loadtxt(tmp_path / "CeO2" / "scan-0048_pilatus.xye")
    patterns = patterns_of(integrated, 48)
    with h5py.File(integrated.output(48)) as file:
        wavelength = file["entry/instrument/monochromator/wavelength"][()]
    q = 4 * np.pi * np.sin(np.radians(patterns["radial_axis"]) / 2) / wavelength
    np.testing.assert_allclose(table[:, 0], q[np.isfinite(patterns["I"]).any(axis=0)], atol=1e-6)


def test_nothing_is_overwritten_unasked(integrated: Home, tmp_path: Path) -> None:
    """The same again is fine; other content is kept, with 2, until it is asked for."""
    line = ["export", "48", "-o", str(tmp_path), "--average"]
    integrated.run_line(line)
    integrated.run_line(line)
    path = tmp_path / "CeO2" / "scan-0048_pilatus.xye"
    path.write_text("mine")
    integrated.run_line(line, exit_code=2)
    assert path.read_text() == "mine"
    integrated.run_line([*line, "--overwrite"])
    assert path.read_text() != "mine"


@pytest.mark.parametrize(
    "words", [["--as", "heatmap"], ["--as", "heatmap", "--against", "time"], ["--as", "overlay"], ["--as", "waterfall"]]
)
def test_patterns_are_drawn_each_way(integrated: Home, tmp_path: Path, words: list[str]) -> None:
    """Several scans as a heat map, an overlay, a waterfall."""
    ran = integrated.run_line(["plot", "48-49", "-o", str(tmp_path / "p.png"), *words])
    assert "patterns" in ran.err + ran.out
    assert (tmp_path / "p.png").stat().st_size > 5000


def test_a_heat_map_against_something_unknown_says_what_there_is(integrated: Home, tmp_path: Path) -> None:
    """5, with the names; a cake that is not there is said too."""
    ran = integrated.run_line(
        ["plot", "48", "-o", str(tmp_path / "p.png"), "--as", "heatmap", "--against", "moon"], exit_code=5
    )
    assert "temperature" in ran.err
    ran = integrated.run_line(["plot", "48", "-o", str(tmp_path / "p.png"), "--as", "cake"], exit_code=5)
    assert "--cake" in ran.err


def test_patterns_go_into_a_folder(tmp_path: Path) -> None:
    """Not below a file of that name; nothing is written, and the message says so in words."""
    picture = tmp_path / "CeO2.png"
    picture.write_bytes(b"a picture")
    with pytest.raises(UsageError, match=r"CeO2\.png is a file, and patterns go into a folder"):
        export_patterns([], picture, TextFormat.XYE)
