"""What can befall a file in the middle: a run says so, keeps what is good, and the next one goes on from there."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from danmax_sync import settings
from danmax_sync.sources import sftp
from danmax_sync.sources.sftp_lane import SftpLane
from danmax_sync.testing import sftpfiles
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.sftpfiles import CutLineError, Faults
from danmax_sync.transfer import preflight, streams
from danmax_sync.transfer.arrival import part_of
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.segments import MISSING
from tests.conftest import Ran, RunLine
from tests.journeys.conftest import Serve
from tests.journeys.places import age, check_invariant, descendants, fetchable, needs_of, parts, tree
from tests.needs import require_sshd

SEGMENT = 65_536
SEGMENTS = 16
SIZE = SEGMENT * SEGMENTS
DETECTOR = "raw/LaB6/scan-0043_pilatus.h5"


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make notes at once, so that what a test counts does not hang on a second more or less."""
    monkeypatch.setattr(streams, "SEGMENT_BYTES", SEGMENT)
    monkeypatch.setattr(streams, "_SAVE_S", 0.0)
    monkeypatch.setattr(streams, "_BYTES_A_LANE", SEGMENT)


@pytest.fixture
def large(visit: Path) -> Path:
    """Let the detector file of scan 43 have many segments; return it."""
    path = visit / DETECTOR
    with path.open("ab") as file:
        file.write(os.urandom(SIZE - file.tell()))
    age(path, days=1)
    return path


def travelled(ran: Ran) -> int:
    """Return the bytes of the large file that came in a run."""
    return sum(event["bytes"] for event in ran.events if event["event"] == "file" and event["path"] == DETECTOR)


class Trip:
    """Gets scans 42 to 44, again and again."""

    def __init__(self, visit: Path, home: Path, run_line: RunLine) -> None:
        self.visit, self.home, self.run_line, self.links = visit, home, run_line, needs_of(visit)
        self.words = ["get", "LaB6", "--from", "facility", "--to", str(home), "--json"]

    def get(self, *, exit_code: int) -> Ran:
        """Run, and check the invariant."""
        ran = self.run_line(self.words, exit_code=exit_code)
        check_invariant(self.home, self.visit, self.links)
        return ran

    def finish(self, *, at_most: int = SIZE) -> int:
        """Run to the end: everything is there, nothing else; return the bytes of the large file that came."""
        came = travelled(self.get(exit_code=0))
        assert tree(self.home) == {**fetchable(self.visit, [name for name in self.links if "LaB6" in name])}
        assert parts(self.home) == []
        assert came <= at_most
        return came


@pytest.fixture
def trip(visit: Path, large: Path, tmp_path: Path, run_line: RunLine) -> Trip:
    """Return where it goes."""
    return Trip(visit, tmp_path / "home", run_line)


class OnlyLarge(Faults):
    """Does harm to the large file, as long as it is armed."""

    def __init__(self, harm: Callable[[int, bytes], bytes]) -> None:
        self.harm, self.armed = harm, True

    def reading(self, path: str, offset: int, data: bytes) -> bytes:
        """Pass everything else."""
        return self.harm(offset, data) if self.armed and path.endswith(DETECTOR) else data


def cut_inside(home: Path) -> OnlyLarge:
    """Cut the line once, in the second half of the large file, when some of the first half is noted."""
    cut = threading.Event()

    def harm(offset: int, data: bytes) -> bytes:
        if offset >= SIZE // 2 and not cut.is_set():
            deadline = time.monotonic() + 60
            with Journal.open() as journal:
                while DETECTOR not in journal.begun(home) and time.monotonic() < deadline:
                    time.sleep(0.02)
            cut.set()
            raise CutLineError
        return data

    return OnlyLarge(harm)


def test_a_line_that_is_cut_inside_a_file_is_gone_on_with(trip: Trip, serve: Serve) -> None:
    """3 and one sentence; what came of the file does not come again."""
    serve(cut_inside(trip.home))
    ran = trip.get(exit_code=3)
    failed = [event for event in ran.events if event["event"] == "set" and event["state"] == "failed"]
    assert failed
    for event in failed:
        assert "connection to facility broke" in event["message"]
        assert event["hint"] == "run the same command again to go on"
    assert part_of(trip.home / DETECTOR) in parts(trip.home)
    assert trip.finish() < SIZE


def test_a_bad_sector_at_the_source_leaves_one_set_out(trip: Trip, serve: Serve) -> None:
    """5, with the place in the file; once it can be read, the next run goes on with what came."""

    def bad(offset: int, data: bytes) -> bytes:
        if offset >= SIZE // 2:
            raise OSError(errno.EIO, "Input/output error")
        return data

    fault = OnlyLarge(bad)
    serve(fault)
    ran = trip.get(exit_code=5)
    assert "scan-0043_pilatus.h5 cannot be read at byte" in ran.out
    assert check_invariant(trip.home, trip.visit, trip.links) == 2
    assert part_of(trip.home / DETECTOR) in parts(trip.home)
    fault.armed = False
    assert trip.finish() < SIZE


def test_short_reads_are_asked_for_again(trip: Trip, serve: Serve) -> None:
    """A server that gives less than it is asked for, all the time."""
    serve(OnlyLarge(lambda offset, data: data[: 1 + (offset * 7919) % 30_000]))
    assert trip.finish() == SIZE


@pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced"])
def test_a_file_that_changes_in_the_middle_is_left_out_and_begun_anew(
    trip: Trip, serve: Serve, large: Path, change: str
) -> None:
    """No two versions are mixed: the next run fetches all of it."""
    done = threading.Event()

    def changing(offset: int, data: bytes) -> bytes:
        if offset >= SIZE // 2 and not done.is_set():
            done.set()
            if change == "shrinks":
                os.truncate(large, SIZE - 1000)
            else:
                other = large.read_bytes()[:-7] + (b"other" * 3 if change == "grows" else b"changed")
                large.with_suffix(".new").write_bytes(other)
                large.with_suffix(".new").rename(large)
        return data

    serve(OnlyLarge(changing))
    ran = trip.get(exit_code=5)
    assert "scan-0043_pilatus.h5" in ran.out
    assert check_invariant(trip.home, trip.visit, trip.links) == 2
    assert parts(trip.home) == []
    assert trip.finish(at_most=large.stat().st_size) == large.stat().st_size


def test_a_version_that_changed_between_two_runs_is_begun_anew(trip: Trip, serve: Serve, large: Path) -> None:
    """The part of the old one is of no use, though it has the same size."""
    serve(cut_inside(trip.home))
    trip.get(exit_code=3)
    assert part_of(trip.home / DETECTOR) in parts(trip.home)
    large.write_bytes(large.read_bytes()[:-7] + b"changed")
    # SFTP tells whole seconds, and both runs may take less than one.
    age(large, days=2)
    assert trip.finish() == SIZE


def test_a_line_that_stalls_is_given_up(trip: Trip, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """No bytes and no end: after a while that is a broken line, 3, and the next run goes on."""
    _patience(monkeypatch, 1.0)
    go_on = threading.Event()

    def stalls(offset: int, data: bytes) -> bytes:
        if offset >= SIZE // 2:
            go_on.wait(60)
        return data

    fault = OnlyLarge(stalls)
    serve(fault)
    try:
        ran = trip.get(exit_code=3)
    finally:
        fault.armed = False
        go_on.set()
    assert "the server has fallen silent" in ran.out
    monkeypatch.undo()


def _patience(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    defaults = {**(SftpLane.__init__.__kwdefaults__ or {}), "patience_s": seconds}
    monkeypatch.setattr(SftpLane.__init__, "__kwdefaults__", defaults)
    monkeypatch.setattr(sftp, "PATIENCE_S", seconds)


def test_a_server_that_stalls_in_a_question_is_given_up(
    trip: Trip, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only while files are read."""
    _patience(monkeypatch, 1.0)
    go_on = threading.Event()

    class Stalls(Faults):
        def listing(self, path: str, names: list[str]) -> list[str]:
            go_on.wait(60)
            return names

    serve(Stalls())
    try:
        ran = trip.run_line(trip.words, exit_code=3)
    finally:
        go_on.set()
    assert "connection to facility broke" in ran.err
    assert not trip.home.exists()


@pytest.mark.parametrize("size", [2**63 - 1, 2**63, 2**64 - 1, 1 << 50])
def test_sizes_that_lie_are_refused_before_anything_is_made(
    trip: Trip, serve: Serve, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Neither memory nor disk is filled; nothing wrong appears."""
    listed, looked_at = sftpfiles._attributes, sftpfiles.Tree.stat

    def swollen(attributes: paramiko.SFTPAttributes | int, name: str) -> paramiko.SFTPAttributes | int:
        if DETECTOR.endswith(name) and isinstance(attributes, paramiko.SFTPAttributes):
            attributes.st_size = size
        return attributes

    monkeypatch.setattr(sftpfiles, "_attributes", lambda local, name: swollen(listed(local, name), name))
    monkeypatch.setattr(
        sftpfiles.Tree, "stat", lambda tree, path: swollen(looked_at(tree, path), path.rpartition("/")[2])
    )
    serve()
    ran = trip.run_line(trip.words, exit_code=None)
    if size < 2**63:
        assert ran.code == 3
        assert "MB free, the plan needs" in ran.err
        assert list(trip.home.rglob("*.h5")) == []
    else:
        assert ran.code == 5
        assert "scan-0043_pilatus.h5 is missing or empty" in ran.out
        assert check_invariant(trip.home, trip.visit, trip.links) == 2
    assert parts(trip.home) == []
    monkeypatch.undo()


class SmallDisk:
    """A file system in memory, of a size that can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> None:
        """Mount it, or change its options."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], check=True)

    def close(self) -> None:
        """Take it away."""
        subprocess.run(["umount", str(self.folder)], check=False)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Return a small disk, where this user may mount one."""
    one = SmallDisk(tmp_path / "disk")
    one.folder.mkdir()
    try:
        one.mount("size=64m")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a disk of a given size")
    yield one
    one.close()


@pytest.mark.parametrize("journal", ["elsewhere", "on the same disk"])
def test_a_disk_that_fills_up_keeps_what_it_has(
    disk: SmallDisk, trip: Trip, serve: Serve, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    """3, "no space left"; with room, the next run goes on inside the file, even if the journal met the same disk."""
    serve()
    trip.home = disk.folder / "home"
    trip.words[5] = str(trip.home)
    used = 0
    if journal == "on the same disk":
        shutil.copytree(settings.ensured_home(), disk.folder / "settings")
        monkeypatch.setenv(settings.HOME_VARIABLE, str(disk.folder / "settings"))
        used = sum(path.stat().st_size for path in (disk.folder / "settings").rglob("*") if path.is_file())
    monkeypatch.setattr(preflight, "_check_room", lambda *_: None)
    disk.mount(f"remount,size={(used + SIZE * 3 // 4) // 4096 * 4096}")
    ran = trip.run_line(trip.words, exit_code=None)
    assert ran.code in {3, 8}, ran.err
    assert "no space left" in ran.out or "full" in ran.out
    check_invariant(trip.home, trip.visit, trip.links)
    disk.mount("remount,size=64m")
    came = trip.finish()
    if journal == "elsewhere":
        assert came < SIZE


def test_a_destination_that_is_read_only_is_named(disk: SmallDisk, trip: Trip, serve: Serve) -> None:
    """2 and one sentence; nothing travels."""
    serve()
    disk.mount("remount,ro")
    trip.words[5] = str(disk.folder)
    ran = trip.run_line(trip.words, exit_code=2)
    assert f"the destination {disk.folder} cannot be written to: Read-only file system" in ran.err


PATCHED = f"""
import sys
from danmax_sync.sources import sftp
from danmax_sync.sources.sftp_lane import SftpLane
from danmax_sync.transfer import crew, streams
patience_s = PATIENCE
streams.SEGMENT_BYTES, streams._SAVE_S, crew._PATIENCE_S = {SEGMENT}, 0.0, 0.5
SftpLane.__init__.__kwdefaults__["patience_s"] = sftp.PATIENCE_S = patience_s
from danmax_sync.cli.entry import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def far(trip: Trip, sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> Trip:
    """Let the trip go over the real sshd, in processes of their own, slowly enough to be met in the middle."""
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))
    trip.run_line(["remote", "add", "facility", sshd.url(trip.visit)])
    trip.run_line("index facility")
    return trip


class Running:
    """A slow ``get`` in a process of its own."""

    def __init__(self, trip: Trip, *, patience_s: float = 2.0) -> None:
        script = PATCHED.replace("PATIENCE", str(patience_s), 1)
        command = [sys.executable, "-c", script, *trip.words, "--limit-rate", "700k"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def until(self, done: int) -> None:
        """Wait until so many bytes have come, and let it stand still there."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "progress" and event["done"] >= done:
                self.process.send_signal(signal.SIGSTOP)
                return
        pytest.fail(f"it ended before it had {done} bytes: {self.end()}")

    def end(self) -> tuple[int, str]:
        """Let it go on; return its exit code and what it said."""
        self.process.send_signal(signal.SIGCONT)
        told, said = self.process.communicate(timeout=90)
        return self.process.returncode, told + said


@pytest.mark.skipif(os.name == "nt", reason="processes are found and signalled")
@pytest.mark.parametrize("harm", ["killed", "stopped", "client killed"])
def test_a_server_or_client_that_dies_in_the_middle_of_a_file(harm: str, far: Trip, sshd: RealSshd) -> None:
    """Its sessions are killed, or stand still for longer than one may wait; or this end is: parts are gone on with."""
    running = Running(far)
    running.until(SIZE // 3)
    sessions = [] if harm == "client killed" else descendants(sshd._process.pid)
    if harm == "client killed":
        running.process.kill()
    else:
        assert sessions
        for pid in sessions:
            os.kill(pid, signal.SIGKILL if harm == "killed" else signal.SIGSTOP)
    code, said = running.end()
    for pid in sessions if harm == "stopped" else []:
        os.kill(pid, signal.SIGCONT)
    if harm != "client killed":
        assert code == 3, said
        assert "connection to facility broke" in said or "has ended" in said
        assert "Traceback" not in said
    check_invariant(far.home, far.visit, far.links)
    assert far.finish() < SIZE


@pytest.mark.parametrize("carrier", ["openssh", "paramiko"])
def test_a_server_that_allows_one_channel_serves_all(
    carrier: str, trip: Trip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks at files then reads them, too, in turns."""
    require_sshd()
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, carrier)
    with RealSshd(tmp_path / "narrow", options=("MaxSessions 1",)) as narrow:
        monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(narrow.ssh_config))
        trip.run_line(["remote", "add", "facility", narrow.url(trip.visit)])
        trip.run_line("index facility")
        assert trip.finish() == SIZE


@pytest.mark.skipif(os.name == "nt", reason="as the others here")
def test_the_same_command_twice_at_once(far: Trip) -> None:
    """The second says so and touches nothing; the first goes on to its end."""
    # It stands still meanwhile, which is no silence of the server.
    running = Running(far, patience_s=300.0)
    running.until(SIZE // 4)
    ran = far.run_line(far.words, exit_code=3)
    assert f"another danmax-sync is fetching into {far.home} right now" in ran.err
    code, said = running.end()
    assert code == 0, said
    assert far.finish() == 0


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[RealSshd]:
    """Run the real sshd with one session on a login."""
    require_sshd()
    with RealSshd(tmp_path / "narrow", options=("MaxSessions 1",)) as server:
        yield server


@pytest.mark.skipif(os.name == "nt", reason="as the others here")
@pytest.mark.parametrize("carrier", ["openssh", "paramiko"])
def test_ctrl_c_does_not_wait_for_a_line_that_stands_still(
    carrier: str, trip: Trip, narrow: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some seconds, not a minute, though the one channel there is waits for its answer; what has come is kept."""
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(narrow.ssh_config))
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, carrier)
    trip.run_line(["remote", "add", "facility", narrow.url(trip.visit)])
    trip.run_line("index facility")
    running = Running(trip, patience_s=20.0)
    running.until(SIZE // 3)
    sessions = descendants(narrow._process.pid)
    for pid in sessions:
        os.kill(pid, signal.SIGSTOP)
    try:
        running.process.send_signal(signal.SIGCONT)
        # Until it waits for what does not come.
        time.sleep(0.5)
        began = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        code, said = running.end()
        took_s = time.monotonic() - began
    finally:
        for pid in sessions:
            os.kill(pid, signal.SIGCONT)
    assert (code, "stopped; what is done is kept" in said) == (130, True), said
    assert took_s < 10, f"{took_s:.1f} s"
    check_invariant(trip.home, trip.visit, trip.links)
    with Journal.open() as journal:
        assert any(checksum != MISSING for checksum in journal.begun(trip.home)[DETECTOR].checksums)
