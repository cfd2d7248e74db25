"""Bring a catalogue to this version's tables, or say why not.

::

    ABSENT ──create──▶ CURRENT ◀──upgrade (after a backup)── OLD
    NEWER, FOREIGN: refused, never written to

A failed upgrade puts the backup back. Foreign keys are off while tables are rebuilt: with them on, Alembic's batch mode
drops a parent table and SQLite then deletes every child row that cascades.
"""

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError

from danmax_sync.catalogue.database import choose_journal, shown, sqlite_path, writing
from danmax_sync.catalogue.schema import HEAD_REVISION, metadata
from danmax_sync.errors import CatalogueError, UsageError
from danmax_sync.settings import ensured_home, home

if TYPE_CHECKING:
    from alembic.config import Config

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False, primary_key=True))
"""Alembic's own."""
_ANOTHER_PLACE = "name another place: danmax-sync --catalogue PATH … or set DANMAX_SYNC_HOME"


class CatalogueState(Enum):
    """What stands where the catalogue should be."""

    ABSENT = "absent"
    CURRENT = "current"
    OLD = "needs an upgrade"
    NEWER = "written by a newer version of danmax-sync"
    FOREIGN = "not a catalogue of danmax-sync"


def _config() -> "Config":
    """Return a configuration with the migrations: inside an installed package, or at the top of a checkout."""
    from alembic.config import Config

    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            config = Config()
            config.set_main_option("script_location", str(folder).replace("%", "%%"))
            config.set_main_option("path_separator", "os")
            return config
    raise CatalogueError(
        "this installation lacks its migrations", hint="reinstall it: pip install --force-reinstall danmax-sync"
    )


def revision_of(connection: Connection) -> str | None:
    """Return the revision a database is at."""
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def state_of(engine: Engine) -> CatalogueState:
    """Look at a database without changing it."""
    path = sqlite_path(engine.url)
    try:
        if path is not None and (not path.exists() or path.stat().st_size == 0):
            return CatalogueState.ABSENT
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            if not tables:
                return CatalogueState.ABSENT
            if "alembic_version" not in tables or "scan" not in tables:
                return CatalogueState.FOREIGN
            revision = revision_of(connection)
    except (OSError, OperationalError) as problem:
        why = problem.orig if isinstance(problem, OperationalError) else problem.strerror
        raise CatalogueError(
            f"the catalogue {engine.url.render_as_string()} cannot be opened: {why}", hint=_ANOTHER_PLACE
        ) from problem
    except DatabaseError:
        return CatalogueState.FOREIGN
    if revision == HEAD_REVISION:
        # Nearly always; Alembic takes longer to import than a search to answer.
        return CatalogueState.CURRENT
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}
    return CatalogueState.OLD if revision in known else CatalogueState.NEWER


def bring_up_to_date(engine: Engine) -> CatalogueState:
    """Create or upgrade the catalogue where that is safe.

    Returns
    -------
    CatalogueState
        The state it was found in.

    Raises
    ------
    CatalogueError
        If what stands there is not ours, or newer than we are.
    """
    found, where = state_of(engine), shown(engine)
    if found is CatalogueState.FOREIGN:
        raise CatalogueError(
            f"{where} is {found.value}; nothing was written",
            hint="if it was one, put its *.backup back, or move it away and index again; else --catalogue PATH",
        )
    if found is CatalogueState.NEWER:
        raise CatalogueError(
            f"{where} was {found.value}; nothing was written",
            hint="upgrade danmax-sync: pip install --upgrade danmax-sync",
        )
    if found is CatalogueState.ABSENT:
        path = sqlite_path(engine.url)
        if path is not None:
            _make_folder(path.parent)
        with writing(engine) as connection:
            _create(connection)
    elif found is CatalogueState.OLD:
        saved = backup(engine)
        try:
            _upgrade(engine)
        except Exception as problem:
            if saved is not None:
                _restore(engine, saved)
            raise CatalogueError(
                f"the upgrade of {where} failed, and it is as it was: {problem}",
                hint=f"please report it; a copy is at {saved}" if saved else "please report it",
            ) from problem
    choose_journal(engine)
    return found


def backup(engine: Engine) -> Path | None:
    """Copy a SQLite catalogue beside itself with SQLite's own backup; None for servers, which have their own.

    Raises
    ------
    CatalogueError
        If it cannot be copied.
    """
    path = sqlite_path(engine.url)
    if path is None:
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    target = path.with_name(f"{path.name}.{stamp}.backup")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error as problem:
        target.unlink(missing_ok=True)
        raise CatalogueError(
            f"{path} cannot be copied to {target}: {problem}",
            hint="it takes space there, and the right to write; nothing was changed",
        ) from problem
    return target


def _restore(engine: Engine, saved: Path) -> None:
    path = sqlite_path(engine.url)
    engine.dispose()
    if path is not None:
        with closing(sqlite3.connect(saved)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)


def _make_folder(folder: Path) -> None:
    try:
        if folder == home():
            # Whatever command is the first, there are settings to fill in.
            with suppress(UsageError):
                ensured_home()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise CatalogueError(
            f"the catalogue's folder {folder} cannot be made: {problem.strerror}",
            hint=_ANOTHER_PLACE,
        ) from problem
    if not os.access(folder, os.W_OK):
        raise CatalogueError(
            f"the catalogue's folder {folder} cannot be written to",
            hint=_ANOTHER_PLACE,
        )


def _create(connection: Connection) -> None:
    """Make this version's tables at once and note their revision; the migrations lead to the same, a test says.

    Alembic would take longer to import than a few hundred masters to index.
    """
    # Two that start at once wait for each other, and the second finds all done.
    if inspect(connection).has_table(_VERSION.name):
        return
    metadata.create_all(connection)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=HEAD_REVISION))


def _upgrade(engine: Engine) -> None:
    from alembic import command

    config = _config()
    with engine.connect().execution_options(danmax_sync_writing=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
