"""What transfers must not forget: parts that were begun, files that were checked, sets that are unfinished.

One SQLite file in our home folder. It holds nothing that cannot be had again: without it, parts are fetched anew and
checks are done again. So a damaged one is set aside, which is said, and work goes on with an empty one.
"""

import array
import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from danmax_sync import settings
from danmax_sync.errors import UnfinishedError
from danmax_sync.events import Listener, ignore, warning

_VERSION = 1
_TABLES = """
CREATE TABLE part (
    destination TEXT NOT NULL, path TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, segment_bytes INTEGER NOT NULL, checksums BLOB NOT NULL, updated REAL NOT NULL,
    PRIMARY KEY (destination, path)) WITHOUT ROWID;
CREATE TABLE checked (
    destination TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    level TEXT NOT NULL, segment_bytes INTEGER NOT NULL, checksums BLOB NOT NULL, updated REAL NOT NULL,
    PRIMARY KEY (destination, path)) WITHOUT ROWID;
CREATE TABLE unfinished (
    destination TEXT NOT NULL, master TEXT NOT NULL, source TEXT NOT NULL, label TEXT NOT NULL,
    state TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL, bytes INTEGER NOT NULL, updated REAL NOT NULL,
    PRIMARY KEY (destination, master)) WITHOUT ROWID;
CREATE TABLE chosen (
    destination TEXT NOT NULL, master TEXT NOT NULL, left_out TEXT NOT NULL,
    PRIMARY KEY (destination, master)) WITHOUT ROWID;
"""
# Later than the others; earlier versions leave it alone.
_LATER_TABLE = """
CREATE TABLE IF NOT EXISTS obstruction (
    destination TEXT NOT NULL, path TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, here_size INTEGER NOT NULL, here_mtime_ns INTEGER NOT NULL,
    here_ctime_ns INTEGER NOT NULL, PRIMARY KEY (destination, path)) WITHOUT ROWID
"""
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class BegunPart:
    """A part file of an earlier run: of which version, and the checksum of each segment, -1 where it is missing."""

    source: str
    size: int
    mtime_ns: int
    segment_bytes: int
    checksums: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """How well a file is known to be what its source has.

    Attributes
    ----------
    level : str
        The value of a `danmax_sync.transfer.levels.Level`.
    checksums : tuple of int
        CRC-32 of each segment, as it came from the source; empty where nobody saw it come.
    """

    size: int
    mtime_ns: int
    level: str
    segment_bytes: int = 0
    checksums: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UnfinishedSet:
    """A set that a ``get`` could not complete."""

    destination: str
    master: str
    source: str
    label: str
    state: str
    message: str
    hint: str
    bytes: int
    updated: float = 0.0


@dataclass(frozen=True, slots=True)
class Obstruction:
    """A file on this disk that was compared with the source's, and is another.

    Attributes
    ----------
    source : str
        URI of the source.
    size, mtime_ns : int
        There, at its source.
    here_size, here_mtime_ns, here_ctime_ns : int
        Here; while these are the same, so is the file.
    """

    source: str
    size: int
    mtime_ns: int
    here_size: int
    here_mtime_ns: int
    here_ctime_ns: int


class Journal:
    """The journal; made by `Journal.open`. Several threads may use one, several processes the same file."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path | None = None, *, tell: Listener = ignore) -> Self:
        """Open the journal, made where there is none; a damaged one is set aside under another name.

        Parameters
        ----------
        path : Path, optional
            By default the one in our home folder.
        tell : Listener
            Hears a ``warning`` where one is set aside.

        Raises
        ------
        UnfinishedError
            If it cannot be written to.
        """
        path = path or settings.ensured_home() / "transfers.db"
        try:
            return cls(_connected(path), path)
        except sqlite3.OperationalError as problem:
            # Locked, full, read-only: that is no damage, and what it knows is not thrown away.
            raise _unusable(path, problem) from problem
        except sqlite3.DatabaseError as damage:
            aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
            try:
                path.rename(aside)
                for ending in ("-journal", "-wal", "-shm"):
                    path.with_name(path.name + ending).unlink(missing_ok=True)
                anew = cls(_connected(path), path)
            except (OSError, sqlite3.DatabaseError) as problem:
                raise _unusable(path, problem) from problem
            warning(
                tell,
                f"the journal of transfers cannot be read ({damage}) and is kept as {aside}; "
                "a new one is begun: files that had come in part are fetched anew",
                path=str(path),
            )
            return anew

    def begun(self, destination: Path) -> dict[str, BegunPart]:
        """Return the parts that were begun in a destination, by path."""
        rows = self._rows(
            "SELECT path, source, size, mtime_ns, segment_bytes, checksums FROM part WHERE destination = ?",
            str(destination),
        )
        return {row[0]: BegunPart(row[1], row[2], row[3], row[4], _numbers(row[5])) for row in rows}

    def keep_part(self, destination: Path, path: str, part: BegunPart) -> None:
        """Note how far a part has come."""
        row = (part.source, part.size, part.mtime_ns, part.segment_bytes, _blob(part.checksums), time.time())
        self._do(("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [(str(destination), path, *row)]))

    def forget_parts(self, destination: Path, paths: Iterable[str]) -> None:
        """Note that there are no such parts any more."""
        rows = [(str(destination), path) for path in paths]
        self._do(("DELETE FROM part WHERE destination = ? AND path = ?", rows))

    def obstructions(self, destination: Path) -> dict[str, Obstruction]:
        """Return the files of a destination that are known to be others than the source's, by path."""
        rows = self._rows("SELECT * FROM obstruction WHERE destination = ?", str(destination))
        return {row[1]: Obstruction(*row[2:]) for row in rows}

    def keep_obstruction(self, destination: Path, path: str, found: Obstruction) -> None:
        """Note such a file."""
        row = (str(destination), path, *astuple(found))
        self._do(("INSERT OR REPLACE INTO obstruction VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [row]))

    def destinations(self) -> list[str]:
        """Return the folders that something was, or is to be, fetched into."""
        rows = self._rows(
            "SELECT destination FROM checked UNION SELECT destination FROM part"
            " UNION SELECT destination FROM unfinished ORDER BY 1"
        )
        return [row[0] for row in rows]

    def checked(self, destination: Path) -> dict[str, CheckedFile]:
        """Return what was checked in a destination, by path."""
        rows = self._rows(
            "SELECT path, size, mtime_ns, level, segment_bytes, checksums FROM checked WHERE destination = ?",
            str(destination),
        )
        return {row[0]: CheckedFile(row[1], row[2], row[3], row[4], _numbers(row[5])) for row in rows}

    def settle(
        self,
        destination: Path,
        *,
        checked: Iterable[tuple[str, CheckedFile]],
        left_out: Iterable[tuple[str, tuple[str, ...]]],
        finished: Iterable[str],
    ) -> None:
        """Note, all at once, what a few finished sets came to.

        Parameters
        ----------
        destination : Path
            Where they are.
        checked : iterable
            Files, by path, and how well they were checked; they are no parts any more.
        left_out : iterable
            For each master, the files that were left out on purpose.
        finished : iterable of str
            The masters.
        """
        now, where = time.time(), str(destination)
        rows = [
            (where, path, one.size, one.mtime_ns, one.level, one.segment_bytes, _blob(one.checksums), now)
            for path, one in checked
        ]
        chosen = list(left_out)
        self._do(
            ("INSERT OR REPLACE INTO checked VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows),
            ("DELETE FROM part WHERE destination = ? AND path = ?", [row[:2] for row in rows]),
            ("DELETE FROM obstruction WHERE destination = ? AND path = ?", [row[:2] for row in rows]),
            ("DELETE FROM chosen WHERE destination = ? AND master = ?", [(where, master) for master, _ in chosen]),
            (
                "INSERT INTO chosen VALUES (?, ?, ?)",
                [(where, master, "\n".join(paths)) for master, paths in chosen if paths],
            ),
            ("DELETE FROM unfinished WHERE destination = ? AND master = ?", [(where, master) for master in finished]),
        )

    def unfinished(self) -> list[UnfinishedSet]:
        """Return all sets that are unfinished, the latest last."""
        return [UnfinishedSet(*row) for row in self._rows("SELECT * FROM unfinished ORDER BY updated, master")]

    def keep_unfinished(self, sets: Iterable[UnfinishedSet]) -> None:
        """Note sets that are unfinished, and why."""
        now = time.time()
        rows = [(s.destination, s.master, s.source, s.label, s.state, s.message, s.hint, s.bytes, now) for s in sets]
        self._do(("INSERT OR REPLACE INTO unfinished VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows))

    def forget_source(self, source: str) -> None:
        """Forget the sets of a source that are unfinished; it is no longer known."""
        self._do(("DELETE FROM unfinished WHERE source = ?", [(source,)]))

    def left_out(self, destination: Path) -> dict[str, tuple[str, ...]]:
        """Return the files that were left out on purpose, by the path of their master."""
        rows = self._rows("SELECT master, left_out FROM chosen WHERE destination = ?", str(destination))
        return {master: tuple(paths.split("\n")) for master, paths in rows}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, _told(self._path):
            return self._connection.execute(statement, values).fetchall()

    def _do(self, *acts: tuple[str, Sequence[tuple[object, ...]]]) -> None:
        if any(rows for _, rows in acts):
            with self._lock, _told(self._path), self._connection:
                for statement, rows in acts:
                    self._connection.executemany(statement, rows)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, check_same_thread=False)
    try:
        # The file may be on a network drive: no write-ahead log.
        connection.execute("PRAGMA synchronous = NORMAL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            if version in {0, _VERSION}:
                connection.execute(_LATER_TABLE)
        if version not in {0, _VERSION}:
            raise sqlite3.DatabaseError(f"it is of version {version}, this one is {_VERSION}")  # noqa: TRY301
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)  # noqa: TRY301
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as problem:
        raise _unusable(path, problem) from problem


def _unusable(path: Path, problem: Exception) -> UnfinishedError:
    passing = isinstance(problem, sqlite3.OperationalError)
    hint = "mend that, then run again" if passing else f"move {path} away, then run again"
    return UnfinishedError(f"the journal of transfers {path} cannot be used: {problem}", hint=hint)


def _blob(checksums: Iterable[int]) -> bytes:
    return array.array("q", checksums).tobytes()


def _numbers(blob: object) -> tuple[int, ...]:
    numbers = array.array("q")
    if isinstance(blob, bytes) and len(blob) % numbers.itemsize == 0:
        numbers.frombytes(blob)
    return tuple(numbers)
