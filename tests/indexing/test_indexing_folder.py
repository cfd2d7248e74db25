"""Indexing a local folder: what is new, changed, gone or bad, and nothing else is opened."""

import errno
import os
import random
import shutil
import time
from pathlib import Path

import h5py
import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import UsageError
from danmax_sync.events import Event
from danmax_sync.indexing import listing
from danmax_sync.indexing.arrived import index_arrived
from danmax_sync.indexing.index import index_folder
from danmax_sync.indexing.summary import IndexSummary
from danmax_sync.settings import settings_file
from danmax_sync.testing.visit import Awkward, SimulatedVisit, simulate_visit
from danmax_sync.visits import TreePath
from tests.indexing.contents import aged, aged_tree, contents, spoil, states
from tests.scanfile.writing import write_entry, write_frames, write_master, write_set


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    """Return a visit of four scans of two samples, all of them complete and old."""
    folder = tmp_path / "20251234" / "2025110208"
    for number, sample in ((1, "LaB6"), (2, "LaB6"), (3, "Si 640d.v1"), (10001, "raw/deep")):
        start = f"2025-11-02T08:00:00.{number:06d}"
        write_set(folder / "raw" / sample / f"scan-{number:04d}.h5", start=start, title=f"timescan {number}")
    return aged_tree(folder)


def numbers(summary: IndexSummary) -> tuple[int, int, int, int, int, int]:
    """Return a summary's counts: scans, new, changed, unchanged, missing, problems."""
    return (
        summary.scans,
        summary.new,
        summary.changed,
        summary.unchanged,
        summary.missing,
        summary.problems,
    )


def master(visit: Path, number: int, sample: str = "LaB6") -> Path:
    """Return where a master stands."""
    return visit / "raw" / sample / f"scan-{number:04d}.h5"


def test_a_simulated_visit_is_indexed_as_it_is(small_visit: SimulatedVisit, catalogue: Catalogue) -> None:
    """Every scan, complete but for the one whose detector file was never saved."""
    summary = index_folder(catalogue, small_visit.folder)
    assert numbers(summary) == (12, 12, 0, 0, 0, 0)
    scans = {scan.number: scan for scan in catalogue.scans()}
    for expected in small_visit.scans:
        found = scans[expected.number]
        assert (found.proposal, found.visit, found.sample) == ("20251234", "2025110208", expected.sample)
        assert (found.path, found.title, found.points) == (expected.path, expected.title, expected.frames)
        assert found.state.value == ("complete" if expected.complete else "partial")
        assert found.energy_kev == pytest.approx(expected.energy_kev, abs=1e-3)


def test_an_unchanged_folder_is_listed_and_nothing_in_it_opened(visit: Path, catalogue: Catalogue) -> None:
    """A master spoilt behind the catalogue's back would be noticed if it were opened."""
    assert numbers(index_folder(catalogue, visit)) == (4, 4, 0, 0, 0, 0)
    before = contents(catalogue)
    for path in visit.rglob("*.h5"):
        spoil(path)
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 0)
    assert contents(catalogue) == before


@pytest.mark.change_times
def test_a_file_that_keeps_size_and_time_is_seen_to_have_changed(visit: Path, catalogue: Catalogue) -> None:
    """By its change time or its inode, where the file system keeps them."""
    index_folder(catalogue, visit)
    path = master(visit, 1)
    before = path.stat()
    content = path.read_bytes().replace(b"timescan 1", b"timescan Z")
    assert len(content) == before.st_size
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 1, 3, 0, 0)
    assert "timescan Z" in {scan.title for scan in catalogue.scans()}


def test_only_what_changed_is_read_again(visit: Path, catalogue: Catalogue) -> None:
    """One master of four, by its time alone."""
    index_folder(catalogue, visit)
    spoil(master(visit, 2))
    aged(write_master(master(visit, 1), title="changed"))
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 1, 3, 0, 0)
    assert min(scan.title for scan in catalogue.scans()) == "changed"


def test_a_young_file_is_looked_at_again(visit: Path, catalogue: Catalogue) -> None:
    """It may change once more within one tick of the clock: same size, same time. An old one is taken as it is."""
    path = master(visit, 1)
    for title, old in (("timescan A", False), ("timescan B", False), ("timescan C", True)):
        write_master(path, title=title)
        aged(path)
        young = path.stat()
        if not old:
            now = time.time_ns()
            os.utime(path, ns=(now, now))
            young = path.stat()
        index_folder(catalogue, visit)
        write_master(path, title="timescan X")
        assert path.stat().st_size == young.st_size
        os.utime(path, ns=(young.st_atime_ns, young.st_mtime_ns))
        again = index_folder(catalogue, visit)
        assert (again.new, again.changed, again.unchanged) == (0, 0, 4)
        titles = [scan.title for scan in catalogue.scans()]
        assert ("timescan X" in titles) is not old
        assert (title in titles) is old


def test_a_detector_file_comes_and_goes_without_its_master(visit: Path, catalogue: Catalogue) -> None:
    """Partial without it, complete with it; the master is not opened for that."""
    path = master(visit, 1)
    detector = path.with_name("scan-0001_pilatus.h5")
    index_folder(catalogue, visit)
    spoil(path)
    for act, state in (
        (detector.unlink, "partial"),
        (lambda: aged(write_frames(detector)), "complete"),
        (lambda: detector.write_bytes(b""), "partial"),
    ):
        act()
        assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 0)
        assert states(catalogue)["raw/LaB6/scan-0001.h5"] == state


def test_a_vanished_scan_is_missing_and_comes_back(visit: Path, catalogue: Catalogue) -> None:
    """It stays searchable; nothing of it is forgotten."""
    index_folder(catalogue, visit)
    away = visit.parent / "away"
    (visit / "raw" / "LaB6").rename(away)
    assert numbers(index_folder(catalogue, visit)) == (2, 0, 0, 2, 2, 0)
    assert catalogue.count() == 4
    assert [at.state for scan in catalogue.scans() if scan.sample == "LaB6" for at in scan.locations] == ["missing"] * 2
    assert numbers(index_folder(catalogue, visit)) == (2, 0, 0, 2, 2, 0)
    away.rename(visit / "raw" / "LaB6")
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 2, 2, 0, 0)
    assert set(states(catalogue).values()) == {"complete"}


def test_a_moved_scan_is_the_same_scan(visit: Path, catalogue: Catalogue) -> None:
    """It is known by what is in it; no scan is missing then."""
    index_folder(catalogue, visit)
    (visit / "raw" / "LaB6").rename(visit / "raw" / "LaB6 calibrant")
    assert numbers(index_folder(catalogue, visit)) == (4, 2, 0, 2, 0, 0)
    assert catalogue.count() == 4
    assert states(catalogue)["raw/LaB6 calibrant/scan-0001.h5"] == "complete"


def test_a_copy_elsewhere_is_another_place_of_the_same_scans(visit: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    """With the same folders below, whatever is above them."""
    index_folder(catalogue, visit)
    copy = tmp_path / "laptop" / "my visit"
    shutil.copytree(visit, copy)
    aged_tree(copy)
    assert numbers(index_folder(catalogue, copy)) == (4, 4, 0, 0, 0, 0)
    assert catalogue.count() == 4
    for scan in catalogue.scans():
        assert sorted((at.root.folder, at.state) for at in scan.locations if at.root.folder) == [
            (visit, "complete"),
            (copy, "complete"),
        ]
        assert scan.proposal == "20251234"
    shutil.rmtree(copy / "raw" / "LaB6")
    index_folder(catalogue, copy)
    assert states(catalogue)["raw/LaB6/scan-0001.h5"] == "complete"


def test_bad_masters_leave_the_rest(tmp_path: Path, catalogue: Catalogue) -> None:
    """Truncated, damaged, or no HDF5 at all: a row and a problem each, and a warning while it runs."""
    visit = simulate_visit(
        tmp_path / "v", scans=2, frames=2, small=True, awkward=[Awkward.TRUNCATED, Awkward.CORRUPT, Awkward.PAST_9999]
    )
    heard: list[Event] = []
    summary = index_folder(catalogue, visit.folder, tell=heard.append)
    assert numbers(summary) == (6, 6, 0, 0, 0, 3)
    assert {path: state for path, state in states(catalogue).items() if state != "complete"} == {
        str(path): "unreadable" for path in visit.broken
    }
    assert [(each.path, each.stage) for each in catalogue.problems()] == [(str(path), "read") for path in visit.broken]
    warned = [event.fields["path"] for event in heard if event.name == "warning"]
    assert sorted(map(str, warned)) == [str(path) for path in visit.broken]
    assert numbers(index_folder(catalogue, visit.folder))[3:] == (6, 0, 3)


def test_awkward_scans_are_what_they_are_named_for(tmp_path: Path, catalogue: Catalogue) -> None:
    """Hostile links make partial sets with a reason; odd folders and many entries are no trouble."""
    kinds = set(Awkward) - {Awkward.TRUNCATED, Awkward.CORRUPT, Awkward.GROWING}
    visit = simulate_visit(tmp_path / "v", scans=0, frames=2, small=True, awkward=kinds)
    index_folder(catalogue, visit.folder)
    found = {(scan.number, scan.entry): scan for scan in catalogue.scans()}
    assert len(found) == len(visit.scans)
    for expected in visit.scans:
        scan = found[expected.number, expected.entry]
        assert (scan.sample, str(scan.path)) == (expected.sample, str(expected.path))
        assert scan.state.value == ("complete" if expected.complete else "partial")
    reasons = " ".join(each.message for each in catalogue.problems())
    assert len(catalogue.problems()) == 3
    for words in ("is absolute", "leaves the visit", "points back at its own file"):
        assert words in reasons


def test_a_master_that_reads_again_is_well_again(visit: Path, catalogue: Catalogue) -> None:
    """What was known of it stays meanwhile; its problem goes, whether or not its size and time tell of the cure."""
    path = master(visit, 1)
    whole, times = path.read_bytes(), path.stat()
    index_folder(catalogue, visit)
    spoil(path)
    aged(path)
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 1, 3, 0, 1)
    broken = next(scan for scan in catalogue.scans() if scan.number == 1)
    assert (broken.state.value, broken.title) == ("unreadable", "timescan 1")
    spoilt = path.stat()
    assert spoilt.st_size == times.st_size
    path.write_bytes(whole)
    os.utime(path, ns=(spoilt.st_atime_ns, spoilt.st_mtime_ns))
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 0)
    assert states(catalogue)["raw/LaB6/scan-0001.h5"] == "complete"


def test_an_in_situ_master_that_cannot_be_read_keeps_its_scans(visit: Path, catalogue: Catalogue) -> None:
    """Though its name says nothing; when it reads again and holds fewer scans, it holds fewer."""
    path = visit / "raw" / "insitu" / "insitu.h5"
    path.parent.mkdir()

    def write(*entries: int) -> None:
        with h5py.File(path, "w", locking=False) as file:
            for number in entries:
                write_entry(file, f"entry{number}", title=f"timescan {number}")
        aged(path)

    write(3218, 3219)
    assert index_folder(catalogue, visit).new == 6
    path.write_bytes(b"")
    aged(path)
    assert numbers(index_folder(catalogue, visit)) == (6, 0, 2, 4, 0, 1)
    assert [scan.state.value for scan in catalogue.scans() if scan.number in {3218, 3219}] == ["unreadable"] * 2
    write(3219, 3220)
    assert numbers(index_folder(catalogue, visit)) == (6, 0, 2, 4, 0, 0)
    assert [scan.number for scan in catalogue.scans() if scan.state.value == "complete"][-2:] != []
    assert {scan.number for scan in catalogue.scans()} == {1, 2, 3, 10001, 3219, 3220}


def test_other_hdf5_files_are_passed_over(visit: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's results are no scans; a large file of another name is not even opened; a bad one is a problem."""
    results = visit / "raw" / "LaB6" / "results.h5"
    with h5py.File(results, "w", locking=False) as file:
        file["fit/chi2"] = 1.0
    (visit / "raw" / "LaB6" / "broken.h5").write_bytes(b"nothing")
    monkeypatch.setattr(listing, "LARGEST_CANDIDATE", 100_000)
    large = visit / "raw" / "LaB6" / "large.h5"
    with h5py.File(large, "w", locking=False) as file:
        write_entry(file, "entry3218", channels={"long": range(20_000)})
    for path in (results, large, large.with_name("broken.h5")):
        aged(path)
    assert numbers(index_folder(catalogue, visit)) == (4, 4, 0, 0, 0, 1)
    spoil(results)
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 1)
    assert [each.path for each in catalogue.problems()] == ["raw/LaB6/broken.h5"]


def test_names_with_more_digits_than_a_number_are_looked_into(visit: Path, catalogue: Catalogue) -> None:
    """A time stamp for a scan number is no scan number, but the file may hold scans."""
    aged(write_set(visit / "raw" / "LaB6" / "scan-20251102084207482913.h5"))
    index_folder(catalogue, visit)
    (scan,) = [scan for scan in catalogue.scans() if scan.number is None]
    assert scan.path.name == "scan-20251102084207482913.h5"


def test_a_scan_without_an_end_is_running_while_its_master_is_young(visit: Path, catalogue: Catalogue) -> None:
    """An old one was aborted; its frames are as complete as they get."""
    path = write_master(master(visit, 1), end=None)
    index_folder(catalogue, visit)
    assert states(catalogue)["raw/LaB6/scan-0001.h5"] == "running"
    aged(path)
    index_folder(catalogue, visit)
    assert states(catalogue)["raw/LaB6/scan-0001.h5"] == "complete"


def closed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let folders of these names be unlistable."""
    real = os.scandir

    def guarded(path: Path):  # type: ignore[no-untyped-def]
        if Path(path).name in names:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)


def test_what_cannot_be_listed_is_unseen_and_not_gone(
    visit: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A problem of that folder; when it can be listed again the problem is gone."""
    index_folder(catalogue, visit)
    before = contents(catalogue)
    with monkeypatch.context() as patch:
        closed(patch, "LaB6", "deep")
        assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 2)
        assert [(each.path, each.stage) for each in catalogue.problems()] == [
            ("raw/LaB6", "list"),
            ("raw/raw/deep", "list"),
        ]
        assert contents(catalogue)["scans"] == before["scans"]
    index_folder(catalogue, visit / "raw" / "LaB6")
    assert [each.path for each in catalogue.problems()] == ["raw/raw/deep"]
    index_folder(catalogue, visit)
    assert contents(catalogue) == before


def test_a_root_that_cannot_be_listed_loses_nothing(
    visit: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a share has gone to sleep."""
    index_folder(catalogue, visit)
    before = contents(catalogue)
    with monkeypatch.context() as patch:
        closed(patch, visit.name)
        assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 1)
    index_folder(catalogue, visit)
    assert contents(catalogue) == before


def test_a_folder_inside_a_visit_is_a_part_of_it(visit: Path, catalogue: Catalogue) -> None:
    """Paths, links and places are those of the visit; the rest of it is left alone."""
    assert numbers(index_folder(catalogue, visit / "raw" / "LaB6")) == (2, 2, 0, 0, 0, 0)
    assert [root.folder for root in catalogue.roots()] == [visit]
    assert states(catalogue) == dict.fromkeys(["raw/LaB6/scan-0001.h5", "raw/LaB6/scan-0002.h5"], "complete")
    assert index_folder(catalogue, visit).new == 2
    shutil.rmtree(visit / "raw" / "Si 640d.v1")
    master(visit, 1).unlink()
    assert numbers(index_folder(catalogue, visit / "raw" / "LaB6")) == (1, 0, 0, 1, 1, 0)
    assert numbers(index_folder(catalogue, visit)) == (2, 0, 0, 2, 2, 0)


@pytest.mark.parametrize("folder", ["raw", "raw/raw", "raw/raw/deep", "raw/LaB6/../Si 640d.v1", "raw/.."])
def test_any_folder_of_a_visit_leads_to_the_same_places(visit: Path, catalogue: Catalogue, folder: str) -> None:
    """A sample called raw, and ``..`` in what was typed, change nothing."""
    index_folder(catalogue, visit / folder)
    assert [root.folder for root in catalogue.roots()] == [visit]
    assert catalogue.count() == {"raw": 4, "raw/..": 4}.get(folder, 1)
    assert index_folder(catalogue, visit).scans == 4
    assert sorted(states(catalogue)) == [
        "raw/LaB6/scan-0001.h5",
        "raw/LaB6/scan-0002.h5",
        "raw/Si 640d.v1/scan-0003.h5",
        "raw/raw/deep/scan-10001.h5",
    ]
    assert {scan.sample for scan in catalogue.scans()} == {"LaB6", "Si 640d.v1", "raw/deep"}
    assert all(len(scan.locations) == 1 for scan in catalogue.scans())


def test_a_visit_below_an_indexed_folder_is_a_part_of_that(visit: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    """One file has one place."""
    assert numbers(index_folder(catalogue, tmp_path / "20251234")) == (4, 4, 0, 0, 0, 0)
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 0)
    assert numbers(index_folder(catalogue, visit / "raw" / "LaB6")) == (2, 0, 0, 2, 0, 0)
    assert [root.folder for root in catalogue.roots()] == [tmp_path / "20251234"]
    assert [str(scan.locations[0].prefix) for scan in catalogue.scans()] == ["2025110208"] * 4
    assert {scan.proposal for scan in catalogue.scans()} == {"20251234"}
    assert set(states(catalogue).values()) == {"complete"}


def test_a_flat_folder_is_its_own_visit(tmp_path: Path, catalogue: Catalogue) -> None:
    """Without ``raw`` paths begin at the folder."""
    write_set(tmp_path / "flat" / "scan-0001.h5")
    index_folder(catalogue, tmp_path / "flat")
    assert states(catalogue) == {"scan-0001.h5": "complete"}


def test_what_is_no_folder_is_a_usage_error(tmp_path: Path, catalogue: Catalogue) -> None:
    """And nothing is noted."""
    with pytest.raises(UsageError, match="does not exist"):
        index_folder(catalogue, tmp_path / "nowhere")
    assert catalogue.roots() == []


@pytest.mark.parametrize("spelled", [".", "raw/..", "raw"])
def test_files_that_arrived_are_remembered_without_a_walk(visit: Path, catalogue: Catalogue, spelled: str) -> None:
    """Just those; nothing else is taken for new or for missing."""
    index_folder(catalogue, visit / "raw" / "Si 640d.v1")
    shutil.rmtree(visit / "raw" / "Si 640d.v1")
    paths = ["LaB6/scan-0001_pilatus.h5", "LaB6/scan-0001.h5", "LaB6/scan-0099.h5"]
    prefix = "" if spelled == "raw" else "raw/"
    index_arrived(catalogue, visit / spelled, [TreePath.parse(prefix + path) for path in paths])
    assert states(catalogue) == {"raw/LaB6/scan-0001.h5": "complete", "raw/Si 640d.v1/scan-0003.h5": "complete"}
    assert [root.folder for root in catalogue.roots()] == [visit]
    assert numbers(index_folder(catalogue, visit)) == (3, 2, 0, 1, 1, 0)


def test_progress_tells_how_far_it_is(visit: Path, catalogue: Catalogue) -> None:
    """Every master once, up to their number."""
    heard: list[Event] = []
    index_folder(catalogue, visit, tell=heard.append)
    steps = [event.fields for event in heard if event.name == "progress" and event.fields["stage"] == "index"]
    assert [step["done"] for step in steps] == [1, 2, 3, 4]
    assert {step["total"] for step in steps} == {4}
    assert len({step["item"] for step in steps}) == 4


def test_ctrl_c_keeps_what_was_read(visit: Path, catalogue: Catalogue) -> None:
    """And the next run goes on from there."""

    def stop(event: Event) -> None:
        if event.name == "progress" and event.fields["done"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_folder(catalogue, visit, tell=stop)
    assert catalogue.count() == 3
    assert set(states(catalogue).values()) == {"complete"}
    assert numbers(index_folder(catalogue, visit)) == (4, 1, 0, 3, 0, 0)


def test_summaries_add_up() -> None:
    """Over several roots."""
    total = IndexSummary(1, 1, 0, 0, 0, 1, 0.5) + IndexSummary(4, 1, 1, 2, 3, 0, 1.0)
    assert total == IndexSummary(5, 2, 1, 2, 3, 1, 1.5)


class Changes:
    """A visit that is changed at random, as people do."""

    SAMPLES = ("LaB6", "Si", "CeO2/heating", "raw")

    def __init__(self, visit: Path, seed: int) -> None:
        self.visit, self.random, self.number = visit, random.Random(seed), 100

    def masters(self) -> list[Path]:
        """Return those that are there."""
        return sorted((self.visit / "raw").rglob("scan-*[0-9].h5"))

    def step(self) -> None:
        """Do one thing."""
        acts = [self.create, self.create, self.modify, self.move, self.delete, self.delete_frames, self.damage]
        act = self.random.choice(acts)
        act() if self.masters() else self.create()

    def create(self) -> None:
        """Measure a scan, with or without frames, start and end."""
        self.number += 1
        path = master(self.visit, self.number, self.random.choice(self.SAMPLES))
        self.write(path)
        if self.random.random() < 0.7:
            aged(write_frames(path.with_name(f"{path.stem}_pilatus.h5")))

    def write(self, path: Path) -> None:
        """Write a master whose start, if any, is its number's."""
        number = int(path.stem[5:])
        start = f"2025-11-02T08:{number % 60:02d}:00+01:00" if number % 4 else None
        aged(
            write_master(
                path,
                title=f"timescan {self.random.random()}",
                start=start,
                end=self.random.choice([None, "2025-11-02T10:00:00+01:00"]),
                snapshot={"hdcm_energy": self.random.choice([20.0, 35.0, -1.0]), "x": self.random.random()},
                detectors=self.random.choice([["pilatus"], ["pilatus", "falconx"], []]),
            )
        )

    def modify(self) -> None:
        """Write a master again."""
        self.write(self.random.choice(self.masters()))

    def move(self) -> None:
        """Move a set to another sample's folder."""
        path = self.random.choice(self.masters())
        folder = self.visit / "raw" / self.random.choice(self.SAMPLES)
        folder.mkdir(parents=True, exist_ok=True)
        for each in (path, path.with_name(f"{path.stem}_pilatus.h5")):
            if each.exists():
                each.rename(folder / each.name)

    def delete(self) -> None:
        """Delete a master and leave its frames."""
        self.random.choice(self.masters()).unlink()

    def delete_frames(self) -> None:
        """Delete frames and leave their master."""
        path = self.random.choice(self.masters())
        path.with_name(f"{path.stem}_pilatus.h5").unlink(missing_ok=True)

    def damage(self) -> None:
        """Cut a master short."""
        path = self.random.choice(self.masters())
        path.write_bytes(path.read_bytes()[:200])
        aged(path)


@pytest.mark.parametrize("seed", range(3))
def test_indexing_again_comes_to_the_same_as_indexing_anew(
    visit: Path, catalogue: Catalogue, tmp_path: Path, seed: int
) -> None:
    """After any series of changes, in one run or in many: scans, values, states, problems."""
    changes = Changes(visit, seed)
    for turn in range(7):
        for _ in range(changes.random.randint(1, 3)):
            changes.step()
        summary = index_folder(catalogue, visit)
        assert summary.scans == summary.new + summary.changed + summary.unchanged
        assert min(summary.new, summary.changed, summary.unchanged) >= 0
        with Catalogue.open(str(tmp_path / f"new{turn}.db")) as anew:
            fresh = index_folder(anew, visit)
            assert (fresh.scans, fresh.problems) == (summary.scans, summary.problems)
            assert contents(catalogue) == contents(anew)
    after = contents(catalogue)
    assert index_folder(catalogue, visit).changed == 0
    assert contents(catalogue) == after


def test_devices_of_the_users_settings_win_and_old_rows_are_read_again(visit: Path, catalogue: Catalogue) -> None:
    """Both where a quantity came from and that the lists have changed are remembered."""
    write_master(master(visit, 1), snapshot={"cryo_temp": 300.0, "blower_T": 450.0})
    aged(master(visit, 1))
    index_folder(catalogue, visit)

    def temperature() -> tuple[float | None, str | None]:
        (scan,) = (each for each in catalogue.scans() if each.number == 1)
        return scan.temperature_k, scan.temperature_origin

    assert temperature() == (300.0, "cryo_temp")
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text('[temperature]\ndevices = ["blower_T"]\n', encoding="utf-8")
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 0)
    assert temperature() == (450.0, "blower_T")
    spoil(master(visit, 1))
    assert numbers(index_folder(catalogue, visit)) == (4, 0, 0, 4, 0, 0)
    settings_file().write_text("temperature = 3\n", encoding="utf-8")
    with pytest.raises(UsageError, match="temperature is a section"):
        index_folder(catalogue, visit)
