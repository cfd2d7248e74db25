"""Read spans of many files over one SFTP channel, with as much under way as the line bears.

::

    OPEN ──handle──▶ READ READ READ … FSTAT CLOSE ──▶ done
     ▲ └─ no ─▶ failed      │
     └── the rest, where ◀──┘
         an answer was short

The questions that end a span are sent with its last READ, and answered after it: so a small file takes two round trips,
of which some dozen are under way at once, and FSTAT shows the file as it was after the last byte.
"""

import stat
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, SourceError
from danmax_sync.sources import wire
from danmax_sync.sources.base import FileInfo, SourceChangedError
from danmax_sync.sources.sftp_complaints import ASK_FOR_IT
from danmax_sync.sources.spans import Span, Work
from danmax_sync.sources.wire import Limits, Wire, WireError, ask_limits, word
from danmax_sync.visits import TreePath

MOST_OPEN = 64
PATIENCE_S = 60.0
SMALLEST_WINDOW, LARGEST_WINDOW = 256 << 10, 6 << 20
_FIRST_WINDOW = 2 << 20
_NEAR_S, _NEAR_WINDOW = 0.003, 1 << 20
"""A server that answers so soon is kept busy by that much; more would only pass through more memory than is cached."""
_PATIENT_S = 0.5
"""How long answers may queue: more under way on a slow line would only make it slow to react."""
_NAP_S = 0.2
_LEAST_READ = 4096
_TRIES = 3
"""How often a file is opened again for which the server had no handle."""


@dataclass(slots=True, eq=False)
class _Active:
    span: Span
    pieces: deque[tuple[int, int]]
    """Offset and length of what is still to be asked for; short answers add to it."""
    handle: bytes = b""
    waiting: int = 0
    """Answers that have not come."""
    failure: DanmaxSyncError | None = None
    closing: bool = False
    tries: int = 0

    @property
    def left(self) -> int:
        """Bytes that no READ was sent for."""
        return sum(length for _, length in self.pieces)


class SftpLane:
    """Reads over one channel.

    Parameters
    ----------
    channel : object
        Used by nobody else while `run` runs.
    path_of : callable
        Gives a file's absolute path at the server.
    shown : callable
        Gives what a file is called in messages.
    lost : callable
        Makes the error of a broken line, given a file and what was heard.
    limits : Limits, optional
        What the server serves, where that is known; else it is asked.
    patience_s : float
        How long the server may be silent while answers are due.

    Raises
    ------
    ConnectionLostError
        If the line has ended.
    """

    def __init__(
        self,
        channel: Any,
        *,
        path_of: Callable[[TreePath], str],
        shown: Callable[[TreePath], str],
        lost: Callable[[TreePath, str], ConnectionLostError],
        limits: Limits | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._channel = channel
        channel.settimeout(patience_s)
        self._wire = Wire(channel)
        self._path_of, self._shown, self._lost = path_of, shown, lost
        try:
            self._limits = limits or ask_limits(self._wire)
        except WireError as problem:
            raise lost(TreePath(()), str(problem)) from problem
        self._most_open = min(MOST_OPEN, max(1, self._limits.handles - 1) if self._limits.handles else MOST_OPEN)
        self._window = _FIRST_WINDOW
        self._reading: deque[_Active] = deque()
        """Open, with READs to be sent."""
        self._asked: dict[int, tuple[_Active, int, int, int, float]] = {}
        """By number: whose, what kind, offset, length, when."""
        self._active: set[_Active] = set()
        self._retry: deque[_Active] = deque()
        self._in_flight = 0
        self._promised = 0
        """Bytes of active spans that no READ was sent for."""
        self._quickest_s = 60.0

    def run(self, work: Work) -> None:
        """Read spans until there are none; see `Lane.run`."""
        latest = TreePath(())
        try:
            while not work.over:
                wait_s = self._send(work)
                self._wire.flush()
                if not self._asked:
                    if wait_s:
                        time.sleep(min(wait_s, _NAP_S))
                        continue
                    if not self._active:
                        return
                latest = self._take_answer(work)
        except WireError as problem:
            raise self._lost(latest, str(problem)) from problem
        finally:
            for active in self._active:
                work.given_back(active.span)
            self._active.clear()

    def close(self) -> None:
        """End the channel."""
        # A dead line cannot be told that a channel ends.
        with suppress(OSError, EOFError):
            self._channel.close()

    def _send(self, work: Work) -> float:
        """Ask for as much as there is room for; return the seconds until more may be asked."""
        while not self._retry and self._promised < self._window and len(self._active) < self._most_open:
            # With nothing under way there is nothing else to do than wait for work.
            span = work.take(wait=not self._active)
            if span is None:
                break
            active = _Active(span, deque([(span.offset, span.length)] if span.length else []))
            self._active.add(active)
            self._promised += active.left
            self._open(active)
        # Those that hold a handle, and only as many as the server is known to have handles for.
        while self._retry and len(self._active) - len(self._retry) < self._most_open:
            self._open(self._retry.popleft())
        while self._reading and self._in_flight < self._window:
            active = self._reading[0]
            if active.pieces:
                length = min(self._limits.read, active.pieces[0][1])
                wait_s = work.allow(length)
                if wait_s:
                    return wait_s
                self._read(active, length)
            if not active.pieces:
                self._reading.popleft()
                self._finish(active)
        return 0.0

    def _open(self, active: _Active) -> None:
        active.closing = False
        self._ask(active, wire.OPEN, self._path_of(active.span.info.path).encode("utf-8"), word(1), word(0))

    def _ask(self, active: _Active, kind: int, *fields: bytes | int, offset: int = 0, length: int = 0) -> None:
        number = self._wire.ask(kind, *fields)
        self._asked[number] = (active, kind, offset, length, time.monotonic())
        active.waiting += 1

    def _read(self, active: _Active, length: int) -> None:
        offset, whole = active.pieces.popleft()
        if length < whole:
            active.pieces.appendleft((offset + length, whole - length))
        self._ask(active, wire.READ, active.handle, offset, word(length), offset=offset, length=length)
        self._in_flight += length
        self._promised -= length

    def _finish(self, active: _Active) -> None:
        """Ask what the file is now, and let go of it."""
        active.closing = True
        self._ask(active, wire.FSTAT, active.handle)
        self._ask(active, wire.CLOSE, active.handle)

    def _take_answer(self, work: Work) -> TreePath:
        kind, number, body = self._wire.receive()
        asked = self._asked.pop(number, None)
        if asked is None:
            raise WireError("an answer to something that was not asked")
        active, about, offset, length, when = asked
        active.waiting -= 1
        if about == wire.READ:
            self._in_flight -= length
            self._adapt(time.monotonic() - when)
            self._data(active, kind, body, offset, length)
        elif about == wire.OPEN:
            self._adapt(time.monotonic() - when)
            self._answered_open(active, kind, body)
        elif about == wire.FSTAT:
            self._seen(active, kind, body)
        if active.failure is not None:
            self._give_up(active)
        if active.waiting == 0 and (active.closing or active.failure is not None):
            self._ended(active, work)
        return active.span.info.path

    def _answered_open(self, active: _Active, kind: int, body: memoryview) -> None:
        if kind == wire.HANDLE:
            active.handle, active.tries = wire.text(body)[0], 0
            self._reading.append(active)
            return
        code, said = wire.status(body) if kind == wire.STATUS else (wire.FAILURE, "an answer of another kind")
        if code == wire.FAILURE and active.tries < _TRIES:
            # Perhaps there are too many open files: fewer at once, and again when those of this lane are closed.
            active.tries += 1
            self._most_open = max(1, min(self._most_open, len(self._active) - len(self._retry) - 1))
            self._retry.append(active)
            if not self._asked:
                time.sleep(_NAP_S)
            return
        active.failure = self._refused(active.span.info.path, code, said)

    def _data(self, active: _Active, kind: int, body: memoryview, offset: int, length: int) -> None:
        if active.failure is not None:
            return
        if kind != wire.DATA:
            code, said = wire.status(body) if kind == wire.STATUS else (wire.FAILURE, "an answer of another kind")
            if code == wire.END:
                active.failure = _still_written(
                    active.span.info, self._shown(active.span.info.path), f"none is there at {offset}"
                )
            else:
                active.failure = self._refused(active.span.info.path, code, said, offset)
            return
        data = wire.payload(body)
        if not 0 < len(data) <= length:
            active.failure = SourceError(
                f"{self._shown(active.span.info.path)}: the server answered {len(data)} bytes to a request for {length}"
            )
            return
        try:
            active.span.write(offset, data)
        except DanmaxSyncError as problem:
            active.failure = problem
            return
        if len(data) < length:
            # A server that serves less than it said is asked for less from now on.
            self._limits = self._limits._replace(read=max(_LEAST_READ, min(self._limits.read, len(data))))
            active.pieces.append((offset + len(data), length - len(data)))
            self._promised += length - len(data)

    def _seen(self, active: _Active, kind: int, body: memoryview) -> None:
        if active.failure is not None:
            return
        info, shown = active.span.info, self._shown(active.span.info.path)
        if kind != wire.ATTRS:
            active.failure = SourceError(f"{shown} cannot be looked at after it was read")
            return
        now = wire.attributes(body)
        if now.size is None:
            active.failure = SourceError(f"the server does not tell the size of {shown}")
        elif now.mode is not None and not stat.S_ISREG(now.mode):
            active.failure = SourceError(f"{shown} is not a regular file")
        elif now.size != info.size or not info.same_version(
            FileInfo(info.path, now.size, (now.mtime or 0) * 1_000_000_000)
        ):
            found = "it was written to since" if now.size == info.size else f"{now.size} are there now"
            active.failure = _still_written(info, shown, found)

    def _give_up(self, active: _Active) -> None:
        """Send no more READs; the handle is closed once."""
        if active in self._reading:
            self._reading.remove(active)
            self._finish(active)
        self._promised -= active.left
        active.pieces.clear()

    def _ended(self, active: _Active, work: Work) -> None:
        if active.pieces:
            self._open(active)
            return
        self._active.discard(active)
        if active.failure is None:
            work.done(active.span)
        else:
            work.failed(active.span, active.failure)

    def _refused(self, path: TreePath, code: int, said: str, offset: int = 0) -> SourceError:
        where = f" at byte {offset}" if offset else ""
        if code == wire.NO_FILE:
            return SourceChangedError(f"{self._shown(path)} is not there any more", hint="run again later")
        if code == wire.DENIED:
            return SourceError(f"{self._shown(path)} may not be read: permission denied", hint=ASK_FOR_IT)
        return SourceError(
            f"{self._shown(path)} cannot be read{where}: {said or f'error {code}'}", hint="run again later"
        )

    def _adapt(self, took_s: float) -> None:
        self._quickest_s = min(self._quickest_s, took_s)
        queued_s = took_s - self._quickest_s
        if queued_s > _PATIENT_S:
            self._window = max(SMALLEST_WINDOW, self._window - (self._window >> 4))
        elif self._in_flight + self._limits.read * 2 >= self._window:
            self._window = min(LARGEST_WINDOW, self._window + (self._limits.read >> 2))
        if self._quickest_s < _NEAR_S:
            self._window = min(self._window, _NEAR_WINDOW)


def _still_written(info: FileInfo, shown: str, found: str) -> SourceChangedError:
    return SourceChangedError(
        f"{shown} is still being written: {info.size} bytes were announced, {found}",
        hint="run again when the scan has ended",
    )
