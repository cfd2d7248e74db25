"""The system's own ``ssh`` as carrier: ssh_config, agents, certificates, FIDO, ProxyJump, all as the user has them."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from danmax_sync import settings
from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.sources.ssh.above import show_above_prompt
from danmax_sync.sources.ssh.address import SshAddress
from danmax_sync.sources.ssh.carrier import no_room
from danmax_sync.sources.ssh.ciphers import preferred
from danmax_sync.sources.ssh.complaints import explain, is_complaint
from danmax_sync.sources.ssh.in_force import in_force
from danmax_sync.sources.ssh.pipe import Lifeline, ProcessChannel, end
from danmax_sync.sources.ssh.prompts import NoTerminal, Prompter, printable
from danmax_sync.sources.ssh.session import is_alive, session_socket
from danmax_sync.sources.ssh.socketfolder import SOCKET, SocketFolder

if TYPE_CHECKING:
    import paramiko

_TERMINAL = "/dev/tty"
_LOGIN_S = {True: 60.0, False: 300.0}
"""How long a login may take without and with a person who types."""
_LOOK_S = 0.005
_COMPUTING_S = 0.2
_ROUND_TRIPS = 8
"""Of a login with a key, apart from what the two sides compute."""
_CHANNEL_S = 30.0
_OWN_FAILURE = 255
_NO_ROOM = b"session request failed"
"""What ssh says when the other end has as many sessions on a connection as it allows (MaxSessions)."""

_OPTIONS = {
    # Whatever the user's ssh_config wants of an interactive login would get between us and the subsystem.
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "PermitLocalCommand": "no",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    # Detector files are compressed already.
    "Compression": "no",
    "ControlPersist": "no",
    # The complaints that `explain` reads are written from this level on.
    "LogLevel": "INFO",
    # A dead line ends after a minute instead of never.
    "ConnectTimeout": "20",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "4",
    # The facility penalises failed logins by address: a rejected password is not asked for again.
    "NumberOfPasswordPrompts": "1",
}


class OpenSshCarrier:
    """A connection held by one ``ssh`` process, its channels by further ones that ride on it (ControlMaster).

    ::

        master: ssh -M host sftp     asks in the terminal; its own channel stays idle, a lifeline: when this process
          ▲                          dies, even by kill -9, the lifeline ends and the master with it
          ├── ssh host sftp          a channel
          └── ssh host sftp          a channel

    The master ignores Ctrl-C, so a transfer that is being stopped can still close its files in order. Where a login is
    kept (`danmax_sync.sources.ssh.session`), its master is ridden on and stays.
    """

    name = "openssh"
    has_wide_windows = False

    def __init__(self, address: SshAddress, *, prompter: Prompter) -> None:
        self._address = address
        self._batch = isinstance(prompter, NoTerminal) or not _has_terminal()
        self._home = SocketFolder()
        self._folder = self._home.path
        self._socket = self._folder / SOCKET
        self.round_trip_s = 0.0
        self._called_at = 0.0
        self._kept = False
        """Whether the master is that of a kept login."""
        self._master: ProcessChannel | None = None
        self._channels: list[ProcessChannel] = []
        self._opened = 0
        self._lifeline_used = False
        self._lock = threading.Lock()
        self._closed = False

    def open_sftp(self, *, granted: Callable[[], None] | None = None) -> "paramiko.SFTPClient":
        """Open another SFTP channel on the same login."""
        self._check_alive()
        # Else not: the lifeline's first packets wait 40 ms to be acknowledged, unless other channels send something.
        lifeline = self._spare_lifeline() if granted is not None else None
        if granted is not None and lifeline is not None:
            granted()
            return self._client(lifeline)
        client = self._open_channel()
        if granted is not None:
            granted()
        return client

    def _open_channel(self) -> "paramiko.SFTPClient":
        with self._lock:
            self._opened += 1
            number = self._opened
        # Without its master, ssh would call the server anew and cost a login: the proxy makes that fail at once.
        command = self._command("-o", "ControlMaster=no", "-o", "BatchMode=yes", "-o", "ProxyCommand=false")
        channel = self._channel(command, number)
        try:
            return self._client(channel)
        except BaseException as problem:
            channel.close()
            spare = self._spare_lifeline() if isinstance(problem, SourceError) else None
            if spare is None:
                raise
        return self._client(spare)

    def _spare_lifeline(self) -> Lifeline | None:
        """Return the lifeline, once: it is an SFTP channel too, of use where the server allows no other."""
        with self._lock:
            master = self._master
            if master is None or self._lifeline_used or master.process.poll() is not None:
                return None
            self._lifeline_used = True
        return Lifeline(master)

    def _client(self, channel: ProcessChannel | Lifeline) -> "paramiko.SFTPClient":
        import paramiko

        try:
            channel.settimeout(_CHANNEL_S)
            client = paramiko.SFTPClient(channel)
            channel.settimeout(None)
        except TimeoutError:
            raise self._lost(f": it has not answered for {_CHANNEL_S:.0f} s") from None
        except (paramiko.SSHException, paramiko.sftp.SFTPError, OSError, EOFError) as error:
            raise self._refused(channel.said() or str(error)) from None
        return client

    def _channel(self, command: list[str], number: int) -> ProcessChannel:
        """Start a channel's process. Whoever closes the connection meanwhile, from another thread, ends it too."""
        try:
            channel = ProcessChannel(command, name=f"ssh-{number}", complaints=self._folder / f"channel-{number}.log")
        except FileNotFoundError:
            # The folder goes with the connection.
            self._check_alive()
            raise
        with self._lock:
            if not self._closed:
                self._channels = [one for one in self._channels if one.fileno() >= 0]
                self._channels.append(channel)
                return channel
        channel.close()
        raise self._lost("")

    def run(self, command: str, *, feed: bytes, timeout_s: float) -> tuple[int, bytes]:
        """Run a command at the server, where the account has a shell; return its exit code and output."""
        self._check_alive()
        ssh = self._command("-o", "ControlMaster=no", "-o", "BatchMode=yes", "-o", "ProxyCommand=false", tail=())
        try:
            ended = subprocess.run(  # noqa: S603 - no shell here, the address is checked
                [*ssh, "--", self._address.host, command],
                check=False,
                input=feed,
                capture_output=True,
                timeout=timeout_s,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return 255, b""
        if ended.returncode == _OWN_FAILURE and _NO_ROOM in ended.stderr:
            raise no_room(self._address)
        return ended.returncode, ended.stdout

    def close(self) -> None:
        """End the channels and the connection; every process started here is reaped."""
        with self._lock:
            self._closed = True
            channels, self._channels = self._channels, []
        try:
            for channel in channels:
                channel.hang_up()
            # They end with it, without asking the server.
            self._end_master()
        finally:
            try:
                for channel in channels:
                    channel.close()
            finally:
                self._home.remove()

    def let_go(self) -> None:
        """Forget the master of a login that was kept, and tidy up."""
        master, self._master = self._master, None
        self._closed = True
        if master is not None:
            master.close(patience_s=1.0)
        self._home.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_alive(self) -> None:
        master = self._master
        if self._closed or (master is None and not self._kept):
            raise self._lost("")
        if master is not None and master.process.poll() is not None:
            raise self._ended(master)

    def _command(self, *more: str, tail: tuple[str, ...] | None = None) -> list[str]:
        # ssh expands % in the path of the socket.
        command = ["ssh", "-S", str(self._socket).replace("%", "%%"), *more]
        if os.environ.get(settings.SSH_CONFIG_VARIABLE):
            command += ["-F", str(settings.ssh_config_file())]
        for key, value in _OPTIONS.items():
            command += ["-o", f"{key}={value}"]
        if self._address.port is not None:
            command += ["-p", str(self._address.port)]
        if self._address.user is not None:
            command += ["-l", self._address.user]
        return [*command, *(("-s", "--", self._address.host, "sftp") if tail is None else tail)]

    def keep_login(self, *, hours: float) -> None:
        """Log in so that the master stays when this process ends; see `danmax_sync.sources.ssh.keep_login`."""
        self._socket = session_socket(self._address, make_folder=True)
        with contextlib.suppress(OSError):
            self._socket.unlink()
        persist = ("-o", f"ControlPersist={max(1, round(hours * 3600))}", "-f", "-N")
        options = self._master_options()
        self._master = ProcessChannel(
            self._command("-M", *persist, *options, tail=("--", self._address.host)),
            name="ssh-login",
            complaints=self._folder / "master.log",
            own_session=self._batch,
        )
        # ssh goes to the background when the server has accepted us.
        self._await_login(kept=True)

    def _master_options(self) -> tuple[str, ...]:
        ciphers = preferred(self._address)
        known = known_on_this_machine(self._address)
        return (
            *(("-o", f"UserKnownHostsFile={known}") if known else ()),
            *("-o", f"BatchMode={'yes' if self._batch else 'no'}"),
            *(("-o", f"Ciphers={ciphers}") if ciphers else ()),
        )

    def _call(self) -> None:
        """Start the master, which logs in; ride on that of a kept login where there is one."""
        kept = session_socket(self._address)
        if is_alive(self._address, kept):
            self._socket, self._kept = kept, True
            return
        ssh = self._command("-M", *self._master_options())
        self._called_at = time.monotonic()
        # Only a process that was born ignoring Ctrl-C keeps ignoring it; the terminal it needs for its prompts.
        self._master = ProcessChannel(
            ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *ssh],
            name="ssh-master",
            complaints=self._folder / "master.log",
            own_session=self._batch,
        )
        # While the login is under way, which takes longer.
        self._home.tidy_others()

    def _await_login(self, *, kept: bool = False) -> None:
        if self._kept:
            return
        import paramiko  # noqa: F401 - it takes its time to load, which passes now anyway

        master = self._master
        if master is None:
            raise self._lost("")
        deadline = time.monotonic() + _LOGIN_S[self._batch]
        shown = 0
        # ssh opens its socket once the server has accepted us.
        while not self._socket.exists():
            ended = master.process.poll() is not None and not (kept and self._socket.exists())
            said = master.said()
            if ended:
                raise explain(said, address=self._address, asked=not self._batch)
            if not self._batch:
                shown = _relay(said, shown)
            if time.monotonic() > deadline:
                raise SourceError(
                    f"{self._address} did not finish the login within {_LOGIN_S[self._batch]:.0f} s",
                    hint="Try again; if it stays so, the facility's server may be down.",
                )
            time.sleep(_LOOK_S)
        # Of a person who types this is far too long, and does no harm: a few channels too many.
        self.round_trip_s = max(0.0, time.monotonic() - self._called_at - _COMPUTING_S) / _ROUND_TRIPS

    def _refused(self, said: str) -> SourceError:
        master = self._master
        if master is not None:
            # When the line breaks the channel hears of it first.
            with contextlib.suppress(subprocess.TimeoutExpired):
                master.process.wait(0.2)
                return self._ended(master)
        if self._kept and not is_alive(self._address, self._socket):
            return self._lost("")
        return SourceError(
            f"{self._address} refuses another SFTP channel on this connection: {_last_line(said)}",
            hint="Use fewer streams; servers usually allow ten channels on one login.",
        )

    def _ended(self, master: ProcessChannel) -> SourceError:
        said = master.said()
        # With any other code than its own 255 ssh passes on how the lifeline's program ended at the server.
        if 0 <= master.process.returncode < 255 or "subsystem request failed" in said:
            return SourceError(
                f"{self._address} accepts the login but offers no SFTP.",
                hint="Check the host's name; ask the facility.",
            )
        return self._lost(f": {_last_line(said)}")

    def _lost(self, why: str) -> ConnectionLostError:
        if self._kept:
            return ConnectionLostError(
                f"The login that was kept for {self._address} has ended{why}",
                hint="Log in anew (danmax-sync logout NAME, then login NAME), and run the command again.",
            )
        return ConnectionLostError(
            f"The connection to {self._address} has ended{why}",
            hint="Run the command again; it goes on from what has arrived.",
        )

    def _end_master(self) -> None:
        master, self._master = self._master, None
        if master is None:  # or that of a kept login
            return
        # Before the login is through nobody listens, and there is nothing to be patient for.
        logged_in = self._socket.exists()
        master.hang_up()
        if logged_in and master.process.poll() is None:
            # Then it says goodbye, ends its channels and removes its socket.
            master.process.terminate()
        end(master.process, patience_s=2.0 if logged_in else 0.0)


class OpenSshCall:
    """A login through ``ssh`` that is under way; see `danmax_sync.sources.ssh.dial`."""

    def __init__(self, address: SshAddress, *, prompter: Prompter) -> None:
        self._carrier = OpenSshCarrier(address, prompter=prompter)
        self._is_answered = False
        try:
            self._carrier._call()  # noqa: SLF001 - two halves of one
        except BaseException:
            self._carrier.close()
            raise

    def answered(self) -> OpenSshCarrier:
        """Wait for the login's end."""
        try:
            self._carrier._await_login()  # noqa: SLF001
        except BaseException:
            self._carrier.close()
            raise
        self._is_answered = True
        return self._carrier

    def hang_up(self) -> None:
        """Give up, unless it was answered."""
        if not self._is_answered:
            self._carrier.close()


def keep_login(address: SshAddress, *, prompter: Prompter, hours: float) -> None:
    """Log in and leave ``ssh`` in the background; see `danmax_sync.sources.ssh.keep_login`."""
    carrier = OpenSshCarrier(address, prompter=prompter)
    try:
        carrier.keep_login(hours=hours)
    finally:
        carrier.let_go()


def known_on_this_machine(address: SshAddress) -> str:
    """Return the files of known host keys for a server of this very machine, ours first; else nothing.

    ``ssh`` adds a new key to the first. A test server, which has another key after it was set up anew, is no business
    of the user's own ``~/.ssh/known_hosts``; what that knows of such a host, of a tunnel, counts all the same.
    """
    if address.host not in {"127.0.0.1", "::1", "localhost"}:
        return ""
    theirs = in_force(address).get("userknownhostsfile", "~/.ssh/known_hosts")
    # It is told without quotation marks: names with spaces cannot be told apart.
    if not all(name.startswith(("/", "~")) for name in theirs.split()):
        return ""
    ours = str(settings.ensured_home() / settings.known_hosts_file().name).replace("%", "%%")
    return f'"{ours}" {theirs}'


def _has_terminal() -> bool:
    if sys.platform == "win32":
        return False
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _relay(said: str, shown: int) -> int:
    """Show what a person needs for the answer (banners, instructions); return how much has been looked at."""
    complete = said.rfind("\n") + 1
    lines = [printable(line) for line in said[shown:complete].splitlines() if not is_complaint(line)]
    if lines:
        show_above_prompt(lines, sys.stderr)
    return max(complete, shown)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return printable(lines[-1]) if lines else "no reason given"
