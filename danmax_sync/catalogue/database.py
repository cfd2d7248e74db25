"""Connect to the catalogue's database: a path is SQLite, a URL whatever SQLAlchemy speaks."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from danmax_sync.catalogue.journal import wanted_mode
from danmax_sync.errors import CatalogueError

BUSY_SECONDS = 30
_CACHE_KIB = 32 << 10
"""Of SQLite's pages in memory, for each connection. Its own choice is 2 MiB, and the index of values is larger."""
_POSTGRESQL = {"postgresql", "postgres"}
_WRITING = 0x64616E6D6178
"""The lock that whoever writes into a catalogue on PostgreSQL holds: ``danmax`` as a number."""


def database_url(location: str) -> URL:
    """Return the URL of a catalogue given as a path or a URL.

    Raises
    ------
    CatalogueError
        If it is a URL that cannot be understood.
    """
    if "://" not in location:
        return URL.create("sqlite", database=str(Path(location).expanduser().absolute()))
    try:
        url = make_url(location)
        # Without a driver's name SQLAlchemy means psycopg2, which is another one.
        return url.set(drivername="postgresql+psycopg") if url.drivername in _POSTGRESQL else url
    except (ArgumentError, ValueError) as problem:
        raise CatalogueError(f"{location!r} is neither a path nor a database URL") from problem


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite catalogue, None for servers."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def make_engine(url: URL) -> Engine:
    """Return an engine whose SQLite connections check foreign keys, wait for each other and lock when they write.

    Raises
    ------
    CatalogueError
        If nothing installed here speaks to such a database.
    """
    sqlite = url.get_backend_name() == "sqlite"
    try:
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS} if sqlite else {}, **_read_only(url))
    except (ArgumentError, ImportError) as problem:
        raise CatalogueError(
            f"nothing installed here speaks to {url.render_as_string()}: {problem}",
            hint="pip install 'danmax-sync[postgresql]', or name a file: danmax-sync --catalogue PATH …",
        ) from problem
    if not sqlite:
        return engine

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own BEGIN comes too late for a read that precedes a write: SQLAlchemy emits it instead.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size={-_CACHE_KIB}")
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        # Without a write-ahead log, NORMAL may lose the whole file when the power fails.
        connection.execute(f"PRAGMA synchronous={'NORMAL' if mode == 'wal' else 'FULL'}")

    @event.listens_for(engine, "invalidate")
    def _on_invalidate(connection: sqlite3.Connection, _record: Any, _problem: BaseException | None) -> None:
        # After a Ctrl-C in the middle of a statement SQLAlchemy closes the connection, but SQLite keeps it, and its
        # lock, while the traceback holds a cursor: whatever is still to be saved would wait for itself.
        with contextlib.suppress(sqlite3.Error):
            connection.rollback()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("danmax_sync_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def shown(engine: Engine) -> str:
    """Return how people know a catalogue: a file by its path, a server by its URL without the password."""
    return str(sqlite_path(engine.url) or engine.url.render_as_string(hide_password=True))


def _read_only(url: URL) -> dict[str, Any]:
    """Return how an engine connects to a file that its user may only read: a colleague's, or one on a medium.

    With a write-ahead log SQLite writes even where it only reads. So the file is taken for one that does not change,
    unless there is a log: then somebody writes right now, and shares it.
    """
    path = sqlite_path(url)
    if path is None or not os.access(path, os.R_OK) or all(os.access(each, os.W_OK) for each in (path, path.parent)):
        return {}
    still = "" if os.access(f"{path}-wal", os.F_OK) else "&immutable=1"
    uri = f"{path.absolute().as_uri()}?mode=ro{still}"
    return {"creator": lambda: sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)}


def choose_journal(engine: Engine) -> None:
    """Let a catalogue keep the journal that suits the disk it is on; where that cannot be done now, as it is."""
    path = sqlite_path(engine.url)
    if path is None:
        return
    # Past SQLAlchemy: the mode cannot change inside a transaction, nor while another connection is open.
    engine.dispose()
    with contextlib.suppress(sqlite3.OperationalError), closing(sqlite3.connect(path)) as connection:
        wanted = wanted_mode(path)
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
            connection.execute(f"PRAGMA journal_mode={wanted}")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads."""
    with explained(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes: alone from its first statement, so two runs at once wait for each other."""
    with (
        explained(engine),
        engine.connect().execution_options(danmax_sync_writing=True) as connection,
        connection.begin(),
    ):
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_WRITING)))
        yield connection


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn what a database complains of into an error of the catalogue."""
    try:
        yield
    except DatabaseError as problem:
        if "readonly database" in str(problem.orig):
            raise CatalogueError(
                f"the catalogue {shown(engine)} may only be read by you",
                hint="use one of your own: danmax-sync --catalogue PATH … or set DANMAX_SYNC_HOME",
            ) from problem
        raise CatalogueError(
            f"the catalogue {shown(engine)} cannot be used: {problem.orig}",
            hint="danmax-sync db check says more; another catalogue: danmax-sync --catalogue PATH …",
        ) from problem
