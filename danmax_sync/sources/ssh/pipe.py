"""A process's stdin and stdout as the channel that paramiko's SFTP client talks to."""

import contextlib
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

_BUFFER = 1 << 20
"""Bytes asked for in the socket's buffers; the system may give less."""


def end(process: subprocess.Popen[bytes], *, patience_s: float) -> None:
    """See a process out: wait, then ask it to end, then kill it. It is reaped in any case, Ctrl-C included."""
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class ProcessChannel:
    """Send to and receive from a process, as `paramiko.SFTPClient` expects of a channel.

    Parameters
    ----------
    command : sequence of str
        The process; it talks SFTP on stdin and stdout.
    name : str
        Shown in paramiko's log.
    complaints : Path
        Where its stderr goes.
    own_session : bool
        Out of reach of the terminal's Ctrl-C, and of the terminal itself.
    """

    def __init__(self, command: Sequence[str], *, name: str, complaints: Path, own_session: bool = True) -> None:
        self._name = name
        self._complaints = complaints
        self._socket, theirs = socket.socketpair()
        try:
            for end_of_it in (self._socket, theirs):
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    with contextlib.suppress(OSError):
                        end_of_it.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
            with complaints.open("wb") as stderr:
                self.process = subprocess.Popen(  # noqa: S603 - no shell, the address is checked
                    command,
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=stderr,
                    start_new_session=own_session,
                )
        except BaseException:
            self._socket.close()
            raise
        finally:
            theirs.close()

    def get_name(self) -> str:
        """Return the channel's name."""
        return self._name

    def settimeout(self, seconds: float | None) -> None:
        """Let a send or recv that waits longer raise TimeoutError; None waits for ever."""
        self._socket.settimeout(seconds)

    def fileno(self) -> int:
        """Return the descriptor, for select."""
        return self._socket.fileno()

    def send(self, data: bytes) -> int:
        """Send some of `data`, return how many bytes."""
        return self._socket.send(data)

    def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes; none means the other side has ended."""
        try:
            return self._socket.recv(size)
        except ConnectionResetError:
            return b""

    def recv_into(self, room: memoryview) -> int:
        """Receive as much as is there, into `room`; 0 means the other side has ended."""
        try:
            return self._socket.recv_into(room)
        except ConnectionResetError:
            return 0

    def said(self) -> str:
        """Return what the process wrote to stderr so far."""
        return self._complaints.read_text(encoding="utf-8", errors="replace")

    def hang_up(self) -> None:
        """Let the other side, and whoever waits in recv, see the end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def close(self, *, patience_s: float = 0.0) -> None:
        """Hang up and see the process out. A channel that was only read from has nothing to wait for."""
        try:
            self.hang_up()
        finally:
            end(self.process, patience_s=patience_s)


class Lifeline(ProcessChannel):
    """A process that carries other channels too: used like any channel, but closing it leaves the process alone.

    Parameters
    ----------
    process : ProcessChannel
        Closed by who started it, when the other channels are.
    """

    carries_others = True

    def __init__(self, process: ProcessChannel) -> None:
        self.__dict__ = process.__dict__

    def hang_up(self) -> None:
        """Let the other side see the end, and whoever waits in recv."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self, *, patience_s: float = 0.0) -> None:  # noqa: ARG002 - as for any channel
        """Hang up."""
        self.hang_up()
