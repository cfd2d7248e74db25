"""SFTP packets on a channel, many under way, with nothing copied that need not be.

The protocol is version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's ``limits@openssh.com`` (its PROTOCOL file, 4.8).
paramiko's client begins the session; from then on the channel is the wire's alone.
"""

import struct
from typing import Any, NamedTuple

from danmax_sync.sources.ssh.prompts import printable

OPEN, CLOSE, READ, FSTAT, STAT, EXTENDED = 3, 4, 5, 8, 17, 200
STATUS, HANDLE, DATA, ATTRS, EXTENDED_REPLY = 101, 102, 103, 105, 201
OK, END, NO_FILE, DENIED, FAILURE, UNSUPPORTED = 0, 1, 2, 3, 4, 8

LIMITS_QUESTION = b"limits@openssh.com"
PLAIN_READ = 32_768
"""What every server serves in one answer."""
_LARGEST_READ = 1 << 20
_LARGEST_PACKET = (1 << 20) + 4096
_BUFFER = (1 << 20) + (1 << 18)
"""Holds the largest packet; small enough that bytes are still in the processor's cache when they are written."""
_ASK = 1 << 19
_HEAD = struct.Struct(">IBI")
_WORD = struct.Struct(">I")
_LIMITS = struct.Struct(">QQQQ")
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES = 1, 2, 4, 8


class WireError(OSError):
    """The other side ended, fell silent, or does not talk SFTP."""


class Limits(NamedTuple):
    """What a server serves.

    Attributes
    ----------
    read : int
        Bytes in one answer.
    handles : int
        Open files on one channel; 0 where it does not say.
    """

    read: int = PLAIN_READ
    handles: int = 0


class Attributes(NamedTuple):
    """What a server tells of a file; None where it does not."""

    size: int | None
    mode: int | None
    mtime: int | None


class Wire:
    """One channel.

    Parameters
    ----------
    channel : object
        As paramiko's client has one: send, recv or recv_into, settimeout.
    """

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._next = 1
        self._out = bytearray()
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._recv_into = getattr(channel, "recv_into", None)

    def ask(self, kind: int, *fields: bytes | int) -> int:
        """Queue a request and return its number. Bytes go with their length; an int has 64 bits, see `word`."""
        number = self._next
        self._next = (number + 1) & 0xFFFFFFFF
        body = bytearray()
        for field in fields:
            if isinstance(field, int):
                body += field.to_bytes(8, "big")
            elif isinstance(field, Word):
                body += field
            else:
                body += len(field).to_bytes(4, "big") + field
        self._out += _HEAD.pack(len(body) + 5, kind, number) + body
        return number

    def flush(self) -> None:
        """Send what is queued.

        Raises
        ------
        WireError
            If the other side has gone, or takes nothing.
        """
        out = memoryview(bytes(self._out))
        self._out.clear()
        try:
            while out:
                sent = self._channel.send(out)
                if sent <= 0:
                    raise WireError("the line is closed")  # noqa: TRY301
                out = out[sent:]
        except TimeoutError:
            raise WireError("the server has fallen silent") from None
        except WireError:
            raise
        # paramiko ends a dead line with an EOFError, an SSHException or an OSError, as it happens.
        except Exception as problem:
            raise WireError(getattr(problem, "strerror", None) or str(problem) or "the line is closed") from problem

    def receive(self) -> tuple[int, int, memoryview]:
        """Wait for the next answer; return its kind, its number and its fields, which the next call overwrites.

        Raises
        ------
        WireError
            If the other side has gone or fallen silent, or what comes is no answer.
        """
        self._need(4)
        (length,) = _WORD.unpack_from(self._buffer, self._start)
        if not 5 <= length <= _LARGEST_PACKET:
            raise WireError(f"the server announces a packet of {length} bytes")
        self._need(4 + length)
        _, kind, number = _HEAD.unpack_from(self._buffer, self._start)
        body = self._view[self._start + _HEAD.size : self._start + 4 + length]
        self._start += 4 + length
        return kind, number, body

    def _need(self, size: int) -> None:
        while self._end - self._start < size:
            if self._start == self._end:
                self._start = self._end = 0
            elif len(self._buffer) - self._start < size or len(self._buffer) - self._end < _ASK // 4:
                rest = self._end - self._start
                self._view[:rest] = bytes(self._view[self._start : self._end])
                self._start, self._end = 0, rest
            self._end += self._fill(self._view[self._end :])

    def _fill(self, room: memoryview) -> int:
        try:
            if self._recv_into is not None:
                got = int(self._recv_into(room))
            else:
                block = self._channel.recv(min(len(room), _ASK))
                got = len(block)
                room[:got] = block
        except TimeoutError:
            raise WireError("the server has fallen silent") from None
        except WireError:
            raise
        # paramiko ends a dead line with an EOFError, an SSHException or an OSError, as it happens.
        except Exception as problem:
            raise WireError(getattr(problem, "strerror", None) or str(problem) or "the line is closed") from problem
        if got == 0:
            raise WireError("the server has hung up")
        return got


class Word(bytes):
    """A number of 32 bits, as it goes over the wire."""

    __slots__ = ()


def word(number: int) -> Word:
    """Spell a number of 32 bits."""
    return Word(number.to_bytes(4, "big"))


def text(body: memoryview, at: int = 0) -> tuple[bytes, int]:
    """Return the string at an offset of an answer, and where it ends.

    Raises
    ------
    WireError
        If the answer is shorter.
    """
    if len(body) < at + 4:
        raise WireError("an answer of the server is cut short")
    (length,) = _WORD.unpack_from(body, at)
    end = at + 4 + length
    if end > len(body):
        raise WireError("an answer of the server is cut short")
    return bytes(body[at + 4 : end]), end


def payload(body: memoryview) -> memoryview:
    """Return the bytes of a DATA answer, uncopied."""
    if len(body) < 4:
        raise WireError("an answer of the server is cut short")
    (length,) = _WORD.unpack_from(body, 0)
    if 4 + length > len(body):
        raise WireError("an answer of the server is cut short")
    return body[4 : 4 + length]


def status(body: memoryview) -> tuple[int, str]:
    """Return the code of a STATUS answer and what the server says with it."""
    if len(body) < 4:
        raise WireError("an answer of the server is cut short")
    (code,) = _WORD.unpack_from(body, 0)
    # Old servers send no text.
    said = printable(text(body, 4)[0].decode("utf-8", "replace")) if len(body) >= 8 else ""
    return code, said


def attributes(body: memoryview) -> Attributes:
    """Return what an ATTRS answer tells."""
    try:
        (flags,) = _WORD.unpack_from(body, 0)
        at = 4
        size = mode = mtime = None
        if flags & _HAS_SIZE:
            (size,) = struct.unpack_from(">Q", body, at)
            at += 8
        if flags & _HAS_OWNER:
            at += 8
        if flags & _HAS_MODE:
            (mode,) = _WORD.unpack_from(body, at)
            at += 4
        if flags & _HAS_TIMES:
            _, mtime = struct.unpack_from(">II", body, at)
    except struct.error:
        raise WireError("an answer of the server is cut short") from None
    return Attributes(size, mode, mtime)


def ask_limits(wire: Wire) -> Limits:
    """Ask what the server serves; a server that does not know the question gets the least."""
    asked = wire.ask(EXTENDED, LIMITS_QUESTION)
    wire.flush()
    kind, number, body = wire.receive()
    if number != asked:
        raise WireError("an answer to something that was not asked")
    return limits_in(body) if kind == EXTENDED_REPLY else Limits()


def limits_in(body: memoryview) -> Limits:
    """Return what an answer says; one that is too short says nothing."""
    if len(body) < _LIMITS.size:
        return Limits()
    _, read, _, handles = _LIMITS.unpack_from(body, 0)
    return Limits(min(read, _LARGEST_READ) if read >= PLAIN_READ // 8 else PLAIN_READ, min(handles, 1 << 20))
