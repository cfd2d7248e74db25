"""What scans recorded, and what two of them differ in, at the command line."""

from pathlib import Path

import pytest

from tests.cli.conftest import Seen
from tests.conftest import RunLine

pytestmark = pytest.mark.usefixtures("indexed")


def test_fields_tell_unit_range_and_description(run_line: RunLine) -> None:
    """Over all scans, or those of a query."""
    named = {each["name"]: each for each in run_line("fields -f json").json}
    energy = named["hdcm_energy"]
    assert list(energy) == ["name", "origin", "unit", "description", "scans", "least", "greatest", "texts"]
    assert (energy["unit"], energy["scans"]) == ("keV", 12)
    assert energy["least"] == pytest.approx(20, abs=0.1)
    assert energy["greatest"] == pytest.approx(35, abs=0.1)
    assert named["fast_shutter"]["texts"] == ["open"]
    some = {each["name"]: each for each in run_line("fields LaB6 energy:35 -f json").json}
    assert some["hdcm_energy"]["scans"] == 2
    assert some["hdcm_energy"]["least"] > 34


def test_fields_that_vary(run_line: RunLine) -> None:
    """Constants are left out; a tolerance leaves out what only trembles."""
    every = run_line("fields -f ids").out.split("\n")
    varying = run_line("fields --varying -f ids").out.split("\n")
    steady = run_line("fields --varying --tolerance 0.1 -f ids").out.split("\n")
    assert "fast_shutter" in every
    assert "fast_shutter" not in varying
    assert "ea_ppm3_1" in varying
    assert "ea_ppm3_1" not in steady
    assert "hdcm_energy" in steady


def test_one_scan_varies_in_nothing(run_line: RunLine) -> None:
    """It is said, and is no failure."""
    ran = run_line("fields 42 --varying")
    assert ran.out == ""
    assert "differ in nothing" in ran.err
    assert run_line("fields 42 --varying -f json").json == []


def test_a_list_that_goes_on_says_so(seen: Seen) -> None:
    """At a terminal, when -n lets only some of it through, and only then."""
    assert seen("fields -n 3").splitlines()[-1].endswith(" names, the first 3 of them shown")
    assert "of them shown" not in seen("fields -n 5000")
    assert seen("diff 42 44 -n 2").splitlines()[-1].endswith(" differences, the first 2 of them shown")


def test_fields_of_no_scan(run_line: RunLine) -> None:
    """The query is to blame, as in search."""
    run_line("fields temperature:1..2", exit_code=1)


@pytest.mark.parametrize("line", ["fields", "fields --varying", "diff 42 44"])
@pytest.mark.parametrize("width", [80, 200])
def test_they_fit_the_terminal(line: str, width: int, seen: Seen) -> None:
    """What wraps goes on below."""
    assert [each for each in seen(line, width=width).splitlines() if len(each) > width] == []


def test_diff_shows_both_values_and_the_difference(run_line: RunLine) -> None:
    """Facts and the snapshot, in the order of the arguments."""
    there = {each["name"]: each for each in run_line("diff 42 44 -f json").json}
    back = {each["name"]: each for each in run_line("diff 44 42 -f json").json}
    energy = there["energy"]
    assert list(energy) == ["name", "origin", "left", "right", "difference", "unit"]
    assert energy["difference"] == pytest.approx(-15, abs=0.1)
    assert energy["unit"] == "keV"
    assert back["energy"]["difference"] == -energy["difference"]
    assert "sample" not in there
    assert there["macro"]["left"] == "timescan"
    assert there["hdcm_energy"]["origin"] == "snapshot"
    head = run_line("diff 42 44").out.splitlines()[0]
    assert head.split("\t") == ["name", "origin", "scan 42", "scan 44", "difference", "unit"]


def test_diff_with_a_tolerance(run_line: RunLine) -> None:
    """What trembles is left out."""
    names = run_line("diff 42 44 --tolerance 0.01 -f ids").out.split("\n")
    assert "hdcm_energy" in names
    assert "ea_ppm3_1" not in names
    assert "ea_ppm3_1" in run_line("diff 42 44 -f ids").out.split("\n")


def test_a_scan_and_itself(run_line: RunLine) -> None:
    """Nothing differs, which is no failure."""
    ran = run_line("diff 42 42")
    assert (ran.out, ran.err) == ("", "scan 42 and scan 42 do not differ\n")
    assert run_line("diff 42 42 -f json").json == []


def test_diff_wants_one_scan_on_each_side(run_line: RunLine) -> None:
    """Any query that means one; else the scans it means are named."""
    assert run_line(["diff", "sample:LaB6 macro:ascan", "42", "-f", "json"]).json
    told = run_line("diff 42 LaB6", exit_code=2).err
    assert "'LaB6' means 3 scans, not one: scan 42 (LaB6), scan 43 (LaB6), scan 44 (LaB6)" in told
    run_line("diff 42 4711", exit_code=1)


def test_the_catalogue_is_not_changed(indexed: Path, run_line: RunLine) -> None:
    """Asking is only asking."""
    before = run_line("search -f json").out
    run_line("fields")
    run_line("diff 42 43")
    assert run_line("search -f json").out == before
