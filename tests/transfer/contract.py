"""What every mover does, whatever road it takes, seen from the sets it brings home."""

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import update

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.schema import root
from danmax_sync.errors import DanmaxSyncError, ExitCode, SourceError
from danmax_sync.events import Event
from danmax_sync.indexing.index import index_source
from danmax_sync.query.search import search
from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.testing.visit import SimulatedVisit
from danmax_sync.transfer import streams
from danmax_sync.transfer.arrival import part_of
from danmax_sync.transfer.fetching import plan_scans
from danmax_sync.transfer.get import get_sets
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.mover import Landed, Mover, Wanted
from danmax_sync.transfer.outcome import GetSummary
from danmax_sync.transfer.plan import FileState, PlannedFile, TransferPlan
from danmax_sync.visits import TreePath
from tests.journeys.places import age, check_invariant, copied, fetchable, needs_of, parts, tree

SEGMENT = 16_384
"""Bytes of a segment in these tests, so that detector files have several."""
AWKWARD = ("raw/LaB6/a b%20#1.h5", "raw/LaB6/'\"$(touch x)`.h5", "raw/LaB6/-rf.h5", "raw/LaB6/ö…θ.h5", "raw/a;b&c.h5")


@dataclass(frozen=True)
class Known:
    """A visit that nobody changes, and a catalogue that knows it: scans 42 to 44, 50, and 142 with the frames of 42."""

    folder: Path
    catalogue: Path
    links: Mapping[str, tuple[str, ...]]
    """The files that each master needs."""


def known_visit(small: SimulatedVisit, top: Path) -> Known:
    """Make such a visit and index it."""
    folder = copied(small.folder, top / "20251234" / "2025110208")
    for path in folder.joinpath("raw").rglob("*.h5"):
        if not path.name.startswith(("scan-0042", "scan-0043", "scan-0044", "scan-0050")):
            path.unlink()
    shutil.copy2(folder / "raw/LaB6/scan-0042.h5", folder / "raw/LaB6/scan-0142.h5")
    known = Known(folder, top / "catalogue.db", needs_of(folder))
    with Catalogue.open(str(known.catalogue)) as catalogue:
        index_source(catalogue, FolderSource(folder, name="facility"), remote=True)
    return known


@dataclass
class Trip:
    """A source, a mover, and where they lead."""

    visit: Path
    home: Path
    source: Source
    catalogue: Catalogue
    journal: Journal
    make_mover: Callable[[], Mover]
    links: Mapping[str, tuple[str, ...]]
    heard: list[Event] = field(default_factory=list)

    def plan(self, query: str = "LaB6", *, with_calibration: bool = False) -> TransferPlan:
        """Plan against the source as it is now."""
        scans = search(self.catalogue, query)
        return plan_scans(self.catalogue, self.source, scans, self.home, with_calibration=with_calibration)

    def get(self, plan: TransferPlan | None = None, *, tell: Callable[[Event], None] = lambda _: None) -> GetSummary:
        """Carry a plan out, and check the invariant at each set that is told, and in the end."""
        self.heard.clear()

        def hear(event: Event) -> None:
            self.heard.append(event)
            if event.name == "set":
                self.check()
            tell(event)

        return get_sets(self.source, plan or self.plan(), tell=hear, journal=self.journal, mover=self.make_mover())

    def check(self) -> int:
        """Check the invariant; return how many masters can be seen."""
        return check_invariant(self.home, self.visit, self.links)

    @property
    def travelled(self) -> int:
        """Bytes that travelled, in the last `get`."""
        return sum(int(str(event.fields["bytes"])) for event in self.heard if event.name == "file")

    def wanted(self, name: str) -> Wanted:
        """Plan one file, as a mover gets it."""
        path = TreePath.parse(name)
        info = self.source.stat(path)
        assert info is not None
        return Wanted(PlannedFile(path, info.size, info.mtime_ns, FileState.FETCH), path.below(self.home))

    def move(self, *names: str) -> dict[str, Landed]:
        """Move files; each must land once."""
        landed = [one for one in self.make_mover().move([self.wanted(name) for name in names], moved=_nothing) if one]
        found = {str(one.wanted.file.path): one for one in landed}
        assert len(found) == len(landed) == len(names)
        return found


def _nothing(size: int, path: str) -> None:
    """Hear of bytes."""


def states(summary: GetSummary) -> dict[str, str]:
    """Return each set's end by its label and master."""
    return {Path(outcome.master).stem: outcome.state.value for outcome in summary.outcomes}


def stopping(event_name: str) -> Callable[[Event], None]:
    """Press Ctrl-C at the first event of a kind."""
    pressed = False

    def press(event: Event) -> None:
        nonlocal pressed
        if event.name == event_name and not pressed:
            pressed = True
            raise KeyboardInterrupt

    return press


class MoverContract(ABC):
    """Inherited by the tests of each mover, which say how its source is opened and how it is made."""

    @abstractmethod
    def opened(self, visit: Path) -> AbstractContextManager[Source]:
        """Open the source on a local folder."""

    @abstractmethod
    def mover(self, source: Source, home: Path, journal: Journal) -> Mover:
        """Make the mover."""

    @pytest.fixture
    def trip(self, known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trip]:
        """Return a visit of the test's own, opened."""
        monkeypatch.setattr(streams, "SEGMENT_BYTES", SEGMENT)
        # As many lanes as the source has, though there is little to move.
        monkeypatch.setattr(streams, "_BYTES_A_LANE", SEGMENT)
        visit = tmp_path / "20251234" / "2025110208"
        shutil.copytree(known.folder, visit)
        shutil.copy(known.catalogue, tmp_path / "catalogue.db")
        home = tmp_path / "home"
        with (
            self.opened(visit) as source,
            Catalogue.open(str(tmp_path / "catalogue.db")) as catalogue,
            Journal.open(tmp_path / "transfers.db") as journal,
        ):
            with catalogue.engine.begin() as connection:
                connection.execute(update(root).values(uri=source.uri, name=source.name))
            make = partial(self.mover, source, home, journal)
            yield Trip(visit, home, source, catalogue, journal, make, known.links)

    def test_sets_come_whole_with_their_times_and_only_once(self, trip: Trip) -> None:
        """All files of all sets and the calibration; the second run has nothing to do."""
        plan = trip.plan("", with_calibration=True)
        summary = trip.get(plan)
        assert states(summary) == {
            "scan-0042": "complete", "scan-0043": "complete", "scan-0044": "complete", "scan-0142": "complete",
            "scan-0050": "skipped",
        }  # fmt: skip
        assert tree(trip.home) == fetchable(trip.visit)
        assert parts(trip.home) == []
        assert trip.travelled == plan.bytes_to_fetch
        again = trip.get(trip.plan("LaB6", with_calibration=True))
        assert (again.files, again.already_here, again.exit_code) == (0, 4, ExitCode.DONE)

    def test_a_file_of_two_sets_travels_once(self, trip: Trip) -> None:
        """Both sets are complete with it."""
        plan = trip.plan("42 OR 142")
        assert states(trip.get(plan)) == {"scan-0042": "complete", "scan-0142": "complete"}
        moved = [str(event.fields["path"]) for event in trip.heard if event.name == "file"]
        assert sorted(moved) == [f"raw/LaB6/scan-{name}.h5" for name in ("0042", "0042_pilatus", "0142")]

    def test_good_files_that_are_here_stay_and_do_not_travel(self, trip: Trip) -> None:
        """Only the others are asked for."""
        here = trip.home / "raw/LaB6/scan-0043_pilatus.h5"
        here.parent.mkdir(parents=True)
        shutil.copy2(trip.visit / "raw/LaB6/scan-0043_pilatus.h5", here)
        own = here.stat().st_ino
        assert trip.get(trip.plan("43")).files == 1
        assert here.stat().st_ino == own
        assert trip.travelled == (trip.visit / "raw/LaB6/scan-0043.h5").stat().st_size

    @pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced", "vanishes"])
    def test_a_source_that_changed_since_the_plan_is_left_for_later(self, trip: Trip, change: str) -> None:
        """Its set is left out and named, the others come; the next run has it, of the new version."""
        path = trip.visit / "raw/LaB6/scan-0043_pilatus.h5"
        plan, whole = trip.plan(), path.read_bytes()
        if change == "grows":
            path.write_bytes(whole + b"more")
        elif change == "shrinks":
            os.truncate(path, len(whole) // 2)
        elif change == "is replaced":
            path.write_bytes(whole)
        else:
            path.unlink()
        summary = trip.get(plan)
        assert states(summary) == {
            "scan-0042": "complete", "scan-0043": "skipped", "scan-0044": "complete", "scan-0142": "complete",
        }  # fmt: skip
        assert "scan-0043_pilatus.h5" in summary.outcomes[1].message
        assert summary.exit_code is ExitCode.SOURCE
        assert not (trip.home / "raw/LaB6/scan-0043.h5").exists()
        path.write_bytes(whole)
        age(path, days=1)
        assert trip.get().exit_code is ExitCode.DONE
        assert tree(trip.home) == {name: it for name, it in fetchable(trip.visit).items() if name.startswith("raw")}
        assert parts(trip.home) == []

    def test_one_file_that_cannot_be_had_lands_with_its_reason_and_leaves_the_others(self, trip: Trip) -> None:
        """Each file lands once."""
        plan = [trip.wanted(f"raw/LaB6/scan-{name}.h5") for name in ("0042", "0043", "0044")]
        (trip.visit / "raw/LaB6/scan-0043.h5").unlink()
        landed = [one for one in trip.make_mover().move(plan, moved=_nothing) if one is not None]
        problems = {one.wanted.final.name: one.problem for one in landed}
        assert isinstance(problems.pop("scan-0043.h5"), SourceError)
        assert problems == {"scan-0042.h5": None, "scan-0044.h5": None}
        assert not part_of(trip.home / "raw/LaB6/scan-0043.h5").exists()

    def test_landed_parts_are_the_files(self, trip: Trip) -> None:
        """Bytes and time; the place itself stays empty; checksums, where there are any, are those of the segments."""
        names = ["raw/LaB6/scan-0042_pilatus.h5", "raw/LaB6/scan-0042.h5"]
        for name, landed in trip.move(*names).items():
            part, there = part_of(trip.home / name), trip.visit / name
            assert landed.problem is None
            assert part.read_bytes() == there.read_bytes()
            assert abs(part.stat().st_mtime_ns - there.stat().st_mtime_ns) < 1_000_000_000
            assert not (trip.home / name).exists()
            if landed.checksums:
                assert len(landed.checksums) == -(-there.stat().st_size // landed.segment_bytes)

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
    def test_names_that_mean_something_to_a_shell_or_a_url_are_names(self, trip: Trip) -> None:
        """They are read and written as they are, and nothing else comes to be."""
        for name in AWKWARD:
            (trip.visit / name).write_bytes(name.encode() * 3)
        landed = trip.move(*AWKWARD)
        assert {name: one.problem for name, one in landed.items()} == dict.fromkeys(AWKWARD)
        assert {part_of(trip.home / name).read_bytes() for name in AWKWARD} == {name.encode() * 3 for name in AWKWARD}
        assert len([path for path in trip.home.rglob("*") if path.is_file()]) == len(AWKWARD)

    def test_nothing_to_move_is_no_trouble(self, trip: Trip) -> None:
        """Nor does it make the destination."""
        assert list(trip.make_mover().move([], moved=_nothing)) == []
        assert not trip.home.exists()

    def test_a_caller_that_stops_early_can_begin_again(self, trip: Trip) -> None:
        """Nothing has a name; the next move brings all of it, right."""
        names = [f"raw/LaB6/scan-{number}_pilatus.h5" for number in ("0042", "0043", "0044")]
        moving = trip.make_mover().move([trip.wanted(name) for name in names], moved=_nothing)
        next(moving)
        moving.close()  # type: ignore[attr-defined]
        assert list(trip.home.rglob("*.h5")) == []
        landed = trip.move(*names)
        assert all(one.problem is None for one in landed.values())
        for name in names:
            assert part_of(trip.home / name).read_bytes() == (trip.visit / name).read_bytes()

    @pytest.mark.parametrize("when", ["file", "set"])
    def test_ctrl_c_keeps_what_is_complete_and_the_next_run_finishes(self, trip: Trip, when: str) -> None:
        """Whenever it is pressed; parts of one segment are not kept."""
        with pytest.raises(KeyboardInterrupt):
            trip.get(tell=stopping(when))
        seen = trip.check()
        assert seen >= (when == "set")
        summary = trip.get()
        assert summary.exit_code is ExitCode.DONE
        assert summary.already_here == seen
        assert trip.check() == 4
        assert parts(trip.home) == []

    def test_whatever_fails_in_the_caller_leaves_no_thread_behind(self, trip: Trip) -> None:
        """An error of the listener goes through, and the destination can be used at once."""

        class OddError(DanmaxSyncError):
            pass

        def fail(event: Event) -> None:
            if event.name == "file":
                raise OddError("odd")

        with pytest.raises(OddError):
            trip.get(tell=fail)
        assert trip.get().exit_code is ExitCode.DONE
