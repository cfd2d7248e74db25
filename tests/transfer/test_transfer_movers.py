"""Every mover against the contract; and what streams in segments do besides: go on inside a file."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.errors import ExitCode
from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.sources.opening import open_source
from danmax_sync.sources.remotes import checked_remote
from danmax_sync.sources.ssh import NoTerminal
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.transfer import streams
from danmax_sync.transfer.arrival import part_of
from danmax_sync.transfer.journal import BegunPart, Journal
from danmax_sync.transfer.mover import Moved, Mover, Wanted
from danmax_sync.transfer.plan import FileState, PlannedFile
from danmax_sync.transfer.streams import StreamMover
from danmax_sync.visits import TreePath
from tests.journeys.places import age, parts
from tests.needs import require_sshd
from tests.transfer.contract import SEGMENT, Known, MoverContract, Trip
from tests.transfer.sources import HookedSource

DETECTOR = "raw/LaB6/scan-0042_pilatus.h5"
SEGMENTS = 12


class Gate:
    """An allowance of so many bytes, and not one more."""

    def __init__(self, size: int) -> None:
        self.left = size
        self._lock = threading.Lock()

    def take(self, size: int) -> float:
        """Take them, or wait for ever."""
        with self._lock:
            if size > self.left:
                return 0.01
            self.left -= size
            return 0.0


class StreamContract(MoverContract):
    """Streams: files that come in segments go on in the middle."""

    def mover(self, source: Source, home: Path, journal: Journal) -> Mover:
        """Make it."""
        return StreamMover(source, home, journal)

    @pytest.fixture
    def stopped(self, trip: Trip, monkeypatch: pytest.MonkeyPatch) -> Trip:
        """Return a trip that was stopped by Ctrl-C in the middle of its only large file, seven segments of twelve."""
        # One lane, so that no segments but the first have come.
        monkeypatch.setattr(streams, "_BYTES_A_LANE", 1 << 40)
        with (trip.visit / DETECTOR).open("ab") as file:
            file.write(os.urandom(SEGMENTS * SEGMENT - file.tell()))
        age(trip.visit / DETECTOR, days=1)
        self.stop_after(trip, 7)
        return trip

    @staticmethod
    def stop_after(trip: Trip, segments: int, *, here: int = 0) -> None:
        """Get scan 42 until so many segments have come, besides those that are here, and stop."""
        make, total = trip.make_mover, (segments + here) * SEGMENT

        def gated() -> Mover:
            mover = make()
            assert isinstance(mover, StreamMover)
            mover._allowance = Gate(segments * SEGMENT)  # type: ignore[assignment]
            move = mover.move

            def stopped(wanted: list[Wanted], *, moved: Moved) -> Iterator[object]:
                def heard(done: int, path: str) -> None:
                    moved(done, path)
                    if done >= total:
                        raise KeyboardInterrupt

                return move(wanted, moved=heard)

            mover.move = stopped  # type: ignore[method-assign, assignment]
            return mover

        trip.make_mover = gated
        with pytest.raises(KeyboardInterrupt):
            trip.get(trip.plan("42"))
        trip.make_mover = make

    def finish(self, trip: Trip, *, fewer: int) -> None:
        """Run again: all is there, and as many segments as expected did not travel."""
        plan = trip.plan("42")
        assert trip.get(plan).exit_code is ExitCode.DONE
        assert trip.check() == 1
        assert parts(trip.home) == []
        assert plan.bytes_to_fetch - trip.travelled == fewer * SEGMENT
        assert trip.journal.begun(trip.home) == {}

    def test_a_file_that_was_stopped_in_the_middle_goes_on(self, stopped: Trip) -> None:
        """What had come does not travel again."""
        assert parts(stopped.home) == [part_of(stopped.home / DETECTOR)]
        self.finish(stopped, fewer=7)

    def test_it_can_be_stopped_again_and_again(self, stopped: Trip) -> None:
        """Each time from where it was."""
        self.stop_after(stopped, 2, here=7)
        self.finish(stopped, fewer=9)

    @pytest.mark.parametrize(
        ("harm", "good"), [("middle", 6), ("tail", 6), ("cut", 3), ("hard link", 0), ("symlink", 0), ("removed", 0)]
    )
    def test_a_part_that_was_tampered_with_costs_what_was_harmed(self, stopped: Trip, harm: str, good: int) -> None:
        """Never is anything written through it into another file, never does a wrong byte get a name."""
        part, other = part_of(stopped.home / DETECTOR), stopped.home / "raw" / "own.h5"
        other.write_bytes(b"m" * part.stat().st_size)
        if harm in {"middle", "tail"}:
            with part.open("r+b") as file:
                file.seek((3 if harm == "middle" else 6) * SEGMENT + 100)
                file.write(b"not what was there")
        elif harm == "cut":
            os.truncate(part, 3 * SEGMENT + 500)
        else:
            part.unlink()
            if harm != "removed":
                (part.hardlink_to if harm == "hard link" else part.symlink_to)(other)
        before = other.read_bytes()
        self.finish(stopped, fewer=good)
        assert other.read_bytes() == before
        assert other.stat().st_nlink == 1

    @pytest.mark.parametrize("change", ["content", "time", "size"])
    def test_another_version_at_the_source_is_begun_anew(self, stopped: Trip, change: str) -> None:
        """Two versions are never mixed."""
        path = stopped.visit / DETECTOR
        if change == "content":
            with path.open("r+b") as file:
                file.seek(-SEGMENT, os.SEEK_END)
                file.write(os.urandom(SEGMENT))
        elif change == "size":
            with path.open("ab") as file:
                file.write(b"x")
        age(path, seconds=50_000)
        self.finish(stopped, fewer=0)

    @pytest.mark.parametrize("harm", ["lost", "damaged", "forgotten"])
    def test_without_its_journal_a_part_is_begun_anew(
        self, stopped: Trip, harm: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What nobody vouches for is not trusted."""
        stopped.journal.close()
        place = stopped.journal._path
        if harm == "lost":
            place.unlink()
        elif harm == "damaged":
            place.write_bytes(b"damaged" * 1000)
        with Journal.open(place) as journal:
            if harm == "forgotten":
                journal.forget_parts(stopped.home, [DETECTOR])
            stopped.journal, source = journal, stopped.source
            stopped.make_mover = lambda: self.mover(source, stopped.home, journal)
            self.finish(stopped, fewer=0)

    def test_a_note_that_leads_outside_is_no_note(self, stopped: Trip) -> None:
        """Whoever writes into the journal by hand makes no file outside be touched, nor a run fail."""
        outside = part_of(stopped.home.parent / "own.h5")
        outside.write_bytes(b"mine")
        begun = stopped.journal.begun(stopped.home)[DETECTOR]
        stopped.journal.keep_part(stopped.home, "../own.h5", begun)
        self.finish(stopped, fewer=7)
        assert outside.read_bytes() == b"mine"

    def test_a_kill_between_the_two_halves_of_publishing_leaves_no_second_name(self, stopped: Trip) -> None:
        """The part is by then the published file itself: its name goes, the file stays."""
        self.finish(stopped, fewer=7)
        final, part = stopped.home / DETECTOR, part_of(stopped.home / DETECTOR)
        part.hardlink_to(final)
        (stopped.home / "raw/LaB6/scan-0042.h5").unlink()
        info = stopped.wanted(DETECTOR).file
        begun = BegunPart(stopped.source.uri, info.size, info.mtime_ns, SEGMENT, (1,) * SEGMENTS)
        stopped.journal.keep_part(stopped.home, DETECTOR, begun)
        good = final.read_bytes()
        assert stopped.get(stopped.plan("42")).files == 1
        assert final.read_bytes() == good
        assert final.stat().st_nlink == 1
        assert parts(stopped.home) == []
        assert stopped.journal.begun(stopped.home) == {}


class TestFolder(StreamContract):
    """A folder of this disk."""

    def opened(self, visit: Path) -> AbstractContextManager[Source]:
        """Open it."""
        return FolderSource(visit, name="facility")


class TestWholeFiles(MoverContract):
    """A source that gives files only whole."""

    def opened(self, visit: Path) -> AbstractContextManager[Source]:
        """Open it."""
        return HookedSource(visit)

    def mover(self, source: Source, home: Path, journal: Journal) -> Mover:
        """Make it."""
        return StreamMover(source, home, journal)


Open = Callable[[Path], AbstractContextManager[Source]]


@pytest.fixture
def over_ssh(sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return what opens a folder over the real sshd."""
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))

    def opened(visit: Path) -> AbstractContextManager[Source]:
        return open_source(checked_remote("facility", sshd.url(visit)), NoTerminal())

    return opened


class SftpContract(StreamContract):
    """A real sshd, over some carrier."""

    carrier = ""

    @pytest.fixture(autouse=True)
    def _carried(self, over_ssh: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, self.carrier)
        self._open = over_ssh

    def opened(self, visit: Path) -> AbstractContextManager[Source]:
        """Open it."""
        return self._open(visit)


class TestSftpOverOpenssh(SftpContract):
    """The system's ssh."""

    carrier = "openssh"


def test_a_server_that_refuses_some_channels_is_used_over_the_others(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane that cannot be opened leaves its work to those there are."""
    require_sshd()
    monkeypatch.setattr(streams, "SEGMENT_BYTES", SEGMENT)
    monkeypatch.setattr(streams, "_BYTES_A_LANE", SEGMENT)
    # One holds the login, one asks about files, one is left for lanes.
    with RealSshd(tmp_path / "sshd", options=("MaxSessions 3",)) as sshd, Journal.open() as journal:
        monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))
        with open_source(checked_remote("facility", sshd.url(known.folder)), NoTerminal()) as source:
            assert getattr(source, "most_lanes", 0) >= 2
            infos = list(source.files_in(TreePath.parse("raw/LaB6")))
            files = [PlannedFile(info.path, info.size, info.mtime_ns, FileState.FETCH) for info in infos]
            wanted = [Wanted(file, file.path.below(tmp_path / "home")) for file in files]
            mover = StreamMover(source, tmp_path / "home", journal)
            landed = [one for one in mover.move(wanted, moved=lambda *_: None) if one is not None]
    assert [one.problem for one in landed] == [None] * len(files)


class TestSftpOverParamiko(SftpContract):
    """paramiko's transport."""

    carrier = "paramiko"
