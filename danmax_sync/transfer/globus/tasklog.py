"""What must not be forgotten of tasks: kept before each step that cannot be taken back.

::

    PREPARED (submission id kept) ─POST─▶ SUBMITTED (task id kept) ─▶ over, files landed ─▶ forgotten
         ▲                                     │
         └── another attempt takes its place ──┘

A kill between two of them leads to the same task again: Globus knows a submission id for ever.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from danmax_sync import settings
from danmax_sync.errors import UnfinishedError
from danmax_sync.transfer.globus.batches import Batch, Item
from danmax_sync.visits import TreePath

_VERSION = 1
_TABLES = """
CREATE TABLE batch (
    submission_id TEXT PRIMARY KEY, folder TEXT NOT NULL, task_id TEXT NOT NULL, attempt INTEGER NOT NULL,
    source TEXT NOT NULL, remote TEXT NOT NULL, destination TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE item (
    submission_id TEXT NOT NULL REFERENCES batch ON DELETE CASCADE, number INTEGER NOT NULL, path TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, PRIMARY KEY (submission_id, number)) WITHOUT ROWID;
"""
_PATIENCE_S = 30.0


def log_file() -> Path:
    """Return where the log is; it need not exist."""
    return settings.home() / "globus-tasks.db"


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """A batch, with where it goes from and to.

    Attributes
    ----------
    source : str
        The remote's URI.
    remote : str
        Its name when the batch was made.
    destination : str
        A folder of this machine, or a collection's URI.
    """

    batch: Batch
    source: str
    remote: str
    destination: str
    created: float


class TaskLog:
    """The log, one SQLite file in our home folder; made by `TaskLog.open`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path

    @classmethod
    def open(cls, path: Path | None = None) -> Self:
        """Open it, made where there is none.

        Raises
        ------
        UnfinishedError
            If it is damaged or cannot be written to. It is not set aside: tasks may be running that only it knows.
        """
        path = path or settings.ensured_home() / log_file().name
        with _told(path):
            connection = sqlite3.connect(path, timeout=_PATIENCE_S, check_same_thread=False)
            try:
                # What is kept must be on the disk before Globus is asked.
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
        return cls(connection, path)

    def batches(self, *, source: str | None = None, destination: str | None = None) -> list[KeptBatch]:
        """Return the batches that are not settled, the oldest first; all, or those of one place."""
        with _told(self._path):
            rows = self._connection.execute(
                "SELECT submission_id, folder, task_id, attempt, source, remote, destination, created FROM batch"
                " WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR destination = ?2)"
                " ORDER BY created, submission_id",
                (source, destination),
            ).fetchall()
            return [KeptBatch(Batch(row[0], row[1], self._items(row[0]), row[2], row[3]), *row[4:8]) for row in rows]

    def keep(
        self, batch: Batch, *, source: str, remote: str, destination: str, instead_of: Batch | None = None
    ) -> None:
        """Keep a batch, in place of an earlier attempt."""
        row = (batch.submission_id, batch.folder, batch.task_id, batch.attempt, source, remote, destination)
        items = [(batch.submission_id, it.number, str(it.path), it.size, it.mtime_ns) for it in batch.items]
        with _told(self._path), self._connection:
            if instead_of is not None:
                self._connection.execute("DELETE FROM batch WHERE submission_id = ?", (instead_of.submission_id,))
            self._connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, time.time()))
            self._connection.executemany("INSERT INTO item VALUES (?, ?, ?, ?, ?)", items)

    def submitted(self, batch: Batch, task_id: str) -> None:
        """Keep the task that Globus has made of a batch."""
        with _told(self._path), self._connection:
            self._connection.execute(
                "UPDATE batch SET task_id = ? WHERE submission_id = ?", (task_id, batch.submission_id)
            )

    def forget(self, batches: Sequence[Batch]) -> None:
        """Forget batches of which nothing more is to come."""
        with _told(self._path), self._connection:
            self._connection.executemany(
                "DELETE FROM batch WHERE submission_id = ?", [(batch.submission_id,) for batch in batches]
            )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _items(self, submission_id: str) -> tuple[Item, ...]:
        rows: list[tuple[Any, ...]] = self._connection.execute(
            "SELECT number, path, size, mtime_ns FROM item WHERE submission_id = ? ORDER BY number", (submission_id,)
        ).fetchall()
        return tuple(Item(number, TreePath.parse(path), size, mtime) for number, path, size, mtime in rows)


def _prepare(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise sqlite3.DatabaseError(f"it is of version {version}, this one is {_VERSION}")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as problem:
        raise UnfinishedError(
            f"the log of Globus tasks {path} cannot be used: {problem}",
            hint=f"see https://app.globus.org/activity for tasks that run, move {path} away, then run again",
        ) from problem
