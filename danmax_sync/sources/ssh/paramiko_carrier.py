"""paramiko's own transport as carrier: for Windows, and for machines without ``ssh``."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from danmax_sync import settings
from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, LoginError, SourceError
from danmax_sync.sources.ssh import hostkeys
from danmax_sync.sources.ssh.address import SshAddress
from danmax_sync.sources.ssh.alias import Target, resolve
from danmax_sync.sources.ssh.carrier import no_room
from danmax_sync.sources.ssh.complaints import CHECK_ACCOUNT, CHECK_NETWORK
from danmax_sync.sources.ssh.line import BufferedLine
from danmax_sync.sources.ssh.login import Login
from danmax_sync.sources.ssh.prompts import Prompter

if TYPE_CHECKING:
    import paramiko

_CONNECT_S = 20.0
_KEEPALIVE_S = 15
_DEAD_LINE_MS = 60_000
_CHANNEL_S = 30.0
_WINDOW = 8 << 20
"""Bytes a channel may have under way: with the usual 2 MiB a round trip of 20 ms holds it to 100 MB/s."""
_PACKET = 1 << 17
"""Bytes a packet may have: four times the usual, for a quarter of the work a byte."""
_COMES_AND_GOES = 16 << 20
_GCM = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


class ParamikoCarrier:
    """A connection held by one paramiko transport, its channels multiplexed on it."""

    name = "paramiko"
    has_wide_windows = True

    def __init__(self, target: Target, transport: "paramiko.Transport", *, round_trip_s: float) -> None:
        self._target = target
        self.round_trip_s = round_trip_s
        self._transport = transport

    @classmethod
    def connect(cls, address: SshAddress, *, prompter: Prompter) -> "ParamikoCarrier":
        """Log in; see `danmax_sync.sources.ssh.connect`."""
        import paramiko

        # A library user who has set up no logging would see paramiko's tracebacks on stderr.
        logging.getLogger("paramiko").addHandler(logging.NullHandler())
        target = resolve(address)
        _keep_freed_memory()
        called_at = time.monotonic()
        line = BufferedLine(_dial(target))
        round_trip_s = time.monotonic() - called_at
        try:
            transport = paramiko.Transport(line, default_window_size=_WINDOW, default_max_packet_size=_PACKET)
        except BaseException:
            line.close()
            raise
        carrier = cls(target, transport, round_trip_s=round_trip_s)
        try:
            carrier._handshake(prompter)
            carrier._log_in(prompter)
            transport.set_keepalive(_KEEPALIVE_S)
        except BaseException:
            carrier.close()
            raise
        return carrier

    def open_sftp(self, *, granted: Callable[[], None] | None = None) -> "paramiko.SFTPClient":
        """Open another SFTP channel on the same login."""
        import paramiko

        if not self._transport.is_active():
            raise self._lost("has ended")
        channel: paramiko.Channel | None = None
        try:
            channel = self._transport.open_session(timeout=_CHANNEL_S)
            if granted is not None:
                granted()
            channel.settimeout(_CHANNEL_S)
            channel.invoke_subsystem("sftp")
            client = paramiko.SFTPClient(channel)
            channel.settimeout(None)
        except (paramiko.SSHException, paramiko.sftp.SFTPError, OSError, EOFError) as error:
            if channel is not None:
                channel.close()
            if not self._transport.is_active():
                raise self._lost("ended while a channel was opened") from None
            if channel is not None:
                raise SourceError(
                    f"{self._target} accepts the login but offers no SFTP: {error}",
                    hint="Check the host's name; ask the facility.",
                ) from None
            raise SourceError(
                f"{self._target} refuses another SFTP channel on this connection: {error}",
                hint="Use fewer streams; servers usually allow ten channels on one login.",
            ) from None
        return client

    def run(self, command: str, *, feed: bytes, timeout_s: float) -> tuple[int, bytes]:
        """Run a command at the server, where the account has a shell; return its exit code and output."""
        import paramiko

        if not self._transport.is_active():
            raise self._lost("has ended")
        try:
            with self._transport.open_session(timeout=_CHANNEL_S) as channel:
                channel.settimeout(timeout_s)
                channel.exec_command(command)
                # Fed and read in turn by another thread: both pipes are short.
                feeder = threading.Thread(target=_feed, args=(channel, feed), daemon=True)
                feeder.start()
                heard = bytearray()
                while block := channel.recv(1 << 16):
                    heard += block
                feeder.join(timeout_s)
                return channel.recv_exit_status(), bytes(heard)
        except paramiko.ChannelException:
            raise no_room(self._target) from None
        except (paramiko.SSHException, OSError, EOFError):
            return 255, b""

    def close(self) -> None:
        """End the channels and the connection, and paramiko's thread."""
        transport = self._transport
        # A handshake that never finished leaves paramiko's timer running.
        transport.packetizer.complete_handshake()
        # First of all: its thread would hear of the end only when it looks up, ten times a second.
        transport.sock.close()
        transport.close()
        if transport.is_alive():
            transport.join(5)
        transport.packetizer.complete_handshake()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _handshake(self, prompter: Prompter) -> None:
        import paramiko

        target, transport = self._target, self._transport
        ours = settings.known_hosts_file()
        known = hostkeys.read((ours, *target.known_hosts))
        filed_as = target.filed_as or hostkeys.filed_name(target.host, target.port)
        transport.banner_timeout = transport.handshake_timeout = _CONNECT_S
        options = transport.get_security_options()
        # paramiko lists the fast ones last.
        options.ciphers = (*_GCM, *(cipher for cipher in options.ciphers if cipher not in _GCM))
        options.key_types = _known_first(options.key_types, hostkeys.known_kinds(known, filed_as))
        try:
            transport.start_client(timeout=_CONNECT_S)
            server_key = transport.get_remote_server_key()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise SourceError(
                f"{target} answers, but not as an SSH server should: {str(error) or 'it hung up'}", hint=CHECK_NETWORK
            ) from None
        key = hostkeys.HostKey(server_key.get_name(), server_key.asbytes())
        hostkeys.check(key, filed_as, known, prompter=prompter, ask=target.may_ask, remember_in=ours)

    def _log_in(self, prompter: Prompter) -> None:
        import paramiko

        try:
            Login(self._transport, self._target, prompter).run()
        except DanmaxSyncError:
            raise
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise LoginError(
                f"{self._target} ended the login: {str(error) or 'it hung up'}", hint=CHECK_ACCOUNT
            ) from None

    def _lost(self, how: str) -> ConnectionLostError:
        return ConnectionLostError(
            f"The connection to {self._target} {how}", hint="Run the command again; it goes on from what has arrived."
        )


def _keep_freed_memory() -> None:
    """Show the C library that large blocks come and go, and are not worth giving back to the system each time.

    glibc learns that from a large block that is freed. Else the blocks that packets pass through are mapped anew again
    and again, which takes as long as decrypting them.
    """
    block = bytes(_COMES_AND_GOES)
    del block


def _feed(channel: "paramiko.Channel", feed: bytes) -> None:
    with contextlib.suppress(OSError):
        channel.sendall(feed)
        channel.shutdown_write()


def _dial(target: Target) -> socket.socket:
    started = time.monotonic()
    try:
        line = socket.create_connection((target.host, target.port), timeout=_CONNECT_S)
    except socket.gaierror as error:
        raise SourceError(f"No host is called {target.host!r}: {error.strerror}.", hint=CHECK_NETWORK) from None
    except TimeoutError:
        waited = time.monotonic() - started
        raise SourceError(f"No connection to {target}: no answer in {waited:.0f} s.", hint=CHECK_NETWORK) from None
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"No connection to {target}: {why}.", hint=CHECK_NETWORK) from None
    with contextlib.suppress(OSError):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # paramiko's keepalives ask for no answer; where the system can, it ends a line that acknowledges nothing.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_LINE_MS)
    return line


def _known_first(kinds: tuple[str, ...], known: list[str]) -> tuple[str, ...]:
    """Order the kinds of host key so that the server shows one that can be checked; RSA keys sign in several ways."""
    families = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
    first = [kind for one in known for kind in families.get(one, (one,)) if kind in kinds]
    return tuple(dict.fromkeys((*first, *kinds)))
