"""Empty catalogues of either kind of database: what is tested of one has to hold for the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text

from danmax_sync.catalogue.database import database_url, make_engine
from danmax_sync.query.api import Catalogue
from danmax_sync.testing.postgres import Postgres

KINDS = ("sqlite", "postgresql")
_numbers = count(1)


def new_database(server: Postgres) -> str:
    """Return the URL of a new database of a server."""
    name = f"catalogue_{next(_numbers)}"
    engine = make_engine(database_url(server.url())).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.url(name)


def server_of(request: pytest.FixtureRequest) -> Postgres | None:
    """Return the server where a fixture's parameter asks for one."""
    found: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    return found


@contextmanager
def empty_catalogue(server: Postgres | None, folder: Path) -> Iterator[Catalogue]:
    """Give an empty catalogue: a file in a folder, or on a server."""
    with Catalogue.open(new_database(server) if server is not None else str(folder / "catalogue.db")) as opened:
        yield opened
