"""A collection elsewhere as the destination: an institute's server. All that is done there goes through the API."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from danmax_sync.errors import ConnectionLostError, SourceError, UnfinishedError, UnsafePathError, UsageError
from danmax_sync.sources.base import FileInfo
from danmax_sync.sources.globus.complaints import LoginWantedError, MissingError, NotAFolderError
from danmax_sync.sources.globus.facts import CollectionFacts
from danmax_sync.sources.globus.listing import read_entry
from danmax_sync.sources.remotes import Remote
from danmax_sync.transfer.arrival import InTheWayError
from danmax_sync.transfer.globus.batches import Batch, Item
from danmax_sync.transfer.globus.staged import FOLDER
from danmax_sync.transfer.mover import Wanted
from danmax_sync.visits import ROOT, TreePath

if TYPE_CHECKING:
    from danmax_sync.sources.globus.api import GlobusApi


@dataclass(slots=True)
class FarFolder:
    """A folder of a collection, to be written to; made by `FarFolder.open`.

    Attributes
    ----------
    base : str
        Its path there.
    """

    api: "GlobusApi"
    it: CollectionFacts
    base: str
    uri: str
    _is_there: bool = False
    _made: set[TreePath] = field(default_factory=set)
    _seen: dict[TreePath, dict[str, FileInfo]] = field(default_factory=dict)

    @classmethod
    def open(cls, api: "GlobusApi", remote: Remote) -> "FarFolder":
        """Look at the collection, and at the folder, which need not be there yet.

        Raises
        ------
        LoginError, SourceError
            If it wants a consent, or is not there.
        """
        with _login_named(remote.uri):
            it = api.collection(remote.host)
            far = cls(api, it, remote.path, remote.uri)
            far._is_there = api.entry(it, remote.path) is not None
        return far

    def make_base(self) -> None:
        """Make the folder itself, where it is not there.

        Raises
        ------
        LoginError, SourceError, UnfinishedError
            If it wants a consent, or may not be written to.
        """
        if not self._is_there:
            with _login_named(self.uri), _refused_plainly():
                self._make_parents(self.base)
            self._is_there = True

    def path(self, path: TreePath) -> str:
        """Return how the collection calls a path."""
        return "/".join((self.base.rstrip("/"), *path.parts)) or "/"

    def files_in(self, folder: TreePath, *, anew: bool = False) -> dict[str, FileInfo]:
        """Return the files of one of its folders, by name, as they were when they were last looked at."""
        if anew or folder not in self._seen:
            self._seen[folder] = self._listed(folder)
        return self._seen[folder]

    def make(self, folder: TreePath) -> None:
        """Make a folder, and those it is in."""
        for depth in range(1, len(folder.parts) + 1):
            above = TreePath(folder.parts[:depth])
            if above not in self._made:
                with _refused_plainly():
                    self.api.make_folder(self.it, self.path(above))
                self._made.add(above)

    def give_name(self, staged: str, final: TreePath, *, size: int) -> None:
        """Rename a staged file; what stands there is kept.

        Raises
        ------
        InTheWayError
            If another file stands there.
        UnfinishedError
            If the collection refuses, or does not answer.
        """
        if self.files_in(final.parent).get(final.name) is not None:
            raise self._in_the_way(final)
        self.make(final.parent)
        try:
            self.api.rename(self.it, staged, self.path(final))
        except ConnectionLostError:
            raise
        except SourceError as refused:
            # The answer to an earlier try may have been lost: then it bears its name by now.
            now = self.files_in(final.parent, anew=True).get(final.name)
            if now is None:
                raise _kept(refused) from refused
            if now.size != size or self.api.entry(self.it, staged) is not None:
                raise self._in_the_way(final) from refused

    def _in_the_way(self, final: TreePath) -> InTheWayError:
        return InTheWayError(
            f"{self.it.name}:{self.path(final)} is in the way: it is not overwritten", hint="move it away and run again"
        )

    def _listed(self, folder: TreePath) -> dict[str, FileInfo]:
        try:
            entries = self.api.entries(self.it, self.path(folder))
        except (MissingError, NotAFolderError):
            return {}
        found = {}
        for entry in entries:
            try:
                info = read_entry(folder, entry)
            except (UnsafePathError, SourceError):
                continue
            if isinstance(info, FileInfo):
                found[info.path.name] = info
        return found

    def _make_parents(self, path: str) -> None:
        parts = [part for part in path.split("/") if part]
        for depth in range(1, len(parts) + 1):
            above = f"/{'/'.join(parts[:depth])}"
            if parts[:depth] != ["~"] and self.api.entry(self.it, above) is None:
                self.api.make_folder(self.it, above)


@contextlib.contextmanager
def _login_named(uri: str) -> Iterator[None]:
    try:
        yield
    except LoginWantedError as wanted:
        hint = f"danmax-sync remote add elsewhere {uri}, then danmax-sync login elsewhere"
        raise LoginWantedError(wanted.message, hint=hint) from wanted


@contextlib.contextmanager
def _refused_plainly() -> Iterator[None]:
    try:
        yield
    except ConnectionLostError:
        raise
    except SourceError as refused:
        raise _kept(refused) from refused


def _kept(refused: SourceError) -> UnfinishedError:
    """Return what to say where a destination refuses: nothing is wrong at the source, and nothing travels twice."""
    return UnfinishedError(
        f"{refused.message}; what has arrived is kept", hint=f"{refused.hint or 'mend that'}, then run again"
    )


@dataclass(slots=True)
class FarGround:
    """Such a folder as the ground where files land: they stay staged until their set is complete.

    Attributes
    ----------
    landed : dict
        Where each whole file stands, by its path.
    """

    far: FarFolder
    landed: dict[TreePath, str] = field(default_factory=dict)

    @property
    def collection(self) -> str:
        """Its id."""
        return self.far.it.id

    @property
    def key(self) -> str:
        """Its URI."""
        return self.far.uri

    def check(self) -> None:
        """Check that it is there."""
        if not self.far.it.connected:
            raise UsageError(f"{self.far.it.name} is not connected to Globus", hint="start it there, then run again")

    def prepare(self, batch: Batch) -> None:
        """Nothing is to be made: Globus makes folders on its way, and there are no second names."""

    def staged(self, batch: Batch, item: Item) -> str:
        """Return a number in the hidden folder of its batch."""
        return self.far.path(TreePath((*self._folder(batch).parts, item.staged_name)))

    def wholeness(self, batch: Batch) -> Callable[[Item], bool]:
        """List the staging folder once."""
        there = self.far.files_in(self._folder(batch), anew=True)

        def is_whole(item: Item) -> bool:
            info = there.get(item.staged_name)
            return info is not None and info.size == item.size

        return is_whole

    def land(self, batch: Batch, item: Item, wanted: Wanted) -> None:
        """Remember where it stands."""
        self.landed[wanted.file.path] = self.staged(batch, item)

    def is_taken(self, path: TreePath) -> bool:
        """Look at the listing of its folder."""
        return path.name in self.far.files_in(path.parent)

    def bytes_here(self, batch: Batch) -> int:
        """Nobody asks how much room is there."""
        return sum(info.size for info in self.far.files_in(self._folder(batch)).values())

    def remove(self, batch: Batch) -> None:
        """Leave an empty folder: the API has no simple way to remove one."""

    def _folder(self, batch: Batch) -> TreePath:
        return TreePath((*ROOT.parts, FOLDER, batch.folder))
