"""The system's ssh as a process among others: a terminal, Ctrl-C, kill -9, and what it complains about."""

import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, LoginError, SourceError, UsageError
from danmax_sync.sources.ssh import NoTerminal, SshAddress, connect
from danmax_sync.sources.ssh.complaints import explain, is_complaint
from danmax_sync.sources.ssh.openssh import OpenSshCarrier
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.sftpserver import EmbeddedSftpServer
from tests.sources.ssh.answers import CONTENT
from tests.sources.ssh.screen import screen_of

USER = """
import fcntl, sys, termios, time
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from danmax_sync.errors import DanmaxSyncError
from danmax_sync.sources.ssh import SshAddress, TerminalPrompter, connect
host, user, port, path = sys.argv[1:]
try:
    address = SshAddress(host, user=user or None, port=int(port) if port else None)
    with connect(address, prompter=TerminalPrompter(), carrier="openssh") as carrier:
        sftp = carrier.open_sftp()
        try:
            print("READY", flush=True)
            while path == "wait":
                time.sleep(0.05)
        except KeyboardInterrupt:
            print("STOPPING", len(sftp.listdir(".")) >= 0, flush=True)
            raise
        print("READ", len(sftp.open(path).read()), flush=True)
except DanmaxSyncError as error:
    print("ERROR", error.exit_code, error, flush=True)
except KeyboardInterrupt:
    print("STOPPED", flush=True)
"""


class Terminal:
    """A person's terminal with a program in it."""

    def __init__(self, *arguments: str) -> None:
        import fcntl
        import termios

        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [sys.executable, "-c", USER, *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(theirs)
        self.shown = ""

    def until(self, text: str, seconds: float = 20) -> None:
        """Read the screen until it shows `text`."""
        import select

        deadline = time.monotonic() + seconds
        while text not in self.shown:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                pytest.fail(f"no {text!r} in {self.shown!r}")
            try:
                self.shown += os.read(self._ours, 4096).decode()
            except OSError:
                pytest.fail(f"ended without {text!r}: {self.shown!r}")

    def type(self, text: str) -> None:
        """Type."""
        os.write(self._ours, text.encode())

    def close(self) -> None:
        """End the program by its own id."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    """Open a terminal, close it in any case."""
    one = Terminal(*arguments)
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def facility(tree: Path, home: Path, sshd: RealSshd) -> Iterator[EmbeddedSftpServer]:
    """Run a server that asks for password and code, known to the ssh_config."""
    with EmbeddedSftpServer(tree, password="beam", one_time_code=lambda: os.urandom(3).hex()) as server:
        (home / "known").write_text(server.known_hosts_line())
        (home / ".ssh" / "config").write_text(
            f'Host *\n  UserKnownHostsFile "{home / "known"}"\n  GlobalKnownHostsFile none\n  IdentityFile none\n'
        )
        yield server


def test_password_and_code_are_typed_in_the_terminal(facility: EmbeddedSftpServer) -> None:
    """The prompts are its own, the server's instructions are shown, and what is typed is not."""
    with terminal(facility.host, facility.user, str(facility.port), "/raw/LaB6/scan-0001.h5") as person:
        person.until("Password: ")
        person.type("beam\n")
        person.until("One-time code: ")
        person.until("Open the app on your phone.")
        screen = screen_of(person.shown)
        assert [line.strip() for line in screen[-2:]] == [
            "Open the app on your phone.",
            f"({facility.user}@{facility.host}) One-time code:",
        ]
        code = facility.current_code()
        person.type(f"{code}\n")
        person.until(f"READ {len(CONTENT)}")
        assert person.process.wait(10) == 0
    assert "beam" not in person.shown
    assert code not in person.shown
    assert (facility.logins, facility.attempts) == (1, 2)


def test_a_key_of_this_machine_is_kept_apart(facility: EmbeddedSftpServer, home: Path) -> None:
    """A test server's key is remembered in our own folder, and never in the user's file."""
    known = home / "known"
    known.write_text("")
    with terminal(facility.host, facility.user, str(facility.port), "/raw/LaB6/scan-0002.h5") as person:
        person.until("(yes/no")
        person.type("yes\n")
        person.until("Password: ")
        person.type("\x03")
        person.until("STOPPED")
    assert known.read_text() == ""
    ours = (home / "danmax-sync" / "known_hosts").read_text()
    assert facility.known_hosts_line().split()[2] in ours
    # The next time it is known; and what the user's own file says of such a host counts as well.
    with terminal(facility.host, facility.user, str(facility.port), "/raw/LaB6/scan-0002.h5") as person:
        person.until("Password: ")
        assert "yes/no" not in person.shown
        person.type("\x03")
        person.until("STOPPED")


def test_a_wrong_password_in_the_terminal_is_sent_once(facility: EmbeddedSftpServer) -> None:
    """No second prompt, one sentence."""
    with terminal(facility.host, facility.user, str(facility.port), "/") as person:
        person.until("Password: ")
        person.type("wrong\n")
        person.until("ERROR 4 ")
        person.until("rejected the login")
    assert (facility.attempts, facility.connections) == (1, 1)
    assert person.shown.count("Password:") == 1
    assert "Permission denied" not in person.shown


def test_ctrl_c_at_the_prompt_ends_ssh_too(facility: EmbeddedSftpServer) -> None:
    """The program ends, and no ssh stays behind."""
    with terminal(facility.host, facility.user, str(facility.port), "/") as person:
        person.until("Password: ")
        person.type("\x03")
        person.until("STOPPED")
        assert person.process.wait(10) == 0
    assert processes_mentioning(str(facility.port)) == []


def test_ctrl_c_does_not_cut_the_line_under_a_transfer(
    sshd: RealSshd, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal's Ctrl-C reaches us and not ssh: a channel still works while we are stopping."""
    monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(sshd.ssh_config))
    with terminal("facility", "", "", "wait") as person:
        person.until("READY")
        person.type("\x03")
        person.until("STOPPING True")
        person.until("STOPPED")
        assert person.process.wait(10) == 0
    gone(lambda: processes_mentioning(str(sshd.ssh_config)))


def test_kill_9_leaves_no_ssh_behind(sshd: RealSshd, sockets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When we are killed, the lifeline ends and every ssh with it; what stays is tidied by the next connection."""
    monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(sshd.ssh_config))
    with terminal("facility", "", "", "wait") as person:
        person.until("READY")
        assert processes_mentioning(str(sshd.ssh_config)) != []
        person.process.send_signal(signal.SIGKILL)
        person.process.wait()
        gone(lambda: processes_mentioning(str(sshd.ssh_config)))
    (left,) = sockets.iterdir()
    assert sorted(file.name for file in left.iterdir()) == ["channel-1.log", "lock", "master.log"]
    shutil.rmtree(left)


def test_a_line_that_broke_is_a_connection_lost(sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ssh has died, opening a channel does not call the server anew."""
    monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(sshd.ssh_config))
    before = sshd.logins
    with connect(SshAddress("facility"), prompter=NoTerminal(), carrier="openssh") as carrier:
        sftp = carrier.open_sftp()
        master = carrier._master  # type: ignore[attr-defined]
        master.process.kill()
        with pytest.raises((paramiko.SSHException, OSError)):
            sftp.listdir("/")
        master.process.wait()
        with pytest.raises(ConnectionLostError, match="facility"):
            carrier.open_sftp()
    assert sshd.logins - before == 1


def test_without_its_master_a_channel_does_not_log_in_again(sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when the socket is gone and the master is not: a second login would cost a code."""
    monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(sshd.ssh_config))
    before = sshd.logins
    with connect(SshAddress("facility"), prompter=NoTerminal(), carrier="openssh") as carrier:
        carrier._socket.unlink()  # type: ignore[attr-defined]
        assert carrier.open_sftp().stat("/").st_mode is not None, "the lifeline needs no socket"
        with pytest.raises(SourceError, match="refuses another SFTP channel"):
            carrier.open_sftp()
    assert sshd.logins - before == 1


def test_more_channels_than_the_server_allows_is_said(
    tmp_path: Path, sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint is to use fewer."""
    with RealSshd(tmp_path / "narrow", options=("MaxSessions 3",)) as narrow:
        monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(narrow.ssh_config))
        for carrier_name, allowed in (("openssh", 3), ("paramiko", 3)):
            with connect(SshAddress("facility"), prompter=NoTerminal(), carrier=carrier_name) as carrier:
                held = [carrier.open_sftp() for _ in range(allowed)]
                with pytest.raises(SourceError, match="refuses") as caught:
                    carrier.open_sftp()
                assert "fewer streams" in caught.value.hint
                assert len(held) == allowed


def test_the_last_channel_may_come_and_go(tmp_path: Path, sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a server allows two sessions, both carry files, and either may close before the other."""
    with RealSshd(tmp_path / "narrow", options=("MaxSessions 2",)) as narrow:
        monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(narrow.ssh_config))
        with connect(SshAddress("facility"), prompter=NoTerminal(), carrier="openssh") as carrier:
            first, last = carrier.open_sftp(), carrier.open_sftp()
            assert last.stat("/").st_mode == first.stat("/").st_mode
            last.close()
            assert first.stat("/").st_mode is not None
        with connect(SshAddress("facility"), prompter=NoTerminal(), carrier="openssh") as carrier:
            first, last = carrier.open_sftp(), carrier.open_sftp()
            first.close()
            assert last.stat("/").st_mode is not None


@pytest.mark.parametrize("subsystem", ["sftp /nonexistent", "other /nonexistent"])
@pytest.mark.parametrize("carrier", ["openssh", "paramiko"])
def test_a_server_without_sftp_is_said(
    tmp_path: Path, sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, subsystem: str, carrier: str
) -> None:
    """The login is right, the service is missing."""

    def use() -> None:
        with connect(SshAddress("facility"), prompter=NoTerminal(), carrier=carrier) as one:
            one.open_sftp()

    with RealSshd(tmp_path / "bare", options=(f"Subsystem {subsystem}",)) as bare:
        monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(bare.ssh_config))
        with pytest.raises(SourceError, match="SFTP") as caught:
            use()
    assert type(caught.value) is SourceError


@dataclass
class Said:
    """What ssh writes, and what becomes of it."""

    text: str
    error: type[DanmaxSyncError]
    message: str
    hint: str


@pytest.mark.parametrize(
    "said",
    [
        Said(
            "ada@host: Permission denied (publickey,password).\r\n",
            LoginError,
            "the password or the one-time",
            "next one",
        ),
        Said("a@host: Permission denied (keyboard-interactive).\r\n", LoginError, "not accept the password", "expires"),
        Said("a@host: Permission denied (publickey).\r\n", LoginError, "accepts: publickey", "ssh-add"),
        Said(
            "ssh: Could not resolve hostname hst: Name or service not known\n", SourceError, "No host is called", "VPN"
        ),
        Said("ssh: connect to host 10.0.0.1 port 22: Connection timed out", SourceError, r"10\.0\.0\.1:22", "VPN"),
        Said("ssh: connect to host h port 22: No route to host", SourceError, "No route to host", "VPN"),
        Said("kex_exchange_identification: Connection closed by remote host\n", SourceError, "closed", "VPN"),
        Said("Received disconnect: Too many authentication failures", LoginError, "too many keys", "IdentitiesOnly"),
        Said("Bad owner or permissions on /h/.ssh/config", UsageError, "permissions", "file"),
        Said("/x: line 3: Bad configuration option: frob\n", UsageError, "frob", "file"),
        Said("subsystem request failed on channel 0", SourceError, "no SFTP", "facility"),
        Said("Host key verification failed.\r\n", LoginError, "not known", "Compare"),
        Said("something \x1b[2Jnew", SourceError, r"something \[2Jnew", "ssh -v"),
        Said("", SourceError, "no reason", "ssh -v"),
    ],
    ids=lambda said: said.text[:20],
)
def test_what_ssh_complains_about_becomes_one_sentence(said: Said) -> None:
    """With the class, the place, and the next step."""
    error = explain(said.text, address=SshAddress("host", user="ada"), asked=True)
    assert type(error) is said.error
    assert "host" in str(error) or said.error is UsageError
    with pytest.raises(said.error, match=said.message):
        raise error
    assert said.hint in error.hint


def test_a_conversation_is_no_complaint() -> None:
    """Banners and instructions are shown to the person, failures are told once."""
    assert not is_complaint("Welcome to the facility")
    assert is_complaint("ada@host: Permission denied (publickey).")


def processes_mentioning(text: str) -> list[str]:
    """Return the ssh processes whose command line holds `text`."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if text in line and line.startswith(("ssh ", "ssh:", "sh -c"))]


def gone(look: Callable[[], list[str]]) -> None:
    """Wait until there are none."""
    deadline = time.monotonic() + 10
    while (left := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def test_no_command_line_gives_ssh_a_name_to_take_for_an_option(home: Path) -> None:
    """Behind the host's ``--`` stand only words of ours; a user is the value of an option, a port a number."""
    carrier = OpenSshCarrier(SshAddress("host", user="me", port=22), prompter=NoTerminal())
    try:
        for line in (carrier._command(), carrier._command("-M", tail=("--", "host"))):
            assert line[line.index("--") + 1] == "host"
            assert set(line[line.index("--") + 2 :]) <= {"sftp"}
            assert line[line.index("me") - 1] == "-l"
            assert line[line.index("22") - 1] == "-p"
    finally:
        carrier.close()
