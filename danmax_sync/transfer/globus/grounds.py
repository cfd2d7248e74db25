"""Where files land: a folder of this machine, or one of a collection elsewhere."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from danmax_sync.sources.globus.local import LocalCollection, collection_path
from danmax_sync.transfer.globus.batches import Batch, Item
from danmax_sync.transfer.globus.staged import Staged
from danmax_sync.transfer.mover import Wanted
from danmax_sync.visits import TreePath


class Ground(Protocol):
    """A destination of tasks; errors are those of `danmax_sync.errors`."""

    @property
    def collection(self) -> str:
        """The collection's id."""
        ...

    @property
    def key(self) -> str:
        """What it is called in the log."""
        ...

    def check(self) -> None:
        """Check that Globus may write there."""
        ...

    def prepare(self, batch: Batch) -> None:
        """Make ready for a batch: nothing that Globus will write to may have another name."""
        ...

    def staged(self, batch: Batch, item: Item) -> str:
        """Return where Globus writes a file, as it calls it."""
        ...

    def wholeness(self, batch: Batch) -> Callable[[Item], bool]:
        """Return what says of a batch's files whether they stand there with their size."""
        ...

    def land(self, batch: Batch, item: Item, wanted: Wanted) -> None:
        """Take over a whole file."""
        ...

    def is_taken(self, path: TreePath) -> bool:
        """Say whether something stands where a file shall stand in the end."""
        ...

    def bytes_here(self, batch: Batch) -> int:
        """Return how much of a batch takes room already."""
        ...

    def remove(self, batch: Batch) -> None:
        """Remove what is left of a batch's staging."""
        ...


@dataclass(frozen=True, slots=True)
class HereGround:
    """A folder of this machine, written to by its own collection; files land as part files.

    Attributes
    ----------
    folder : Path
        Below it the source's tree is kept; its lock is held while files land.
    """

    folder: Path
    here: LocalCollection

    @property
    def collection(self) -> str:
        """The id of this machine's collection."""
        return self.here.id

    @property
    def key(self) -> str:
        """The folder."""
        return str(self.folder)

    def check(self) -> None:
        """Check the paths that Globus Connect Personal may write to."""
        self.here.check_writable(self.folder)

    def prepare(self, batch: Batch) -> None:
        """Make the staging folder."""
        Staged(self.folder, batch).prepare()

    def staged(self, batch: Batch, item: Item) -> str:
        """Return the staged file's path as Globus Connect Personal spells it."""
        return collection_path(Staged(self.folder, batch).place(item))

    def wholeness(self, batch: Batch) -> Callable[[Item], bool]:
        """Look at the disk."""
        return Staged(self.folder, batch).is_whole

    def land(self, batch: Batch, item: Item, wanted: Wanted) -> None:
        """Make it a part file."""
        Staged(self.folder, batch).land(item, wanted.final)

    def is_taken(self, path: TreePath) -> bool:
        """Look at the disk."""
        return os.path.lexists(path.below(self.folder))

    def bytes_here(self, batch: Batch) -> int:
        """Add up what stands in staging."""
        return Staged(self.folder, batch).bytes_here()

    def remove(self, batch: Batch) -> None:
        """Remove the staging folder."""
        Staged(self.folder, batch).remove()
