"""A remote that is removed leaves nothing behind in lists, and takes nothing of the user's along."""

import sys
from pathlib import Path

import pytest

from danmax_sync.transfer.journal import Journal, UnfinishedSet
from tests.conftest import RunLine
from tests.scanfile.writing import write_master


@pytest.fixture
def visit(tmp_path: Path, own_home: Path, run_line: RunLine) -> Path:
    """Index a visit of two scans as the remote ``usb``; of a third file nothing can be read."""
    folder = tmp_path / "20251234" / "2025110208"
    for number in (42, 43):
        write_master(folder / "raw" / "Si" / f"scan-{number:04d}.h5", title=f"timescan {number} 1 1")
    (folder / "raw" / "Si" / "scan-0099.h5").write_bytes(b"no HDF5")
    run_line(["remote", "add", "usb", str(folder)])
    run_line("index usb")
    return folder


def test_a_folder_too_high_is_noticed_and_goes_without_a_trace(visit: Path, run_line: RunLine) -> None:
    """Said when it is added and when it is indexed; afterwards all is as it was before."""
    before = run_line("search -f json").json
    said = run_line(["remote", "add", "high", str(visit.parent)]).err
    assert "high holds usb" in said
    assert "remote remove high" in said
    said = run_line("index high").err
    assert "high holds usb, which was indexed before" in said
    assert "high" in run_line("search -c where").out
    said = run_line("remote remove high").err
    assert "1 scan known only there left the catalogue" in said
    assert run_line("search -f json").json == before
    assert {row["root"] for row in run_line("problems -f json").json} == {"usb"}


def test_what_was_said_of_scans_waits_for_their_return(visit: Path, run_line: RunLine) -> None:
    """The files are not touched, the message says how to have the scans back, and what is unfinished goes as well."""
    run_line("tag add 42 good")
    files = sorted(path for path in visit.rglob("*"))
    with Journal.open() as journal:
        journal.keep_unfinished([UnfinishedSet(str(visit), "raw/x.h5", "usb", "scan 42", "failed", "", "", 1)])
    said = run_line("remote remove usb").err
    assert "3 scans known only there left the catalogue; what you said of 1 is kept" in said
    assert run_line("search", exit_code=1).out == ""
    assert run_line("problems").err.startswith("no problems")
    assert run_line("status --json").json["unfinished"] == []
    assert sorted(visit.rglob("*")) == files
    run_line(["remote", "add", "usb", str(visit)])
    run_line("index usb")
    assert run_line("search tag:good -f ids").out == "42\n"


def test_scans_that_are_here_too_stay(visit: Path, run_line: RunLine) -> None:
    """With the state that they have here."""
    run_line(["index", str(visit)])
    run_line("remote remove usb")
    assert {place["root"] for scan in run_line("search -f json").json for place in scan["locations"]} == {str(visit)}


def test_what_is_known_may_stay(visit: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As asked for; or a person is asked, and says no. What stayed can be removed later."""
    monkeypatch.setattr(sys, "stdin", type("Person", (), {"isatty": lambda _: True, "readline": lambda _: "n\n"})())
    assert "3 scans known only at usb" in run_line("remote remove usb", exit_code=130).err
    assert run_line("remote list -f ids").out == "usb\n"
    run_line("remote remove usb --keep")
    assert run_line("search --count").out == "3\n"
    run_line("remote remove usb --yes")
    run_line("search", exit_code=1)
    run_line("remote remove usb", exit_code=2)
