"""A connection as paramiko reads it: in large bites, acknowledged at once, and over as soon as it is closed.

paramiko asks for sixteen bytes of a packet and then for the rest, each time through the system, and copies what comes
in pieces again and again. Here it gets both from a buffer.
"""

import contextlib
import socket
from typing import Any

_BITE = 1 << 19
_QUICK = 1 << 16
"""Bytes that are acknowledged at once. A login is many short answers; servers hold each back until the one before is
acknowledged, which systems like to do 40 ms later."""
_SMALL = 1024
"""Who asks for less takes what is there: the greeting of a server has no length that one could know."""


class BufferedLine:
    """A socket for `paramiko.Transport`; read by its thread alone.

    Parameters
    ----------
    line : socket.socket
        Connected.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._buffer = memoryview(bytearray(2 * _BITE))
        self._start = self._end = 0
        self._quick_left = _QUICK

    def recv(self, size: int) -> bytes:
        """Return so many bytes; fewer where a small piece is asked for, time is up, or the line ends.

        Raises
        ------
        TimeoutError
            If none came in time.
        """
        wanted = min(size, _BITE)
        while self._end - self._start < wanted and not (size <= _SMALL and self._end > self._start):
            try:
                got = self._fill()
            except TimeoutError:
                if self._end == self._start:
                    raise
                break
            if got == 0:
                break
        end = min(self._start + size, self._end)
        piece = bytes(self._buffer[self._start : end])
        self._start = end
        return piece

    def _fill(self) -> int:
        if self._start == self._end:
            self._start = self._end = 0
        elif len(self._buffer) - self._start < _BITE:
            rest = bytes(self._buffer[self._start : self._end])
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        try:
            got = self._line.recv_into(self._buffer[self._end :])
        except TimeoutError:
            raise
        except OSError:
            if not self._closed:
                raise
            # By us, while this waited.
            return 0
        self._end += got
        if self._quick_left > 0 and hasattr(socket, "TCP_QUICKACK"):
            self._quick_left -= got
            with contextlib.suppress(OSError):
                # The system forgets it soon.
                self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return got

    def send(self, data: bytes) -> int:
        """Send some of `data`, return how many bytes."""
        return self._line.send(data)

    def settimeout(self, seconds: float | None) -> None:
        """Let a recv or send that waits longer raise TimeoutError."""
        self._line.settimeout(seconds)

    def getpeername(self) -> Any:
        """Return who is at the other end."""
        return self._line.getpeername()

    def fileno(self) -> int:
        """Return the descriptor; -1 when it is closed."""
        return self._line.fileno()

    @property
    def _closed(self) -> bool:
        # paramiko looks at this of sockets.
        return self._line.fileno() < 0

    def close(self) -> None:
        """End it; whoever waits in recv hears of it at once."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
