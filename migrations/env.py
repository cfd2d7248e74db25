"""Alembic's environment: runs on the connection it is handed, in one transaction.

SQLite: foreign keys are off while tables are rebuilt (a dropped parent would take its cascading children along), and
are checked before the commit.
"""

from typing import Any

from alembic import context
from sqlalchemy import Connection


def _foreign_keys(connection: Connection, switch: str) -> None:
    # On the driver's connection: SQLite ignores this pragma inside a transaction, and SQLAlchemy would begin one.
    driver: Any = connection.connection.dbapi_connection
    driver.execute(f"PRAGMA foreign_keys={switch}")


def _run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        _foreign_keys(connection, "OFF")
    try:
        with connection.begin():
            context.configure(connection=connection, render_as_batch=True)
            context.run_migrations()
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() if sqlite else []
            if broken:
                raise RuntimeError(f"the upgrade would break {len(broken)} references; nothing was changed")
    finally:
        if sqlite:
            _foreign_keys(connection, "ON")


_run(context.config.attributes["connection"])
