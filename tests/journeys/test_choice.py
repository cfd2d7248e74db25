"""What to take of what was found, what stands where, and a visit that is followed while it runs."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.events import Event
from danmax_sync.query.search import search
from danmax_sync.sources.folder import FolderSource
from danmax_sync.transfer.following import Follower
from danmax_sync.transfer.lock import only_one
from tests.conftest import RunLine
from tests.journeys.places import DANMAX_SYNC, age, check_invariant, needs_of, parts, tree


def names(home: Path) -> set[str]:
    """Return the names of the files below raw."""
    return {path.name for path in (home / "raw").rglob("*.h5")}


def test_only_some_detectors(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Names and globs, only these or not those; '*' leaves the masters alone."""
    get = ["get", "44", "--from", "usb", "--to"]
    run_line([*get, str(tmp_path / "a"), "--detector", "falcon?"])
    assert names(tmp_path / "a") == {"scan-0044.h5", "scan-0044_falconx.h5"}
    run_line([*get, str(tmp_path / "b"), "--no-detector", "falconx"])
    assert names(tmp_path / "b") == {"scan-0044.h5", "scan-0044_pilatus.h5"}
    ran = run_line([*get, str(tmp_path / "c"), "--no-detector", "*", "--json"])
    assert names(tmp_path / "c") == {"scan-0044.h5"}
    assert ran.summary["sets"]["complete"] == 1
    # Asked for later, the rest comes.
    run_line([*get, str(tmp_path / "c")])
    assert names(tmp_path / "c") == {"scan-0044.h5", "scan-0044_pilatus.h5", "scan-0044_falconx.h5"}


def test_a_detector_that_no_scan_has_is_refused(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """With a typo masters would come alone; the names there are stand in the answer."""
    home = tmp_path / "home"
    ran = run_line(["get", "44", "--from", "usb", "--to", str(home), "--detector", "pilatos"], exit_code=2)
    assert "no detector of these scans is called 'pilatos'" in ran.err
    assert "they have falconx, pilatus" in ran.err
    assert not home.exists()


def test_a_set_that_lacks_files_comes_when_asked_for(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """It is marked as partial and says what it lacks; without --partial it is left out."""
    home = tmp_path / "home"
    run_line(["get", "50", "--from", "usb", "--to", str(home)], exit_code=5)
    assert not home.joinpath("raw").exists()
    ran = run_line(["get", "50", "--from", "usb", "--to", str(home), "--partial"])
    assert "scan 50 partial: without what its source lacks: raw/CeO2/scan-0050_pilatus.h5" in ran.err
    assert names(home) == {"scan-0050.h5"}
    assert run_line(["search", "50", "-f", "json"]).json[0]["state"] == "partial"


def test_sizes_can_be_limited(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """What is beyond is named; that is no failure."""
    home = tmp_path / "home"
    ran = run_line(["get", "LaB6", "--from", "usb", "--to", str(home), "--max-set-size", "1k"])
    assert "are more than the 1,000 that a set may have" in ran.err
    assert not home.joinpath("raw").exists()
    ran = run_line(["get", "42-43", "--from", "usb", "--to", str(home), "--max-total", "250k"])
    assert names(home) == {"scan-0042.h5", "scan-0042_pilatus.h5"}
    assert "with it, more than 250,000 bytes would travel" in ran.err


@pytest.mark.parametrize("words", [["--max-total", "much"], ["--limit-rate", "0"], ["--max-set-size", "-1"]])
def test_what_is_no_size_is_refused(words: list[str], folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """With an example."""
    ran = run_line(["get", "42", "--from", "usb", "--to", str(tmp_path / "home"), *words], exit_code=2)
    assert "is no amount of bytes" in ran.err
    assert f"{words[0]} 50M" in ran.err


def test_the_plan_tells_everything_before_a_byte_moves(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Each file with size and state, and what will be left out, for people and programs."""
    home = tmp_path / "home"
    ran = run_line(["get", "44", "50", "--from", "usb", "--to", str(home), "--dry-run", "--detector", "pilatus"])
    assert "raw/LaB6/scan-0044_pilatus.h5" in ran.out
    assert "left out            raw/LaB6/scan-0044_falconx.h5" in ran.out
    assert "scan 50: left out, incomplete at the source" in ran.out
    lines = run_line(["get", "44", "50", "--from", "usb", "--to", str(home), "--dry-run", "--json"]).out.splitlines()
    whole = {line["scan"]: line for line in map(json.loads, lines) if line["event"] == "set"}
    assert {file["state"] for file in whole["scan 44"]["files"]} == {"fetch"}
    assert all(file["size"] > 0 for file in whole["scan 44"]["files"])
    assert "incomplete" in whole["scan 50"]["obstacle"]
    assert not home.exists()


def test_status_says_what_is_where_and_unfinished(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Before, with the reason of what was left out, and after."""
    home = tmp_path / "home"
    assert "4 scans: 4 at remotes, 0 complete here" in run_line("status").out
    run_line(["get", "--from", "usb", "--to", str(home)], exit_code=5)
    told = run_line("status").out
    assert "3 complete here" in told
    assert "unfinished: scan 50 from usb in" in told
    assert "incomplete at the source" in told
    asked = json.loads(run_line("status LaB6 --json").out)
    assert (asked["scans"], asked["here"], asked["begun"], asked["busy"]) == (3, 3, [], [])


class Visit:
    """A visit that grows, and a line to it that may be down."""

    def __init__(self, whole: Path, folder: Path) -> None:
        self.whole, self.folder, self.down = whole, folder, 0
        (folder / "raw" / "LaB6").mkdir(parents=True)

    def add(self, *files: str) -> None:
        """Let the beamline write some files."""
        for name in files:
            target = self.folder / "raw" / "LaB6" / name
            shutil.copy2(self.whole / "raw" / "LaB6" / name, target)
            age(target, days=1)

    def open(self) -> FolderSource:
        """Call it."""
        if self.down:
            self.down -= 1
            raise SourceError("no connection")
        return FolderSource(self.folder, name="usb")


def test_a_visit_is_followed_while_it_runs(visit: Path, tmp_path: Path, own_home: Path) -> None:
    """Sets come when they are complete and not before, each is told once, and a line that is down is tried anew."""
    running, home = Visit(visit, tmp_path / "20251234" / "2025110299"), tmp_path / "home"
    links, told = needs_of(visit), list[Event]()
    seen: list[set[str]] = []
    waits: list[float] = []

    steps: list[Callable[[], None]] = [
        lambda: running.add("scan-0042.h5"),
        lambda: running.add("scan-0042_pilatus.h5"),
        lambda: running.add("scan-0043.h5"),
        lambda: running.add("scan-0043_pilatus.h5"),
    ]

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        seen.append(names(home) if (home / "raw").exists() else set())
        if seconds != 7 or not steps:
            return seconds != 7
        steps.pop(0)()
        if len(steps) == 1:
            running.down = 2
            raise ConnectionLostError("the line broke", hint="run again")
        return True

    with Catalogue.open() as catalogue:
        follower = Follower(
            catalogue, running.open, lambda known: search(known, ""), home, every_s=7, tell=told.append, wait=wait
        )
        summary = follower.run()
    assert names(home) == {"scan-0042.h5", "scan-0042_pilatus.h5", "scan-0043.h5", "scan-0043_pilatus.h5"}
    assert seen[1] == set(), "a set that lacks its detector file was shown"
    assert {"scan-0042.h5", "scan-0042_pilatus.h5"} in seen
    assert [one.state.value for one in summary.outcomes] == ["complete", "complete"]
    assert set(waits) >= {7.0, 5.0, 10.0}, "the line that is down is tried after longer and longer pauses"
    assert sum(event.name == "warning" and "tried again" in str(event.fields["message"]) for event in told) >= 2
    assert check_invariant(home, visit, links) == 2


def test_following_leaves_the_calibration_when_asked(visit: Path, tmp_path: Path, own_home: Path) -> None:
    """``--no-calibration`` is heeded there, too."""
    home = tmp_path / "home"
    with Catalogue.open() as catalogue:
        Follower(
            catalogue,
            lambda: FolderSource(visit, name="usb"),
            lambda known: search(known, "42"),
            home,
            with_calibration=False,
            wait=lambda _: False,
        ).run()
    assert names(home) == {"scan-0042.h5", "scan-0042_pilatus.h5"}
    assert not (home / "process").exists()


@pytest.mark.parametrize("trouble", ["another run", "a folder in the way"])
def test_following_outlives_what_is_wrong_here(trouble: str, visit: Path, tmp_path: Path, own_home: Path) -> None:
    """Another run in the same destination, or one set that cannot be written: said as such, and looked at again."""
    home, told = tmp_path / "home", list[Event]()
    with contextlib.ExitStack() as wrong, Catalogue.open() as catalogue:
        if trouble == "another run":
            wrong.enter_context(only_one(home))
        else:
            home.mkdir()
            (home / "raw").write_text("a file")
            wrong.callback((home / "raw").unlink)
        pauses: list[float] = []

        def wait(seconds: float) -> bool:
            wrong.close()
            pauses.append(seconds)
            return len(pauses) < 2

        follower = Follower(
            catalogue,
            lambda: FolderSource(visit, name="usb"),
            lambda known: search(known, "42"),
            home,
            every_s=7,
            tell=told.append,
            wait=wait,
        )
        follower.run()
    assert pauses == [7, 7]
    assert names(home) == {"scan-0042.h5", "scan-0042_pilatus.h5"}
    said = " ".join(str(event.fields.get("message", "")) for event in told)
    assert ("another danmax-sync is fetching" if trouble == "another run" else "cannot be written") in said
    assert "the line broke" not in said


def test_a_dry_run_is_not_followed(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Whoever asks what would be fetched must not get it fetched: the two together are refused."""
    home = tmp_path / "home"
    ran = run_line(["get", "--follow", "--dry-run", "--from", "usb", "--to", str(home)], exit_code=2)
    assert "leave one of them out" in ran.err
    assert not home.exists()


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process")
def test_follow_ends_with_ctrl_c(folder_remote: Path, tmp_path: Path) -> None:
    """What is complete is here, nothing half is left, and the sum is told."""
    home = tmp_path / "home"
    command = [*DANMAX_SYNC, "get", "--follow", "--every", "1", "--from", "usb", "--to", str(home), "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        complete = 0
        while complete < 3:
            complete += '"state": "complete"' in process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert json.loads(rest.splitlines()[-1])["sets"]["complete"] == 3
    assert parts(home) == []
    assert len(tree(home)) > 6


def test_a_source_that_was_never_there_is_not_tried_for_ever(own_home: Path, tmp_path: Path) -> None:
    """A wrong name does not mend itself."""

    def refuse() -> FolderSource:
        raise SourceError("no such host")

    with Catalogue.open() as catalogue, pytest.raises(SourceError, match="no such host"):
        Follower(catalogue, refuse, lambda _: [], tmp_path / "home", wait=lambda _: True).run()


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process")
def test_index_follow_sees_what_appears(visit: Path, tmp_path: Path) -> None:
    """Each look is told, until Ctrl-C."""
    folder = tmp_path / "20251234" / "2025110299"
    growing = Visit(visit, folder)
    command = [*DANMAX_SYNC, "index", "--follow", "--every", "1", str(folder), "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        looks = (json.loads(line) for line in process.stdout if '"event": "index"' in line)
        assert next(looks)["new"] == 0
        growing.add("scan-0042.h5", "scan-0042_pilatus.h5")
        assert any(look["new"] == 1 for look in looks)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130


def test_index_follows_one_place(run_line: RunLine) -> None:
    """Two, or none, cannot be kept up with."""
    assert "one place" in run_line("index --follow", exit_code=2).err
