"""A source with hooks: a folder, and what may happen to it at any moment of a transfer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from danmax_sync.sources.base import Advance, Complain, FileInfo
from danmax_sync.sources.folder import FolderSource
from danmax_sync.visits import ROOT, TreePath

Hook = Callable[[TreePath], None]


def _nothing(path: TreePath) -> None:
    """Let it be."""


@dataclass
class HookedSource:
    """A folder whose fetches can be watched, delayed, cut and lied about.

    Attributes
    ----------
    before, after : callable
        Called with the path before and after each fetch; may raise or change the folder.
    """

    folder: Path
    name: str = "facility"
    local: bool = False
    before: Hook = _nothing
    after: Hook = _nothing
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._real = FolderSource(self.folder, name=self.name)
        # Wherever the folder stands, so that a catalogue of one copy serves another.
        self.base = f"/data/visitors/danmax/{self.folder.parent.name}/{self.folder.name}"
        self.uri = f"sftp://facility{self.base}"

    def walk(self, complain: Complain, below: TreePath = ROOT) -> Iterator[FileInfo]:
        """Walk the folder."""
        return self._real.walk(complain, below)

    def files_in(self, folder: TreePath) -> list[FileInfo]:
        """List it."""
        return self._real.files_in(folder)

    def stat(self, path: TreePath) -> FileInfo | None:
        """Look at it."""
        return self._real.stat(path)

    def fetch(self, path: TreePath, sink: BinaryIO, advance: Advance) -> FileInfo:
        """Copy it, with the hooks before and after."""
        self.before(path)
        info = self._real.fetch(path, sink, advance)
        self.fetched.append(str(path))
        self.after(path)
        return info

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def on(ending: str, act: Callable[[TreePath], None]) -> Hook:
    """Act on paths that end so, and only on those."""

    def hook(path: TreePath) -> None:
        if str(path).endswith(ending):
            act(path)

    return hook


def raising(problem: BaseException) -> Hook:
    """Raise something."""

    def hook(path: TreePath) -> None:
        raise problem

    return hook
