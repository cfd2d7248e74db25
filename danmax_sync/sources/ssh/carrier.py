"""What a carrier is, and which of the two brings a connection."""

import os
import shutil
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from danmax_sync import settings
from danmax_sync.errors import UsageError
from danmax_sync.sources.ssh.address import SshAddress
from danmax_sync.sources.ssh.prompts import Prompter

if TYPE_CHECKING:
    import paramiko

OPENSSH = "openssh"
PARAMIKO = "paramiko"


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
    """

    name: str

    def open_sftp(self) -> "paramiko.SFTPClient":
        """Open another SFTP channel on the same login.

        Raises
        ------
        ConnectionLostError
            If the connection has ended.
        SourceError
            If the server refuses the channel.
        """
        ...

    def close(self) -> None:
        """End the channels and the connection. Again is harmless."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def connect(address: SshAddress, *, prompter: Prompter, carrier: str | None = None) -> Carrier:
    """Log in.

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
    LoginError
        If the server rejects us, or its host key is unknown or changed.
    SourceError
        If the server cannot be reached.
    UsageError
        If the carrier's name or the ssh_config cannot be used.
    """
    chosen = _choose(carrier)
    if chosen == OPENSSH:
        from danmax_sync.sources.ssh.openssh import OpenSshCarrier

        return OpenSshCarrier.connect(address, prompter=prompter)
    from danmax_sync.sources.ssh.paramiko_carrier import ParamikoCarrier

    return ParamikoCarrier.connect(address, prompter=prompter)


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
