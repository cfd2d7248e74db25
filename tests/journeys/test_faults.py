"""Lines that break, files that change and disks that fill while ``get`` runs, as the user sees it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from danmax_sync import settings
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.sftpfiles import CutLineError, EarlyEnd, Faults
from danmax_sync.transfer.lock import only_one
from tests.conftest import RunLine
from tests.journeys.conftest import Serve
from tests.journeys.places import DANMAX_SYNC, age, check_invariant, fetchable, needs_of, parts, tree


class Opened(Faults):
    """Acts when a file is opened, once, after `armed`."""

    def __init__(self, ending: str, visit: Path) -> None:
        self.ending, self.visit, self.armed = ending, visit, False

    def opening(self, path: str) -> None:
        """See it opened."""
        if self.armed and path.endswith(self.ending):
            self.armed = False
            self.act(self.visit.parent.parent / path.lstrip("/"))

    def act(self, path: Path) -> None:
        """Do the harm."""


def test_a_connection_that_is_cut_is_gone_on_with(serve: Serve, visit: Path, tmp_path: Path, run_line: RunLine) -> None:
    """3 and one sentence; what was complete stays, and the next run does the rest."""
    home, links = tmp_path / "home", needs_of(visit)

    class Cut(Faults):
        done = False

        def reading(self, path: str, offset: int, data: bytes) -> bytes:
            if path.endswith("scan-0043_pilatus.h5") and not self.done:
                self.done = True
                raise CutLineError
            return data

    serve(Cut())
    run_line(["get", "42", "--from", "facility", "--to", str(home)])
    get = ["get", "LaB6", "--from", "facility", "--to", str(home)]
    ran = run_line(get, exit_code=3)
    told = [line for line in ran.err.splitlines() if "connection to facility broke" in line]
    assert len(told) == 1
    assert "scans 43-44 failed" in told[0]
    assert "run the same command again to go on" in ran.err
    assert check_invariant(home, visit, links) == 1
    assert parts(home) == []

    again = run_line([*get, "--json"]).summary
    assert again["sets"]["complete"] == 3
    assert again["already_here"] == 1
    assert tree(home) == fetchable(visit)


def test_a_connection_that_is_cut_while_indexing_keeps_what_was_read(
    serve: Serve, visit: Path, run_line: RunLine
) -> None:
    """3, and the next index does the rest."""

    class Third(Faults):
        opened = 0

        def opening(self, path: str) -> None:
            self.opened += 1
            if self.opened == 3:
                raise CutLineError

    serve(Third(), indexed=False)
    ran = run_line("index facility", exit_code=3)
    assert "connection to facility broke" in ran.err
    assert run_line("index facility --json").summary["scans"] == 4
    assert run_line("search --count").out == "4\n"


def test_a_file_that_ends_early_leaves_its_set_out(
    serve: Serve, visit: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """Whatever its stat says: 5, the set is named, the others come."""
    home = tmp_path / "home"
    serve(EarlyEnd("scan-0043_pilatus.h5", 5000))
    ran = run_line(["get", "LaB6", "--from", "facility", "--to", str(home)], exit_code=5)
    assert "scan 43 skipped" in ran.err
    assert "scan-0043_pilatus.h5 is still being written" in ran.err
    assert sorted(path.name for path in home.rglob("scan-????.h5")) == ["scan-0042.h5", "scan-0044.h5"]
    assert parts(home) == []


@pytest.mark.parametrize("harm", ["grows", "shrinks", "is touched", "vanishes"])
def test_a_file_that_changes_while_it_is_read(
    harm: str, serve: Serve, visit: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """Its set is left out and named, 5; once it stands still the next run brings it."""
    home = tmp_path / "home"

    class Changing(Opened):
        def act(self, path: Path) -> None:
            if harm == "grows":
                with path.open("ab") as file:
                    file.write(b"x" * 100)
            elif harm == "shrinks":
                os.truncate(path, path.stat().st_size - 100)
            elif harm == "is touched":
                age(path, seconds=100)
            else:
                path.rename(path.with_suffix(".moved"))

    whole = (visit / "raw" / "LaB6" / "scan-0043_pilatus.h5").read_bytes()
    fault = Changing("scan-0043_pilatus.h5", visit)
    serve(fault)
    fault.armed = True
    get = ["get", "42-43", "--from", "facility", "--to", str(home)]
    ran = run_line(get, exit_code=5)
    assert "scan 43 skipped" in ran.err
    assert "scan-0043_pilatus.h5" in ran.err
    assert sorted(path.name for path in home.rglob("scan-*.h5")) == ["scan-0042.h5", "scan-0042_pilatus.h5"]

    (visit / "raw" / "LaB6" / "scan-0043_pilatus.h5").write_bytes(whole)
    run_line(get)
    assert check_invariant(home, visit, needs_of(visit)) == 2


def test_a_file_that_may_not_be_read(serve: Serve, visit: Path, tmp_path: Path, run_line: RunLine) -> None:
    """The server refuses it: 5, named, the others come."""

    class Forbidden(Faults):
        def opening(self, path: str) -> None:
            if path.endswith("scan-0043_pilatus.h5"):
                raise PermissionError(13, "no")

    serve(Forbidden())
    home = tmp_path / "home"
    ran = run_line(["get", "LaB6", "--from", "facility", "--to", str(home)], exit_code=5)
    assert "scan-0043_pilatus.h5 may not be read: permission denied" in ran.err
    assert check_invariant(home, visit, needs_of(visit)) == 2


def test_a_server_s_hostile_names_stay_outside(serve: Serve, visit: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Names that climb are told as problems, and nothing is written outside the destination."""

    class Hostile(Faults):
        def listing(self, path: str, names: list[str]) -> list[str]:
            return [*names, "../../evil.h5", "..", "a\\b.h5"] if path.endswith("LaB6") else names

    serve(Hostile(), indexed=False)
    run_line("index facility")
    assert any("evil.h5" in problem["path"] for problem in run_line("problems -f json").json)
    run_line(["get", "LaB6", "--from", "facility", "--to", str(tmp_path / "home")])
    assert not list(tmp_path.rglob("evil.h5"))


def test_two_gets_at_once(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """The second says so and ends with 3; nothing is touched."""
    home = tmp_path / "home"
    with only_one(home):
        ran = run_line(["get", "42", "--from", "usb", "--to", str(home)], exit_code=3)
    assert f"another danmax-sync is fetching into {home} right now" in ran.err
    assert tree(home) == {}


def test_a_dry_run_moves_nothing(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """It says what would be fetched, in words or in JSON, and does not even make the folder."""
    home = tmp_path / "home"
    dry = ["get", "LaB6 OR CeO2", "--from", "usb", "--to", str(home), "--dry-run"]
    said = run_line(dry).out
    assert "scan 50: left out, incomplete at the source" in said
    assert "raw/LaB6/scan-0044_falconx.h5" in said
    told = run_line([*dry, "--json"])
    wanted = fetchable(folder_remote)
    assert (told.summary["files"], told.summary["bytes"]) == (
        len(wanted),
        sum(len(content) for content, _ in wanted.values()),
    )
    assert {event["event"] for event in told.events} == {"set", "summary"}
    assert not home.exists()


def test_without_the_calibration(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """It stays at the source where that is asked for."""
    home = tmp_path / "home"
    run_line(["get", "42", "--from", "usb", "--to", str(home), "--no-calibration"])
    assert set(tree(home)) == {"raw/LaB6/scan-0042.h5", "raw/LaB6/scan-0042_pilatus.h5"}


def test_the_only_remote_need_not_be_named(folder_remote: Path, visit: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Where one remote has the scans there is no doubt; where two have them, they are named."""
    run_line(["get", "42", "--to", str(tmp_path / "home")])
    run_line(["remote", "add", "second", visit.as_uri()])
    run_line("index second")
    ran = run_line(["get", "43", "--to", str(tmp_path / "home")], exit_code=2)
    assert "scan 43 is at several remotes: second, usb" in ran.err
    assert "danmax-sync get 43 --from second" in ran.err


LIMITED = """
import resource, sys
# The catalogue is a file, too: only what is fetched meets the limit, and it is less than the smallest detector file.
from danmax_sync.transfer.segments import PartFile
from danmax_sync.cli.entry import run
write = PartFile.write
def limited(*arguments):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        return write(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
PartFile.write = limited
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="no limits on file sizes")
@pytest.mark.parametrize("line", ["folder", "sftp"])
def test_a_file_larger_than_the_disk_takes(
    line: str, visit: Path, tmp_path: Path, run_line: RunLine, request: pytest.FixtureRequest
) -> None:
    """A write that fails in the middle: 3, the sentence names the file and does not blame the source."""
    home, uri = tmp_path / "home", visit.as_uri()
    if line == "sftp":
        sshd: RealSshd = request.getfixturevalue("sshd")
        monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))
        monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")
        uri = sshd.url(visit)
    run_line(["remote", "add", "usb", uri])
    run_line("index usb")
    command = [sys.executable, "-c", LIMITED, "get", "42", "--from", "usb", "--to", str(home)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert ran.returncode == 3, ran.stderr
    assert "is larger than files may be there" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(home.rglob("*.h5")) == []
    assert parts(home) == []


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process")
def test_ctrl_c_ends_a_get_with_130(folder_remote: Path, tmp_path: Path, visit: Path) -> None:
    """One sentence; complete sets stay, no part is left, the catalogue knows what arrived."""
    for attempt in range(10):
        home = tmp_path / f"home-{attempt}"
        command = [*DANMAX_SYNC, "get", "LaB6", "--from", "usb", "--to", str(home), "--json"]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            next(line for line in process.stdout if '"event": "set"' in line)
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            told = process.stderr.read()
        # Done before the signal came: tried again, so that this never passes without a Ctrl-C.
        if process.returncode != 0:
            break
    assert process.returncode == 130
    assert told == "error: stopped; what is done is kept\n  → run the same command again to go on\n", told
    assert parts(home) == []
    assert check_invariant(home, folder_remote, needs_of(folder_remote)) >= 1


@pytest.mark.skipif(os.name == "nt", reason="the source is on this disk too, and its paths are shorter there")
def test_a_name_that_is_too_long_here_keeps_one_set_away(
    visit: Path, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its source could name it, with its part file's ending this disk cannot: the others come, the code is 3."""
    name = f"scan-0042_{'p' * 230}.h5"
    shutil.copy2(visit / "raw" / "LaB6" / "scan-0042_pilatus.h5", visit / "raw" / "LaB6" / name)
    master = visit / "raw" / "LaB6" / "scan-0042.h5"
    with h5py.File(master, "a", locking=False) as file:
        file["entry/instrument"]["extra"] = h5py.ExternalLink(name, "entry/instrument/pilatus/data")
    age(master, days=1)
    run_line(["remote", "add", "usb", visit.as_uri()])
    run_line("index usb")
    get = ["get", "42-44", "--from", "usb", "--to", str(tmp_path / "home")]
    assert "scan 42: left out, " in run_line([*get, "--dry-run"]).out
    ran = run_line(get, exit_code=3)
    assert f"{name} is too long a name here: 256 bytes with its part file's ending, 255 are possible" in ran.err
    assert "→ mend that, or name another folder for it" in ran.err
    here = {path.name for path in (tmp_path / "home").rglob("*.h5")}
    assert {"scan-0043.h5", "scan-0044.h5"} <= here
    assert not any("scan-0042" in one for one in here)
    assert "too long a name here" in run_line("status").out


@pytest.mark.parametrize("line", ["get 42 --to HOME", "get 42 --to HOME --json", "verify --json", "status --json"])
def test_a_damaged_journal_is_set_aside_aloud(
    line: str, folder_remote: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """One warning says what, where it is now and what that means; it changes nothing else about the command."""
    words = line.replace("HOME", str(tmp_path / "home")).split()
    run_line(["get", "43", "--from", "usb", "--to", str(tmp_path / "home")])
    journal = settings.home() / "transfers.db"
    journal.write_bytes(b"no database" * 1000)
    ran = run_line(words)
    (aside,) = journal.parent.glob("transfers.db.damaged-*")
    if "--json" in words and words[0] != "status":
        (told,) = [event["message"] for event in ran.events if event["event"] == "warning"]
    else:
        (told,) = ran.err.splitlines()[:1]
        assert told.startswith("warning: the journal of transfers cannot be read (file is not a database)")
    assert f"is kept as {aside}" in told
    assert "fetched anew" in told
    assert "cannot be read" not in run_line(words).err
    if words[0] == "status":
        assert ran.json["scans"] > 0
