"""How files are put into tasks, as plain values.

Globus works on three tasks of a user at once, and takes about as long to begin one as to move a gigabyte. So there are
a few tasks, each with whole sets, small enough that the first sets are here long before the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from danmax_sync.transfer.plan import PlannedFile
from danmax_sync.visits import FileKind, TreePath, kind_of

AT_ONCE = 3
"""Tasks that Globus works on at once; more would only wait there."""
FEWEST_BYTES = 1 << 30
MOST_BYTES = 128 << 30
MOST_FILES = 2_000
_ROUNDS = 3
"""How often each of the tasks at once is filled, where there is enough for that."""
DEADLINE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Item:
    """A file of a batch; `number` is its name in the batch's staging folder.

    Attributes
    ----------
    size, mtime_ns : int
        Of the version that was planned.
    """

    number: int
    path: TreePath
    size: int
    mtime_ns: int

    @property
    def staged_name(self) -> str:
        """A name that no source has chosen."""
        return f"{self.number:06d}"

    def is_version_of(self, file: PlannedFile) -> bool:
        """Say whether a plan means the same version."""
        return self.size == file.size and self.mtime_ns == file.mtime_ns


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that travel in one task.

    Attributes
    ----------
    submission_id : str
        Kept before it is used: whatever happens to the answer, the same one means the same task.
    folder : str
        The name of its staging folder; a second attempt has that of the first.
    task_id : str
        Empty until Globus has accepted it.
    attempt : int
        From the second on, files that are there already are compared by checksum, and only what differs travels.
    """

    submission_id: str
    folder: str
    items: tuple[Item, ...]
    task_id: str = ""
    attempt: int = 1

    @property
    def bytes(self) -> int:
        """Its size."""
        return sum(item.size for item in self.items)

    def again(self, submission_id: str, items: Sequence[Item]) -> "Batch":
        """Return another attempt at some of its files."""
        return replace(self, submission_id=submission_id, items=tuple(items), task_id="", attempt=self.attempt + 1)


def split(files: Sequence[PlannedFile]) -> list[list[PlannedFile]]:
    """Put files into batches, in their order; a set stays together: it ends with its master.

    Returns
    -------
    list of list of PlannedFile
        None is empty. A batch has more than `MOST_FILES` or `MOST_BYTES` only where a single set has.
    """
    total = sum(file.size for file in files)
    room = min(max(total // (AT_ONCE * _ROUNDS), FEWEST_BYTES), MOST_BYTES)
    batches: list[list[PlannedFile]] = []
    held = 0
    for one_set in _sets(files):
        size = sum(file.size for file in one_set)
        if not batches or held + size > room or len(batches[-1]) + len(one_set) > MOST_FILES:
            batches.append([])
            held = 0
        batches[-1] += one_set
        held += size
    return batches


def _sets(files: Sequence[PlannedFile]) -> list[list[PlannedFile]]:
    sets: list[list[PlannedFile]] = [[]]
    for file in files:
        sets[-1].append(file)
        if kind_of(file.path.name) is FileKind.MASTER:
            sets.append([])
    return [each for each in sets if each]


def numbered(files: Sequence[PlannedFile]) -> tuple[Item, ...]:
    """Return files as items of a batch."""
    return tuple(Item(number, file.path, file.size, file.mtime_ns) for number, file in enumerate(files))


def options(batch: Batch, label: str) -> dict[str, Any]:
    """Return how a batch is to be moved, as arguments of the SDK's ``TransferData``.

    Checksums are verified, which the SDK leaves off. A file that has vanished must not hold the others up for a day,
    nor a full disk: so errors at the source are skipped, and asked for afterwards, and a full quota ends the task.
    """
    chosen: dict[str, Any] = {
        "label": _plain(label),
        "submission_id": batch.submission_id,
        "verify_checksum": True,
        "preserve_timestamp": True,
        "skip_source_errors": True,
        "fail_on_quota_errors": True,
        "notify_on_succeeded": False,
    }
    # "All other levels can lead to data corruption", says Globus's own help, where a transfer has failed before.
    return chosen | ({"sync_level": "checksum"} if batch.attempt > 1 else {})


def _plain(label: str) -> str:
    """Return a label of the characters Globus takes."""
    return "".join(c if c.isascii() and (c.isalnum() or c in " -_,.") else "_" for c in label)[:128]
