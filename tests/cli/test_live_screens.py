"""What stands on the screen while work goes on, and what is left of it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from danmax_sync.cli.bar import ECHO, Bar
from danmax_sync.cli.progress import _Bar
from danmax_sync.cli.reasons import SaidOnce
from danmax_sync.events import Event, progress
from danmax_sync.transfer.outcome import HINT_RUNNING
from tests.conftest import RunLine
from tests.integration.scenes import Home
from tests.screen import at_terminal

needs_terminal = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")

WARNED = """
import sys
from danmax_sync.cli.progress import listening
from danmax_sync.events import progress, warning

with listening(as_json=False, picture="a\\n" * 11 + "z" * (80 - 3)) as tell:
    progress(tell, "integrate", 1, 3, unit="frames")
    warning(tell, "first of all", hint="mend it")
    progress(tell, "integrate", 2, 3, unit="frames")
    for number in range(3):
        warning(tell, f"scan {number} is " + "very " * 30 + "odd", hint="danmax-sync show " + "x" * 90)
    sys.stdin.readline()
print("all done")
"""


@needs_terminal
@pytest.mark.parametrize("columns", [80, 100])
def test_warnings_stay_on_the_screen(columns: int) -> None:
    """None is erased by the bar and the picture that were drawn meanwhile; those are gone in the end, ^C or not."""
    with at_terminal([sys.executable, "-c", WARNED], columns=columns) as seat:
        seat.watch(lambda: "scan 2" in seat.screen.words and "z" * 77 in seat.screen.text.splitlines()[-1])
        seat.type("\x03")
        seat.watch(lambda: "^C" in seat.screen.text)
        seat.type("\n")
        seat.watch(lambda: False)
    screen = seat.screen.text.replace("^C", "  ")
    lines = screen.splitlines()
    assert lines[:2] == ["warning: first of all", "  → mend it"]
    for number in range(3):
        assert f"warning: scan {number} is very very" in screen
    assert "".join(lines).count("x" * 60) == 3
    assert "zzz" not in screen
    assert "frames" not in screen
    assert lines[-1] == "all done"


def lines_of(bar: Bar) -> list[str]:
    """Return what the bar shows."""
    with bar._screen.capture() as captured:
        bar._screen.print(bar.make_tasks_table(bar.tasks))
    return captured.get().splitlines()


@pytest.mark.parametrize("columns", [50, 60, 80, 200])
def test_the_time_left_is_never_cut(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """What goes first where there is little room is the file's name, then the bar; the amount is shortened last."""
    monkeypatch.setenv("COLUMNS", str(columns))
    bar, clock = Bar(None), [0.0]
    bar.get_time = lambda: clock[0]
    hear = _Bar(lambda: bar)
    for done in range(1, 5):
        clock[0] += 1
        hear(Event("set", {"state": "complete"}))
        fields = {"stage": "get", "done": done * 10**8, "total": 4723 * 10**8, "unit": "bytes", "rate": 1.234e8}
        hear(Event("progress", {**fields, "item": "raw/LaB6/scan-0042_pilatus.h5"}))
    hear(Event("follow", {"sets": 12, "here": 4, "to_fetch": 7, "running": 1, "left_out": 0}))
    shown = lines_of(bar)
    assert max(map(len, shown)) <= columns - ECHO
    (get,) = (line for line in shown if "get" in line)
    assert "1:18:39" in get, shown
    assert "400.0 MB of 472.3 GB" in get
    assert ("MB/s, 4 sets " in get) == (columns >= 60), get
    assert ("scan-0042_pilatus.h5" in get) == (columns == 200)


def test_a_step_without_measure_goes_when_it_is_over() -> None:
    """It has no number beside it, and does not spin for ever."""
    bar = Bar(None)
    hear = _Bar(lambda: bar)
    progress(hear, "compile", 0, 1, unit="")
    assert [line.split("━")[0].split(maxsplit=1)[-1].strip() for line in lines_of(bar)] == ["compile"]
    assert "0" not in "".join(lines_of(bar))
    progress(hear, "compile", 1, 1, unit="")
    assert not bar.tasks


@pytest.mark.parametrize(
    ("done", "total", "unit", "said"),
    [
        (1, 1, "scans", "1 of 1 scan"),
        (1, 2, "scans", "1 of 2 scans"),
        (1, 0, "masters", "1 master"),
        (2, 0, "files", "2 files"),
    ],
)
def test_one_of_them_is_not_several(done: int, total: int, unit: str, said: str) -> None:
    """Beside the bar, as in sentences."""
    bar = Bar(None)
    progress(_Bar(lambda: bar), "work", done, total, unit=unit)
    assert [task.fields["unit"] for task in bar.tasks] == [said]


def test_sets_that_do_not_come_are_said_once_for_each_reason() -> None:
    """As soon as the next thing happens; a remedy that several share stands below the last; what runs is no news."""
    told: list[Event] = []
    hear = SaidOnce(told.append)

    def end(number: int, message: str, hint: str) -> None:
        fields = {"scan": f"scan {number}", "path": f"raw/{number}.h5", "state": "skipped"}
        hear(Event("set", {**fields, "message": message, "hint": hint}))

    def said() -> list[tuple[str, str]]:
        found = [(str(each.fields["message"]), str(each.fields["hint"])) for each in told if each.name == "warning"]
        told.clear()
        return found

    for _ in range(2):
        end(1, "1.h5 lacks a file", "mend it")
        end(2, "the line broke", "")
        hear(Event("file", {}))
        end(3, "the line broke", "")
        end(4, "4.h5 lacks a file", "mend it")
        end(5, "5.h5 runs", HINT_RUNNING)
        assert told[-1].name != "warning"
        hear(Event("progress", {}))
    assert said() == [
        ("scan 1 skipped: 1.h5 lacks a file", ""),
        ("scan 4 skipped: 4.h5 lacks a file", "mend it"),
        ("scans 2-3 skipped: the line broke", ""),
    ]
    end(1, "1.h5 cannot be read", "mend it")
    hear.say()
    assert said() == [("scan 1 skipped: 1.h5 cannot be read", "mend it")]


@needs_terminal
def test_who_follows_sees_at_once_what_does_not_come(
    home: Home, run_line: RunLine, small_visit: object, tmp_path: Path
) -> None:
    """A set that something is in the way of, and one that lacks its file, are named while it goes on, and counted."""
    here = tmp_path / "home"
    blocked = here / "raw/LaB6" / home.master(43).name
    blocked.parent.mkdir(parents=True)
    blocked.write_bytes(b"something else")
    home.frames(44).unlink()
    run_line(["remote", "add", "usb", str(home.folder)])
    command = [sys.executable, "-m", "danmax_sync", "get", "--follow", "--every", "1", "--to", str(here)]
    with at_terminal(command) as seat:
        seat.watch(lambda: "1 set here, 0 to come, 2 left out; Ctrl-C ends it" in seat.screen.words)
        shown = seat.screen.words
        assert shown.count("scan 43 failed: ") == 1, shown
        assert shown.count("scan 44 skipped: ") == 1, shown
        assert "is in the way" in shown
        before = seat.screen.text
        # Another look or two: nothing is said twice.
        home.frames(42).touch()
        seat.stop()
    assert seat.process.returncode == 130
    assert before.count("warning: ") == 2
    ended = seat.screen.text
    assert "left out; Ctrl-C ends it" not in ended
    assert "1 complete, 1 failed, 1 skipped" in seat.screen.words
    shutil.rmtree(here)


ASKED = """
import getpass
from danmax_sync.cli.progress import listening, without_bar
from danmax_sync.events import progress

with listening(as_json=False) as tell:
    for done in range(2):
        progress(tell, "get", done, 9, unit="files")
        with without_bar():
            progress(tell, "integrate", done, 2, unit="frames")
            print("answer", done, "is", getpass.getpass("One-time code: "))
    progress(tell, "get", 2, 9, unit="files")
    input()
"""


@needs_terminal
def test_a_question_is_not_painted_over() -> None:
    """The bar makes room for whoever is asked, and comes back as far as it had come, with what was told meanwhile."""
    with at_terminal([sys.executable, "-c", ASKED]) as seat:
        for done in range(2):
            seat.watch(lambda: seat.screen.text.endswith("One-time code:"))
            # Longer than it takes to draw a bar.
            seat.linger(0.3)
            assert seat.screen.text.endswith("One-time code:")
            assert "files" not in seat.screen.text
            seat.type(f"{done}\n")
            seat.watch(lambda done=done: f"answer {done} is {done}" in seat.screen.text)  # type: ignore[misc]
        seat.watch(lambda: "2 of 9 files" in seat.screen.text and "1 of 2 frames" in seat.screen.text)
        seat.type("\n")
        seat.watch(lambda: False)
    assert seat.process.returncode == 0
