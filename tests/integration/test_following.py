"""Sets are integrated as they arrive: nothing that happens to a pattern stops the fetching."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.events import Event
from danmax_sync.indexing.index import index_folder
from danmax_sync.integration import geometry
from danmax_sync.integration.following import Companion
from danmax_sync.integration.outcome import ScanOutcome, with_command
from danmax_sync.integration.recipe import Recipe
from danmax_sync.integration.run import Choices, Glimpse, Run
from danmax_sync.query.search import search
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.integration.scenes import Home

CHOICES = Choices(Recipe(bins=300))
COMPLETE = Event("set", {"state": "complete"})


@pytest.fixture
def catalogue_here(home: Home) -> Iterator[Catalogue]:
    """Open a catalogue that knows the visit's folder."""
    with Catalogue.open() as catalogue:
        index_folder(catalogue, home.folder, workers=0)
        yield catalogue


def companion(catalogue: Catalogue, home: Home, told: list[Event], **more: object) -> Companion:
    """Return one that integrates what is here of LaB6."""
    return Companion(catalogue, lambda known: search(known, ""), home.folder, CHOICES, tell=told.append, **more)  # type: ignore[arg-type]


def test_what_arrived_is_integrated_and_drawn(home: Home, catalogue_here: Catalogue, tmp_path: Path) -> None:
    """Leaving the block waits for the last; a second time there is nothing to do."""
    told, picture, seen = list[Event](), tmp_path / "all.png", list[Glimpse]()
    with companion(catalogue_here, home, told, picture=picture, look=seen.append) as one:
        one.heard(COMPLETE)
    assert sorted(one.summary.to_json()["outputs"]) == [str(home.output(number)) for number in (42, 43, 44)]  # type: ignore[call-overload]
    assert len(seen) == 12
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sum(event.name == "scan" for event in told) == 3
    with companion(catalogue_here, home, told) as again:
        pass
    assert again.summary.to_json()["frames"] == 0
    assert again.summary.to_json()["skipped_frames"] == 12


def test_what_is_refused_is_named_once_and_tried_again_when_calibration_comes(
    home: Home, catalogue_here: Catalogue, tmp_path: Path
) -> None:
    """Sets come before their calibration: only when a round is over is a lack of it worth a word."""
    told, aside = list[Event](), tmp_path / "aside"
    aside.mkdir()
    ponies = list(home.process.glob("*.poni"))
    for path in ponies:
        path.rename(aside / path.name)

    def warnings() -> int:
        return sum(event.name == "warning" for event in told)

    with companion(catalogue_here, home, told) as one:
        one.heard(COMPLETE)
        until(lambda: len(one._too_early) == 3)
        assert warnings() == 0
        one.settled()
        until(lambda: warnings() == 1)
        one.settled()
        for path in ponies:
            (aside / path.name).rename(path)
    (said,) = (event.fields for event in told if event.name == "warning")
    assert str(said["message"]).startswith("scans 42-44 not integrated: there is no .poni file in ")
    # Of a command that has the option.
    assert said["hint"] == "name one: danmax-sync integrate 42-44 --poni FILE"
    assert len(one.summary.to_json()["outputs"]) == 3  # type: ignore[arg-type]


def until(condition: object, seconds: float = 20.0) -> None:
    """Wait for another thread."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def test_a_bug_in_one_scan_leaves_the_others_alone(
    home: Home, catalogue_here: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named like any other reason."""
    real, told = Run.outcome_of, list[Event]()

    def odd(self: Run, scan: object) -> ScanOutcome:
        if scan.number == 43:  # type: ignore[attr-defined]
            raise ZeroDivisionError("of a frame")
        return real(self, scan)  # type: ignore[arg-type]

    monkeypatch.setattr(Run, "outcome_of", odd)
    with companion(catalogue_here, home, told) as one:
        pass
    assert [outcome.label for outcome in one.summary.outcomes if outcome.message] == ["scan 43"]
    assert len(one.summary.to_json()["outputs"]) == 2  # type: ignore[arg-type]
    (said,) = [event for event in told if event.name == "warning"]
    assert "scan 43 not integrated: ZeroDivisionError: of a frame" in str(said.fields["message"])


def test_stopping_in_the_middle_of_a_scan_keeps_its_patterns(home: Home, catalogue_here: Catalogue) -> None:
    """The block ends at once; what is left is integrated by the next run, and no pattern is made twice."""
    looked = list[Glimpse]()

    def look(glimpse: Glimpse) -> None:
        looked.append(glimpse)
        time.sleep(0.05)

    def stopped() -> None:
        with companion(catalogue_here, home, [], look=look) as one:
            one.heard(COMPLETE)
            until(lambda: looked)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    before = len(looked)
    assert 1 <= before < 12
    with companion(catalogue_here, home, [], look=look) as again:
        pass
    assert len(again.summary.to_json()["outputs"]) == 3  # type: ignore[arg-type]
    # The last one before the end was not yet noted as seen.
    assert 12 <= len(looked) <= 13


def test_stopping_does_not_wait_for_a_geometry(
    home: Home, catalogue_here: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made ready in a thread that hears of no Ctrl-C; nothing of it is kept."""
    begun, go_on, ended = (threading.Event() for _ in range(3))

    def slow(*_: object) -> object:
        begun.set()
        go_on.wait(30)
        ended.set()
        raise ZeroDivisionError

    monkeypatch.setattr(geometry, "_computed", slow)

    def stopped() -> None:
        with companion(catalogue_here, home, []) as one:
            one.heard(COMPLETE)
            assert begun.wait(30)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(30)


def test_get_integrates_what_it_brings(
    home: Home, small_visit: SimulatedVisit, run_line: RunLine, tmp_path: Path
) -> None:
    """One command: fetched, verified, integrated, with both sums; the exit code is the worse."""
    recipe = tmp_path / "few.toml"
    recipe.write_text("bins = 300\n", encoding="utf-8")
    facility = home.folder
    run_line(["remote", "add", "usb", str(facility)])
    run_line("index usb")
    here = tmp_path / "home"
    ran = run_line(["get", "42", "--to", str(here), "--integrate", "--recipe", str(recipe), "--json"])
    assert ran.summary["sets"]["complete"] == 1
    assert ran.summary["integrated"]["frames"] == 4
    assert (here / "process/azint/LaB6/scan-0042_pilatus_integrated.h5").is_file()
    for path in (here / "process").glob("*.poni"):
        path.unlink()
    for path in (facility / "process").glob("*.poni"):
        path.unlink()
    ran = run_line(["get", "43", "--integrate", "--recipe", str(recipe)], exit_code=None)
    assert ran.code not in {0, 70}
    assert "scan 43 not integrated" in ran.err
    assert (here / "raw/LaB6/scan-0043.h5").is_file()
    assert "--integrate" in run_line(["get", "43", "--recipe", str(recipe)], exit_code=2).err
    assert "end it in .png" in run_line("get 43 --integrate --plot all.gif", exit_code=2).err


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process")
def test_ctrl_c_ends_fetching_and_integrating(home: Home, run_line: RunLine, tmp_path: Path) -> None:
    """A visit that grows, followed with patterns: what came is integrated, Ctrl-C says the sums and leaves nothing."""
    running, here = tmp_path / "20251234" / "2025110299", tmp_path / "home"
    shutil.copytree(home.process, running / "process")
    (running / "raw" / "LaB6").mkdir(parents=True)
    run_line(["remote", "add", "usb", str(running)])

    def add(number: int) -> None:
        for path in (home.frames(number), home.master(number)):
            target = running / "raw" / "LaB6" / path.name
            shutil.copy2(path, target)
            os.utime(target, (1.7e9, 1.7e9))

    add(42)
    recipe = tmp_path / "few.toml"
    recipe.write_text("bins = 300\n", encoding="utf-8")
    command = [sys.executable, "-m", "danmax_sync", "get", "--follow", "--integrate", "--every", "1"]
    command += ["--recipe", str(recipe)]
    with subprocess.Popen(
        [*command, "--to", str(here)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        output = here / "process/azint/LaB6/scan-0042_pilatus_integrated.h5"
        until(output.is_file)
        add(43)
        until(output.with_name("scan-0043_pilatus_integrated.h5").is_file)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "2 complete" in said
    assert "patterns: " in said
    assert not [path for path in here.rglob(".*") if not path.name.startswith(".danmax-sync")]


def test_patterns_of_other_settings_are_one_thing_to_say(
    home: Home, catalogue_here: Catalogue, small_visit: SimulatedVisit
) -> None:
    """With the line that replaces them: `get` has no --overwrite."""
    told = list[Event]()
    with companion(catalogue_here, home, []):
        pass
    other = Companion(
        catalogue_here,
        lambda known: search(known, ""),
        home.folder,
        Choices(Recipe(bins=200)),
        tell=told.append,
        options="--recipe few.toml",
    )
    with other:
        pass
    (said,) = (event.fields for event in told if event.name == "warning")
    assert str(said["message"]).startswith(
        f"scans 42-44 not integrated: {home.output(42)} was made with other settings"
    )
    assert str(said["message"]).endswith("; the others likewise")
    assert said["hint"] == "replace it: danmax-sync integrate 42-44 --recipe few.toml --overwrite"
    assert [event.fields["message"] for event in told if event.name == "scan"].count("") == 0


def test_patterns_belong_to_the_visit_that_sets_were_fetched_to(
    home: Home, run_line: RunLine, small_visit: SimulatedVisit, tmp_path: Path
) -> None:
    """Those of another copy are not counted as made here, nor found in the way."""
    recipe = tmp_path / "few.toml"
    recipe.write_text("bins = 300\n", encoding="utf-8")
    run_line(["remote", "add", "usb", str(home.folder)])
    run_line("index usb")
    for place in ("one", "other"):
        here = tmp_path / place
        ran = run_line(["get", "42-43", "--to", str(here), "--integrate", "--recipe", str(recipe)])
        assert "2 scans integrated (8 frames, 0 done before)" in ran.err, place
        assert f"→ {here / 'process' / 'azint'}" in ran.err
        assert (here / "process/azint/LaB6/scan-0042_pilatus_integrated.h5").is_file()


@pytest.mark.parametrize(
    ("hint", "named"),
    [
        ("replace it: --overwrite", "replace it: danmax-sync integrate 42 --overwrite"),
        (
            "name it: --mask FILE; or go without: --allow mask",
            "name it: danmax-sync integrate 42 --mask FILE; or go without: danmax-sync integrate 42 --allow mask",
        ),
        ("say which: --mask FILE --mask FILE", "say which: danmax-sync integrate 42 --mask FILE --mask FILE"),
        ("fetch it again: danmax-sync verify --deep, then get", "fetch it again: danmax-sync verify --deep, then get"),
        ("run again when there are some", "run again when there are some"),
    ],
)
def test_a_hint_names_the_command_that_has_the_option(hint: str, named: str) -> None:
    """Who runs `get --integrate` cannot type an option of `integrate`."""
    assert with_command(hint, "danmax-sync integrate 42") == named
