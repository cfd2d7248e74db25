"""``status`` is the one screen of a visit: what is where, how large, what is under way, what to type next."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import h5py
import pytest

from danmax_sync import settings
from danmax_sync.cli.situation import duration
from danmax_sync.events import Event
from danmax_sync.testing.visit import SimulatedVisit
from danmax_sync.transfer import beacon
from danmax_sync.transfer.beacon import Beacon, all_in_flight
from danmax_sync.transfer.lock import only_one
from danmax_sync.transfer.plan import TransferPlan
from tests.cli.conftest import Seen
from tests.conftest import RunLine
from tests.integration.scenes import Home


def asked(run_line: RunLine, query: str = "") -> dict[str, Any]:
    """Return what programs get."""
    found: dict[str, Any] = json.loads(run_line(f"status {query} --json").out)
    return found


def command(run_line: RunLine, query: str = "") -> object:
    """Return what to type next."""
    return asked(run_line, query)["next"]["command"]


def test_it_leads_from_the_first_hour_to_the_last(home: Home, run_line: RunLine, tmp_path: Path) -> None:
    """Each command that it names is the one that brings the visit a step further."""
    assert command(run_line) == "danmax-sync remote add NAME URI"
    run_line(["remote", "add", "usb", str(home.folder)])
    assert command(run_line) == "danmax-sync index usb"
    run_line("index usb")
    (visit,) = asked(run_line)["visits"]
    assert (visit["proposal"], visit["visit"]) == ("20251234", "2025110208")
    files = [*home.folder.glob("raw/LaB6/*.h5")]
    assert visit["bytes_at_source"] == visit["bytes_to_fetch"] == sum(path.stat().st_size for path in files)
    assert command(run_line) == "danmax-sync get --to 2025110208"
    here = tmp_path / "here"
    run_line(["get", "42-43", "--to", str(here)])
    assert command(run_line) == "danmax-sync get"
    (visit,) = asked(run_line)["visits"]
    assert (visit["at_source"], visit["here"], visit["to_fetch"], visit["to_integrate"]) == (3, 2, 1, 2)
    assert visit["bytes_here"] + visit["bytes_to_fetch"] == visit["bytes_at_source"]
    run_line("get")
    assert command(run_line) == "danmax-sync integrate root:here"
    assert command(run_line, "42") == "danmax-sync integrate 42"
    run_line("integrate root:here --bins 300")
    assert command(run_line) == "danmax-sync plot root:here"
    (visit,) = asked(run_line)["visits"]
    assert (visit["integrated"], visit["to_integrate"]) == (3, 0)
    run_line("plot root:here")


def test_what_get_leaves_out_is_not_to_be_fetched(home: Home, run_line: RunLine, tmp_path: Path, seen: Seen) -> None:
    """A running scan and one that something is in the way of: what helps is named instead, each time the next thing."""
    frames = home.frames(43)
    long_ago = time.time() - 86_400
    for path in home.folder.rglob("*.h5"):
        os.utime(path, (long_ago, long_ago))
    with h5py.File(home.master(42), "r+", locking=False) as file:
        del file["entry/end_time"]
    run_line(["remote", "add", "usb", str(home.folder)])
    run_line("index usb")
    here = tmp_path / "here"
    in_the_way = here / "raw" / "LaB6" / frames.name
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("mine", encoding="utf-8")
    run_line(["get", "--to", str(here)], exit_code=6)
    (visit,) = asked(run_line)["visits"]
    assert (visit["running"], visit["in_the_way"], visit["to_fetch"], visit["here"]) == (1, 1, 0, 1)
    assert visit["bytes_to_fetch"] == 0
    assert command(run_line) == "danmax-sync integrate root:here"
    assert command(run_line, "LaB6") == "danmax-sync integrate 'LaB6 root:here'"
    told = seen("status")
    assert told.index(f"{in_the_way.name} is in the way") < told.index("→ move it away and run again")
    run_line("integrate root:here --bins 300")
    assert asked(run_line)["next"]["why"] == "move away what is in the way, then fetch"
    assert command(run_line) == "danmax-sync get"
    in_the_way.unlink()
    assert asked(run_line)["next"] == {"why": "1 can be fetched", "command": "danmax-sync get"}
    run_line("get", exit_code=5)
    run_line("integrate root:here --bins 300")
    # What is left runs still, as far as anybody knows: looked at again, it may have ended.
    assert asked(run_line)["next"] == {"why": "1 still running; look again", "command": "danmax-sync index usb"}


def test_one_of_several_remotes_is_named(home: Home, run_line: RunLine, tmp_path: Path) -> None:
    """What is suggested can be typed as it stands: of remotes with the same visit the one that it came from before."""
    copy = tmp_path / "copy" / "20251234" / "2025110208"
    shutil.copytree(home.folder, copy)
    for name, folder in (("a", home.folder), ("b", copy)):
        run_line(["remote", "add", name, str(folder)])
        run_line(["index", name])
    assert command(run_line) == "danmax-sync get --from a --to 2025110208"
    run_line(["get", "42", "--from", "b", "--to", str(tmp_path / "here")])
    assert command(run_line) == "danmax-sync get --from b"
    for name in "ab":
        run_line(["remote", "remove", name, "--keep"])
    assert command(run_line) == "danmax-sync remote add a URI"


@pytest.mark.parametrize("width", [64, 80, 100])
def test_several_visits_fit(
    width: int, small_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine, seen: Seen
) -> None:
    """A row a visit, none goes on below itself; sizes are there where there is room."""
    for visit in ("2025110208", "2025112208"):
        folder = tmp_path / "20251234" / visit / "raw"
        shutil.copytree(small_visit.folder / "raw" / "LaB6", folder / "LaB6")
        run_line(["index", str(folder.parent)])
    told = seen("status", width=width)
    rows = [line.split() for line in told.splitlines() if line.startswith("  20251234/")]
    assert len(rows) == 2
    assert rows[0][-1] == rows[1][-1] == "0"
    assert ("kB" in rows[0] or "MB" in rows[0]) == (width >= 80)
    assert max(map(len, told.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 200])
def test_the_screen_fits(width: int, indexed: Path, seen: Seen) -> None:
    """Nothing is wider than the terminal, and every count is on it."""
    told = seen("status", width=width)
    assert max(map(len, told.splitlines())) <= width
    for words in ("visit 20251234/2025110208", "at the facility", "here", "11", "1 lack files", "11 to do", "  → "):
        assert words in told


def test_what_is_in_flight_says_how_long_still(indexed: Path, tmp_path: Path, run_line: RunLine) -> None:
    """As the other process said it; when that has died, its last word counts no more."""
    plan = TransferPlan("danmax", "sftp://x/y", tmp_path / "home", (), ())
    light = Beacon(plan, lambda _: None)
    light._path = beacon._path_of(plan.destination)
    with light, only_one(plan.destination):
        light(Event("set", {"state": "complete", "files": 2}))
        light(
            Event("progress", {"unit": "bytes", "done": 10**9, "total": 4 * 10**9, "rate": 1e7, "seconds_left": 300.0})
        )
        told = run_line("status").out
        assert "in flight: 1 of 0 sets, 1.0 GB of 4.0 GB, 10.0 MB/s, 5 min left: from danmax into" in told
        assert "danmax-sync status" in told
        (one,) = asked(run_line)["in_flight"]
        assert one["seconds_left"] == 300
    assert all_in_flight() == []
    light(Event("progress", {"unit": "bytes", "done": 1, "total": 2}))
    light._written = 0.0
    light(Event("progress", {"unit": "bytes", "done": 1, "total": 2}))
    assert len(all_in_flight()) == 1
    assert "in flight" not in run_line("status").out
    (file,) = (settings.home() / "underway").glob("*.json")
    for text in ("", "[]", '{"done": "much"}', "{"):
        file.write_text(text, encoding="utf-8")
        assert all_in_flight() == []


def test_a_get_lights_its_beacon(
    home: Home, run_line: RunLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it runs, and not after."""
    written = []
    real = Beacon._write

    def note(self: Beacon, said: object) -> None:
        real(self, said)  # type: ignore[arg-type]
        written.extend(all_in_flight())

    monkeypatch.setattr(Beacon, "_write", note)
    run_line(["remote", "add", "usb", str(home.folder)])
    run_line("index usb")
    run_line(["get", "--to", str(tmp_path / "here")])
    assert written
    assert written[0].destination == tmp_path / "here"
    assert written[0].to_come == 3
    assert 0 < written[0].done <= written[0].total
    assert written[0].updated == pytest.approx(time.time(), abs=60)
    assert all_in_flight() == []


@pytest.mark.parametrize(
    ("seconds", "spelled"), [(0, "1 s"), (40, "40 s"), (300, "5 min"), (7200, "2.0 h"), (200_000, "2.3 d")]
)
def test_lengths_of_time_are_estimates(seconds: float, spelled: str) -> None:
    """Nobody needs the seconds of two hours."""
    assert duration(seconds) == spelled
