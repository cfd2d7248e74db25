"""Numbers of scans begin anew in each visit: what is alike is told apart."""

from pathlib import Path

import pytest

from tests.cli.conftest import Seen
from tests.conftest import RunLine
from tests.scanfile.writing import write_master


@pytest.fixture
def two(tmp_path: Path, own_home: Path, run_line: RunLine) -> list[Path]:
    """Index two visits with a scan 42 each, the second at a remote."""
    folders = [tmp_path / "20251234" / visit for visit in ("2025110208", "2025110900")]
    for at, folder in enumerate(folders):
        start = f"2025-11-{2 + at:02d}T09:00:00+01:00"
        write_master(folder / "raw" / "Si" / "scan-0042.h5", start=start)
        write_master(folder / "raw" / "Si" / f"scan-{50 + at:04d}.h5", start=start)
    run_line(["index", str(folders[0])])
    run_line(["remote", "add", "usb", str(folders[1])])
    run_line("index usb")
    return folders


def test_a_list_of_several_visits_names_them(two: list[Path], run_line: RunLine, seen: Seen) -> None:
    """One of a single visit need not; where is what stays in a narrow terminal."""
    head, *rows = run_line("search 42").out.splitlines()
    assert [row.split("\t")[1] for row in (head, *rows)] == ["visit", "2025110208", "2025110900"]
    assert "visit" not in run_line("search 42 visit:2025110208").out
    told = seen("search", width=80)
    assert {"visit", "where", "state"} <= set(told.splitlines()[0].split())
    assert "not shown at this width: " in told


def test_the_hint_names_one_of_them_alone(two: list[Path], run_line: RunLine) -> None:
    """As it can be typed."""
    for line in ("diff 42 50", "notebook 42"):
        said = run_line(line, exit_code=2).err
        assert "scan 42 (2025110208), scan 42 (2025110900)" in said
        assert "42 visit:2025110900" in said
    assert run_line("search 42 visit:2025110900 --count").out == "1\n"


def test_what_is_here_is_preferred_where_only_that_can_be_used(two: list[Path], run_line: RunLine) -> None:
    """The other visit's scan of the same number is named as left out."""
    said = run_line("calibrate 42", exit_code=None).err
    assert "1 of 2 scans is not on this disk" in said
    assert "that is 2 scans" not in said


def test_a_folder_narrows_what_is_verified(two: list[Path], run_line: RunLine) -> None:
    """Scans in a folder: neither those elsewhere nor the folder's others."""
    run_line(["index", str(two[1])])
    ran = run_line(["verify", str(two[0]), "scan:42", "--json"], exit_code=6)
    assert [event["path"] for event in ran.events if event["event"] == "set"] == ["raw/Si/scan-0042.h5"]
    said = run_line(["verify", str(two[0]), "scan:51"], exit_code=1).err
    assert f"none of these scans is in {two[0]}" in said


def test_a_destination_one_folder_too_deep_is_noticed(two: list[Path], run_line: RunLine, tmp_path: Path) -> None:
    """Before anything is fetched: the source's own raw would stand below it."""
    said = run_line(["get", "51", "--to", str(tmp_path / "raw"), "--dry-run"], exit_code=None).err
    assert f"files go to {tmp_path / 'raw' / 'raw'}/…" in said
    assert f"--to {tmp_path}" in said
    assert "files go to" not in run_line(["get", "51", "--to", str(tmp_path / "home"), "--dry-run"], exit_code=None).err
