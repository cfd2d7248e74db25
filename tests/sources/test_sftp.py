"""A folder behind SFTP as a source: honest servers, hostile ones, and lines that break."""

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest

from danmax_sync import settings
from danmax_sync.errors import ConnectionLostError, LoginError, SourceError
from danmax_sync.sources import sftp_listing
from danmax_sync.sources.base import Source, SourceChangedError, stat_all
from danmax_sync.sources.opening import open_source
from danmax_sync.sources.probing import probe
from danmax_sync.sources.remotes import checked_remote
from danmax_sync.sources.sftp import SftpSource
from danmax_sync.sources.sftp_complaints import line_lost
from danmax_sync.sources.sftp_lane import SftpLane
from danmax_sync.sources.ssh import NoTerminal
from danmax_sync.testing import sftpfiles
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.sftpfiles import CutAfter, CutLineError, EarlyEnd, Faults
from danmax_sync.testing.sftpserver import EmbeddedSftpServer
from danmax_sync.visits import TreePath
from tests.needs import require_sshd
from tests.sources.contract import FILES, SourceContract, at, seen, tree_at
from tests.sources.serving import remote_at, served
from tests.sources.ssh.answers import Answers

Serve = Callable[..., Source]


@pytest.fixture(autouse=True)
def _no_real_ssh(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use paramiko, and no configuration of whoever runs this."""
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(own_home / "ssh_config"))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return what opens a folder's parent over SFTP, with faults if asked for; all is closed in the end."""
    with ExitStack() as stack:

        def opened(folder: Path | None = None, faults: Faults | None = None) -> Source:
            shown = folder or tree_at(tmp_path / "2025110208")
            return stack.enter_context(served(shown, faults))

        yield opened


class TestSftpSource(SourceContract):
    """A folder behind SFTP does what every source does."""

    @pytest.fixture(autouse=True)
    def _served(self, serve: Serve) -> None:
        self.serve = serve

    def opened(self, folder: Path) -> AbstractContextManager[Source]:
        """Open it."""
        return self.serve(folder)


@dataclass
class SaidNames(Faults):
    """A server that says a folder holds these names too."""

    folder: str
    names: list[str]

    def listing(self, path: str, names: list[str]) -> list[str]:
        """Add them."""
        return [*names, *self.names] if path == self.folder else names


@dataclass
class Denied(Faults):
    """A server that denies what is asked for, on some paths."""

    paths: list[str]
    error: Exception = field(default_factory=lambda: PermissionError(errno.EACCES, "denied"))

    def opening(self, path: str) -> None:
        """Deny."""
        if path in self.paths:
            raise self.error

    def listing(self, path: str, names: list[str]) -> list[str]:
        """Deny."""
        self.opening(path)
        return names


def test_one_login_serves_all_questions(tmp_path: Path) -> None:
    """Each login at the facility costs a code."""
    tree = tree_at(tmp_path / "2025110208")
    with EmbeddedSftpServer(tmp_path, password="beam") as server:
        prompter = Answers("beam")
        with open_source(remote_at(server, f"/{tree.name}"), prompter) as source:
            assert (source.name, source.local, source.base) == ("facility", False, "/2025110208")
            assert len(seen(source)[0]) == 8
            source.fetch(at("notes.txt"), io.BytesIO(), lambda _: None)
            source.files_in(at("raw/LaB6"))
        assert (server.logins, server.attempts, server.connections) == (1, 1, 1)
        assert len(prompter.fingerprints) == 1
        with pytest.raises(LoginError):
            open_source(remote_at(server, f"/{tree.name}"), NoTerminal())


@pytest.mark.parametrize(
    ("path", "why"), [("/nowhere", "does not exist"), ("/2025110208/notes.txt", "is not a folder")]
)
def test_a_root_that_is_no_folder_is_a_source_error(tmp_path: Path, path: str, why: str) -> None:
    """Said at once, with what to do, and the connection is let go."""
    tree_at(tmp_path / "2025110208")
    with EmbeddedSftpServer(tmp_path, password="beam") as server:
        with pytest.raises(SourceError, match=why) as caught:
            open_source(remote_at(server, path), Answers("beam"))
        assert caught.value.hint


@pytest.mark.parametrize(
    ("path", "why"), [("/nowhere", "does not exist"), ("/2025110208/notes.txt", "is not a folder")]
)
def test_with_lanes_a_root_is_judged_with_the_first_question(tmp_path: Path, path: str, why: str) -> None:
    """That saves a round trip; the message is the same, and is said once."""
    tree_at(tmp_path / "2025110208")
    with (
        EmbeddedSftpServer(tmp_path, password="beam") as server,
        open_source(remote_at(server, path), Answers("beam"), with_lanes=True) as source,
    ):
        with pytest.raises(SourceError, match=why):
            stat_all(source, [at("notes.txt")])
        assert stat_all(source, [at("notes.txt")]) == [None]


def test_lanes_are_opened_from_the_login_on(tmp_path: Path) -> None:
    """The source's own channel first, which answers meanwhile; there is one login."""
    tree = tree_at(tmp_path / "2025110208")
    with (
        EmbeddedSftpServer(tmp_path, password="beam") as server,
        open_source(remote_at(server, f"/{tree.name}"), Answers("beam"), with_lanes=True) as source,
    ):
        assert isinstance(source, SftpSource)
        channels = source._prepared
        assert len(channels) >= 2
        assert [info and info.path for info in stat_all(source, [at("notes.txt")])] == [at("notes.txt")]
        assert all(channel.result(30) for channel in channels)
        assert isinstance(source.open_lane(), SftpLane)
        assert (server.logins, server.connections) == (1, 1)


def test_a_size_that_no_file_has_hides_only_that_file(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many files that are looked at in one go the others are seen."""
    looked_at = sftpfiles.Tree.stat

    def swollen(tree: sftpfiles.Tree, path: str) -> paramiko.SFTPAttributes | int:
        attributes = looked_at(tree, path)
        if path.endswith("notes.txt") and isinstance(attributes, paramiko.SFTPAttributes):
            attributes.st_size = 2**63
        return attributes

    source = serve()
    monkeypatch.setattr(sftpfiles.Tree, "stat", swollen)
    notes, master = stat_all(source, [at("notes.txt"), at("raw/LaB6/scan-0042.h5")])
    assert notes is None
    assert master is not None


def test_a_root_with_odd_characters_is_found(serve: Serve, tmp_path: Path) -> None:
    """Percent-encoded in the URI, itself on the server."""
    source = serve(tree_at(tmp_path / "my visit %20#1"))
    assert source.base == "/my visit %20#1"
    assert "raw/LaB6/scan-0042.h5" in seen(source)[0]


HOSTILE = ["../../etc/passwd", "", "a\0b.h5", "/etc/passwd", "a\nb.h5", "a\\b.h5", "\x1b[2J.h5", "scan-0099.h5"]


def test_hostile_names_of_a_server_are_complaints(serve: Serve) -> None:
    """None of them becomes a path; shown harmlessly; the honest names beside them are seen."""
    source = serve(faults=SaidNames("/2025110208/raw/LaB6", [".", "..", *HOSTILE]))
    files, complaints = seen(source)
    assert sorted(path for path in files if path.startswith("raw/LaB6")) == [
        "raw/LaB6/empty.h5",
        "raw/LaB6/scan-0042.h5",
        "raw/LaB6/scan-0042_pilatus.h5",
    ]
    assert "scan-10001.h5" in " ".join(files)
    assert len(complaints) == len(HOSTILE)
    assert all(path.startswith("raw/LaB6/") for path in complaints)
    assert all(path.isprintable() and why.isprintable() for path, why in complaints.items())
    assert "size" in complaints["raw/LaB6/scan-0099.h5"]
    assert len(source.files_in(at("raw/LaB6"))) == 3


def test_a_listing_that_does_not_end_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that names new files for ever fills no memory; the walk says so and goes on."""
    monkeypatch.setattr(sftp_listing, "_MOST_ENTRIES", 200)
    source = serve(faults=SaidNames("/2025110208/raw/LaB6", [f"scan-{n:05}.h5" for n in range(1000)]))
    files, complaints = seen(source)
    assert "lists more than 200 names" in complaints["raw/LaB6"]
    assert "notes.txt" in files


def test_names_that_are_announced_and_not_sent_are_not_waited_for() -> None:
    """A count of four thousand million makes neither a loop nor a list of that length."""
    message = paramiko.Message()
    message.add_int(2**32 - 1)
    message.add_string("scan-0001.h5")
    message.add_string("-rw-r--r-- scan-0001.h5")
    message.add_int(0)
    listing = sftp_listing.FolderListing.__new__(sftp_listing.FolderListing)
    listing._entries = []
    listing._take(paramiko.Message(message.asbytes()))
    assert [entry.filename for entry in listing._entries] == ["scan-0001.h5"]


def test_an_impossible_size_is_a_complaint(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is larger than a database can note."""
    real = sftpfiles._attributes

    def swollen(local: Path, name: str) -> paramiko.SFTPAttributes:
        attributes = real(local, name)
        if name == "scan-0042.h5":
            attributes.st_size = 2**64 - 1
        return attributes

    monkeypatch.setattr(sftpfiles, "_attributes", swollen)
    files, complaints = seen(serve())
    assert list(complaints) == ["raw/LaB6/scan-0042.h5"]
    assert "raw/LaB6/scan-0042_pilatus.h5" in files


def test_a_denied_folder_is_a_complaint_and_a_denied_file_an_error(serve: Serve) -> None:
    """The rest is seen and fetched; the message says that the right is lacking."""
    denied = ["/2025110208/raw/Si 640d.v1", "/2025110208/raw/LaB6/scan-0042.h5"]
    source = serve(faults=Denied(denied))
    files, complaints = seen(source)
    assert list(complaints) == ["raw/Si 640d.v1"]
    assert "permission denied" in complaints["raw/Si 640d.v1"]
    assert "raw/LaB6/scan-0042.h5" in files
    with pytest.raises(SourceError, match="may not be read"):
        source.fetch(at("raw/LaB6/scan-0042.h5"), io.BytesIO(), lambda _: None)
    with pytest.raises(SourceError, match="may not be read"):
        source.files_in(at("raw/Si 640d.v1"))
    source.fetch(at("notes.txt"), io.BytesIO(), lambda _: None)


def test_a_link_that_leads_out_of_the_servers_tree_is_passed_over(serve: Serve, tmp_path: Path) -> None:
    """The server denies to look behind it; the walk goes on."""
    tree = tree_at(tmp_path / "served" / "2025110208")
    (tmp_path / "secret.h5").write_bytes(b"secret")
    (tree / "raw" / "LaB6" / "scan-0099.h5").symlink_to(tmp_path / "secret.h5")
    source = serve(tree)
    files, complaints = seen(source)
    assert list(complaints) == ["raw/LaB6/scan-0099.h5"]
    assert len(files) == 8
    assert len(source.files_in(at("raw/LaB6"))) == 3


def test_folders_are_not_entered_forever(serve: Serve, tmp_path: Path) -> None:
    """Deeper than any visit is too deep."""
    tree = tree_at(tmp_path / "2025110208")
    deep = tree.joinpath("raw", *["d"] * 70)
    deep.mkdir(parents=True)
    (deep / "scan-0001.h5").write_bytes(b"x")
    files, _ = seen(serve(tree))
    assert len(files) == 8


def test_a_file_that_ends_early_is_not_taken(serve: Serve) -> None:
    """Its stat says more than its reading gives."""
    source = serve(faults=EarlyEnd("_pilatus.h5", 5000))
    sink = io.BytesIO()
    with pytest.raises(SourceChangedError, match="5000 read"):
        source.fetch(at("raw/LaB6/scan-0042_pilatus.h5"), sink, lambda _: None)
    source.fetch(at("raw/LaB6/scan-0042.h5"), io.BytesIO(), lambda _: None)


def test_a_line_that_breaks_in_a_file_ends_the_work(serve: Serve) -> None:
    """And everything after it, always as a lost connection, with what to do."""
    source = serve(faults=CutAfter(200_000))
    for act in (
        lambda: source.fetch(at("raw/LaB6/scan-0042_pilatus.h5"), io.BytesIO(), lambda _: None),
        lambda: source.fetch(at("raw/LaB6/scan-0042.h5"), io.BytesIO(), lambda _: None),
        lambda: source.stat(at("notes.txt")),
        lambda: source.files_in(at("raw/LaB6")),
        lambda: list(source.walk(lambda *_: None)),
    ):
        with pytest.raises(ConnectionLostError) as caught:
            act()
        assert "run the same command again" in caught.value.hint


def test_a_line_that_breaks_in_a_listing_ends_the_walk(serve: Serve) -> None:
    """It must not look like an empty folder."""
    source = serve(faults=Denied(["/2025110208/raw/Si 640d.v1"], CutLineError()))
    complaints: list[str] = []
    with pytest.raises(ConnectionLostError):
        list(source.walk(lambda path, _: complaints.append(path)))
    assert complaints == []


def test_a_failing_server_is_an_error_of_the_file(serve: Serve) -> None:
    """Any other complaint of the server names the file and leaves the line open."""
    source = serve(faults=Denied(["/2025110208/notes.txt"], OSError(errno.EIO, "bad sector")))
    with pytest.raises(SourceError, match=r"facility:/2025110208/notes\.txt cannot be read") as caught:
        source.fetch(at("notes.txt"), io.BytesIO(), lambda _: None)
    assert not isinstance(caught.value, ConnectionLostError)
    assert source.stat(at("notes.txt")) is not None


def test_a_probe_says_what_stands_there(serve: Serve) -> None:
    """As for a folder."""
    said = probe(serve())
    assert said.startswith("facility answers: sftp://visitor@127.0.0.1:")
    assert said.endswith("holds 8 files, 3 of them masters")
    assert len(FILES) == 9


def test_a_name_that_is_no_text_hides_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One name that is not UTF-8 is complained about; the files beside it are listed."""
    require_sshd()
    raw = tmp_path / "visit" / "raw"
    raw.mkdir(parents=True)
    (raw / "scan-0001.h5").write_bytes(b"one")
    try:
        Path(os.fsdecode(os.fsencode(raw) + b"/scan-\xff.h5")).touch()
    except OSError:
        pytest.skip("this file system takes text only")
    (tmp_path / "sshd").mkdir()
    with RealSshd(tmp_path / "sshd") as sshd:
        monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))
        remote = checked_remote("there", f"sftp://facility{raw.parent}")
        complaints: list[str] = []
        with open_source(remote, NoTerminal()) as source:
            names = [info.path.name for info in source.walk(lambda path, why: complaints.append(f"{path}: {why}"))]
            assert [info.path.name for info in source.files_in(TreePath.parse("raw"))] == names
    assert names == ["scan-0001.h5"]
    assert len(complaints) == 1
    assert "scan-" in complaints[0]


@pytest.mark.parametrize(
    ("heard", "told"),
    [("", ""), ("Broken pipe", ""), ("[Errno 32] Broken pipe", ""), ("no answer for 60 s", " (no answer for 60 s)")],
)
def test_a_broken_line_is_told_in_words(heard: str, told: str) -> None:
    """What the system calls it says nothing more; a reason does."""
    assert line_lost("danmax", "danmax:/data/a.h5", heard).message == (
        f"the connection to danmax broke at danmax:/data/a.h5{told}; what is done is kept"
    )
