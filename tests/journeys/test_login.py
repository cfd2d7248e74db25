"""One login for many commands: `login`, whatever comes after it, `logout`."""

import os
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.sources.remotes import find_remote
from danmax_sync.sources.ssh import openssh, session
from danmax_sync.testing.opensshd import RealSshd
from tests.conftest import RunLine
from tests.journeys.places import descendants, fetchable, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="OpenSSH on Windows cannot share a connection")


def logins(sshd: RealSshd) -> int:
    """Return how often somebody logged in."""
    return sshd.log.read_text(encoding="utf-8", errors="replace").count("Accepted publickey")


@pytest.fixture
def far(sshd: RealSshd, visit: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> RealSshd:
    """Let the user know the visit behind a real sshd as the remote ``far``."""
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "openssh")
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))
    run_line(["remote", "add", "far", sshd.url(visit)])
    return sshd


def test_later_commands_ride_on_one_login(far: RealSshd, visit: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Index, get and verify --hash need no other; after logout the next command logs in again, and nothing is left."""
    before, home = logins(far), tmp_path / "home"
    assert "logged in; commands ride on that" in run_line("login far").err
    assert "was logged in already" in run_line("login far").err
    run_line("index far")
    run_line(["get", "--from", "far", "--to", str(home)], exit_code=5)
    assert tree(home) == fetchable(visit)
    assert "3 by structure and the source's SHA-256" in run_line("verify LaB6 --hash").err
    assert logins(far) == before + 1
    socket = session.session_socket(find_remote("far").address)
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700

    assert run_line("logout far").err == "far: logged out\n"
    assert not socket.exists()
    assert "nobody was logged in" in run_line("logout far").err
    run_line("remote test far")
    assert logins(far) == before + 2


def test_a_login_that_has_died_is_not_ridden_on(far: RealSshd, run_line: RunLine) -> None:
    """Its socket may still lie there: the next command logs in by itself."""
    run_line("login far")
    address = find_remote("far").address
    socket = session.session_socket(address)
    pid = _master_of(socket)
    os.kill(pid, 9)
    try:
        run_line("remote test far")
    finally:
        run_line("logout far")
    assert not socket.exists()


def test_a_login_whose_line_is_dead_is_called_that(
    far: RealSshd, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop slept, or a network changed: `ssh` does not know yet. The hint is to log in anew."""
    monkeypatch.setattr(openssh, "_CHANNEL_S", 0.3)
    run_line("login far")
    server = far._process.pid
    sessions = [pid for pid in descendants(server) if pid != server]
    for pid in sessions:
        os.kill(pid, signal.SIGSTOP)
    try:
        ran = run_line("remote test far", exit_code=3)
    finally:
        for pid in sessions:
            os.kill(pid, signal.SIGCONT)
        run_line("logout far")
    assert "login that was kept for facility has ended: it has not answered" in ran.err
    assert "danmax-sync logout NAME, then login NAME" in ran.err


def _master_of(socket: Path) -> int:
    told = subprocess.run(
        ["ssh", "-S", str(socket), "-O", "check", "anybody"], check=True, capture_output=True, text=True
    ).stderr
    return int(told.split("pid=")[1].split(")")[0])


def test_a_folder_that_others_can_enter_keeps_no_login(
    far: RealSshd, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns the socket owns the connection."""
    with tempfile.TemporaryDirectory(prefix="dms-") as short:
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        folder = Path(short) / f"danmax-sync-{os.getuid()}"
        folder.mkdir()
        folder.chmod(0o755)
        ran = run_line("login far", exit_code=5)
    assert "open to others" in ran.err


def test_a_folder_needs_no_login(folder_remote: Path, run_line: RunLine) -> None:
    """That is said, with what to type instead."""
    ran = run_line("login usb", exit_code=2)
    assert "needs no login" in ran.err
    assert "danmax-sync index usb" in ran.err


def test_paramiko_keeps_no_login(far: RealSshd, run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection ends with its process; the message says that nothing is lost by that."""
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")
    ran = run_line("login far", exit_code=2)
    assert "each command logs in once" in ran.err
