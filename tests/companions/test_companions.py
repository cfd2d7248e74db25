"""silx view, pyFAI-calib2, notebooks: what they are started with, what is taken from them, and what is left alone."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from danmax_sync import settings
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.companions.notebook import query_for
from danmax_sync.companions.programs import find_program
from danmax_sync.errors import UsageError
from danmax_sync.query.search import search
from danmax_sync.testing.bench import SMALL
from tests.conftest import RunLine
from tests.integration.scenes import ENERGY_KEV, Home, store_frames, stored_frames

PYTHON = sys.executable
STAND_IN = """#!{python}
import json, os, shutil, sys
from pathlib import Path
here = Path({folder!r})
here.joinpath("argv.json").write_text(json.dumps(sys.argv))
for name in Path().glob("*.npy"):
    shutil.copy(name, here / "frame.npy")
if "--poni" in sys.argv:
    shutil.copy(sys.argv[sys.argv.index("--poni") + 1], here / "begun.poni")
{acts}
"""
Stand = Callable[..., "Program"]


class Program:
    """A stand-in for somebody's program, which notes what it was started with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def argv(self) -> list[str]:
        """Words after its name."""
        words: list[str] = json.loads(self.folder.joinpath("argv.json").read_text())
        return words[1:]

    @property
    def was_started(self) -> bool:
        """Whether it ever ran."""
        return self.folder.joinpath("argv.json").exists()

    def option(self, name: str) -> str:
        """Return what stands behind an option."""
        return self.argv[self.argv.index(name) + 1]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Put a program on the PATH that does some acts, at a machine with a screen."""
    if os.name == "nt":
        pytest.skip("stand-ins for programs are scripts, which Windows does not start")
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":99")

    def make(name: str, acts: str = "") -> Program:
        path = folder / name
        path.write_text(STAND_IN.format(python=PYTHON, folder=str(folder), acts=acts), encoding="utf-8")
        path.chmod(0o755)
        return Program(folder)

    return make


def saving(text: str, name: str = "mine.poni") -> str:
    """Return the acts of somebody who saves a geometry where the program runs."""
    return f"Path({name!r}).write_text({text!r})"


def calibrations() -> list[Path]:
    """Return what is left in our own folder for calibrations."""
    return sorted(path for path in (settings.home() / "calibrations").rglob("*") if path.is_file())


# silx view


def test_open_shows_patterns_where_there_are_any(integrated: Home, stand_in: Stand) -> None:
    """Else the master; each as one word, and by its whole path."""
    silx = stand_in("silx")
    ran = integrated.run_line("open 52")
    assert silx.argv == ["view", str(integrated.output(52))]
    assert str(integrated.output(52)) in ran.err
    integrated.run_line("open 50")
    assert silx.argv == ["view", str(integrated.master(50))]
    integrated.run_line("open 51-52 --what master")
    assert silx.argv == ["view", str(integrated.master(51)), str(integrated.master(52))]
    assert "integrate 50" in integrated.run_line("open 50 --what patterns", exit_code=5).err


def test_a_folders_name_is_no_command(
    integrated_once: Path, stand_in: Stand, tmp_path: Path, run_line: RunLine
) -> None:
    """Quotes, blanks, a semicolon and a dollar go to the program as they are; brackets as silx wants them."""
    silx = stand_in("silx")
    folder = tmp_path / "20251234" / "2025110208"
    shutil.copytree(integrated_once, folder)
    odd = "$(touch pwned); 'a' \"b\" [1]* `x`"
    for parent in ("raw", "process/azint"):
        (folder / parent / "CeO2").rename(folder / parent / odd)
    run_line(["index", str(folder)])
    run_line("open 52")
    (_, word) = silx.argv
    assert word.replace("[[]", "[").replace("[*]", "*") == str(
        folder / "process" / "azint" / odd / "scan-0052_pilatus_integrated.h5"
    )
    assert "[[]1][*]" in word
    assert not list(tmp_path.rglob("pwned"))


def test_what_is_missing_is_said_with_its_remedy(
    integrated: Home, monkeypatch: pytest.MonkeyPatch, stand_in: Stand
) -> None:
    """Not installed, without a toolkit, no screen, ended at once, too many."""
    empty = integrated.folder.parent / "empty"
    empty.mkdir()
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr("sys.executable", str(empty / "python"))
    told = integrated.run_line("open 52", exit_code=2).err
    assert "silx is not installed" in told
    assert 'install "silx[full]"' in told
    monkeypatch.setattr("danmax_sync.companions.programs._QT", ("no_such_toolkit",))
    (empty / "silx").write_text("#!/bin/sh\n")
    (empty / "silx").chmod(0o755)
    assert "without a toolkit" in integrated.run_line("open 52", exit_code=2).err
    monkeypatch.setenv("PATH", path)
    stand_in("silx", 'print("one"); print("no module named Qt", file=sys.stderr); sys.exit(3)')
    assert "silx ended with 3: no module named Qt" in integrated.run_line("open 52", exit_code=2).err
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert "no screen" in integrated.run_line("open 52", exit_code=2).err
    monkeypatch.setattr("danmax_sync.cli.commands.view._MOST", 1)
    assert "2 scans" in integrated.run_line("open 51-52", exit_code=2).err


def test_the_path_comes_before_our_own_environment(stand_in: Stand, tmp_path: Path) -> None:
    """A user's own silx, with its windows, is the one that is meant."""
    stand_in("silx")
    assert find_program("silx", install="") == tmp_path / "programs" / "silx"
    with pytest.raises(UsageError, match="no-such-program is not installed"):
        find_program("no-such-program", install="somehow")


def test_a_tool_is_found_behind_our_own_environment(
    stand_in: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`uv run` puts our environment first, whose silx has no windows: what was installed as told is what is meant."""
    stand_in("silx")
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "silx").write_text("#!/bin/sh\n")
    (ours / "silx").chmod(0o755)
    monkeypatch.setattr("sys.executable", str(ours / "python"))
    monkeypatch.setattr("danmax_sync.companions.programs._QT", ("no_such_toolkit",))
    monkeypatch.setenv("PATH", f"{ours}{os.pathsep}{os.environ['PATH']}")
    assert find_program("silx", install="") == tmp_path / "programs" / "silx"


@pytest.mark.parametrize(
    ("prefix", "configured", "has_pip", "line"),
    [
        ("venv", "home = /usr/bin\n", True, 'python -m pip install "silx[full]"'),
        ("venv", "home = /usr/bin\nuv = 0.8.4\n", False, 'uv tool install "silx[full]"'),
        ("uv/tools/danmax-sync", "home = /usr/bin\nuv = 0.8.4\n", False, 'uv tool install "silx[full]"'),
        ("venv", "home = /usr/bin\nuv = 0.8.4\n", True, 'python -m pip install "silx[full]"'),
        ("pipx/venvs/danmax-sync", "home = /usr/bin\n", True, 'pipx install "silx[full]"'),
        ("venv", None, True, 'python -m pip install "silx[full]"'),
    ],
)
def test_the_line_that_installs_suits_how_we_were_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, prefix: str, configured: str | None, has_pip: bool, line: str
) -> None:
    """An environment that uv made has no pip."""
    from danmax_sync.companions import programs

    (tmp_path / prefix).mkdir(parents=True)
    if configured is not None:
        (tmp_path / prefix / "pyvenv.cfg").write_text(configured)
    monkeypatch.setattr("sys.prefix", str(tmp_path / prefix))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if has_pip else None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.installing("silx[full]") == line


# pyFAI-calib2


def test_calibration_begins_with_all_that_is_known(home: Home, stand_in: Stand) -> None:
    """Energy, the geometry of that energy to begin with, mask, calibrant, and the mean of the frames."""
    home.index()
    program = stand_in("pyFAI-calib2", saving(SMALL.poni_text(ENERGY_KEV)))
    ran = home.run_line("calibrate 42")
    assert float(program.option("--energy")) == pytest.approx(ENERGY_KEV, rel=1e-4)
    begun = Path(program.option("--poni"))
    assert begun.is_relative_to(settings.home())
    assert program.folder.joinpath("begun.poni").read_text() == (home.process / "LaB6_35keV.poni").read_text()
    assert program.option("--mask") == str(home.process / "mask.npy")
    assert program.option("--calibrant") == "LaB6"
    assert program.argv[-1] == "LaB6_scan-0042_mean_of_4_frames.npy"
    frames = stored_frames(home.frames(42))
    wanted = np.where((frames < 0).any(axis=0), -1, frames.mean(axis=0, dtype=np.float64)).astype(np.float32)
    np.testing.assert_array_equal(np.load(program.folder / "frame.npy"), wanted)
    for told in ("mean of 4 frames of raw/LaB6/scan-0042_pilatus.h5", "energy 34.99", "calibrant LaB6"):
        assert told in ran.err


def test_a_frame_can_be_chosen_and_a_calibrant(home: Home, stand_in: Stand) -> None:
    """As it is stored; a frame there is not is said, before any window opens."""
    home.index()
    program = stand_in("pyFAI-calib2", saving(SMALL.poni_text(ENERGY_KEV)))
    assert "no frame 4" in home.run_line("calibrate 42 --frame 4", exit_code=2).err
    assert not program.was_started
    home.run_line("calibrate 42 --frame 2 --calibrant CeO2")
    assert program.option("--calibrant") == "CeO2"
    np.testing.assert_array_equal(np.load(program.folder / "frame.npy"), stored_frames(home.frames(42))[2])
    assert "one is calibrated at a time" in home.run_line("calibrate LaB6", exit_code=2).err


def test_the_full_detector_is_named(home: Home, stand_in: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """By pyFAI's name for it."""
    from danmax_sync.companions import calibrating

    pyfai_name = calibrating._DETECTORS["pilatus", (1679, 1475)]
    monkeypatch.setitem(calibrating._DETECTORS, ("pilatus", (167, 149)), pyfai_name)
    home.index()
    program = stand_in("pyFAI-calib2", saving(SMALL.poni_text(ENERGY_KEV)))
    home.run_line("calibrate 42")
    assert program.option("--detector") == "pilatus_cdte_2m"


def test_pyfai_knows_these_detectors_and_calibrants() -> None:
    """Each name, with the shape that it stands for."""
    from pyFAI.calibrant import CALIBRANT_FACTORY
    from pyFAI.detectors import detector_factory

    from danmax_sync.companions.calibrating import _CALIBRANTS, _DETECTORS

    for (_, shape), name in _DETECTORS.items():
        assert tuple(detector_factory(name).max_shape) == shape
    assert set(_CALIBRANTS) <= set(CALIBRANT_FACTORY.all)


@pytest.mark.parametrize(
    ("sample", "calibrant"),
    [
        ("LaB6/660c, sieved", "LaB6"),
        ("standard_CeO2-674b", "CeO2"),
        ("lab6", "LaB6"),
        ("capillary (Si)", "Si"),
        ("LaB6 in Si", None),
        ("si, ground et al", None),
        ("LaB6x", None),
        ("", None),
    ],
)
def test_the_calibrant_is_found_in_a_samples_name(sample: str, calibrant: str | None) -> None:
    """As the whole name or as one part of it; where two are named, nobody knows."""
    from danmax_sync.companions.calibrating import _material_of

    assert _material_of(sample) == calibrant


def test_a_name_of_ones_own_does_not_hide_the_calibrant(home: Home, stand_in: Stand) -> None:
    """It is taken from the name, else from the folder's."""
    home.index()
    for name in ("LaB6/660c, sieved", "the standard"):
        home.run_line(["sample", "set", "42", name, "--yes"])
        program = stand_in("pyFAI-calib2", saving(SMALL.poni_text(ENERGY_KEV)))
        home.run_line("calibrate 42")
        assert program.option("--calibrant") == "LaB6"


def test_the_geometry_goes_into_process_and_replaces_nothing(home: Home, stand_in: Stand) -> None:
    """A second one gets another name; the next integration takes the newest; nothing of ours is left over."""
    home.index()
    before = {path.name: path.read_bytes() for path in home.process.iterdir() if path.is_file()}
    text = SMALL.poni_text(ENERGY_KEV) + "# first\n"
    stand_in("pyFAI-calib2", saving(text))
    told = home.run_line("calibrate 42").err
    placed = home.process / "LaB6_scan-0042_34.999keV.poni"
    assert f"geometry → {placed}" in told
    assert placed.read_text() == text
    stand_in("pyFAI-calib2", saving(text.replace("first", "second")))
    home.run_line("calibrate 42")
    assert placed.read_text() == text
    assert "second" in (home.process / "LaB6_scan-0042_34.999keV-2.poni").read_text()
    assert all((home.process / name).read_bytes() == content for name, content in before.items())
    assert calibrations() == []
    assert "geometry LaB6_scan-0042_34.999keV" in home.integrate("42").err


def test_a_named_place_is_asked_for_before_the_work(home: Home, stand_in: Stand, tmp_path: Path) -> None:
    """A file that is there is kept, and nobody calibrates for nothing."""
    home.index()
    program = stand_in("pyFAI-calib2", saving(SMALL.poni_text(ENERGY_KEV)))
    named = tmp_path / "there.poni"
    named.write_text("mine")
    assert "is kept" in home.run_line(["calibrate", "42", "-o", str(named)], exit_code=2).err
    assert not program.was_started
    assert named.read_text() == "mine"
    fresh = tmp_path / "new" / "fresh.poni"
    home.run_line(["calibrate", "42", "-o", str(fresh)])
    assert fresh.read_text() == SMALL.poni_text(ENERGY_KEV)


@pytest.mark.parametrize(
    ("text", "exit_code", "says"),
    [
        (SMALL.poni_text(20.0), 7, "for 20.0000 keV"),
        ("Distance: 0.1\n", 2, "no whole geometry"),
        (SMALL.poni_text(ENERGY_KEV).replace('"orientation": 3', '"orientation": 9'), 7, "orientation 9"),
        (SMALL.poni_text(ENERGY_KEV).replace("[167, 149]", "[149, 167]"), 7, "(149, 167)"),
        ("\xff" * 50, 2, "no whole geometry"),
    ],
)
def test_a_geometry_that_would_give_wrong_numbers_is_not_taken(
    home: Home, stand_in: Stand, text: str, exit_code: int, says: str
) -> None:
    """Another energy, half a file, an orientation or a shape that cannot be: it is kept, outside process/."""
    home.index()
    before = sorted(home.process.iterdir())
    stand_in("pyFAI-calib2", saving(text))
    told = home.run_line("calibrate 42", exit_code=exit_code).err
    assert says in told
    # Those are options of integrate.
    assert "--poni" not in told
    assert "--allow" not in told
    assert sorted(home.process.iterdir()) == before
    (kept,) = calibrations()
    assert kept.name == "mine.poni"


def test_nothing_saved_is_not_a_success(home: Home, stand_in: Stand) -> None:
    """3, with what to press; a program that fails is another thing."""
    home.index()
    stand_in("pyFAI-calib2")
    assert "Save as PONI file" in home.run_line("calibrate 42", exit_code=3).err
    stand_in("pyFAI-calib2", "sys.exit(4)")
    assert "ended with 4" in home.run_line("calibrate 42", exit_code=2).err
    assert calibrations() == []


def test_what_was_saved_straight_into_process_is_checked_there(home: Home, stand_in: Stand) -> None:
    """It stays under the user's name; a wrong one is complained about, and is the user's to delete."""
    home.index()
    good, bad = home.process / "straight.poni", home.process / "wrong.poni"
    stand_in("pyFAI-calib2", saving(SMALL.poni_text(ENERGY_KEV), str(good)))
    assert str(good) in home.run_line("calibrate 42").err
    stand_in("pyFAI-calib2", saving(SMALL.poni_text(20.0), str(bad)))
    assert "wrong.poni" in home.run_line("calibrate 42", exit_code=7).err
    assert bad.exists()


def test_what_the_program_wrote_over_gets_its_content_back(home: Home, stand_in: Stand) -> None:
    """The program does not ask before it replaces a file: the old one stays, the new one gets a name of its own."""
    home.index()
    old = home.process / "LaB6_35keV.poni"
    before, changed = old.read_bytes(), old.stat().st_mtime_ns
    text = SMALL.poni_text(ENERGY_KEV) + "# new\n"
    stand_in("pyFAI-calib2", saving(text, str(old)))
    home.run_line("calibrate 42")
    assert (old.read_bytes(), old.stat().st_mtime_ns) == (before, changed)
    assert (home.process / "LaB6_scan-0042_34.999keV.poni").read_text() == text
    stand_in("pyFAI-calib2", saving(SMALL.poni_text(20.0), str(old)))
    home.run_line("calibrate 42", exit_code=7)
    assert old.read_bytes() == before
    (kept,) = calibrations()
    assert kept.read_text() == SMALL.poni_text(20.0)


def test_saving_into_the_geometry_it_began_with_is_taken(home: Home, stand_in: Stand) -> None:
    """That is the file the program offers; left as it was, it is none that was saved."""
    home.index()
    text = SMALL.poni_text(ENERGY_KEV) + "# new\n"
    stand_in("pyFAI-calib2", f"Path(sys.argv[sys.argv.index('--poni') + 1]).write_text({text!r})")
    home.run_line("calibrate 42")
    assert (home.process / "LaB6_scan-0042_34.999keV.poni").read_text() == text
    assert calibrations() == []


def test_frames_of_other_detectors_are_averaged_without_their_marks(home: Home, stand_in: Stand) -> None:
    """The greatest number of an unsigned type marks a bad pixel, in one frame of them all."""
    frames = np.full((4, 167, 149), 7, dtype=np.uint32)
    frames[2, 5, 6] = np.iinfo(np.uint32).max
    store_frames(home.frames(42), frames)
    home.index()
    program = stand_in("pyFAI-calib2", saving(SMALL.poni_text(ENERGY_KEV)))
    home.run_line("calibrate 42")
    taken = np.load(program.folder / "frame.npy")
    assert taken[5, 6] == -1
    assert set(np.unique(taken).tolist()) == {-1.0, 7.0}


def test_other_things_a_person_saved_are_kept(home: Home, stand_in: Stand) -> None:
    """Control points, say; the copy of the frame is not."""
    home.index()
    stand_in("pyFAI-calib2", f"{saving(SMALL.poni_text(ENERGY_KEV))}; Path('rings.npt').write_text('x')")
    home.run_line("calibrate 42")
    assert [path.name for path in calibrations()] == ["rings.npt"]


def test_a_samples_name_is_no_path(home: Home, stand_in: Stand) -> None:
    """Nested folders and odd signs become letters and lines."""
    (home.folder / "raw" / "LaB6").rename(home.folder / "raw" / "a; b$c")
    home.index()
    program = stand_in("pyFAI-calib2", saving(SMALL.poni_text(ENERGY_KEV)))
    home.run_line("calibrate 42")
    assert program.argv[-1] == "a__b_c_scan-0042_mean_of_4_frames.npy"
    assert (home.process / "a__b_c_scan-0042_34.999keV.poni").exists()


# Notebooks


def notebook(home: Home, query: str, *words: str) -> tuple[Path, dict[str, Any]]:
    """Write a notebook and read it as JSON."""
    path = home.folder.parent / "scan.ipynb"
    home.run_line(["notebook", query, "-o", str(path), *words])
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return path, read


def code_of(read: dict[str, Any]) -> list[str]:
    """Return the code of its cells."""
    return ["".join(cell["source"]) for cell in read["cells"] if cell["cell_type"] == "code"]


RUNNER = """
import ast, json, sys
names = {}
with open(sys.argv[1], encoding="utf-8") as file:
    cells = json.load(file)
for source in cells:
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is not None:
        shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        getattr(shown, "_repr_html_", shown.__repr__)()
plt = names["plt"]
lines = [len(axes.lines) for figure in map(plt.figure, plt.get_fignums()) for axes in figure.axes]
counts = {name: len(names[name]) for name in ("alike", "snapshot")}
print(json.dumps({"scan": names["scan"].number, "lines": lines, **counts}))
"""


def executed(read: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Run a notebook's cells in order in a Python of their own, as a kernel would; return what came of it."""
    cells = scratch / "cells.json"
    cells.write_text(json.dumps(code_of(read)), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER, str(cells)],
        capture_output=True,
        text=True,
        env={**os.environ, "MPLBACKEND": "Agg"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


def test_a_notebook_loads_searches_and_plots(integrated: Home, tmp_path: Path) -> None:
    """Run from top to bottom: the scan, its snapshot, its like, a frame, and its patterns drawn."""
    _, read = notebook(integrated, "52")
    came = executed(read, tmp_path)
    assert came["scan"] == 52
    assert came["alike"] == 6
    assert came["snapshot"] > 50
    assert came["lines"] == [0, 1, 0]


def test_without_patterns_it_integrates_some_frames(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """And writes nothing."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    home.index()
    _, read = notebook(home, "42")
    names: dict[str, Any] = {}
    for source in code_of(read):
        exec(source, names)  # noqa: S102 - what is tested
    assert [line.get_label() for line in names["axes"].lines] == [f"frame {n}" for n in range(4)]
    names["plt"].close("all")
    names["catalogue"].close()
    assert not home.azint.exists()


def test_it_is_a_notebook(integrated: Home) -> None:
    """Of format 4.5: ids that differ, outputs in code cells alone, lines that end as the format wants them."""
    path, read = notebook(integrated, "52")
    assert (read["nbformat"], read["nbformat_minor"]) == (4, 5)
    assert set(read) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in read["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in read["cells"]:
        extra = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | extra
        assert all(line.endswith("\n") for line in cell["source"][:-1])
    assert [each.name for each in path.parent.glob(".*")] == []


def test_what_files_say_stands_in_code_as_a_string_alone(home: Home) -> None:
    """A sample called like code or like a picture on the network is looked for, and is nothing else."""
    odd = "'); import os; os.abort() #![x](http:__127.0.0.1:9)"
    (home.folder / "raw" / "LaB6").rename(home.folder / "raw" / odd)
    home.index()
    _, read = notebook(home, "42")
    assert "127.0.0.1" not in "".join("".join(c["source"]) for c in read["cells"] if c["cell_type"] == "markdown")
    called = {node.id for source in code_of(read) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert "os" not in called
    names: dict[str, Any] = {}
    for source in code_of(read)[:3]:
        exec(source, names)  # noqa: S102 - what is tested
    assert [scan.sample for scan in names["alike"]] == [odd, odd]
    names["catalogue"].close()


def test_a_notebook_somebody_worked_in_is_kept(integrated: Home) -> None:
    """The same again is no matter; another is asked about."""
    path, _ = notebook(integrated, "52")
    notebook(integrated, "52")
    path.write_text("{}")
    assert "--overwrite" in integrated.run_line(["notebook", "52", "-o", str(path)], exit_code=2).err
    assert path.read_text() == "{}"
    notebook(integrated, "52", "--overwrite")
    assert path.read_text() != "{}"
    assert "no notebook" in integrated.run_line("notebook 52 -o scan.txt", exit_code=2).err
    assert "about one" in integrated.run_line("notebook 51-52", exit_code=2).err


def test_a_notebook_is_known_again_on_windows(integrated: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """There text gets other ends of lines than were written: the same notebook would seem to have been worked in."""

    def as_there(path: Path, text: str, **_: object) -> int:
        return path.write_bytes(text.replace("\n", "\r\n").encode())

    monkeypatch.setattr(Path, "write_text", as_there)
    path, _ = notebook(integrated, "52")
    notebook(integrated, "52")
    assert b"\r" not in path.read_bytes()


def test_a_scan_that_is_elsewhere_has_its_snapshot(integrated: Home) -> None:
    """And is told how it comes here."""
    shutil.rmtree(integrated.folder)
    _, read = notebook(integrated, "52")
    assert len(code_of(read)) == 3
    assert "danmax-sync get" in "".join(read["cells"][-1]["source"])


def test_the_query_finds_the_scan_and_no_other(integrated: Home, run_line: RunLine) -> None:
    """A number that two visits have is told apart by its visit; a scan without a number by its path."""
    other = integrated.folder.parent / "2025120108"
    shutil.copytree(integrated.folder, other)
    with h5py.File(other / "raw" / "CeO2" / "scan-0052.h5", "r+", locking=False) as file:
        file["entry/start_time"][()] = "2025-12-01T10:00:00+01:00"
    run_line(["index", str(other)])
    with Catalogue.open() as catalogue:
        found = search(catalogue, "52")
        assert len(found) == 2
        queries = [query_for(catalogue, scan) for scan in found]
        assert len(set(queries)) == 2
        told = run_line("notebook 52", exit_code=2).err
        assert "name it, as 52 visit:20251" in told
        for scan, query in zip(found, queries, strict=True):
            assert [each.id for each in search(catalogue, query)] == [scan.id]


def test_a_notebook_keeps_to_its_scan(integrated: Home, run_line: RunLine) -> None:
    """A visit that is indexed later has scans of the same numbers; and what is found twice is not shown at all."""
    _, read = notebook(integrated, "52")
    first = code_of(read)[0]
    other = integrated.folder.parent / "2025120108"
    shutil.copytree(integrated.folder, other)
    with h5py.File(other / "raw" / "CeO2" / "scan-0052.h5", "r+", locking=False) as file:
        file["entry/start_time"][()] = "2024-12-01T10:00:00+01:00"
    run_line(["index", str(other)])
    names: dict[str, Any] = {}
    exec(first, names)  # noqa: S102 - what is tested
    assert names["scan"].visit == "2025110208"
    names["catalogue"].close()
    with pytest.raises(LookupError, match="2 scans are found, not one"):
        exec(first.replace(" visit:2025110208", ""), names)  # noqa: S102 - what is tested
    names["catalogue"].close()


def test_a_catalogue_of_another_place_is_named_and_a_servers_is_not(
    integrated: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL may hold a password."""
    from danmax_sync.cli import context

    moved = integrated.folder.parent / "moved.db"
    shutil.copy(settings.catalogue_location(), moved)
    path = integrated.folder.parent / "scan.ipynb"
    integrated.run_line(["--catalogue", str(moved), "notebook", "52", "-o", str(path)])
    assert f"Catalogue.open({str(moved)!r})" in code_of(json.loads(path.read_text()))[0]
    context.set_options(catalogue="postgresql://me:secret@host/danmax", debug=False)
    assert context.named_catalogue() is None
