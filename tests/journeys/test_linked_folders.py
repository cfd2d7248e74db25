"""Folders of a destination that its user has put on another disk, and linked."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunLine

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a destination whose ``raw`` is on a larger disk."""
    (tmp_path / "large").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "raw").symlink_to(tmp_path / "large")
    return tmp_path / "home"


def test_raw_on_another_disk_is_fetched_into_verified_and_indexed(
    folder_remote: Path, home: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """The user's own link is as good as a folder for every command."""
    run_line(["get", "42-44", "--from", "usb", "--to", str(home)])
    assert (tmp_path / "large" / "LaB6" / "scan-0042.h5").is_file()
    assert "3 sets: 3 ok" in run_line(["verify", str(home)]).err
    assert run_line(["verify", str(home), "--json"]).summary["ok"] == 3
    ran = run_line(["index", str(home), "--json"])
    assert [event["message"] for event in ran.events if event["event"] == "warning"] == []
    assert (ran.summary["scans"], ran.summary["missing"]) == (3, 0)
    # What came there by another way is found as well.
    master = tmp_path / "large" / "LaB6" / "scan-0042.h5"
    for path in (*master.parent.glob("scan-0042_*.h5"), master):
        path.unlink()
    assert run_line(["index", str(home), "--json"]).summary["missing"] == 1
    assert "1 complete (0 here already)" in run_line(["get", "42", "--from", "usb", "--to", str(home)]).err


def test_verify_enters_a_linked_sample_and_no_circle(
    folder_remote: Path, home: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """A link to a folder that it is in leads nowhere new, which is said once."""
    run_line(["get", "42-44", "--from", "usb", "--to", str(home)])
    shutil.move(tmp_path / "large" / "LaB6", tmp_path / "elsewhere")
    (tmp_path / "large" / "LaB6").symlink_to(tmp_path / "elsewhere")
    circles = {tmp_path / "elsewhere" / "up": home, tmp_path / "elsewhere" / "all": Path("/")}
    for link, to in circles.items():
        link.symlink_to(to)
    ran = run_line(["verify", str(home)])
    assert "3 sets: 3 ok" in ran.err
    assert ran.err.count("is a link to a folder that it is in, and is not followed") == len(circles)


def test_a_link_whose_disk_is_away_is_named_before_a_byte_moves(
    folder_remote: Path, home: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """One sentence for all sets behind it, code 3, and nothing is made where the disk should be."""
    (tmp_path / "large").rmdir()
    ran = run_line(["get", "42-44", "--from", "usb", "--to", str(home), "--no-calibration"], exit_code=3)
    assert f"{home / 'raw'} is a link to {tmp_path / 'large'}, and nothing is there: is its disk connected?" in ran.err
    assert "scans 42-44 skipped" in ran.err
    assert "0 files, 0 B" in ran.err
    assert not (tmp_path / "large").exists()
    (tmp_path / "large").mkdir()
    run_line(["get", "42-44", "--from", "usb", "--to", str(home)])


def test_a_link_that_leads_nowhere_in_a_file_s_place(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Its name is taken: that set is left out before anything of it travels, and the link stays."""
    link = tmp_path / "home" / "raw" / "LaB6" / "scan-0042_pilatus.h5"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "nowhere")
    ran = run_line(["get", "42-43", "--from", "usb", "--to", str(tmp_path / "home"), "--json"], exit_code=6)
    assert [event["path"] for event in ran.events if event["event"] == "file" and "scan-0042" in event["path"]] == []
    (why,) = [event["message"] for event in ran.events if event["event"] == "set" and event["state"] == "failed"]
    assert f"{link} is in the way: a link that leads nowhere here" in why
    assert link.is_symlink()
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on another disk than the tests' own."""
    shared = Path("/dev/shm")  # noqa: S108 - on Linux always a disk of its own
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one disk here")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def test_room_is_looked_for_where_files_go(
    folder_remote: Path, other_disk: Path, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small disk with a link to a large one takes what the large one has room for; the full one is named."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "raw").symlink_to(other_disk)
    full, asked = {home}, shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda at: asked(at)._replace(free=0 if at in full else 1 << 40))
    get = ["get", "42", "--from", "usb", "--to", str(home), "--no-calibration"]
    run_line(get)
    get[1] = "43"
    full = {home / "raw" / "LaB6"}
    assert f"{home / 'raw' / 'LaB6'} has 0.0 MB free" in run_line(get, exit_code=3).err
