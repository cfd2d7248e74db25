"""What programs may rely on: keys, events, formats, exit codes and pipes."""

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import RunLine
from tests.journeys.places import DANMAX_SYNC

SCAN_KEYS = [
    "scan", "entry", "proposal", "visit", "sample", "path", "title", "macro", "start_time", "end_time", "energy_kev",
    "temperature_k", "temperature_min_k", "temperature_max_k", "points", "detectors", "state", "locations",
]  # fmt: skip


def test_search_as_json_has_just_the_keys_of_the_contract(folder_remote: Path, run_line: RunLine) -> None:
    """All of them in every scan, also where the value is null; times in UTC."""
    scans = run_line("search -f json").json
    assert [list(scan) for scan in scans] == [SCAN_KEYS] * 4
    by_number = {scan["scan"]: scan for scan in scans}
    assert by_number[43]["temperature_k"] is None
    assert by_number[44]["detectors"] == ["falconx", "pilatus"]
    assert by_number[42]["start_time"].endswith("Z")
    assert by_number[42]["proposal"] == "20251234"
    assert by_number[42]["locations"] == [{"root": "usb", "path": "raw/LaB6/scan-0042.h5", "state": "complete"}]
    assert by_number[42]["energy_kev"] == pytest.approx(34.9988, abs=0.01)
    lines = run_line("search -f jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == scans


@pytest.mark.parametrize(("form", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_search_as_a_sheet(form: str, delimiter: str, folder_remote: Path, run_line: RunLine) -> None:
    """The same keys as columns; a title with the delimiter in it stays one cell."""
    rows = list(csv.DictReader(io.StringIO(run_line(f"search -f {form}").out), delimiter=delimiter))
    assert [list(row) for row in rows] == [SCAN_KEYS] * 4
    scans = run_line("search -f json").json
    assert [row["title"] for row in rows] == [scan["title"] for scan in scans]
    assert [row["detectors"] for row in rows] == [";".join(scan["detectors"]) for scan in scans]
    assert rows[1]["temperature_k"] == ""


def test_search_as_paths_and_ids(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Paths are those on this disk where the scan is here, else URIs; ids are what every verb takes."""
    assert run_line("search 42 -f paths").out == f"{folder_remote.as_uri()}/raw/LaB6/scan-0042.h5\n"
    assert run_line("search LaB6 -f ids").out == "42\n43\n44\n"
    home = tmp_path / "home"
    run_line(["get", "42", "--from", "usb", "--to", str(home)])
    master = home / "raw" / "LaB6" / "scan-0042.h5"
    assert run_line("search 42 -f paths").out == f"{master}\n"
    master.unlink()
    run_line(["index", str(home)])
    assert run_line("search 42 -f paths").out == f"{folder_remote.as_uri()}/raw/LaB6/scan-0042.h5\n"


def test_search_can_be_counted_and_limited(folder_remote: Path, run_line: RunLine) -> None:
    """``-c`` is a bare number, ``-n`` the first so many."""
    assert run_line("search --count").out == "4\n"
    assert [scan["scan"] for scan in run_line("search -n 2 -f json").json] == [42, 43]


def test_queries_of_the_issue(folder_remote: Path, run_line: RunLine) -> None:
    """Ranges on energy and temperature, sample and free text, as query or as options."""
    for line in (
        "search energy:34.9..35.1 temperature:290..300",
        "search --energy 34.9..35.1 --temperature 290..300",
        "search --sample LaB6 energy:35 temperature:*",
    ):
        assert [scan["scan"] for scan in run_line(f"{line} -f json").json] == [42]
    assert run_line("search ascan -f ids").out == "44\n"
    assert run_line("search sample:CeO2 -f ids").out == "50\n"


def test_a_table_that_is_read_by_a_program_is_plain_and_whole(folder_remote: Path, run_line: RunLine) -> None:
    """Tabs, one line a scan, nothing cut, nothing drawn."""
    head, *rows = run_line("search").out.splitlines()
    assert head.split("\t") == ["scan", "sample", "title", "start", "keV", "K", "points", "state", "where"]
    assert [row.split("\t")[0] for row in rows] == ["42", "43", "44", "50"]
    titles = [scan["title"] for scan in run_line("search -f json").json]
    assert [row.split("\t")[2] for row in rows] == titles
    assert not any(mark in row for row in rows for mark in ("…", "\x1b", "│", "━"))


def test_show_as_json(folder_remote: Path, run_line: RunLine) -> None:
    """The keys of search, and besides where values come from, links, snapshot, columns, and what was said of it."""
    (shown,) = run_line("show 44 -f json").json
    more = "exposure_s energy_origin temperature_origin links detector_files integrated snapshot columns"
    more += " folder tags notes log"
    assert list(shown) == [*SCAN_KEYS, *more.split()]
    assert {link["filename"] for link in shown["links"]} == {"scan-0044_falconx.h5", "scan-0044_pilatus.h5"}
    assert shown["energy_origin"] == "hdcm_E"
    assert shown["snapshot"]["hdcm_energy"]["value"] == pytest.approx(20.0013, abs=0.01)
    run_line("show 44 -f csv", exit_code=2)


def test_events_and_summaries(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Every line is an object with ``event``, the last one is the summary, and it has its keys."""
    home = str(tmp_path / "home")
    lines = {
        "index": (["index", "usb"], 0, {"scans", "new", "changed", "unchanged", "missing", "problems", "seconds"}),
        "get": (["get", "--from", "usb", "--to", home], 5, {"sets", "files", "bytes", "seconds"}),
        "again": (["get", "--from", "usb", "--to", home], 5, {"sets", "files", "bytes", "seconds"}),
        "verify": (["verify", home], 0, {"sets", "ok", "failed"}),
    }
    for words, code, keys in lines.values():
        ran = run_line([*words, "--json"], exit_code=code)
        assert all(isinstance(event.get("event"), str) for event in ran.events)
        assert [event["event"] for event in ran.events].count("summary") == 1
        assert keys <= set(ran.summary)
        assert ran.err == ""
    assert set(ran.summary) <= {"event", "sets", "ok", "failed", "levels", "seconds"}
    got = run_line(["get", "--from", "usb", "--to", str(tmp_path / "other"), "--json"], exit_code=5)
    assert got.summary["sets"] == {"complete": 3, "partial": 0, "failed": 0, "skipped": 1}
    progress = [event for event in got.events if event["event"] == "progress"]
    assert all({"stage", "done", "total", "unit"} <= set(event) for event in progress)
    assert progress[-1]["done"] == progress[-1]["total"] == got.summary["bytes"]


def test_data_go_to_stdout_and_words_to_stderr(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """What a person is told is not in the way of a pipe."""
    ran = run_line(["get", "42", "--from", "usb", "--to", str(tmp_path / "home")])
    assert ran.out == ""
    assert "sets: 1 complete" in ran.err
    assert run_line("remote list -f ids").out == "usb\n"


@pytest.mark.parametrize("words", [["search", "-f", "json"], ["show", "42"], ["--help"], ["get", "--help"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_nothing_to_talk_about(
    words: list[str], unbuffered: str, folder_remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``| head``: silence, and no failure."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    assert _to_a_closed_pipe(words) == (0, "")


def test_a_get_whose_events_nobody_reads_is_not_done(folder_remote: Path, tmp_path: Path) -> None:
    """It stops, says so on stderr, and what is there is whole."""
    words = ["get", "42", "--from", "usb", "--to", str(tmp_path / "home"), "--json"]
    code, told = _to_a_closed_pipe(words)
    assert code == 3
    assert told.startswith("error: nobody reads the events any more")


def _to_a_closed_pipe(words: list[str]) -> tuple[int, str]:
    with subprocess.Popen(
        [*DANMAX_SYNC, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
    return process.returncode, told


def test_the_catalogue_can_be_another(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """By option or by environment; the user's own is not touched."""
    other = str(tmp_path / "other.db")
    run_line(["--catalogue", other, "index", str(folder_remote / "raw" / "CeO2")])
    assert run_line(["--catalogue", other, "search", "-f", "ids"]).out == "50\n"
    assert run_line("search --count").out == "4\n"
    nowhere = tmp_path / "not" / "here.db"
    for line in ("search", "status", "verify", "tag list", "db upgrade", "get 50"):
        run_line(["--catalogue", str(nowhere), *line.split()], exit_code=8)
    assert not nowhere.parent.exists()
    run_line(["--catalogue", other, "db", "check"])
    run_line(["--catalogue", other, "db", "upgrade"])
    run_line(["--catalogue", other, "db", "backup"])
    assert list(tmp_path.glob("other.db*backup*"))
