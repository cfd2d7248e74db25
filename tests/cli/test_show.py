"""Everything about a scan, for people and for programs."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from danmax_sync.cli.families import in_families
from danmax_sync.testing.visit import SimulatedVisit
from tests.cli.conftest import Seen
from tests.conftest import RunLine


@pytest.fixture
def visit(small_visit: SimulatedVisit, tmp_path: Path) -> Path:
    """Return a visit of the test's own, which no catalogue knows."""
    return Path(shutil.copytree(small_visit.folder, tmp_path / "20251234" / "2025110208"))


def test_facts_come_with_their_origin(indexed: Path, run_line: RunLine) -> None:
    """Energy and temperature say where they were read."""
    told = run_line("show 44").out
    assert " keV, from hdcm_E" in told
    assert "from cryo_temp" in told
    assert "ascan pd_sam_x" in told
    for name in ("command", "sample", "proposal", "visit", "start", "end", "duration", "exposure", "points", "state"):
        assert f"\n  {name} " in told


def test_each_place_tells_its_links_and_what_the_files_hold(indexed: Path, run_line: RunLine) -> None:
    """State, frames, shape, type, chunks, compression, and the detector's own settings."""
    told = run_line("show 44").out.splitlines()
    assert f"  complete at {indexed}: raw/LaB6/scan-0044.h5" in told
    (at,) = [at for at, line in enumerate(told) if line.split()[:2] == ["pilatus", "ok"]]
    assert told[at].endswith("raw/LaB6/scan-0044_pilatus.h5")
    for fact in ("4 frames", "int32", "chunks 1×", "bitshuffle", "20 keV", "threshold 10 keV", "0.03 s"):
        assert fact in told[at + 1]


def test_a_missing_detector_file_is_seen(indexed: Path, run_line: RunLine) -> None:
    """At the place where it is missing."""
    told = run_line("show 50").out
    assert f"  partial at {indexed}: raw/CeO2/scan-0050.h5" in told
    assert "pilatus  missing  raw/CeO2/scan-0050_pilatus.h5" in told


def test_a_link_that_leads_outside_says_why(indexed: Path, run_line: RunLine) -> None:
    """Programs get state and problem apart."""
    (shown,) = run_line("show 50 -f json").json
    (link,) = shown["locations"][0]["links"]
    assert link["state"] == "missing"
    assert link["target"] == "raw/CeO2/scan-0050_pilatus.h5"
    assert set(link) == {"detector", "filename", "path", "target", "state", "problem"}
    assert shown["links"] == [link]


def test_integrated_patterns_are_shown_where_they_are(visit: Path, run_line: RunLine) -> None:
    """Bins, axis and layout in words, at the place that has them; programs get the letter of the layout."""
    run_line(["index", str(visit)])
    run_line("integrate 42 --bins 300 --unit q")
    run_line(["index", str(visit)])
    (shown,) = run_line("show 42 -f json").json
    (found,) = shown["integrated"]
    assert found["path"] == "process/azint/LaB6/scan-0042_pilatus_integrated.h5"
    assert (found["generation"], found["patterns"], found["bins"], found["unit"]) == ("C", 4, 300, "q")
    (line,) = [line for line in run_line("show 42").out.splitlines() if line.split()[:1] == ["integrated"]]
    assert line.endswith("scan-0042_pilatus_integrated.h5: 4 patterns, 300 bins, over q in 1/Å, laid out as NXazint")
    assert line.split()[1].startswith("process/")


def test_json_has_the_contract_first_and_all_there_is(indexed: Path, run_line: RunLine) -> None:
    """The keys of search, with links at each place."""
    (searched,) = run_line("search 44 -f json").json
    (shown,) = run_line("show 44 -f json").json
    assert list(shown)[: len(searched)] == list(searched)
    assert {key: value for key, value in searched.items() if key != "locations"}.items() <= shown.items()
    more = ["energy_origin", "temperature_origin", "links", "snapshot", "columns", "detector_files", "integrated"]
    assert set(more) <= set(shown)
    falcon, pilatus = shown["detector_files"]
    assert (falcon["detector"], pilatus["frames"], pilatus["dtype"]) == ("falconx", 4, "int32")
    assert shown["columns"]["pd_sam_x"]["min"] == pytest.approx(-0.4)


def test_channels_show_their_statistics(indexed: Path, run_line: RunLine) -> None:
    """First, least, greatest, mean and points, with unit and description beside where there is room."""
    told = run_line("show 44").out.splitlines()
    (at,) = [at for at, line in enumerate(told) if line.strip() == "motors and channels"]
    assert told[at + 1].split() == ["first", "min", "max", "mean", "points", "unit"]
    (motor,) = [line.split() for line in told[at:] if line.split()[:1] == ["pd_sam_x"] and len(line.split()) > 4]
    assert motor[:4] == ["pd_sam_x", "-0.4", "-0.4", "0.4"]
    assert any("I0, beam intensity before the sample" in line for line in told)


def test_infinities_of_a_channel_are_not_told_as_nan(visit: Path, run_line: RunLine) -> None:
    """They are counted together, and the count says so; the page about the catalogue tells what is kept of numbers."""
    with h5py.File(visit / "raw" / "LaB6" / "scan-0042.h5", "r+") as file:
        data = file["entry/instrument/dt/data"]
        data[0], data[1] = np.inf, np.nan
    run_line(["index", str(visit)])
    (line,) = [each for each in run_line("show 42").out.splitlines() if each.split()[:1] == ["dt"]]
    assert "4 (2 NaN or ±∞)" in line
    page = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text(encoding="utf-8")
    assert "2⁵³" in page
    assert "infinities" in page


@pytest.mark.parametrize("width", [80, 200])
def test_it_fits_the_terminal(width: int, indexed: Path, seen: Seen) -> None:
    """Descriptions go on below themselves; nothing is lost."""
    lines = seen("show 44", width=width).splitlines()
    # A path is not broken: it must stay one to copy.
    too_long = [line for line in lines if len(line) > width and "/" not in line]
    assert too_long == []
    together = " ".join(" ".join(lines).split())
    assert "sample to detector distance, Pilatus 2M" in together
    assert "I0, beam intensity before the sample" in together


def test_a_pipe_gets_whole_lines(indexed: Path, run_line: RunLine) -> None:
    """However narrow the terminal is that a person would have."""
    (line,) = [line for line in run_line("show 42").out.splitlines() if line.split()[:1] == ["ea_ppm3_1"]]
    assert line.endswith("if no calibration followed a change of configuration)")
    assert "\x1b" not in line


def test_names_stand_with_their_family() -> None:
    """Known families first, in their order; names that begin alike together; the rest at the end."""
    names = ["bpm1_x", "bpm2_x", "bpm3_x", "alone", "hex_x", "cryo_temp", "hdcm_energy", "two_a", "two_b"]
    groups = in_families(names, lambda name: name)
    assert groups == [
        ("energy and source", ["hdcm_energy"]),
        ("temperature", ["cryo_temp"]),
        ("hexapod", ["hex_x"]),
        ("bpm*", ["bpm1_x", "bpm2_x", "bpm3_x"]),
        ("others", ["alone", "two_a", "two_b"]),
    ]


def test_nothing_and_too_much_are_errors(indexed: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with what to do."""
    run_line("show 4711", exit_code=1)
    run_line("show 42 -f csv", exit_code=2)
    monkeypatch.setattr("danmax_sync.cli.commands.show._MOST", 5)
    assert "12 scans" in run_line("show 42-53", exit_code=2).err
