"""The simulated visit as a whole: what it holds, that it repeats itself, and that it can be stopped."""

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from danmax_sync.errors import UsageError
from danmax_sync.events import Event
from danmax_sync.testing.publishing import MARKER
from danmax_sync.testing.visit import SimulatedVisit, simulate_visit, simulate_visits
from danmax_sync.visits import kind_of, place


def contents(folder: Path) -> dict[str, str]:
    """Return every file's digest by its path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> SimulatedVisit:
    """Return a whole small visit."""
    return simulate_visit(tmp_path_factory.mktemp("visit"), small=True, frames=4, incomplete=[1])


def test_every_file_has_its_place_and_nothing_temporary_stays(visit: SimulatedVisit) -> None:
    """The folder holds the announced masters, their detector files, the calibration, and no more."""
    expected = {MARKER, "process/LaB6_35keV.poni", "process/LaB6_20keV.poni", "process/mask.npy"}
    for position, scan in enumerate(visit.scans):
        stem = str(scan.path).removesuffix(".h5")
        expected |= {f"{stem}.h5", *(f"{stem}_{detector}.h5" for detector in scan.detectors)}
        if position == 1:
            expected.remove(f"{stem}_pilatus.h5")
    assert set(contents(visit.folder)) == expected
    assert (visit.poni, visit.mask) == (
        visit.folder / "process" / "LaB6_35keV.poni",
        visit.folder / "process" / "mask.npy",
    )


def test_the_default_visit_has_what_a_search_looks_for(visit: SimulatedVisit) -> None:
    """Three samples, two energies, a ramp from 300 to 480 K, every way of recording a temperature, and none."""
    scans = visit.scans
    assert {scan.sample for scan in scans} == {"LaB6", "Si", "CeO2"}
    assert {round(scan.energy_kev) for scan in scans} == {20, 35}
    assert all(scan.energy_kev != round(scan.energy_kev) for scan in scans)
    ramp = [scan.temperatures_k[0] for scan in scans if scan.sample == "CeO2"]
    assert ramp == sorted(ramp)
    assert (ramp[0], ramp[-1]) == (300.0, 480.0)
    assert {scan.temperature_source for scan in scans} == {"cryo_temp", "lakeshore_tempD", "snapshot", ""}
    assert [scan.complete for scan in scans] == [position != 1 for position in range(12)]
    assert {scan.detectors for scan in scans} == {("pilatus",), ("pilatus", "falconx")}
    assert [scan.number for scan in scans] == list(range(42, 54))


def test_the_places_are_those_of_the_geography(visit: SimulatedVisit) -> None:
    """`danmax_sync.visits` finds number and sample of every simulated master."""
    for scan in visit.scans:
        where = place(scan.path)
        assert (where.number, where.sample, kind_of(scan.path.name).value) == (scan.number, scan.sample, "master")


def test_scans_follow_each_other_in_time(visit: SimulatedVisit) -> None:
    """Start times are aware and rise with the scan number."""
    starts = [scan.start for scan in visit.scans]
    assert starts == sorted(starts)
    assert all(start.tzinfo is not None for start in starts)
    assert len(set(starts)) == 12


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, visit: SimulatedVisit) -> None:
    """Two visits of one seed are equal file by file; another seed changes frames, channels and mask."""
    again = simulate_visit(tmp_path / "again", small=True, frames=4, incomplete=[1])
    other = simulate_visit(tmp_path / "other", small=True, frames=4, incomplete=[1], seed=1)
    assert contents(again.folder) == contents(visit.folder)
    first, second = contents(visit.folder), contents(other.folder)
    assert {name for name in first if first[name] == second[name]} == {
        "process/LaB6_35keV.poni",
        "process/LaB6_20keV.poni",
    }


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_stopped_simulation_goes_on(tmp_path: Path, visit: SimulatedVisit, error: type[BaseException]) -> None:
    """Stopped after five scans and called again, the visit is the same as one made in one go."""

    def stop(event: Event) -> None:
        if event.fields["done"] == 5:
            raise error

    folder = tmp_path / "stopped"
    with pytest.raises(error):
        simulate_visit(folder, small=True, frames=4, incomplete=[1], tell=stop)
    assert len(list((folder / "raw").rglob("scan-????.h5"))) == 5
    simulate_visit(folder, small=True, frames=4, incomplete=[1])
    assert contents(folder) == contents(visit.folder)


def test_remains_of_a_kill_are_cleared_and_missing_files_come_back(tmp_path: Path, visit: SimulatedVisit) -> None:
    """Half a temporary file, as SIGKILL leaves it, is overwritten; whole files are not touched."""
    folder = tmp_path / "killed"
    simulate_visit(folder, small=True, frames=4, incomplete=[1])
    lost = folder / "raw" / "Si" / "scan-0046_pilatus.h5"
    lost.unlink()
    lost.with_name(f".{lost.name}.part").write_bytes(b"\x89HDF half a frame")
    kept = folder / "raw" / "Si" / "scan-0045_pilatus.h5"
    before = kept.stat().st_mtime_ns
    simulate_visit(folder, small=True, frames=4, incomplete=[1])
    assert contents(folder) == contents(visit.folder)
    assert kept.stat().st_mtime_ns == before


def test_work_done_in_the_visit_is_not_foreign(tmp_path: Path) -> None:
    """A file that a user adds later does not keep the simulation from going on."""
    simulate_visit(tmp_path, small=True, scans=1, frames=1)
    (tmp_path / "process" / "azint").mkdir()
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert len(simulate_visit(tmp_path, small=True, scans=1, frames=1).scans) == 1


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda folder: (folder / "thesis.tex").write_text("x", encoding="utf-8"), id="a file"),
        pytest.param(lambda folder: (folder / "raw" / "LaB6").mkdir(parents=True), id="a real visit"),
        pytest.param(lambda folder: (folder / MARKER).write_text("{", encoding="utf-8"), id="a spoilt marker"),
        pytest.param(lambda folder: (folder / MARKER).write_text("[]", encoding="utf-8"), id="a foreign marker"),
    ],
)
def test_a_foreign_folder_is_refused_untouched(tmp_path: Path, prepare: Callable[[Path], object]) -> None:
    """Nothing is written beside what is not ours."""
    prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError) as caught:
        simulate_visit(tmp_path, small=True, scans=1, frames=1)
    assert caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A path to a file is refused and the file kept."""
    path = tmp_path / "visit"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file"):
        simulate_visit(path, small=True, scans=1, frames=1)
    assert path.read_text(encoding="utf-8") == "mine"


def test_other_parameters_are_refused_by_name(tmp_path: Path) -> None:
    """The message says which parameter differs, and the visit stays as it was."""
    simulate_visit(tmp_path, small=True, scans=1, frames=1)
    before = contents(tmp_path)
    with pytest.raises(UsageError, match="frames 1, now 2"):
        simulate_visit(tmp_path, small=True, scans=1, frames=2)
    assert contents(tmp_path) == before
    assert json.loads((tmp_path / MARKER).read_text(encoding="utf-8"))["frames"] == 1


@pytest.mark.parametrize(
    "wrong", [{"scans": -1}, {"frames": 0}, {"seed": -1}, {"scans": 2, "incomplete": [2]}, {"incomplete": [-1]}]
)
def test_impossible_numbers_are_refused_before_anything_is_made(tmp_path: Path, wrong: dict[str, int]) -> None:
    """Numbers out of range are the caller's mistake, and no folder appears."""
    with pytest.raises(UsageError):
        simulate_visit(tmp_path / "new", small=True, **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("scans", [0, 1, 2, 3, 5, 25])
def test_any_number_of_scans_makes_a_visit(tmp_path: Path, scans: int) -> None:
    """From none to many, as many masters as asked for, and from three on all samples."""
    visit = simulate_visit(tmp_path, small=True, scans=scans, frames=1)
    assert len(list((tmp_path).rglob("scan-????.h5"))) == len(visit.scans) == scans
    assert len({scan.sample for scan in visit.scans}) == min(scans, 3)


def test_progress_counts_the_scans(tmp_path: Path) -> None:
    """A listener hears of every scan and of the end."""
    heard: list[Event] = []
    simulate_visit(tmp_path, small=True, scans=3, frames=1, tell=heard.append)
    assert [(e.fields["stage"], e.fields["done"], e.fields["total"], e.fields["unit"]) for e in heard] == [
        ("simulate", done, 3, "scans") for done in (1, 2, 3)
    ]
    assert heard[0].fields["item"] == "raw/LaB6/scan-0042.h5"


def test_two_visits_share_scan_numbers_but_no_data(tmp_path: Path) -> None:
    """Each stands under its proposal and visit, which `place` finds; the frames differ."""
    first, second = simulate_visits(tmp_path, visits=2, scans=2, frames=1, small=True)
    assert [scan.number for scan in first.scans] == [scan.number for scan in second.scans]
    wheres = [place(first.scans[0].path, root=visit.folder.as_posix()) for visit in (first, second)]
    assert [(where.proposal, where.visit) for where in wheres] == [
        ("20251234", "2025110208"),
        ("20251245", "2025110908"),
    ]
    assert second.scans[0].start.strftime("%Y%m%d") == "20251109"
    frames = [visit.folder / "raw" / "LaB6" / "scan-0042_pilatus.h5" for visit in (first, second)]
    assert frames[0].read_bytes() != frames[1].read_bytes()
    assert not np.array_equal(np.load(first.mask), np.load(second.mask))


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import danmax_sync.testing` must stay cheap for the command line."""
    code = "import sys, danmax_sync.testing; print({'pyFAI', 'h5py', 'numpy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
