"""Queries kept under a name, to be used as ``@name``."""

from datetime import UTC, datetime

from sqlalchemy import Engine, delete, insert, select

from danmax_sync.catalogue.database import reading, writing
from danmax_sync.catalogue.rows import iso_utc
from danmax_sync.catalogue.schema import saved_query


def saved_queries(engine: Engine) -> dict[str, str]:
    """Return all saved queries by their names, in the order of these."""
    with reading(engine) as connection:
        rows = connection.execute(select(saved_query.c.name, saved_query.c.text))
        return dict(sorted((row.name, row.text) for row in rows))


def save_query(engine: Engine, name: str, text: str) -> None:
    """Keep a query under a name, in place of one that had it."""
    with writing(engine) as connection:
        connection.execute(delete(saved_query).where(saved_query.c.name == name))
        now = iso_utc(datetime.now(UTC))
        connection.execute(insert(saved_query).values(name=name, text=text, saved_at=now))


def forget_query(engine: Engine, name: str) -> bool:
    """Forget a saved query; return whether there was one."""
    with writing(engine) as connection:
        return bool(connection.execute(delete(saved_query).where(saved_query.c.name == name)).rowcount)
