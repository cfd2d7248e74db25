"""A login that outlives its command: ``ssh`` in the background, whose socket later commands ride on.

::

    login ──asks, once──▶ ssh -M in the background ◀── every later command's channels
                                 │
                                 └── ends by logout, or so many hours after its last use, or with the server

Only for the ``openssh`` carrier: ssh on Windows cannot share a connection.
"""

import contextlib
import hashlib
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from danmax_sync import settings
from danmax_sync.errors import SourceError
from danmax_sync.sources.ssh.address import SshAddress

LONGEST_SOCKET_PATH = 80
"""ssh binds it with 17 more characters first, and the system's limit is 104 (macOS) or 108 (Linux)."""
_PATIENCE_S = 10.0


def session_socket(address: SshAddress, *, make_folder: bool = False) -> Path:
    """Return where the socket of a login to an address is, which need not be there.

    It is in a folder of our own that nobody else can enter, and belongs to one home folder and one ssh_config.

    Parameters
    ----------
    address : SshAddress
        Whom the login is to.
    make_folder : bool
        Whether that folder is made where it is not there.

    Raises
    ------
    SourceError
        If that folder is not safe.
    """
    config = settings.ssh_config_file() if os.environ.get(settings.SSH_CONFIG_VARIABLE) else ""
    what = "\n".join(map(str, (settings.home(), config, address.user, address.host, address.port)))
    return _private_folder(make=make_folder) / hashlib.blake2b(what.encode(), digest_size=8).hexdigest()


def is_alive(address: SshAddress, socket: Path) -> bool:
    """Say whether a login can be ridden on."""
    return socket.exists() and control(address, socket, "check") == 0


def control(address: SshAddress, socket: Path, order: str) -> int:
    """Give an order to the ``ssh`` behind a socket; return its exit code."""
    command = ["ssh", "-S", str(socket).replace("%", "%%"), "-O", order, "-o", "ProxyCommand=false"]
    if os.environ.get(settings.SSH_CONFIG_VARIABLE):
        command += ["-F", str(settings.ssh_config_file())]
    try:
        ended = subprocess.run(  # noqa: S603 - no shell, the address is checked
            [*command, "--", address.host],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return 255
    return ended.returncode


def end_session(address: SshAddress) -> bool:
    """End a login; False where there was none."""
    socket = session_socket(address)
    if not socket.exists():
        return False
    ended = control(address, socket, "exit") == 0
    with contextlib.suppress(OSError):
        socket.unlink()
    return ended


def _private_folder(*, make: bool) -> Path:
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if not parent or not Path(parent).is_dir():
            continue
        folder = Path(parent) / f"danmax-sync-{_user_id()}"
        if len(os.fsencode(folder)) + 17 > LONGEST_SOCKET_PATH:
            continue
        if make:
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
        if (make or folder.exists()) and not _is_ours(folder):
            raise SourceError(
                f"{folder} belongs to somebody else or is open to others, so no login is kept in it",
                hint=f"remove {folder}, or set XDG_RUNTIME_DIR to a folder of your own",
            )
        return folder
    raise SourceError(
        f"no folder for temporary files has a path short enough for a socket (tried {tempfile.gettempdir()})",
        hint=f"set TMPDIR to a folder of at most {LONGEST_SOCKET_PATH - 36} characters",
    )


def _is_ours(folder: Path) -> bool:
    if sys.platform == "win32":
        return True
    info = folder.lstat()
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid() and not info.st_mode & 0o077


def _user_id() -> str:
    return "user" if sys.platform == "win32" else str(os.getuid())
