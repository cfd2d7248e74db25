"""What brings files into their part files, whatever road they take: streams from a folder or SFTP, tasks of Globus.

::

    planned file ──move()──▶ part file, whole, synced, the source's version and time ──▶ Landed
                                     └── or why not ──────────────────────────────────▶ Landed with a problem

A mover knows nothing of sets. Who drives it puts sets together, checks them, and gives them their names.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from danmax_sync.errors import DanmaxSyncError, SourceError
from danmax_sync.sources.base import SourceChangedError
from danmax_sync.transfer.arrival import DiskFullError
from danmax_sync.transfer.plan import PlannedFile


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to bring.

    Attributes
    ----------
    final : Path
        Where it will stand; its part file is beside it (`danmax_sync.transfer.arrival.part_of`).
    """

    file: PlannedFile
    final: Path


@dataclass(frozen=True, slots=True)
class Landed:
    """A file that is whole in its part file, or cannot be.

    Attributes
    ----------
    problem : DanmaxSyncError or None
        Why it is not there.
    fetched : int
        Bytes that travelled now; fewer than its size where an earlier run had begun.
    checksums : tuple of int
        CRC-32 of each segment as it came over the wire, where the road shows them.
    segment_bytes : int
        Of those segments; the last may be shorter.
    """

    wanted: Wanted
    problem: DanmaxSyncError | None = None
    fetched: int = 0
    checksums: tuple[int, ...] = ()
    segment_bytes: int = 0


def leaves_the_rest_good(problem: DanmaxSyncError | None) -> bool:
    """Say whether what came besides is good in spite of a problem: a bad sector, say, but not another version."""
    if isinstance(problem, SourceError):
        return not isinstance(problem, SourceChangedError)
    return isinstance(problem, DiskFullError)


Moved = Callable[[int, str], None]
"""Told, on the caller's thread and now and then, how many bytes have come so far, and of which file the last were."""


class Mover(Protocol):
    """One road. Errors of a single file are in its `Landed`, as is a broken line for each file it kept from coming."""

    def move(self, wanted: Sequence[Wanted], *, moved: Moved) -> Iterator[Landed | None]:
        """Bring files, in about this order; yield each once, as soon as it has landed, and None while none does.

        A caller that stops early, by closing the iterator or an exception, leaves whatever can be resumed.
        """
        ...

    def check(self) -> None:
        """Check that this road leads to the destination, before anything is made there.

        Raises
        ------
        UsageError
            If it does not, and what would help.
        """
        ...

    def staged_bytes(self, files: Sequence[PlannedFile]) -> int:
        """Return how much of some files an earlier run has brought, beside the parts in the journal."""
        ...

    def settle(self) -> None:
        """Forget what this run has ended; called when sets have their names, with the destination's lock held."""
        ...
