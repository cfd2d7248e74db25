"""A folder behind SFTP as a source. Names and sizes come from the server and are checked before use."""

import io
import math
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar

from danmax_sync.errors import ConnectionLostError, SourceError, UnsafePathError
from danmax_sync.sources.base import (
    Advance,
    Complain,
    FileInfo,
    SourceChangedError,
    check_unchanged,
    is_worth_walking,
    shown_name,
)
from danmax_sync.sources.pipeline import PipelinedReader
from danmax_sync.sources.remotes import Remote
from danmax_sync.sources.sftp_asked import AskedFile, AskedLimits
from danmax_sync.sources.sftp_complaints import MissingError, explained, line_lost
from danmax_sync.sources.sftp_lane import PATIENCE_S, SftpLane
from danmax_sync.sources.sftp_listing import FolderListing, list_folder
from danmax_sync.sources.sftp_looks import stat_many
from danmax_sync.sources.shared_lane import SharedLane
from danmax_sync.sources.spans import Lane, Span, Work
from danmax_sync.sources.ssh import Call, Carrier, NoRoomError
from danmax_sync.sources.stream import ShortAnswerError, StreamedFile, stream
from danmax_sync.sources.wire import Limits
from danmax_sync.visits import ROOT, TreePath

if TYPE_CHECKING:
    import paramiko

_T = TypeVar("_T")
_DEEPEST = 64
_FOLDERS_AT_ONCE = 16
_NOT_FOLLOWED = "is a link to a folder or to nothing, and is not followed"
_LANES = ((0.003, 2, 2), (0.03, 6, 2), (math.inf, 9, 9))
"""By round trip in seconds: with windows as ssh has them, and with wide ones. Servers allow ten channels on a login,
and one lists folders and keeps the login alive."""
_LAST_LANE_S = 10.0
_HASHING_S = 6 * 3600.0
_ROOM_S, _NAP_S = 3.0, 0.1
_HURRY_S = 3.0
_HASH = re.compile(rb"[0-9a-f]{64}  ")
_LARGEST = 2**63 - 1
"""Bytes that a database can note; no file has more."""


class SftpSource:
    """A remote folder; made by `SftpSource.open`."""

    local = False

    def __init__(self, remote: Remote, carrier: Carrier, *, with_lanes: bool = False) -> None:
        self.name, self.uri, self.base = remote.name, remote.uri, remote.path
        self._carrier = carrier
        self._round_trip_s = carrier.round_trip_s
        self._limits: Limits | None = None
        self._prepared: list[Future[Any]] = []
        """Channels for lanes."""
        self._client = self._open_client(granted=self.prepare_lanes if with_lanes else None)
        with self._explained(ROOT):
            # Both are answered on the way to what is waited for first.
            self._what_it_serves = AskedLimits(self._client)
            self._root: AskedFile | None = AskedFile(self._client, self.base)
        self._turn = threading.RLock()
        """Held by whoever asks over the source's own channel while lanes run."""
        self._has_lanes = self._shares = False

    @classmethod
    def open(cls, remote: Remote, call: Call, *, with_lanes: bool = False) -> Self:
        """Wait for the login and look at the root.

        Parameters
        ----------
        remote : Remote
            What is opened.
        call : Call
            The login to its server.
        with_lanes : bool
            Whether files are going to be read in lanes: these are opened from the first moment on, and the look at the
            root is waited for together with the first files that are looked at.

        Raises
        ------
        LoginError
            If the server does not take us.
        SourceError
            If the server cannot be reached, or the folder is not there.
        """
        carrier = call.answered()
        try:
            source = cls(remote, carrier, with_lanes=with_lanes)
            if not with_lanes:
                source._check_root()
        except BaseException:
            carrier.close()
            raise
        return source

    def walk(self, complain: Complain, below: TreePath = ROOT) -> Iterator[FileInfo]:
        """Yield the regular files below a folder, folder by folder; several folders are listed at once."""
        # What is to come, the next last: files, and folders of which some are being listed already.
        stack: list[FileInfo | TreePath] = [below]
        asked: dict[TreePath, FolderListing] = {}
        while stack:
            following = stack[-1]
            if isinstance(following, FileInfo):
                stack.pop()
                yield following
                continue
            self._ask_ahead(stack, asked)
            stack.pop()
            try:
                with self._explained(following):
                    entries = sorted(asked.pop(following).entries(), key=lambda entry: entry.filename)
            except ConnectionLostError:
                raise
            except SourceError as problem:
                complain(str(following) or ".", problem.message)
                continue
            found = [self._sorted_in(following, entry, complain) for entry in entries]
            stack += reversed([each for each in found if each is not None])

    def _ask_ahead(self, stack: "Sequence[FileInfo | TreePath]", asked: dict[TreePath, FolderListing]) -> None:
        """Ask for the folders that come next, while there is room on the line."""
        if len(asked) > _FOLDERS_AT_ONCE // 2 and stack[-1] in asked:
            return
        for each in reversed(stack):
            if len(asked) >= _FOLDERS_AT_ONCE and stack[-1] in asked:
                return
            if isinstance(each, TreePath) and each not in asked:
                with self._explained(each):
                    asked[each] = FolderListing(self._client, self._absolute(each))

    def _sorted_in(
        self, folder: TreePath, entry: "paramiko.SFTPAttributes", complain: Complain
    ) -> FileInfo | TreePath | None:
        """Return an entry that is a regular file, or a folder to be listed."""
        try:
            path = _checked_name(folder, entry.filename)
        except UnsafePathError as unsafe:
            complain(shown_name(folder, entry.filename), unsafe.message)
            return None
        kind = stat.S_IFMT(entry.st_mode or 0)
        if kind == stat.S_IFDIR:
            return path if is_worth_walking(path) and len(path.parts) <= _DEEPEST else None
        try:
            info = self._looked_at(path, entry)
        except ConnectionLostError:
            raise
        except SourceError as problem:
            complain(str(path), problem.message)
            return None
        if info is None and kind == stat.S_IFLNK:
            complain(str(path), _NOT_FOLLOWED)
        return info

    def files_in(self, folder: TreePath) -> list[FileInfo]:
        """List the regular files of one folder; empty where there is no such folder."""
        try:
            with self._turn, self._explained(folder):
                asked_at = time.monotonic()
                entries = list_folder(self._client, self._absolute(folder))
            self._check_root(asked_at)
        except MissingError:
            return []
        infos = []
        for entry in entries:
            # What cannot be looked at is not there for anyone.
            try:
                info = self._looked_at(_checked_name(folder, entry.filename), entry)
            except ConnectionLostError:
                raise
            except (UnsafePathError, SourceError):
                continue
            if info is not None:
                infos.append(info)
        return infos

    def _looked_at(self, path: TreePath, entry: "paramiko.SFTPAttributes") -> FileInfo | None:
        """Return the regular file an entry of a listing is or leads to."""
        kind = stat.S_IFMT(entry.st_mode or 0)
        if kind == stat.S_IFLNK:
            return self.stat(path)
        return _info(path, entry) if kind == stat.S_IFREG else None

    def stat(self, path: TreePath) -> FileInfo | None:
        """Look at one file; None when it is not there."""
        try:
            with self._turn, self._explained(path):
                asked_at = time.monotonic()
                entry = self._client.stat(self._absolute(path))
            self._check_root(asked_at)
        except MissingError:
            return None
        return _info(path, entry) if stat.S_ISREG(entry.st_mode or 0) else None

    def stat_all(self, paths: Sequence[TreePath]) -> list[FileInfo | None]:
        """Look at many files in one go; None for those that are not there, or of no size that a file can have."""
        with self._turn, self._explained(paths[0] if paths else ROOT):
            asked_at = time.monotonic()
            entries = list(stat_many(self._client, [self._absolute(path) for path in paths]))
        self._check_root(asked_at)
        infos: list[FileInfo | None] = [None] * len(paths)
        for number, entry in enumerate(entries):
            if entry is not None and stat.S_ISREG(entry.st_mode or 0):
                with suppress(SourceError):
                    infos[number] = _info(paths[number], entry)
        return infos

    def sha256(self, paths: Sequence[TreePath]) -> dict[TreePath, str]:
        """Let the server compute the SHA-256 of files, in hexadecimal digits.

        Raises
        ------
        SourceError
            If the account has no shell, or no ``sha256sum``; then nobody can tell.
        """
        feed = b"\0".join(self._absolute(path).encode("utf-8") for path in paths)
        code, told = self._run("xargs -0 sha256sum -z --", feed)
        found = {line[66:]: line[:64].decode("ascii") for line in told.split(b"\0") if _HASH.match(line)}
        if code == 0 or found:
            known = {path: found.get(self._absolute(path).encode("utf-8")) for path in paths}
            return {path: digest for path, digest in known.items() if digest}
        raise SourceError(
            f"{self.name} computes no hashes: the account there has no shell, or no sha256sum",
            hint="danmax-sync verify --deep reads back what came over the line",
        )

    def _run(self, command: str, feed: bytes) -> tuple[int, bytes]:
        """Run a command; where the server allows few sessions, in place of the source's own channel."""

        def run() -> tuple[int, bytes]:
            return self._carrier.run(command, feed=feed, timeout_s=_HASHING_S)

        try:
            return run()
        except NoRoomError:
            channel = self._client.get_channel()
            if getattr(channel, "carries_others", False):
                raise
        with self._turn:
            # Its answer would be lost with the channel.
            self._check_root()
            channel.close()
            try:
                return _patiently(run)
            finally:
                self._client = _patiently(self._open_client)

    def _open_client(self, *, granted: Callable[[], None] | None = None) -> "paramiko.SFTPClient":
        client = self._carrier.open_sftp(granted=granted)
        # A server may stand still behind a line that is alive.
        client.get_channel().settimeout(PATIENCE_S)
        return client

    def fetch(self, path: TreePath, sink: BinaryIO, advance: Advance) -> FileInfo:
        """Read a whole file into `sink`; see `Source.fetch`."""
        with self._explained(path):
            file = self._client.open(self._absolute(path), "rb")
        with file:
            with self._explained(path):
                before = _info(path, file.stat())
            blocks = PipelinedReader(self._client, file, before.size).blocks()
            received = 0
            while True:
                with self._explained(path):
                    block = next(blocks, None)
                if block is None:
                    break
                sink.write(block)
                received += len(block)
                advance(len(block))
        check_unchanged(before, self.stat(path), received, self._shown(path))
        return before

    def fetch_whole(self, infos: Sequence[FileInfo]) -> Iterator[tuple[FileInfo, bytes | SourceError]]:
        """Yield the content of small files, or why one cannot be had, in one stream.

        Raises
        ------
        ConnectionLostError
            If the line breaks.
        """
        files = stream(self._client, infos, lambda info: self._absolute(info.path))
        for info in infos:
            with self._explained(info.path):
                file = next(files)
            try:
                yield info, self._whole(file)
            except ConnectionLostError:
                raise
            except SourceError as problem:
                yield info, problem

    def _whole(self, file: StreamedFile) -> bytes:
        path = file.info.path
        if isinstance(file.failure, ShortAnswerError):
            sink = io.BytesIO()
            self.fetch(path, sink, lambda _: None)
            return sink.getvalue()
        with self._explained(path):
            if file.failure is not None:
                raise file.failure
        content = file.content
        check_unchanged(
            file.info, None if file.seen is None else _info(path, file.seen), len(content), self._shown(path)
        )
        return content

    def prepare_lanes(self) -> None:
        """Begin to open lanes, so that they are there when the plan is."""
        count = self.most_lanes - len(self._prepared)
        if count > 0:
            pool = ThreadPoolExecutor(count, thread_name_prefix="open-lane")
            self._prepared += [pool.submit(self._new_channel) for _ in range(count)]
            pool.shutdown(wait=False)

    def open_lane(self) -> Lane:
        """Open one more channel to read spans of files over; share the source's own where the server allows no other.

        Raises
        ------
        ConnectionLostError
            If the line has ended.
        SourceError
            If the server refuses another channel.
        """
        try:
            lane = self._next_lane()
        except ConnectionLostError:
            raise
        except SourceError:
            with self._turn:
                if self._has_lanes or self._shares:
                    raise
                self._shares = True
            return SharedLane(self._read_in_turn, closed=self._stop_sharing)
        self._has_lanes = True
        return lane

    def _stop_sharing(self) -> None:
        self._shares = False

    def _read_in_turn(self, span: Span, work: Work) -> None:
        """Read a span over the source's own channel."""
        path, offset, end = span.info.path, span.offset, span.offset + span.length
        with self._turn:
            try:
                with self._explained(path):
                    file = self._client.open(self._absolute(path), "rb")
            except MissingError as problem:
                raise SourceChangedError(f"{problem.message} any more", hint="run again later") from problem
            with file:
                blocks = PipelinedReader(self._client, file, end, start=offset).blocks()
                while not work.over:
                    with self._explained(path):
                        block = next(blocks, None)
                    if block is None:
                        break
                    span.write(offset, memoryview(block))
                    offset += len(block)
                with self._explained(path):
                    now = _info(path, file.stat())
        if not work.over:
            received = span.info.size if offset == end else offset
            check_unchanged(span.info, now, received, self._shown(path))

    def _next_lane(self) -> SftpLane:
        try:
            channel = self._prepared.pop(0).result()
        except IndexError:
            channel = self._new_channel()
        try:
            with self._explained(ROOT):
                return SftpLane(
                    channel, path_of=self._absolute, shown=self._shown, lost=self._lost, limits=self._limits
                )
        except BaseException:
            channel.close()
            raise

    def _new_channel(self) -> Any:
        return self._carrier.open_sftp().get_channel()

    @property
    def most_lanes(self) -> int:
        """How many lanes fill the line: each has a window of its own, and carries that much in a round trip."""
        usual, wide = next(lanes for round_trip_s, *lanes in _LANES if self._round_trip_s < round_trip_s)
        return wide if self._carrier.has_wide_windows else usual

    def hurry(self) -> None:
        """Wait only a few seconds for the server's answers from now on."""
        with suppress(OSError):
            self._client.get_channel().settimeout(_HURRY_S)

    def close(self) -> None:
        """End the connection."""
        for lane in self._prepared:
            lane.cancel()
        self._carrier.close()
        # What was just being opened has lost its line.
        wait(self._prepared, timeout=_LAST_LANE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_root(self, asked_at: float | None = None) -> None:
        """Hear what the root is, unless that is known; `asked_at` is when something else was asked and answered."""
        with self._turn:
            asked, self._root = self._root, None
            if asked is None:
                return
            try:
                with self._explained(ROOT):
                    root = asked.attributes()
            except MissingError:
                raise SourceError(
                    f"{self._shown(ROOT)} does not exist on the server",
                    hint=f"check the path, then: danmax-sync remote remove {self.name}, and add it again",
                ) from None
        # Whichever answer was waited for at once shows how long the line takes.
        self._round_trip_s = min(asked.took_s, math.inf if asked_at is None else time.monotonic() - asked_at)
        self._limits = self._what_it_serves.limits
        if not stat.S_ISDIR(root.st_mode or 0):
            raise SourceError(f"{self._shown(ROOT)} is not a folder", hint="a remote is the folder of a visit")
        if self._prepared:
            self.prepare_lanes()

    def _absolute(self, path: TreePath) -> str:
        return "/".join((self.base.rstrip("/"), *path.parts)) or "/"

    def _shown(self, path: TreePath) -> str:
        return f"{self.name}:{self._absolute(path)}"

    def _explained(self, path: TreePath) -> AbstractContextManager[None]:
        return explained(self.name, self._shown(path))

    def _lost(self, path: TreePath, why: str = "") -> ConnectionLostError:
        return line_lost(self.name, self._shown(path), why)


def _patiently(act: Callable[[], _T]) -> _T:
    """Do what needs a session: a server takes a moment to see that another one has ended."""
    deadline = time.monotonic() + _ROOM_S
    while True:
        try:
            return act()
        except SourceError as problem:
            if isinstance(problem, ConnectionLostError) or time.monotonic() > deadline:
                raise
            time.sleep(_NAP_S)


def _checked_name(folder: TreePath, name: str) -> TreePath:
    if "/" in name:
        raise UnsafePathError(f"the server sent the name {name!r}, which holds a '/'")
    return folder / name


def _info(path: TreePath, entry: "paramiko.SFTPAttributes") -> FileInfo:
    size, mtime = entry.st_size, entry.st_mtime
    if size is None or not 0 <= size <= _LARGEST:
        raise SourceError(f"the server does not tell the size of {path}")
    return FileInfo(path, int(size), int(mtime or 0) * 1_000_000_000)
