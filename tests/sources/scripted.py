"""An SFTP server without a process or a thread, whose every answer a test can choose, and work for a lane."""

import random
import stat
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError
from danmax_sync.sources import wire
from danmax_sync.sources.base import FileInfo
from danmax_sync.sources.sftp_lane import SftpLane
from danmax_sync.sources.spans import Span
from danmax_sync.visits import TreePath

MTIME_S = 1_700_000_000


def packet(kind: int, number: int, body: bytes = b"") -> bytes:
    """Spell an answer."""
    return struct.pack(">IBI", len(body) + 5, kind, number) + body


def string(content: bytes) -> bytes:
    """Spell bytes with their length."""
    return struct.pack(">I", len(content)) + content


def status(number: int, code: int, said: str = "") -> bytes:
    """Spell a STATUS."""
    return packet(wire.STATUS, number, struct.pack(">I", code) + string(said.encode()) + string(b""))


def attributes(size: int, *, mode: int = stat.S_IFREG | 0o644, mtime_s: int = MTIME_S) -> bytes:
    """Spell the attributes of a file."""
    return struct.pack(">IQIII", 1 | 4 | 8, size, mode, mtime_s, mtime_s)


@dataclass
class Request:
    """What the client asked."""

    kind: int
    number: int
    path: str = ""
    offset: int = 0
    length: int = 0


Hook = Callable[[Request], bytes | None]
"""Returns the answer instead of the honest one, or None for that; b"" is silence."""


@dataclass
class ScriptedServer:
    """Serves some files on the channel that it is.

    Attributes
    ----------
    most_handles : int
        Opening more is a FAILURE.
    limits : tuple of int or None
        What it says it serves: bytes of a READ, handles; without it, it does not know the question.
    longest : int
        Bytes it answers a READ with at most, whatever it says.
    seed : int or None
        With it, answers come in random order.
    chunk : int
        Bytes a recv gives at most.
    ends : bool
        Whether it hangs up, instead of falling silent, when it has nothing to say.
    """

    files: Mapping[str, bytes]
    hook: Hook = lambda _: None
    most_handles: int = 1 << 20
    limits: tuple[int, int] | None = (261_120, 0)
    longest: int = 1 << 20
    seed: int | None = None
    chunk: int = 1 << 20
    ends: bool = False
    asked: list[Request] = field(default_factory=list)
    most_open: int = 0
    most_waiting: int = 0
    patience_s: float | None = None
    closed: bool = False

    def __post_init__(self) -> None:
        self._in, self._out = bytearray(), bytearray()
        self._waiting: list[bytes] = []
        self._open: dict[bytes, str] = {}
        self._made = 0
        self._random = random.Random(self.seed)

    def get_name(self) -> str:
        """Return a name."""
        return "scripted"

    def settimeout(self, seconds: float | None) -> None:
        """Remember how patient the client is."""
        self.patience_s = seconds

    def close(self) -> None:
        """Hang up."""
        self.closed = True

    def send(self, data: bytes) -> int:
        """Take requests."""
        if self.closed:
            return 0
        self._in += data
        while len(self._in) >= 4:
            (length,) = struct.unpack_from(">I", self._in)
            if len(self._in) < 4 + length:
                break
            self._hear(bytes(self._in[4 : 4 + length]))
            del self._in[: 4 + length]
        return len(data)

    def recv(self, size: int) -> bytes:
        """Give answers."""
        self.most_waiting = max(self.most_waiting, len(self._waiting))
        while not self._out and self._waiting:
            which = 0 if self.seed is None else self._random.randrange(len(self._waiting))
            self._out += self._waiting.pop(which)
        if not self._out:
            if self.ends or self.closed:
                return b""
            raise TimeoutError
        block = bytes(self._out[: min(size, self.chunk)])
        del self._out[: len(block)]
        return block

    def _hear(self, body: bytes) -> None:
        kind, number = struct.unpack_from(">BI", body)
        request = Request(kind, number)
        name, rest = _string(body, 5)
        if kind == wire.OPEN:
            request.path = name.decode()
        elif kind in {wire.READ, wire.FSTAT, wire.CLOSE}:
            request.path = self._open.get(name, "")
        if kind == wire.READ:
            request.offset, request.length = struct.unpack_from(">QI", body, rest)
        self.asked.append(request)
        other = self.hook(request)
        if kind == wire.CLOSE:
            self._open.pop(name, None)
        answer = self._answer(request) if other is None else other
        if answer:
            self._waiting.append(answer)

    def _answer(self, request: Request) -> bytes:
        kind, number, path = request.kind, request.number, request.path
        if kind == wire.EXTENDED and self.limits is not None:
            read, handles = self.limits
            return packet(wire.EXTENDED_REPLY, number, struct.pack(">QQQQ", 1 << 18, read, read, handles))
        if kind == wire.OPEN:
            return self._opened(number, path)
        if kind == wire.READ and path:
            data = self.files[path][request.offset : request.offset + min(request.length, self.longest)]
            return packet(wire.DATA, number, string(data)) if data else status(number, wire.END, "End of file")
        if kind == wire.FSTAT and path:
            return packet(wire.ATTRS, number, attributes(len(self.files[path])))
        return status(number, wire.OK if kind == wire.CLOSE else wire.UNSUPPORTED)

    def _opened(self, number: int, path: str) -> bytes:
        if path not in self.files:
            return status(number, wire.NO_FILE, "No such file")
        if len(self._open) >= self.most_handles:
            return status(number, wire.FAILURE, "Failure")
        self._made += 1
        handle = b"h%d" % self._made
        self._open[handle] = path
        self.most_open = max(self.most_open, len(self._open))
        return packet(wire.HANDLE, number, string(handle))


def _string(body: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">I", body, at)
    return body[at + 4 : at + 4 + length], at + 4 + length


@dataclass
class ListedWork:
    """Spans of files, and what became of them.

    Attributes
    ----------
    over : bool
        As lanes see it.
    got : dict
        The bytes of each file.
    """

    files: Mapping[str, bytes]
    span_bytes: int = 1 << 30
    write_fails: Mapping[str, DanmaxSyncError] = field(default_factory=dict)
    stop_after: int | None = None
    over: bool = False
    got: dict[str, bytearray] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)
    failures: dict[str, DanmaxSyncError] = field(default_factory=dict)
    returned: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue: deque[Span] = deque()
        for path, content in self.files.items():
            self.got[path] = bytearray(len(content))
            for offset in range(0, max(1, len(content)), self.span_bytes):
                self.queue.append(self._span(path, offset, min(self.span_bytes, len(content) - offset)))

    def _span(self, path: str, offset: int, length: int) -> Span:
        info = FileInfo(TreePath.parse(path), len(self.files[path]), MTIME_S * 1_000_000_000)

        def write(at: int, data: memoryview) -> None:
            if path in self.write_fails:
                raise self.write_fails[path]
            assert offset <= at
            assert at + len(data) <= offset + length
            self.got[path][at : at + len(data)] = data

        return Span(info, offset, length, write)

    def take(self, *, wait: bool) -> Span | None:
        """Give the next."""
        return self.queue.popleft() if self.queue else None

    def allow(self, size: int) -> float:
        """As fast as it goes."""
        return 0.0

    def done(self, span: Span) -> None:
        """Note it."""
        self.finished.append(str(span.info.path))
        self.over = self.over or len(self.finished) == self.stop_after

    def failed(self, span: Span, problem: DanmaxSyncError) -> None:
        """Note why."""
        self.failures[str(span.info.path)] = problem

    def given_back(self, span: Span) -> None:
        """Note it."""
        self.returned.append(span)


def lane_on(channel: Any, *, root: str = "") -> SftpLane:
    """Open a lane on a channel."""
    return SftpLane(
        channel,
        path_of=lambda path: f"{root}{path}",
        shown=lambda path: f"facility:{path}",
        lost=lambda path, why: ConnectionLostError(f"the connection broke at {path} ({why})", hint="run again"),
        patience_s=5.0,
    )


def everything_came(work: ListedWork, paths: Sequence[str] | None = None) -> bool:
    """Say whether the files have the right bytes."""
    return all(bytes(work.got[path]) == work.files[path] for path in (paths or work.files))
