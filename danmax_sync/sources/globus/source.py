"""A folder of a collection as a source. Names and sizes come from servers and are checked before use."""

import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from danmax_sync.errors import ConnectionLostError, SourceError, UnsafePathError
from danmax_sync.sources.base import Advance, Complain, FileInfo, check_unchanged
from danmax_sync.sources.globus.account import account
from danmax_sync.sources.globus.complaints import LoginWantedError, MissingError, NotAFolderError
from danmax_sync.sources.globus.download import BrokenOffError, Downloads
from danmax_sync.sources.globus.listing import file_info, read_entry, walk
from danmax_sync.sources.globus.local import local_collection, required_local_collection
from danmax_sync.sources.globus.login import login, make_app
from danmax_sync.sources.globus.staging import Staging
from danmax_sync.sources.remotes import Remote
from danmax_sync.sources.ssh.prompts import NoTerminal, Prompter
from danmax_sync.visits import ROOT, TreePath

if TYPE_CHECKING:
    from globus_sdk import GlobusApp

_AT_ONCE = 8
_BLOCK = 1 << 20
_CHUNK = (256, 16 << 20)
"""Files, and bytes, that are read before their folders are looked at once more; with tasks there are more of them."""
_CHUNK_OF_A_TASK = (2000, 512 << 20)


class GlobusSource:
    """A folder of a collection; made by `GlobusSource.open`.

    Attributes
    ----------
    api : GlobusApi
    it : CollectionFacts
    """

    local = False
    looks_by_listing = True
    """To look at a file is to list its folder, so there is nothing to be gained by looking at few."""

    def __init__(self, remote: Remote, app: "GlobusApp") -> None:
        from danmax_sync.sources.globus.api import GlobusApi

        self.name, self.uri, self.base = remote.name, remote.uri, remote.path
        self._app = app
        self._downloads: Downloads | None = None
        self._looked_at: dict[TreePath, dict[TreePath, FileInfo]] | None = None
        self.api = GlobusApi(app, remote.name)
        self.it = self.api.collection(remote.host)

    @classmethod
    def open(cls, remote: Remote, prompter: Prompter) -> Self:
        """Log in where that is needed and somebody is there to do it, and look at the folder.

        Raises
        ------
        LoginError
            If nobody is logged in, or the collection wants more.
        SourceError
            If the collection or the folder is not there, or cannot be reached.
        """
        who = account()
        try:
            return cls._opened(remote, make_app(who, None))
        except LoginWantedError:
            if isinstance(prompter, NoTerminal) and not who.is_unattended:
                raise
            login(remote, prompter)
        return cls._opened(remote, make_app(who, None))

    @classmethod
    def _opened(cls, remote: Remote, app: "GlobusApp") -> Self:
        source: Self | None = None
        try:
            source = cls(remote, app)
            app.add_scope_requirements(source._scopes())
            source._check_root()
            if source.it.https_server:
                source._downloads = Downloads(source.it, source.api.authorizer(source.it.id), remote.name)
        except BaseException:
            if source is not None:
                source.close()
            app.close()
            raise
        return source

    def _scopes(self) -> "dict[str, Any]":
        # Without what they depend on: Globus tells when a consent is missing, asking for them costs a request.
        return {server: scope.scope_string for server, scope in self.it.scopes().items()}

    def walk(self, complain: Complain, below: TreePath = ROOT) -> Iterator[FileInfo]:
        """Yield the regular files below a folder, folder by folder; several folders are listed at once."""
        return walk(lambda folder: self.api.entries(self.it, self.absolute(folder)), below, complain)

    def files_in(self, folder: TreePath) -> list[FileInfo]:
        """List the regular files of one folder; empty where there is no such folder."""
        try:
            entries = self.api.entries(self.it, self.absolute(folder))
        except (MissingError, NotAFolderError):
            return []
        infos = []
        for entry in entries:
            # What cannot be looked at is not there for anyone.
            with suppress(UnsafePathError, SourceError):
                found = read_entry(folder, entry)
                if isinstance(found, FileInfo):
                    infos.append(found)
        return infos

    def stat(self, path: TreePath) -> FileInfo | None:
        """Look at one file; None when it is not there."""
        entry = self.api.entry(self.it, self.absolute(path))
        if entry is None or entry.get("type") != "file":
            return None
        return file_info(path, entry)

    def stat_all(self, paths: Sequence[TreePath]) -> list[FileInfo | None]:
        """Look at many files, one listing a folder; None for those that are not there."""
        looked_at = {} if self._looked_at is None else self._looked_at
        for folder in dict.fromkeys(path.parent for path in paths):
            if folder not in looked_at:
                looked_at[folder] = {info.path: info for info in self.files_in(folder)}
        return [looked_at[path.parent].get(path) for path in paths]

    def remember_listings(self) -> None:
        """Let `stat_all` list each folder once from now on, until this is called again: files came until now."""
        self._looked_at = {}

    def fetch(self, path: TreePath, sink: BinaryIO, advance: Advance) -> FileInfo:
        """Read a whole file into `sink`: over HTTPS, or with a task of its own; see `Source.fetch`."""
        before = self.stat(path)
        if before is None:
            raise SourceError(f"{self._shown(path)} is not there")
        received = 0
        try:
            for block in self._blocks(path):
                sink.write(block)
                received += len(block)
                advance(len(block))
        except (BrokenOffError, MissingError):
            # A file that became shorter, or vanished, looks like a broken line; only a second look tells.
            check_unchanged(before, self.stat(path), before.size, self._shown(path))
            raise
        check_unchanged(before, self.stat(path), received, self._shown(path))
        return before

    def fetch_whole(self, infos: Sequence[FileInfo]) -> Iterator[tuple[FileInfo, bytes | SourceError]]:
        """Yield the content of small files, or why one cannot be had; many at once.

        Raises
        ------
        ConnectionLostError
            If the line breaks, or a task ends without them.
        """
        for chunk in _chunks(infos, _CHUNK if self._downloads else _CHUNK_OF_A_TASK):
            contents = self._downloaded(chunk) if self._downloads else self._staged(chunk)
            # One listing of each folder shows that all that was read of it has stood still.
            folders = dict.fromkeys(info.path.parent for info in chunk)
            after = {info.path: info for folder in folders for info in self.files_in(folder)}
            for info in chunk:
                content = contents.pop(info.path)
                try:
                    if isinstance(content, bytes):
                        check_unchanged(info, after.get(info.path), len(content), self._shown(info.path))
                except SourceError as problem:
                    content = problem
                yield info, content

    def absolute(self, path: TreePath) -> str:
        """Return how the collection calls a path."""
        return "/".join((self.base.rstrip("/"), *path.parts)) or "/"

    def about(self) -> list[str]:
        """Return sentences about which roads there are: to read masters, and to bring files here."""
        small = "over HTTPS" if self.it.https_server else "in small transfers"
        here = local_collection()
        large = f"this machine is the collection {here.id}" if here else "this machine is no collection yet"
        hint = "" if here else "\n  → danmax-sync doctor"
        return [f"it is the Globus collection {self.it.name}; masters come {small}; {large}{hint}"]

    def close(self) -> None:
        """End the connections."""
        if self._downloads is not None:
            self._downloads.close()
        self.api.close()
        self._app.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _blocks(self, path: TreePath) -> Iterator[bytes]:
        if self._downloads is not None:
            yield from self._downloads.blocks(self.absolute(path), is_there=lambda: self.stat(path) is not None)
            return
        with self._staging().brought([path]) as places:
            place = places[path]
            if isinstance(place, str):
                raise MissingError(f"{self._shown(path)} cannot be read: {place}")
            with place.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block

    def _downloaded(self, chunk: Sequence[FileInfo]) -> dict[TreePath, bytes | SourceError]:
        def read(info: FileInfo) -> bytes | SourceError:
            try:
                return b"".join(self._blocks(info.path))
            except BrokenOffError as problem:
                return problem
            except ConnectionLostError:
                raise
            except SourceError as problem:
                return problem

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="globus-get") as workers:
            try:
                contents = list(workers.map(read, chunk))
            except BaseException:
                workers.shutdown(wait=False, cancel_futures=True)
                raise
        found = {info.path: content for info, content in zip(chunk, contents, strict=True)}
        for path, content in found.items():
            if isinstance(content, BrokenOffError):
                # Alone, it is told apart from a file that changes.
                found[path] = self._once_more(path)
        return found

    def _once_more(self, path: TreePath) -> bytes | SourceError:
        sink = io.BytesIO()
        try:
            self.fetch(path, sink, lambda _: None)
        except ConnectionLostError:
            raise
        except SourceError as problem:
            return problem
        return sink.getvalue()

    def _staged(self, chunk: Sequence[FileInfo]) -> dict[TreePath, bytes | SourceError]:
        with self._staging().brought([info.path for info in chunk]) as places:
            return {path: self._read(path, places) for path in places}

    def _read(self, path: TreePath, places: "Mapping[TreePath, Any]") -> bytes | SourceError:
        place = places[path]
        if isinstance(place, str):
            return SourceError(f"{self._shown(path)} cannot be read: {place}")
        try:
            content: bytes = place.read_bytes()
        except OSError as problem:
            return SourceError(f"{self._shown(path)} was brought and cannot be read: {problem.strerror}")
        return content

    def _staging(self) -> Staging:
        return Staging(self.api, self.it, self.base, required_local_collection())

    def _shown(self, path: TreePath) -> str:
        return f"{self.name}:{self.absolute(path)}"

    def _check_root(self) -> None:
        entry = self.api.entry(self.it, self.base)
        if entry is None:
            raise SourceError(
                f"{self._shown(ROOT)} does not exist in the collection {self.it.name}",
                hint=f"check the path, then: danmax-sync remote remove {self.name}, and add it again",
            )
        if entry.get("type") != "dir":
            raise SourceError(f"{self._shown(ROOT)} is not a folder", hint="a remote is the folder of a visit")


def _chunks(infos: Sequence[FileInfo], limits: tuple[int, int]) -> Iterator[list[FileInfo]]:
    """Yield files in their order, as many as the limits let be in memory together."""
    chunk: list[FileInfo] = []
    held = 0
    for info in infos:
        if chunk and (len(chunk) >= limits[0] or held + info.size > limits[1]):
            yield chunk
            chunk, held = [], 0
        chunk.append(info)
        held += info.size
    if chunk:
        yield chunk
