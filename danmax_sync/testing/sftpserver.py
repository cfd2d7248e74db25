"""A real SSH and SFTP server in this process, on loopback, with the facility's login: a password, then a one-time code.

::

    with EmbeddedSftpServer(folder, password="beam", one_time_code=six_digits) as server:
        connect(SshAddress(server.host, user=server.user, port=server.port), …)   # server.current_code() is the phone

Anyone's client can talk to it, ``sftp -P PORT visitor@127.0.0.1`` too. It is for tests and demonstrations.
"""

import base64
import contextlib
import hashlib
import logging
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import paramiko

from danmax_sync.testing.sftpfiles import Faults, SftpSubsystem, Tree

HOST = "127.0.0.1"
_ACCEPT_S = 0.1


def six_digits() -> str:
    """Return a new one-time code."""
    return f"{secrets.randbelow(1_000_000):06d}"


class EmbeddedSftpServer:
    """Serve a folder read-only over SFTP.

    Parameters
    ----------
    root : Path
        What the client sees as ``/``.
    user, password : str
        Who may log in. Without a password only the key is accepted.
    one_time_code : callable, optional
        Makes a new code; each is good for one login. Without it the password is enough.
    authorized_key : str, optional
        A public key as in ``authorized_keys``; it needs no password and no code.
    host_key : paramiko.PKey, optional
        Made anew when not given.
    faults : Faults, optional
        What goes wrong.
    two_step : {"interactive", "partial"}
        How password and code are asked: in two rounds of one keyboard-interactive conversation, or the ``password``
        method as a partial success and the code after it.
    port : int
        Where to listen; by default anywhere.

    Attributes
    ----------
    host, port, host_key
        Where it listens and its key's ``SHA256:`` fingerprint.
    logins, attempts, connections : int
        How many logins succeeded, how often a password or code was judged, how many clients called.
    """

    host = HOST

    def __init__(
        self,
        root: Path,
        *,
        user: str = "visitor",
        password: str | None = None,
        one_time_code: Callable[[], str] | None = None,
        authorized_key: str | None = None,
        host_key: "paramiko.PKey | None" = None,
        faults: Faults | None = None,
        two_step: Literal["interactive", "partial"] = "interactive",
        port: int = 0,
    ) -> None:
        # Clients that hang up are the server's daily bread, not news for stderr.
        logging.getLogger("paramiko").addHandler(logging.NullHandler())
        self.root = root
        self.user = user
        self.password = password
        self.two_step = two_step
        self.faults = faults or Faults()
        self.logins = self.attempts = self.connections = 0
        self._new_code = one_time_code
        self._code = one_time_code() if one_time_code else ""
        self._key = base64.b64decode(authorized_key.split()[1]) if authorized_key else None
        self._server_key = host_key or paramiko.ECDSAKey.generate()
        self._lock = threading.Lock()
        self._transports: list[paramiko.Transport] = []
        self._stopping = threading.Event()
        self._listener = socket.create_server((HOST, port))
        self._listener.settimeout(_ACCEPT_S)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name=f"sftp-server-{self.port}", daemon=True)
        self._thread.start()

    @property
    def host_key(self) -> str:
        """The host key's fingerprint."""
        digest = hashlib.sha256(self._server_key.asbytes()).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def known_hosts_line(self) -> str:
        """Return the line that lets a client know this server."""
        return f"[{self.host}]:{self.port} {self._server_key.get_name()} {self._server_key.get_base64()}\n"

    def current_code(self) -> str:
        """Return the code that the user's phone shows now."""
        with self._lock:
            return self._code

    def asks_for_code(self) -> bool:
        """Say whether a password alone is not enough."""
        return self._new_code is not None

    def judge_password(self, user: str, password: str) -> bool:
        """Count an attempt and say whether the password is right."""
        with self._lock:
            self.attempts += 1
        return (
            user == self.user
            and self.password is not None
            and secrets.compare_digest(password.encode(), self.password.encode())
        )

    def judge_code(self, code: str) -> bool:
        """Count an attempt, say whether the code is right, and use it up if so."""
        with self._lock:
            self.attempts += 1
            right = self._new_code is not None and secrets.compare_digest(code.encode(), self._code.encode())
            while right and self._new_code is not None and self._code == code:
                self._code = self._new_code()
            return right

    def judge_key(self, user: str, key: "paramiko.PKey") -> bool:
        """Say whether the key may log in."""
        return user == self.user and key.asbytes() == self._key

    def count_login(self) -> None:
        """Count a login that succeeded."""
        with self._lock:
            self.logins += 1

    def takes_keys(self) -> bool:
        """Say whether a key can log in at all."""
        return self._key is not None

    def cut(self) -> None:
        """Drop every connection without a word, and go on serving."""
        with self._lock:
            transports, self._transports = self._transports, []
        for transport in transports:
            transport.close()
        for transport in transports:
            transport.join(5)
            # A handshake that never finished leaves paramiko's timer running.
            transport.packetizer.complete_handshake()

    def close(self) -> None:
        """Stop listening, drop every connection, end every thread."""
        self._stopping.set()
        self._listener.close()
        self._thread.join(5)
        self.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                line, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(line)

    def _serve(self, line: socket.socket) -> None:
        transport = paramiko.Transport(line)
        transport.add_server_key(self._server_key)
        hang_up = line_cutter(line)
        transport.set_subsystem_handler(
            "sftp", SftpSubsystem, Tree, root=self.root, faults=self.faults, hang_up=hang_up
        )
        with self._lock:
            self.connections += 1
            self._transports = [one for one in self._transports if one.is_active()]
            self._transports.append(transport)
        # With an event it does not wait for the handshake, so that one silent client holds nobody up.
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(event=threading.Event(), server=_Login(self))


def line_cutter(line: socket.socket) -> Callable[[], None]:
    """Return what ends a connection from any thread, as if the cable were pulled."""

    def cut() -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    return cut


class _Login(paramiko.ServerInterface):  # type: ignore[misc]  # paramiko is untyped
    """One client's login.

    ::

        interactive:  Password? ─▶ One-time code? ─▶ in
        partial:      password ─▶ (partly in) ─▶ One-time code? ─▶ in
    """

    def __init__(self, server: EmbeddedSftpServer) -> None:
        self._server = server
        self._user = ""
        self._by_key = False
        self._password_given = False
        self._password_right = False

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - the same for anybody
        server = self._server
        ways = ["publickey"] if server.takes_keys() and not self._password_given else []
        if server.password is not None:
            interactive = server.asks_for_code() and (server.two_step == "interactive" or self._password_given)
            ways.append("keyboard-interactive" if interactive else "password")
        return ",".join(ways)

    def check_auth_none(self, username: str) -> int:  # noqa: ARG002 - nobody
        return int(paramiko.AUTH_FAILED)

    def check_auth_publickey(self, username: str, key: "paramiko.PKey") -> int:
        # Asked twice for one login, without and with a signature, so it is counted when a channel is opened.
        self._by_key = self._server.judge_key(username, key)
        return int(paramiko.AUTH_SUCCESSFUL if self._by_key else paramiko.AUTH_FAILED)

    def check_auth_password(self, username: str, password: str) -> int:
        if "password" not in self.get_allowed_auths(username).split(","):
            return int(paramiko.AUTH_FAILED)
        right = self._server.judge_password(username, password)
        if right and self._server.asks_for_code():
            self._password_given = self._password_right = True
            return int(paramiko.AUTH_PARTIALLY_SUCCESSFUL)
        return self._result(right=right)

    def check_auth_interactive(self, username: str, submethods: str) -> "paramiko.InteractiveQuery | int":  # noqa: ARG002
        if "keyboard-interactive" not in self.get_allowed_auths(username).split(","):
            return int(paramiko.AUTH_FAILED)
        self._user = username
        if self._password_given:
            return paramiko.InteractiveQuery("", "", ("One-time code: ", False))
        return paramiko.InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> "paramiko.InteractiveQuery | int":
        answer = responses[0] if len(responses) == 1 else ""
        if not self._password_given:
            self._password_given = True
            self._password_right = self._server.judge_password(self._user, answer)
            if self._password_right:
                return paramiko.InteractiveQuery("", "Open the app on your phone.", ("One-time code: ", False))
            self._password_given = False
            return self._result(right=False)
        return self._result(right=self._password_right and self._server.judge_code(answer))

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        if kind != "session":
            return int(paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)
        if self._by_key:
            self._by_key = False
            self._server.count_login()
        return int(paramiko.OPEN_SUCCEEDED)

    def _result(self, *, right: bool) -> int:
        if right:
            self._server.count_login()
            return int(paramiko.AUTH_SUCCESSFUL)
        # After a wrong code the next try begins with the password again.
        self._password_given = self._password_right = False
        return int(paramiko.AUTH_FAILED)
