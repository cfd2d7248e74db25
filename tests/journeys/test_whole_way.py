"""The main job as a user walks it: remote → test → index → search → show → get → verify, over every kind of line."""

from pathlib import Path

import h5py
import pytest

from danmax_sync import settings
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.sftpfiles import Faults
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.journeys.conftest import Serve
from tests.journeys.places import PASSWORD, copied, fetchable, parts, tree


@pytest.fixture
def visit(small_visit: SimulatedVisit, tmp_path: Path) -> Path:
    """Return all 12 scans, of which 50 lacks its detector file."""
    return copied(small_visit.folder, tmp_path / "facility" / "20251234" / "2025110208")


@pytest.fixture(params=["openssh", "paramiko", "password and code", "folder"])
def line(request: pytest.FixtureRequest) -> str:
    """Name the way to the source."""
    return str(request.param)


@pytest.fixture
def remote(
    line: str, visit: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, run_line: RunLine
) -> str:
    """Add the remote and return its name; nothing is indexed yet."""
    if line == "folder":
        run_line(["remote", "add", "usb", visit.as_uri()])
        return "usb"
    if line == "password and code":
        serve: Serve = request.getfixturevalue("serve")
        serve(indexed=False)
        return "facility"
    sshd: RealSshd = request.getfixturevalue("sshd")
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, line)
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))
    run_line(["remote", "add", "danmax", sshd.url(visit)])
    return "danmax"


def test_the_main_job(remote: str, visit: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Complete sets come home byte for byte, with their times and tree; again costs nothing, neither index nor get."""
    home = tmp_path / "home"
    assert "12 of them masters" in run_line(["remote", "test", remote]).err

    first = run_line(["index", remote, "--json"]).summary
    assert (first["scans"], first["new"], first["problems"]) == (12, 12, 0)
    again = run_line(["index", remote, "--json"])
    assert (again.summary["new"], again.summary["changed"], again.summary["unchanged"]) == (0, 0, 12)
    assert [event for event in again.events if event.get("stage") == "index"] == []

    hot = run_line("search sample:CeO2 energy:35 temperature:300..400 -f json").json
    assert [scan["scan"] for scan in hot] == [48, 49, 50]
    assert {scan["scan"]: scan["state"] for scan in hot} == {48: "complete", 49: "complete", 50: "partial"}
    shown = run_line("show 48").out
    assert "scan-0048_pilatus.h5" in shown
    assert f"{remote}: raw/CeO2/scan-0048.h5" in shown

    got = run_line(["get", "sample:CeO2", "--from", remote, "--to", str(home), "--json"], exit_code=5)
    wanted = fetchable(visit, [f"raw/CeO2/scan-00{number}.h5" for number in range(48, 54)])
    assert tree(home) == wanted
    assert got.summary["sets"] == {"complete": 5, "partial": 0, "failed": 0, "skipped": 1}
    assert got.summary["files"] == len(wanted)
    assert got.summary["bytes"] == sum(len(content) for content, _ in wanted.values())

    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    second = run_line(["get", "sample:CeO2", "--from", remote, "--to", str(home), "--json"], exit_code=5)
    assert (second.summary["files"], second.summary["bytes"], second.summary["already_here"]) == (0, 0, 5)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    assert parts(home) == []

    assert run_line(["verify", str(home), "--deep", "--json"]).summary["ok"] == 5
    assert run_line("verify sample:CeO2 --json").summary["ok"] == 5
    here = run_line("search 48 -f json").json[0]["locations"]
    assert {(place["root"], place["state"]) for place in here} == {(remote, "complete"), (str(home), "complete")}


def test_only_masters_travel_to_be_indexed(serve: Serve, run_line: RunLine) -> None:
    """The server is asked to open every master once, and no detector file at all."""

    class Heard(Faults):
        def __init__(self) -> None:
            self.opened: list[str] = []

        def opening(self, path: str) -> None:
            self.opened.append(path.rpartition("/")[2])

    heard = Heard()
    serve(heard, indexed=False)
    run_line("index facility")
    assert sorted(heard.opened) == [f"scan-{number:04d}.h5" for number in range(42, 54)]
    heard.opened.clear()
    run_line("index facility")
    assert heard.opened == []


def test_one_login_for_a_whole_get(serve: Serve, tmp_path: Path, run_line: RunLine) -> None:
    """However many files travel, password and code are asked for once."""
    person = serve()
    before = person.server.logins
    person.asked.clear()
    run_line(["get", "LaB6", "--from", "facility", "--to", str(tmp_path / "home")])
    assert person.server.logins - before == 1
    assert person.asked == ["Password:", "One-time code:"]


def test_a_folder_is_indexed_by_its_path(visit: Path, run_line: RunLine) -> None:
    """No remote is needed for what is on this disk, and a sample's folder belongs to its visit."""
    assert run_line(["index", str(visit), "--json"]).summary["scans"] == 12
    assert run_line(["index", str(visit / "raw" / "Si"), "--json"]).summary["scans"] == 3
    assert run_line("search --count").out == "12\n"


def test_a_master_is_never_opened_through_a_python_file_object(
    folder_remote: Path, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """h5py is given paths only: through a file object HDF5 would look for a link's target in the current folder."""
    opened: list[object] = []
    original = h5py.File.__init__

    def noted(self: h5py.File, name: object, *args: object, **options: object) -> None:
        opened.append(name)
        original(self, name, *args, **options)

    monkeypatch.setattr(h5py.File, "__init__", noted)
    # A decoy of the same name, where a file object would find it.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan-0042_pilatus.h5").write_bytes(b"decoy")
    run_line(["index", str(folder_remote)])
    run_line(["get", "LaB6", "--from", "usb", "--to", str(tmp_path / "home")])
    run_line(["verify", str(tmp_path / "home"), "--deep"])
    assert opened
    # h5py itself wraps the identifiers of open files in the same class; those cannot seek.
    assert [name for name in opened if hasattr(name, "seek")] == []


def test_a_remote_is_added_listed_and_forgotten(run_line: RunLine) -> None:
    """Its name and URI are kept; adding it again is harmless, another place under its name is refused."""
    run_line("remote add danmax sftp://me@host.example/data/visitors/danmax/20251234/2025110208")
    run_line("remote add danmax sftp://me@host.example/data/visitors/danmax/20251234/2025110208")
    taken = run_line("remote add danmax sftp://me@elsewhere.example/data", exit_code=2)
    assert "already stands for" in taken.err
    listed = run_line("remote list -f json").json
    assert listed == [
        {"name": "danmax", "uri": "sftp://me@host.example/data/visitors/danmax/20251234/2025110208", "to": None},
    ]
    run_line("remote remove danmax")
    assert run_line("remote list -f json").json == []
    assert "there are no remotes yet" in run_line("remote list").err
    run_line("remote remove danmax", exit_code=2)


def test_a_password_does_not_belong_into_a_remote(run_line: RunLine, own_home: Path) -> None:
    """It is refused, and written nowhere."""
    ran = run_line(f"remote add danmax 'sftp://me:{PASSWORD.split()[0]}@host.example/data'", exit_code=2)
    assert "password does not belong" in ran.err
    assert PASSWORD.split()[0] not in ran.err + ran.out
    assert not [path for path in own_home.rglob("*") if path.is_file() and b"correct" in path.read_bytes()]
