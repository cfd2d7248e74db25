"""What a carrier is, and which of the two brings a connection."""

import os
import shutil
import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from danmax_sync import settings
from danmax_sync.errors import SourceError, UsageError
from danmax_sync.sources.ssh.address import SshAddress
from danmax_sync.sources.ssh.prompts import Prompter

if TYPE_CHECKING:
    import paramiko

OPENSSH = "openssh"
PARAMIKO = "paramiko"


class NoRoomError(SourceError):
    """The server allows no further session on this login; one that is closed makes room."""


def no_room(address: object) -> NoRoomError:
    """Return what to raise where a server allows no further session."""
    return NoRoomError(
        f"{address} allows no further session on this login, and a command there needs one",
        hint="keep a login first, which takes none itself (danmax-sync login NAME), then try again",
    )


class Carrier(Protocol):
    """One authenticated connection.

    ::

        connect() ──login──▶ open ──open_sftp()──▶ channel, channel, …
                              │                        │
                              └──────── close() ◀──────┘  ends every channel, leaves no process or thread

    Attributes
    ----------
    name : str
        ``openssh`` or ``paramiko``.
    has_wide_windows : bool
        Whether a channel may have more bytes under way than the 2 MiB of ``ssh``.
    round_trip_s : float
        What the login lets one guess of the line's round trip; rather too long than too short, 0 where it says nothing.
    """

    name: str
    has_wide_windows: bool
    round_trip_s: float

    def open_sftp(self, *, granted: Callable[[], None] | None = None) -> "paramiko.SFTPClient":
        """Open another SFTP channel on the same login.

        Parameters
        ----------
        granted : callable, optional
            Called as soon as no other channel can take the place of this one: from then on others may be opened in
            other threads, while the server begins to talk on this one.

        Raises
        ------
        ConnectionLostError
            If the connection has ended.
        SourceError
            If the server refuses the channel.
        """
        ...

    def run(self, command: str, *, feed: bytes, timeout_s: float) -> tuple[int, bytes]:
        """Run a command at the server; return its exit code and what it printed.

        Parameters
        ----------
        command : str
            For the shell there; an account may have none, and then any code but 0 comes back.
        feed : bytes
            Its standard input.
        timeout_s : float
            After so long it is given up, with the code 255.

        Raises
        ------
        ConnectionLostError
            If the connection has ended.
        NoRoomError
            If the server allows no further session on this login.
        """
        ...

    def close(self) -> None:
        """End the channels and the connection. Again is harmless."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Call(Protocol):
    """A login that is under way, so that the caller can do something else meanwhile.

    ::

        dial() ──▶ call ──answered()──▶ Carrier
                    └────hang_up()
    """

    def answered(self) -> Carrier:
        """Wait for the login's end; see `dial`. A call that fails has hung up."""
        ...

    def hang_up(self) -> None:
        """Give up, unless it was answered. Again is harmless."""
        ...


class _Later:
    """A login that takes place when it is waited for."""

    def __init__(self, log_in: Callable[[], Carrier]) -> None:
        self._log_in = log_in

    def answered(self) -> Carrier:
        return self._log_in()

    def hang_up(self) -> None:
        """There is nothing yet."""


def dial(address: SshAddress, *, prompter: Prompter, carrier: str | None = None) -> Call:
    """Begin to log in.

    Parameters
    ----------
    address : SshAddress
        Whom to call.
    prompter : Prompter
        Answers the server. The ``openssh`` carrier asks in the terminal itself, and not at all for a `NoTerminal`.
    carrier : str, optional
        ``openssh`` or ``paramiko``. Without it the environment's ``DANMAX_SYNC_SSH`` decides, else the system's
        ``ssh`` is used where there is one that can share a connection (not on Windows).

    Raises
    ------
    UsageError
        If the carrier's name cannot be used. What goes wrong later `Call.answered` raises: a LoginError if the server
        rejects us or its host key is unknown or changed, a SourceError if it cannot be reached, a UsageError if the
        ssh_config cannot be used.
    """
    chosen = _choose(carrier)
    if chosen == OPENSSH:
        from danmax_sync.sources.ssh.openssh import OpenSshCall

        return OpenSshCall(address, prompter=prompter)
    from danmax_sync.sources.ssh.paramiko_carrier import ParamikoCarrier

    return _Later(lambda: ParamikoCarrier.connect(address, prompter=prompter))


def connect(address: SshAddress, *, prompter: Prompter, carrier: str | None = None) -> Carrier:
    """Log in, all at once; see `dial`."""
    return dial(address, prompter=prompter, carrier=carrier).answered()


def _choose(named: str | None) -> str:
    name = named or os.environ.get(settings.SSH_CARRIER_VARIABLE) or ""
    if name not in {"", OPENSSH, PARAMIKO}:
        where = "" if named else f" in {settings.SSH_CARRIER_VARIABLE}"
        raise UsageError(f"{name!r}{where} is no SSH carrier", hint="Use openssh or paramiko, or leave it unset.")
    # OpenSSH on Windows cannot share a connection (no ControlMaster), so every channel would cost a login.
    shares = shutil.which("ssh") is not None and sys.platform != "win32"
    if name == OPENSSH and not shares:
        raise UsageError(
            "The openssh carrier needs an `ssh` on PATH that can share a connection, and there is none",
            hint=f"Leave {settings.SSH_CARRIER_VARIABLE} unset, or set it to paramiko.",
        )
    return name or (OPENSSH if shares else PARAMIKO)


def keep_login(address: SshAddress, *, prompter: Prompter, hours: float) -> bool:
    """Log in so that later commands ride on it.

    Parameters
    ----------
    address : SshAddress
        Whom to call.
    prompter : Prompter
        Answers the server; see `dial`.
    hours : float
        How long the login stays after its last use.

    Returns
    -------
    bool
        False where such a login was there already.

    Raises
    ------
    UsageError
        If this system's ``ssh`` cannot share a connection.
    LoginError, SourceError
        See `dial`.
    """
    if _choose(None) != OPENSSH:
        raise UsageError(
            "a login can be kept only by OpenSSH's `ssh`, and not on Windows",
            hint="leave it out: each command logs in once, whatever it fetches",
        )
    from danmax_sync.sources.ssh.openssh import keep_login as keep
    from danmax_sync.sources.ssh.session import is_alive, session_socket

    if is_alive(address, session_socket(address)):
        return False
    keep(address, prompter=prompter, hours=hours)
    return True


def end_login(address: SshAddress) -> bool:
    """End a login that was kept; False where there was none."""
    if _choose(None) != OPENSSH:
        return False
    from danmax_sync.sources.ssh.session import end_session

    return end_session(address)
