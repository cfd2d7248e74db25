"""Pictures in the terminal: what `plot` draws without a file, what `show` and `integrate` let one see."""

import contextlib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.cli.live import LiveSketch, live_sketch
from danmax_sync.errors import RefusalError
from danmax_sync.integration.canvas import Marks, columns_of, curves, image, ribbon
from danmax_sync.integration.patterns import Patterns, read_newest, read_patterns
from danmax_sync.integration.recipe import Recipe
from danmax_sync.integration.run import Choices, Glimpse, integrate_scans
from danmax_sync.integration.sketch import draw, sketch
from danmax_sync.query.search import search
from tests.integration.scenes import Home
from tests.integration.test_figure import RADIAL, patterns

BRAILLE = re.compile(r"[\u2801-\u28ff]")
PLAIN = Marks.PLAIN


# Canvases


def test_a_rising_line_rises_dot_by_dot() -> None:
    """Two columns and four rows of dots a character: a diagonal over 4 × 2 characters, joined."""
    x = np.arange(8.0)
    assert curves([(x, x / 7)], width=4, height=2, marks=PLAIN) == drawn(x)


def drawn(x: NDArray[np.float64]) -> list[str]:
    """Draw the same dot by dot, as the Unicode standard numbers braille dots."""
    bits = {(0, 0): 1, (1, 0): 2, (2, 0): 4, (3, 0): 64, (0, 1): 8, (1, 1): 16, (2, 1): 32, (3, 1): 128}
    cells = [[0] * 4 for _ in range(2)]
    before = 0
    for column in range(8):
        top = round(7 * x[column] / 7)
        for level in range(min(before, top), top + 1):
            row = 7 - level
            cells[row // 4][column // 2] |= bits[row % 4, column % 2]
        before = top
    return ["".join(chr(0x2800 + code) if code else " " for code in row) for row in cells]


def test_a_peak_of_one_bin_is_seen_however_narrow_the_screen() -> None:
    """3000 bins on ten characters: the highest of each column counts."""
    x = np.linspace(0, 20, 3000)
    values = np.where(np.arange(3000) == 1777, 1.0, 0.0)
    _, high = columns_of(x, values, 20)
    assert high.max() == 1.0
    assert int(np.argmax(high)) == int(1777 / 3000 * 20)
    assert ribbon(x, values, width=10, marks=PLAIN).count("█") == 1


def test_bins_of_different_width_stand_where_they_belong() -> None:
    """The place on the axis counts, not the number of the bin."""
    x = np.concatenate([np.linspace(0, 1, 900, endpoint=False), np.linspace(1, 10, 100)])
    values = np.where(x >= 5, 1.0, 0.0)
    assert ribbon(x, values, width=10, marks=Marks.ASCII) == "     @@@@@"


def test_gaps_stay_empty() -> None:
    """Bins without pixels are drawn as nothing, and the curve is not joined across them."""
    x = np.linspace(0, 1, 100)
    values = np.where((x > 0.3) & (x < 0.7), np.nan, 1.0)
    (line,) = curves([(x, values)], width=10, height=1, marks=PLAIN)
    assert set(line[4:6]) == {" "}
    assert " " not in line[:3] + line[8:]


@pytest.mark.parametrize(("marks", "high"), [(Marks.ASCII, "@"), (PLAIN, "█")])
def test_an_image_is_bright_where_values_are_high(marks: Marks, high: str) -> None:
    """One line a row, NaN dark."""
    assert image(np.array([[0, 1.0, np.nan], [2.0, 0, 0]]), marks=marks) == [f" {high} ", f"{high}  "]


def test_with_colours_a_line_holds_two_rows_and_the_terminal_gets_its_own_back() -> None:
    """Three rows are two lines, each ended with a reset."""
    lines = image(np.zeros((3, 5)), marks=Marks.COLOURED)
    assert len(lines) == 2
    assert all(line.endswith("\x1b[0m") and line.count("▀") == 5 for line in lines)
    assert "\x1b[38;5;16;49m" in lines[1]


# plot


@pytest.mark.parametrize("columns", [20, 40, 80, 300])
def test_the_sketch_fits_the_terminal(integrated: Home, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Without -o each of a few scans is sketched, no line wider than the terminal, with its axis."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = integrated.run_line(["plot", "51-52"]).out.splitlines()
    assert [line for line in lines if line.startswith("scan ")] == ["scan 51  CeO2", "scan 52  CeO2"]
    body = [line for line in lines if not line.startswith("scan ")]
    assert len(body) == 2 * 10
    assert max(map(len, body)) < columns
    axes = body[9::10]
    assert all(axis.startswith("2θ 0.") and axis.rstrip("°").endswith(axis.split()[-1].rstrip("°")) for axis in axes)
    if columns >= 40:
        assert all("√intensity" in axis for axis in axes)
    assert BRAILLE.search("".join(body))


@pytest.mark.parametrize(("kind", "least"), [("waterfall", 6), ("overlay", 14), ("heatmap", 10)])
@pytest.mark.parametrize("columns", [30, 80, 200])
def test_every_kind_is_drawn_in_the_terminal(
    integrated: Home, monkeypatch: pytest.MonkeyPatch, kind: str, least: int, columns: int
) -> None:
    """What a file can hold the terminal shows, too, as wide as it is; through a pipe without colours."""
    monkeypatch.setenv("COLUMNS", str(columns))
    out = integrated.run_line(["plot", "CeO2", "--as", kind]).out
    assert "\x1b" not in out
    lines = out.splitlines()
    assert len(lines) >= least
    assert max(map(len, lines)) < columns


def test_many_scans_stand_on_each_other_hottest_on_top(integrated: Home) -> None:
    """More than a few scans are a line each, labelled with their temperatures."""
    lines = integrated.run_line("plot CeO2").out.splitlines()
    kelvins = [float(found[1]) for line in lines if (found := re.match(r"scan \d+ ([\d.]+) K", line))]
    assert len(kelvins) == 5
    assert kelvins == sorted(kelvins, reverse=True)
    assert "hottest on top" in lines[-1]


def test_a_label_is_never_cut_into_another_number(integrated: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room for temperatures they are left out."""
    monkeypatch.setenv("COLUMNS", "30")
    lines = integrated.run_line("plot CeO2").out.splitlines()
    assert [re.match(r"scan (\d+) [ ▁-█]+$", line) is not None for line in lines[:-1]] == [True] * 5


def test_one_scan_shows_its_mean_and_its_frames(integrated: Home) -> None:
    """A scan of four frames has a line for each below its mean."""
    lines = integrated.run_line("plot 52").out.splitlines()
    assert [line.split(" ")[1] for line in lines if line.startswith("frame ")] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(("marks", "each"), [(PLAIN, 1), (Marks.COLOURED, 2)])
def test_a_heat_map_says_what_its_rows_are(marks: Marks, each: int) -> None:
    """Rows stand at equal distances, so each label is of the row beside it, not of a place on an axis; with the unit.

    Colours hold two rows a line.
    """
    # A ramp that halts: most patterns at 300 K, the others on the way to 400.
    kelvins = np.concatenate([np.full(20, 300.0), np.linspace(310, 400, 10)])
    some = [("scan 1", patterns(30, kelvins))]
    drawn = draw(some, kind="heatmap", against="temperature", width=70, lines=40, marks=marks)
    assert drawn[0] == "temperature (K), highest on top; 30 patterns, a row each"
    body = drawn[1:-1]
    assert len(body) == 30 // each
    hottest = sorted(kelvins, reverse=True)
    labelled = {at: float(line[:9]) for at, line in enumerate(body) if line[:9].strip()}
    assert len(labelled) > 3
    last = len(body) - 1
    assert labelled == {at: pytest.approx(hottest[at * each], rel=1e-4) for at in labelled if at != last} | {
        last: 300.0
    }


def test_a_heat_map_fits_and_says_how_much_of_it_is_drawn() -> None:
    """On a usual screen, a row in two of forty."""
    some = [("scan 1", patterns(40, np.linspace(300, 400, 40)))]
    plain = draw(some, kind="heatmap", against="temperature", width=70, lines=24, marks=PLAIN)
    assert plain[0] == "temperature (K), highest on top; 19 of 40 patterns, a row each"
    assert plain[1].split()[0] == "400"
    assert plain[-2].split()[0] == "300"
    assert len(plain) == 1 + 19 + 1
    coloured = draw(some, kind="heatmap", against="temperature", width=70, lines=24, marks=Marks.COLOURED)
    assert len(coloured) == 1 + 19 + 1
    assert sum(line.count("▀") for line in coloured) == 19 * 60


@pytest.mark.parametrize("scans", [1, 2, 3])
def test_a_few_scans_fit_the_height(scans: int) -> None:
    """With titles and axes, and a line for what is typed next."""
    some = [(f"scan {number}", patterns()) for number in range(scans)]
    for lines in (24, 50):
        drawn = draw(some, kind="waterfall", against="temperature", width=79, lines=lines, marks=PLAIN)
        assert scans * 6 <= len(drawn) < lines


def test_patterns_of_two_units_are_not_put_together() -> None:
    """As in a file: nothing is drawn."""
    other = replace(patterns(), unit="q")
    for kind in ("heatmap", "overlay"):
        with pytest.raises(RefusalError):
            draw([("a", patterns()), ("b", other)], kind=kind, against="frame", width=60, lines=24, marks=PLAIN)


def test_what_cannot_be_written_is_spelled(integrated: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stdout takes ASCII alone, curves are stars, names are spelled, and lines are no longer."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("danmax_sync.cli.terminal._encoding", lambda: "ascii")
    out = integrated.run_line("plot 52").out
    assert out.isascii()
    assert "*" in out
    assert "2theta" in out
    assert max(map(len, out.splitlines())) < 80


def test_the_sketch_names_q(integrated: Home) -> None:
    """Over q the axis is in 1/Å."""
    integrated.integrate("52", "--unit", "q", "--overwrite")
    axis = integrated.run_line(["plot", "52"]).out.splitlines()[-1]
    assert axis.split()[0] == "q"
    assert axis.endswith("1/Å")


def test_a_sketch_of_nothing_is_empty_not_wrong() -> None:
    """Patterns that are NaN everywhere draw a bare axis."""
    lines = sketch(RADIAL, "2th", np.full(400, np.nan), width=60, marks=PLAIN)
    assert set("".join(lines[:-1])) == {" "}


# The newest pattern


def test_the_newest_pattern_is_the_last_with_numbers(integrated: Home) -> None:
    """One row is read, whatever the file's size; rows that are NaN are looked behind; all NaN is nothing."""
    path = integrated.output(52)
    with h5py.File(path, "r+") as file:
        last = file["entry/data/I"][2]
        file["entry/data/I"][3] = np.nan
    newest = read_newest(path)
    assert newest is not None
    assert (newest.index, newest.patterns, newest.unit) == (2, 4, "2th")
    np.testing.assert_array_equal(newest.intensity, last)
    with h5py.File(path, "r+") as file:
        file["entry/data/I"][:] = np.nan
    assert read_newest(path) is None


def test_show_sketches_it_for_people_alone(integrated: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal; a program gets neither picture nor the wait for it."""
    assert not BRAILLE.search(integrated.run_line("show 52").out)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    out = integrated.run_line("show 52").out
    assert "  pattern 4 of 4" in out.splitlines()
    picture = [line for line in out.splitlines() if BRAILLE.search(line)]
    assert picture
    assert max(map(len, picture)) < 80
    assert not BRAILLE.search(integrated.run_line("show 50").out)


def test_show_goes_on_where_patterns_are_damaged(integrated: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so where the picture would be."""
    integrated.output(52).write_bytes(b"not HDF5")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    out = integrated.run_line("show 52").out
    assert "no picture" in out
    assert "snapshot" in out


@pytest.mark.parametrize("axis", [np.linspace(1, 2, 299), np.zeros(0), np.linspace(2, 1, 300)])
def test_an_axis_that_is_none_is_said(
    integrated: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, axis: NDArray[np.float64]
) -> None:
    """Whatever reads the patterns: a picture over it would be wrong, or end as a bug."""
    with h5py.File(integrated.output(52), "r+", locking=False) as file:
        del file["entry/data/radial_axis"]
        file["entry/data/radial_axis"] = axis
    words = ["export", "52", "--format", "xye", "-o", str(tmp_path / "out")]
    for line in ("plot 52", words):
        assert "its axis does not rise" in integrated.run_line(line, exit_code=5).err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "its axis does not rise" in " ".join(integrated.run_line("show 52").out.split())


def glimpse(index: int = 0, kelvin: float | None = 300.0) -> Glimpse:
    """Return a pattern as the integration shows it."""
    return Glimpse("scan 7", index, 9, RADIAL, patterns().intensity[0], "2th", kelvin)


def test_an_onlooker_sees_each_pattern_as_it_is_written(home: Home) -> None:
    """Once, whatever the order, with the numbers that are in the file afterwards."""
    home.index()
    found: list[Glimpse] = []
    with Catalogue.open() as catalogue:
        integrate_scans(search(catalogue, "42"), Choices(Recipe(bins=300)), look=found.append)
    written: Patterns = read_patterns(home.output(42))
    assert sorted(each.index for each in found) == [0, 1, 2, 3]
    for each in found:
        assert (each.label, each.patterns, each.unit) == ("scan 42", 4, "2th")
        np.testing.assert_array_equal(each.intensity, written.intensity[each.index])


@pytest.mark.parametrize(
    ("out", "err", "as_json", "term"),
    [*itertools.product([True, False], [True, False], [True, False], ["xterm", "dumb"])],
)
def test_the_live_sketch_needs_a_person_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, out: bool, err: bool, as_json: bool, term: str
) -> None:
    """Never through a pipe, never with --json, never where the terminal cannot go back a line."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: out)
    monkeypatch.setattr("sys.stderr.isatty", lambda: err)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    assert (live_sketch(as_json=as_json) is not None) == (out and err and not as_json and term == "xterm")


@pytest.mark.parametrize(("columns", "lines"), [("40", "24"), ("80", "12")])
def test_a_small_terminal_keeps_its_room(monkeypatch: pytest.MonkeyPatch, columns: str, lines: str) -> None:
    """The bar matters more."""
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", lines)
    assert live_sketch(as_json=False) is None


def test_the_live_sketch_draws_only_what_is_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand patterns between two drawings of the screen cost one picture, that of the newest."""
    live = LiveSketch(80)
    pictures: list[int] = []
    genuine = live.draw

    def counted(newest: Glimpse) -> str:
        pictures.append(newest.index)
        return genuine(newest)

    monkeypatch.setattr(LiveSketch, "draw", lambda _, newest: counted(newest))
    for index in range(1000):
        live(glimpse(index))
    first, second = str(live.__rich__()), str(live.__rich__())
    assert pictures == [999]
    assert first == second
    assert first.splitlines()[0] == "scan 7, pattern 1000 of 9, 300.0 K"
    assert len(first.splitlines()) == 1 + 8 + 1


def test_an_unknown_temperature_is_not_told() -> None:
    """Neither None nor NaN."""
    for kelvin in (None, float("nan")):
        assert LiveSketch(80).draw(glimpse(kelvin=kelvin)).splitlines()[0] == "scan 7, pattern 1 of 9"


WORK = """
import sys
import numpy as np
from danmax_sync.cli.live import live_sketch
from danmax_sync.cli.progress import listening
from danmax_sync.events import progress
from danmax_sync.integration.run import Glimpse

picture = live_sketch(as_json=False)
with listening(as_json=False, picture=picture) as tell:
    for done in range(3):
        progress(tell, "integrate", done, 3, unit="frames")
        picture(Glimpse("scan 42", done, 3, np.arange(9.0), np.arange(9.0, dtype="f4"), "q", 300.0))
print("all done")
"""


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
def test_at_a_terminal_the_newest_pattern_stands_below_the_bar() -> None:
    """It is drawn below, and is gone when the work is done."""
    import pty

    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", WORK], stdin=follower, stdout=follower, stderr=follower, env=environment
    ) as child:
        os.close(follower)
        heard = b""
        # The reader's end says so with an error when the writer has gone.
        with contextlib.suppress(OSError):
            while part := os.read(leader, 65536):
                heard += part
    os.close(leader)
    told = heard.decode()
    assert child.returncode == 0, told
    assert told.index("frames") < told.index("scan 42, pattern 3 of 3, 300.0 K")
    assert BRAILLE.search(told)
    last = told[told.rindex("\x1b[2K") :]
    assert not BRAILLE.search(last)
    assert "all done" in last


def test_integrate_shows_patterns_to_the_live_sketch(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is one; the option --json is passed on to who decides that."""
    home.index()
    asked: list[bool] = []
    shown: list[int] = []

    def recorder(*, as_json: bool) -> Callable[[Glimpse], None]:
        asked.append(as_json)
        return lambda newest: shown.append(newest.index)

    monkeypatch.setattr("danmax_sync.cli.live.live_sketch", recorder)
    home.integrate("42")
    home.integrate_json("43")
    assert asked == [False, True]
    assert sorted(shown) == [0, 0, 1, 1, 2, 2, 3, 3]
