"""The system's real ``sshd`` on loopback, for tests against what facilities run."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from danmax_sync.errors import SourceError

HOST = "127.0.0.1"
ALIAS = "facility"
_WELL_KNOWN = "/usr/sbin:/usr/local/sbin:/sbin"
_START_S = 10.0
_TRIES = 5


def find_sshd() -> str | None:
    """Return where ``sshd`` is; it is usually on root's PATH only."""
    return shutil.which("sshd") or shutil.which("sshd", path=_WELL_KNOWN)


def available() -> bool:
    """Say whether ``sshd``, ``ssh`` and ``ssh-keygen`` are installed."""
    return bool(find_sshd() and shutil.which("ssh") and shutil.which("ssh-keygen"))


class RealSshd:
    """Run ``sshd`` as the current user, who logs in with a key made for it.

    Parameters
    ----------
    folder : Path
        Keys, configuration and log go here.
    options : tuple of str
        Lines of sshd_config, instead of the defaults here.

    Attributes
    ----------
    port : int
    ssh_config : Path
        Knows the server as ``facility``, with user, key and host key.
    known_hosts, identity, public_key, log : Path
        What that file refers to, and what sshd wrote.
    """

    def __init__(self, folder: Path, *, options: tuple[str, ...] = ()) -> None:
        sshd = find_sshd()
        if sshd is None:
            raise SourceError("No sshd is installed.", hint="Install openssh-server.")
        folder.mkdir(parents=True, exist_ok=True)
        self._sshd = sshd
        self._folder = folder
        self._options = options
        self.identity = folder / "user_key"
        self.public_key = folder / "user_key.pub"
        self.known_hosts = folder / "known_hosts"
        self.ssh_config = folder / "ssh_config"
        self.log = folder / "sshd.log"
        self.user = getpass.getuser()
        self.host = HOST
        for key in (self.identity, folder / "host_key"):
            _make_key(key)
        if sys.platform != "win32" and os.geteuid() == 0:
            # Where a distribution's unit file would make it: root's sshd locks its unprivileged half in there.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._process, self.port = self._start()
        self._write_client_files()

    def url(self, path: Path | str = "/") -> str:
        """Return a path on this server as ``sftp://facility/…``; the alias is known to `ssh_config` only."""
        return f"sftp://{ALIAS}{quote(str(path))}"

    @property
    def logins(self) -> int:
        """How many logins succeeded so far."""
        return self.log.read_text(encoding="utf-8", errors="replace").count("Accepted publickey for")

    def close(self) -> None:
        """End the server; connections that are still open end with their client."""
        _end(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> tuple[subprocess.Popen[bytes], int]:
        for _ in range(_TRIES):
            # Between finding a free port and using it another process may take it: then try the next.
            port = _free_port()
            config = self._write_config(port)
            command = [self._sshd, "-D", "-e", "-f", str(config)]
            with self.log.open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 - no shell
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            try:
                if _answers(process, port):
                    return process, port
            except BaseException:
                _end(process)
                raise
            _end(process)
        said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise SourceError(f"sshd does not start: {said[-1] if said else 'it says nothing'}", hint=f"See {self.log}.")

    def _write_config(self, port: int) -> Path:
        file = self._folder / "sshd_config"
        defaults = [
            f"Port {port}",
            f"ListenAddress {HOST}",
            f'HostKey "{self._folder / "host_key"}"',
            f'AuthorizedKeysFile "{self.public_key}"',
            "PidFile none",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PubkeyAuthentication yes",
            "UseDNS no",
            "LogLevel VERBOSE",
            "MaxStartups 100",
            "ClientAliveInterval 15",
            "Subsystem sftp internal-sftp",
        ]
        # Some keywords may not be given twice, so an option takes the place of its default.
        given = {option.split()[0].lower() for option in self._options}
        lines = [*self._options, *(line for line in defaults if line.split()[0].lower() not in given)]
        # Newer servers penalise an address for failed logins, which tests provoke; older ones do not know the word.
        for more in (["PerSourcePenalties no"], []):
            file.write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
            if _accepts(self._sshd, file):
                break
        return file

    def _write_client_files(self) -> None:
        kind, key = (self._folder / "host_key.pub").read_text(encoding="utf-8").split()[:2]
        self.known_hosts.write_text(f"[{HOST}]:{self.port} {kind} {key}\n", encoding="utf-8")
        lines = [
            f"Host {ALIAS}",
            f"  HostName {HOST}",
            f"  Port {self.port}",
            f"  User {self.user}",
            f'  IdentityFile "{self.identity}"',
            "  IdentitiesOnly yes",
            f'  UserKnownHostsFile "{self.known_hosts}"',
            "  GlobalKnownHostsFile none",
            "  StrictHostKeyChecking yes",
        ]
        self.ssh_config.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _make_key(file: Path) -> None:
    for old in (file, file.with_name(f"{file.name}.pub")):
        old.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "danmax-sync test", "-f", str(file)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603 - no shell


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def _accepts(sshd: str, config: Path) -> bool:
    command = [sshd, "-t", "-f", str(config)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - no shell


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1) as line:
            return line.recv(4) == b"SSH-"
        time.sleep(0.02)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
