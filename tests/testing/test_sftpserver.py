"""The embedded SFTP server, as a client meets it."""

import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from danmax_sync.testing.sftpfiles import CutAfter, EarlyEnd, Faults
from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits
from tests.needs import require_sshd


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a served folder beside a file that is not served."""
    folder = tmp_path / "served"
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "big.h5").write_bytes(os.urandom(1 << 20))
    (folder / "raw" / "small.h5").write_bytes(b"small")
    (tmp_path / "secret").write_text("secret")
    (folder / "raw" / "out").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to("..")
    (folder / "raw" / "inside").symlink_to("small.h5")
    return folder


@contextmanager
def channel(server: EmbeddedSftpServer, password: str = "beam") -> Iterator[paramiko.SFTPClient]:  # noqa: S107
    """Log in with a password and open a channel."""
    transport = paramiko.Transport((server.host, server.port))
    try:
        transport.connect(username=server.user, password=password)
        yield paramiko.SFTPClient.from_transport(transport)
    finally:
        transport.close()
        transport.join()


def test_files_are_served_as_they_are(root: Path) -> None:
    """Bytes, sizes, times and names."""
    with EmbeddedSftpServer(root, password="beam") as server, channel(server) as sftp:
        assert sftp.normalize(".") == "/"
        assert sorted(sftp.listdir("/raw")) == ["big.h5", "inside", "out", "small.h5"]
        local = (root / "raw" / "big.h5").stat()
        shown = sftp.stat("/raw/big.h5")
        assert (shown.st_size, shown.st_mtime) == (local.st_size, int(local.st_mtime))
        assert stat.S_ISDIR(sftp.stat("/raw").st_mode)
        with sftp.open("/raw/big.h5") as file:
            assert file.stat().st_size == local.st_size
            assert file.read() == (root / "raw" / "big.h5").read_bytes()
            file.seek(1000)
            assert file.read(10) == (root / "raw" / "big.h5").read_bytes()[1000:1010]


@pytest.mark.parametrize("path", ["/../secret", "/raw/out", "/up/secret", "/raw/../../secret", "//../../secret"])
def test_nothing_outside_the_root_is_served(root: Path, path: str) -> None:
    """Neither .. nor a symbolic link leads out."""
    with EmbeddedSftpServer(root, password="beam") as server, channel(server) as sftp:
        with pytest.raises(OSError, match=r"denied|such file"):
            sftp.stat(path)
        with pytest.raises(OSError, match=r"denied|such file"):
            sftp.open(path)


def test_links_are_listed_as_links(root: Path) -> None:
    """A link inside the root can be followed, and is told from a file."""
    with EmbeddedSftpServer(root, password="beam") as server, channel(server) as sftp:
        assert stat.S_ISLNK(sftp.lstat("/raw/inside").st_mode)
        assert sftp.readlink("/raw/inside") == "small.h5"
        with sftp.open("/raw/inside") as file:
            assert file.read() == b"small"


def test_nothing_can_be_changed(root: Path) -> None:
    """The server is read-only."""
    changes: list[Callable[[paramiko.SFTPClient], object]] = [
        lambda sftp: sftp.open("/raw/new", "w"),
        lambda sftp: sftp.open("/raw/small.h5", "a"),
        lambda sftp: sftp.open("/raw/small.h5", "r+"),
        lambda sftp: sftp.remove("/raw/small.h5"),
        lambda sftp: sftp.mkdir("/more"),
        lambda sftp: sftp.rename("/raw/small.h5", "/x"),
        lambda sftp: sftp.truncate("/raw/small.h5", 0),
        lambda sftp: sftp.chmod("/raw/small.h5", 0),
    ]
    with EmbeddedSftpServer(root, password="beam") as server, channel(server) as sftp:
        for change in changes:
            with pytest.raises(OSError, match=r"denied|unsupported"):
                change(sftp)
    assert (root / "raw" / "small.h5").read_bytes() == b"small"


def test_a_wrong_password_is_counted(root: Path) -> None:
    """Attempts and logins are told apart."""
    with EmbeddedSftpServer(root, password="beam") as server:
        with pytest.raises(paramiko.AuthenticationException), channel(server, "wrong"):
            pass
        assert (server.attempts, server.logins, server.connections) == (1, 0, 1)
        with channel(server):
            assert server.logins == 1


def test_a_code_changes_with_every_login(root: Path) -> None:
    """Even when the maker of codes repeats itself."""
    codes = iter(["1", "1", "2", "3"])
    with EmbeddedSftpServer(root, password="beam", one_time_code=lambda: next(codes)) as server:
        assert server.current_code() == "1"
        assert not server.judge_code("9")
        assert server.current_code() == "1"
        assert server.judge_code("1")
        assert server.current_code() == "2"
        assert not server.judge_code("1")


def test_codes_have_six_digits() -> None:
    """As on a phone."""
    assert all(len(six_digits()) == 6 and six_digits().isdecimal() for _ in range(50))


def test_many_clients_at_once(root: Path) -> None:
    """Three connections with three channels each read the same file."""
    expected = (root / "raw" / "big.h5").read_bytes()
    got: list[bool] = []

    def client(server: EmbeddedSftpServer) -> None:
        with channel(server) as first:
            more = [first, *(paramiko.SFTPClient.from_transport(first.get_channel().get_transport()) for _ in range(2))]
            for sftp in more:
                with sftp.open("/raw/big.h5") as file:
                    got.append(file.read() == expected)

    with EmbeddedSftpServer(root, password="beam") as server:
        clients = [threading.Thread(target=client, args=(server,)) for _ in range(3)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        assert (server.connections, server.logins) == (3, 3)
    assert got == [True] * 9


def test_closing_is_quick_and_leaves_no_thread(root: Path) -> None:
    """With clients connected, too."""
    before = set(threading.enumerate())
    server = EmbeddedSftpServer(root, password="beam")
    with channel(server) as sftp:
        started = time.monotonic()
        server.close()
        assert time.monotonic() - started < 2
        with pytest.raises((OSError, paramiko.SSHException)):
            sftp.listdir("/")
    deadline = time.monotonic() + 2
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == set()


def test_a_cut_line_ends_the_connection_once(root: Path) -> None:
    """After that many bytes the client is alone; the next connection is served."""
    with EmbeddedSftpServer(root, password="beam", faults=CutAfter(100_000)) as server:
        with channel(server) as sftp, pytest.raises((OSError, paramiko.SSHException)):
            sftp.open("/raw/big.h5").read()
        with channel(server) as sftp, sftp.open("/raw/big.h5") as file:
            assert len(file.read()) == 1 << 20


def test_an_early_end_is_shorter_than_the_stat(root: Path) -> None:
    """As with a file that is still being written."""
    with (
        EmbeddedSftpServer(root, password="beam", faults=EarlyEnd("big.h5", 70_000)) as server,
        channel(server) as sftp,
        sftp.open("/raw/big.h5") as file,
    ):
        assert file.stat().st_size == 1 << 20
        assert len(file.read()) == 70_000


def test_a_fault_of_ones_own(root: Path) -> None:
    """Any of the three requests can fail or lie."""

    class Mine(Faults):
        def opening(self, path: str) -> None:
            if path == "/raw/small.h5":
                raise PermissionError(13, "no")

        def listing(self, path: str, names: list[str]) -> list[str]:
            return [*names, "../evil"]

    with EmbeddedSftpServer(root, password="beam", faults=Mine()) as server, channel(server) as sftp:
        assert "../evil" in sftp.listdir("/raw")
        with pytest.raises(PermissionError):
            sftp.open("/raw/small.h5")


def test_the_limits_are_told_as_openssh_tells_them(root: Path) -> None:
    """Clients that ask may read 261 120 bytes at a time."""
    from paramiko.sftp import CMD_EXTENDED, CMD_EXTENDED_REPLY

    with EmbeddedSftpServer(root, password="beam") as server, channel(server) as sftp:
        kind, answer = sftp._request(CMD_EXTENDED, "limits@openssh.com")
        assert kind == CMD_EXTENDED_REPLY
        assert [answer.get_int64() for _ in range(3)] == [262_144, 261_120, 261_120]


def test_the_command_line_client_of_openssh_can_use_it(root: Path, tmp_path: Path) -> None:
    """It is a server like any other."""
    require_sshd()
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    sftp = shutil.which("sftp")
    if sftp is None:
        pytest.skip("no sftp command")
    with EmbeddedSftpServer(root, authorized_key=key.with_suffix(".pub").read_text()) as server:
        (tmp_path / "known").write_text(server.known_hosts_line())
        # -F keeps the developer's own configuration out; ssh does not look at HOME for it.
        command = [sftp, "-F", os.devnull, "-P", str(server.port), "-i", str(key), "-o", "BatchMode=yes"]
        command += ["-o", f"UserKnownHostsFile={tmp_path / 'known'}", f"{server.user}@{server.host}:/raw/big.h5"]
        subprocess.run([*command, str(tmp_path / "got.h5")], check=True, capture_output=True, timeout=20)
        assert server.logins == 1
    assert (tmp_path / "got.h5").read_bytes() == (root / "raw" / "big.h5").read_bytes()
