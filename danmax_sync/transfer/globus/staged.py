"""The staging folder of a batch, inside the destination: where Globus writes, and from where files land.

Globus writes in place, under the name it is given. So it is given names that nobody looks at, in a hidden folder, and
only what is known to be whole gets a part file's name.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.transfer.arrival import part_of, writing
from danmax_sync.transfer.globus.batches import Batch, Item

FOLDER = ".danmax-globus"


@dataclass(frozen=True, slots=True)
class Staged:
    """Where the files of a batch stand while they come.

    Attributes
    ----------
    destination : Path
        The folder below which the source's tree is kept.
    """

    destination: Path
    batch: Batch

    @property
    def folder(self) -> Path:
        """Its own folder."""
        return self.destination / FOLDER / self.batch.folder

    def place(self, item: Item) -> Path:
        """Return where Globus writes a file."""
        return self.folder / item.staged_name

    def prepare(self) -> None:
        """Make the folder, and remove what Globus must not write to: a name that a published file may have too."""
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        for item in self.batch.items:
            place = self.place(item)
            with contextlib.suppress(FileNotFoundError):
                if place.stat().st_nlink != 1:
                    place.unlink()

    def is_whole(self, item: Item) -> bool:
        """Say whether a file is there with its planned size; whether that is enough, the task must say."""
        try:
            return self.place(item).stat().st_size == item.size
        except OSError:
            return False

    def bytes_here(self) -> int:
        """Return how much stands in it, without what a published file shares."""
        size = 0
        for item in self.batch.items:
            with contextlib.suppress(OSError):
                info = self.place(item).stat()
                size += info.st_size if info.st_nlink == 1 else 0
        return size

    def land(self, item: Item, final: Path) -> None:
        """Give a whole file its part file's name, synced, with the source's time.

        The staged name stays as well, where the disk can do that: a kill before the set is published costs nothing.

        Raises
        ------
        UnfinishedError
            If the disk has something against it.
        """
        place, part = self.place(item), part_of(final)
        with writing(final):
            os.utime(place, ns=(item.mtime_ns, item.mtime_ns))
            with place.open("rb+") as file:
                os.fsync(file.fileno())
            final.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            try:
                os.link(place, part)
            except OSError:
                place.rename(part)

    def remove(self) -> None:
        """Remove the folder, where that can be done."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            (self.destination / FOLDER).rmdir()
