"""The demo: the main job as its users first see it, full size, in a process of its own."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from danmax_sync import settings
from danmax_sync.cli import story
from danmax_sync.errors import ExitCode
from danmax_sync.integration.patterns import Patterns, read_patterns
from danmax_sync.testing import visit as simulation
from danmax_sync.testing.globus import GlobusService
from tests.conftest import RunLine

PROGRAM = "import sys; from danmax_sync.cli import main; main(sys.argv[1:])"
LEFT_OUT = 53
FETCHED = (50, 51, 52, 54, 55)


def demo(folder: Path, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo as a user would, with a home of their own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DANMAX_SYNC_")}
    environment = own | {"HOME": str(home), "DANMAX_SYNC_HOME": str(home / "mine"), "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "demo", str(folder), *words],
        capture_output=True, text=True, check=False, timeout=240, env=environment, cwd=home,
    )  # fmt: skip


def contents(folder: Path) -> dict[str, str]:
    """Return a hash of each file of a folder, without what libraries keep for themselves."""
    files = (path for path in folder.rglob("*") if path.is_file() and "matplotlib" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """Make a user who has settings, a catalogue, a remote and an ssh_config."""
    home = tmp_path / "user"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text("Host facility\n  HostName sftp.maxiv.lu.se\n")
    (home / ".ssh" / "known_hosts").write_text("")
    (home / "mine").mkdir()
    (home / "mine" / "remotes.json").write_text('{"facility": "sftp://me@sftp.maxiv.lu.se/data"}')
    (home / "mine" / "catalogue.db").write_bytes(b"not to be touched")
    return home


def test_the_demo_walks_the_whole_way_and_walks_it_again(tmp_path: Path, user: Path, run_line: RunLine) -> None:
    """Events, then the story: search, complete sets home, patterns and a picture; again, it moves nothing."""
    before = contents(user)
    folder = tmp_path / "demo"
    first = demo(folder, "--json", home=user)
    assert first.returncode == 0, first.stderr
    assert "Traceback" not in first.stderr
    assert "Warning" not in first.stderr
    summary = check_events(first.stdout)
    check_summary(summary, folder)
    check_home(folder / "visit")
    check_catalogue(folder, run_line)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < 2e9
    assert contents(user) == before

    files = {path: path.stat().st_mtime_ns for path in (folder / "visit").rglob("*") if path.is_file()}
    again = demo(folder, home=user)
    assert again.returncode == 0, again.stderr
    check_story(again.stdout + again.stderr)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert contents(user) == before


def check_events(text: str) -> dict[str, Any]:
    """Check that each line is an event, steps are done in order, and the summary is the last and only one."""
    events = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(event["event"], str) for event in events)
    names = [event["event"] for event in events]
    assert names.count("summary") == 1
    assert names[-1] == "summary"
    steps = [event["step"] for event in events if event["event"] == "step"]
    assert steps == list(range(1, len(steps) + 1))
    done = {event["name"]: event["exit_code"] for event in events if event["event"] == "step_done"}
    assert list(done) == ["simulate", "remote", "index", "search", "get", "verify", "integrate", "plot"]
    assert {name: code for name, code in done.items() if code} == {"get": ExitCode.SOURCE}
    left_out = [event for event in events if event.get("state") == "skipped"]
    assert [event["scan"] for event in left_out] == [f"scan {LEFT_OUT}"]
    assert f"scan-00{LEFT_OUT}_pilatus.h5" in json.dumps(left_out)
    last: dict[str, Any] = events[-1]
    return last


def check_summary(summary: dict[str, Any], folder: Path) -> None:
    """Check that the summary tells places, and each step's own summary."""
    assert Path(summary["visit"]) == folder / "visit"
    results = summary["results"]
    assert results["index"]["scans"] >= 12
    assert results["index"]["problems"] == 0
    assert (results["get"]["sets"]["complete"], results["get"]["sets"]["failed"]) == (len(FETCHED), 0)
    assert (results["verify"]["ok"], results["verify"]["failed"]) == (len(FETCHED), 0)
    assert (results["integrate"]["scans"], results["integrate"]["frames"]) == (len(FETCHED), 30)
    with Image.open(summary["picture"]) as picture:
        assert picture.format == "PNG"
        assert picture.width >= 1000
    print(f"demo: {summary['seconds']} s")  # noqa: T201 - a figure that the documentation quotes: pytest -rP


def check_home(home: Path) -> None:
    """Check that no master is without its files, links open their siblings, and each set has its pattern."""
    masters = sorted(home.glob("raw/*/scan-????.h5"))
    assert [int(path.stem[5:]) for path in masters] == list(FETCHED)
    assert {path.parent.name for path in masters} == {"CeO2"}
    for master in masters:
        with h5py.File(master) as file:
            instrument = file["entry/instrument"]
            links = {name: instrument.get(name, getlink=True) for name in instrument}
            names = [name for name, link in links.items() if isinstance(link, h5py.ExternalLink)]
            assert "pilatus" in names
            for name in names:
                assert instrument[name]["data"].file.filename == str(master.with_name(f"{master.stem}_{name}.h5"))
            assert instrument["pilatus/data"].shape == (6, 1679, 1475)
    assert not [path for path in home.rglob("*") if "part" in path.name]
    patterns = [read_patterns(path) for path in sorted(home.glob("process/azint/CeO2/*_integrated.h5"))]
    assert len(patterns) == len(FETCHED)
    temperatures = [float(np.mean(each.temperature_k)) for each in patterns if each.temperature_k is not None]
    assert temperatures == sorted(temperatures)
    assert 300 < temperatures[0] < temperatures[-1] < 450
    # Heated, the lattice grows: the outer rings move to smaller angles from scan to scan.
    centres = [_ring(each) for each in patterns]
    assert centres == sorted(centres, reverse=True)
    assert centres[0] - centres[-1] == pytest.approx(0.0235, abs=0.005)


def _ring(patterns: Patterns) -> float:
    """Return where CeO2's (331) is, by its centre of mass."""
    window = np.abs(patterns.radial - 16.39) < 0.15
    mean = np.asarray(patterns.intensity[:, window].mean(axis=0, dtype=np.float64))
    above = np.clip(mean - np.median(mean), 0, None)
    return float((patterns.radial[window] * above).sum() / above.sum())


def check_catalogue(folder: Path, run_line: RunLine) -> None:
    """Look around in the demo's catalogue: three samples, two energies, one incomplete scan."""
    where = ["--catalogue", str(folder / "settings" / "catalogue.db"), "search", "-f", "json"]
    scans = run_line(where).json
    assert len(scans) >= 12
    assert {scan["sample"] for scan in scans} == {"LaB6", "Si", "CeO2"}
    assert {round(scan["energy_kev"]) for scan in scans} == {20, 35}
    assert [scan["scan"] for scan in scans if scan["state"] != "complete"] == [LEFT_OUT]


def check_story(text: str) -> None:
    """Check that the story shows each command, says what is left out, and that nothing had to move."""
    for command in (
        "$ danmax-sync remote add facility sftp://",
        "$ danmax-sync index facility",
        "$ danmax-sync search sample:CeO2 temperature:300..450",
        "$ danmax-sync get sample:CeO2 temperature:300..450 --from facility --to ",
        "$ danmax-sync verify ",
        "Its server has ended with the demo",
        "$ danmax-sync integrate sample:CeO2",
        "$ danmax-sync plot sample:CeO2",
    ):
        assert command in text
    assert f"scan {LEFT_OUT}" in text
    assert f"scan-00{LEFT_OUT}_pilatus.h5 is missing" in text
    assert "One-time code: " in text
    assert "0 files, 0 B" in text
    assert "0 frames integrated, 30 done before" in text
    assert "Done in " in text
    assert "waterfall.png" in text
    assert "\x1b[" not in text


def test_a_folder_of_someone_else_is_refused_and_untouched(tmp_path: Path, user: Path) -> None:
    """A folder that holds anything else: 2, a sentence with a hint, and not a byte changed in it."""
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("one")
    before = contents(folder), contents(user)
    for words in ((), ("--json",)):
        ran = demo(folder, *words, home=user)
        assert ran.returncode == ExitCode.USAGE
        assert "holds other things" in ran.stderr
        assert "danmax-sync demo DIR" in ran.stderr
        assert (contents(folder), contents(user)) == before


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the demo's visit of small frames, where only its course matters."""
    monkeypatch.setattr(simulation, "simulate_visit", partial(simulation.simulate_visit, small=True))


@pytest.mark.parametrize("as_json", [True, False])
def test_ctrl_c_in_a_step_stops_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    """Stopped while a step runs it ends as stopped, and the surroundings are the user's again."""
    small(monkeypatch)
    before = dict(os.environ)
    with pytest.raises(KeyboardInterrupt):
        story.tell_story(tmp_path / "demo", as_json=as_json, run=lambda _: int(ExitCode.STOPPED))
    assert dict(os.environ) == before


def test_a_step_that_fails_ends_the_demo_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step's failure is the demo's: its exit code, which command it was, and what to do."""
    small(monkeypatch)
    monkeypatch.setenv(settings.CATALOGUE_VARIABLE, "mine.db")
    with pytest.raises(SystemExit) as ended:
        story.tell_story(tmp_path / "demo", as_json=False, run=lambda _: int(ExitCode.CATALOGUE))
    assert ended.value.code == ExitCode.CATALOGUE
    assert "step `danmax-sync remote add" in capsys.readouterr().err
    assert os.environ[settings.CATALOGUE_VARIABLE] == "mine.db"


@pytest.mark.parametrize(("variable", "dressed"), [("TERM=xterm", True), ("TERM=dumb", False), ("NO_COLOR=1", False)])
def test_a_terminal_sees_headings_and_no_codes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    dressed: bool,
) -> None:
    """A step is bold, what is typed has a colour; the terminal is told so, and nobody reads how."""
    small(monkeypatch)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(*variable.split("="))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(KeyboardInterrupt):
        story.tell_story(tmp_path / "demo", as_json=False, run=lambda _: int(ExitCode.STOPPED))
    told = capsys.readouterr().err
    assert "u001b" not in told
    # Other orders to the terminal are those of the progress bar.
    assert ["\x1b[1m1." in told, "\x1b[36m  three samples" in told] == [dressed, dressed]


def test_a_demo_that_was_stopped_goes_on_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stopped demo left, half a visit at home even, is no obstacle to the next one in that folder."""
    from danmax_sync.cli.entry import run

    small(monkeypatch)
    folder = tmp_path / "demo"

    def stopping(words: Any) -> int:
        return int(ExitCode.STOPPED) if words[0] == "verify" else run(words)

    with pytest.raises(KeyboardInterrupt):
        story.tell_story(folder, as_json=True, run=stopping)
    shutil.rmtree(folder / "visit" / "process")
    story.tell_story(folder, as_json=True, run=run)
    assert len(list(folder.glob("visit/process/azint/CeO2/*.h5"))) == len(FETCHED)
    assert (folder / "waterfall.png").stat().st_size > 20_000


def test_the_demo_over_globus_walks_the_whole_way_and_leaves_the_home_alone(
    tmp_path: Path, own_home: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login in a browser, tasks, complete sets, patterns and a picture; the other demo takes another folder."""
    folder, before, tasks = tmp_path / "demo", dict(os.environ), list[int]()
    close = GlobusService.close

    def counted(self: GlobusService) -> None:
        tasks.append(len(self.tasks.all))
        close(self)

    monkeypatch.setattr(GlobusService, "close", counted)
    ran = run_line(["demo", "--globus", str(folder), "--json"])
    done = {event["name"]: event["exit_code"] for event in ran.events if event["event"] == "step_done"}
    assert list(done) == ["simulate", "remote", "login", "index", "search", "get", "verify", "integrate", "plot"]
    assert {name: code for name, code in done.items() if code} == {"get": ExitCode.SOURCE}
    results = ran.summary["results"]
    assert results["get"]["sets"] == {"complete": len(FETCHED), "partial": 0, "failed": 0, "skipped": 1}
    assert (results["verify"]["ok"], results["integrate"]["scans"]) == (len(FETCHED), len(FETCHED))
    files = {str(path.relative_to(folder / "visit")) for path in (folder / "visit" / "raw").rglob("*.h5")}
    assert {f"raw/CeO2/scan-{number:04d}.h5" for number in FETCHED} <= files
    assert not [name for name in files if str(LEFT_OUT) in name]
    assert tasks == [1]
    assert (folder / "waterfall.png").is_file()
    assert not list(own_home.rglob("*globus*"))
    assert dict(os.environ) == before
    assert "holds other things" in run_line(["demo", str(folder)], exit_code=2).err
