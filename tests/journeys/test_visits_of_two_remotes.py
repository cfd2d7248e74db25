"""Two visits at two remotes: each scan comes from the remote that has it, into the folder its visit went to before."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import RunLine

MASTERS = "raw/*/scan-*[0-9].h5"


@pytest.fixture
def two_visits(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> tuple[Path, Path]:
    """Give the remotes ``usb`` and ``nov``, each a visit of its own with a scan 42; return where they went before."""
    nov = tmp_path / "nov" / "20251234" / "2025112208"
    for name in ("scan-0042.h5", "scan-0042_pilatus.h5"):
        target = nov / "raw" / "LaB6" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder_remote / "raw" / "LaB6" / name, target)
    run_line(["remote", "add", "nov", str(nov)])
    run_line("index nov")
    return tmp_path / "usb-home", tmp_path / "nov-home"


def masters(home: Path) -> set[str]:
    """Return the names of the masters below raw."""
    return {path.name for path in home.glob(MASTERS)}


def test_each_scan_comes_from_the_remote_that_has_it(two_visits: tuple[Path, Path], run_line: RunLine) -> None:
    """No scan is at both, so nobody has to say from where; each visit goes where it went the last time."""
    at_usb, at_nov = two_visits
    run_line(["get", "43", "--to", str(at_usb)])
    # Where the second goes nobody has said yet: nothing moves, and the answer is what to type.
    ran = run_line("get 42", exit_code=2)
    assert "where to? nov was never fetched before" in ran.err
    assert "danmax-sync get 42 --from nov --to 2025112208" in ran.err
    assert masters(at_usb) == {"scan-0043.h5"}
    run_line(["get", "42", "--from", "nov", "--to", str(at_nov)])
    assert masters(at_usb) == {"scan-0043.h5"}
    ran = run_line("get 42 44 --dry-run")
    assert f"from nov into {at_nov}" in ran.out
    assert "2 sets, 5 files" in ran.out
    assert ran.out.endswith("; 1 here already\n")
    ran = run_line("get 42 44 --json")
    assert ran.summary["sets"]["complete"] == 3
    assert [event["event"] for event in ran.events].count("summary") == 1
    assert masters(at_usb) == {"scan-0042.h5", "scan-0043.h5", "scan-0044.h5"}
    assert masters(at_nov) == {"scan-0042.h5"}
    told = run_line("get 42").err
    assert str(at_usb) in told
    assert str(at_nov) in told


def test_one_folder_is_not_for_two_visits(two_visits: tuple[Path, Path], tmp_path: Path, run_line: RunLine) -> None:
    """Their trees would run into each other; the answer is what to type instead."""
    ran = run_line(["get", "42", "--to", "both"], exit_code=2)
    assert "at 2 remotes, nov, usb" in ran.err
    assert "danmax-sync get 42 --from nov --to both" in ran.err
    assert not Path("both").exists()


def test_a_remote_that_is_away_does_not_keep_the_other(two_visits: tuple[Path, Path], run_line: RunLine) -> None:
    """A disk that is unplugged is said to be, and the other visit comes; the exit code tells."""
    at_usb, at_nov = two_visits
    run_line(["get", "43", "--to", str(at_usb)])
    run_line(["get", "42", "--from", "nov", "--to", str(at_nov)])
    nov = at_nov.parent / "nov"
    nov.rename(nov.with_name("unplugged"))
    ran = run_line("get 42", exit_code=2)
    assert "nov: " in ran.err
    assert "scan-0042.h5" in masters(at_usb)


def test_the_sum_of_a_plan_leaves_out_what_is_left_out(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Sets that lack files, and those that are here, are no sets to fetch."""
    home = str(tmp_path / "home")
    assert "1 set, 6 files" in run_line(["get", "44", "50", "--to", home, "--dry-run"]).out
    ran = run_line(["get", "50", "--to", home, "--dry-run"])
    assert "no set to fetch; of the calibration 3 files and " in ran.out
    assert ran.out.endswith("; 1 left out\n")
    run_line(["get", "44", "--to", home])
    ran = run_line(["get", "44", "50", "42", "--dry-run"])
    assert "1 set, 2 files" in ran.out
    assert ran.out.endswith("to fetch; 1 here already, 1 left out\n")
    assert run_line("get 44 --dry-run").out.endswith("nothing to fetch; 1 here already\n")
    summary = json.loads(run_line("get 44 50 42 --dry-run --json").out.splitlines()[-1])
    assert summary["sets"] == {"planned": 2, "to_fetch": 1, "here": 1, "left_out": 1}
    assert summary["files"] == 2
