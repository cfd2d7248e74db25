"""A catalogue on a PostgreSQL server: commands work as in a file, old tables are upgraded, writers wait."""

import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import database_url, make_engine, writing
from danmax_sync.catalogue.migrate import _config, bring_up_to_date, state_of
from danmax_sync.catalogue.schema import metadata
from danmax_sync.errors import CatalogueError
from danmax_sync.testing.postgres import Postgres
from danmax_sync.testing.visit import SimulatedVisit
from tests.catalogue.records import Filler, column, record
from tests.conftest import RunLine
from tests.databases import new_database

SCAN = (
    "INSERT INTO scan (id, key, proposal, visit, number, entry, path, sample, title, macro, points, running, state) "
    "VALUES (1, '1', '', '', 1, 'entry', 'raw/LaB6/scan-0001.h5', 'LaB6', 't', 't', 3, 0, 'complete')"
)


def at_first_revision(url: str) -> None:
    """Make the tables of the first version, with a scan in them."""
    from alembic import command

    engine = make_engine(database_url(url))
    config = _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO root VALUES (1, 'file:///v', '/v', 'folder')",
            "INSERT INTO file VALUES (1, 1, 'raw/LaB6/scan-0001.h5', 'master', 9, 1, 'present', 0, 1)",
            SCAN,
            "INSERT INTO location VALUES (1, 1, '', 'complete')",
            "INSERT INTO link VALUES (1, 'pilatus', 'scan-0001_pilatus.h5', '/e', 'raw/LaB6/scan-0001_pilatus.h5', '')",
            "INSERT INTO field VALUES (1, 'hex_x', 'snapshot'), (2, 'dt', 'channel')",
            "INSERT INTO value VALUES (1, 1, 0.5, NULL, NULL, NULL, NULL, NULL, 0), (1, 2, 1, 3, 1, 2, NULL, 3, 0)",
        ):
            connection.execute(text(statement))
    engine.dispose()


def test_old_tables_are_upgraded_with_what_is_in_them(postgres: Postgres) -> None:
    """To the very tables that a new catalogue has."""
    url = new_database(postgres)
    at_first_revision(url)
    with Catalogue.open(url) as catalogue:
        (scan,) = catalogue.scans()
        assert [link.detector for link in scan.links] == ["pilatus"]
        assert [(each.name, each.value) for each in catalogue.values(1)] == [("dt", 1.0), ("hex_x", 0.5)]
        upgraded = inspect(catalogue.engine)
        with Catalogue.open(new_database(postgres)) as fresh:
            made = inspect(fresh.engine)
            for table in metadata.tables:
                assert {c["name"] for c in upgraded.get_columns(table)} == {c["name"] for c in made.get_columns(table)}
                assert {i["name"] for i in upgraded.get_indexes(table)} == {i["name"] for i in made.get_indexes(table)}
                assert upgraded.get_pk_constraint(table) == made.get_pk_constraint(table)


def test_the_commands_work_on_a_server(
    postgres: Postgres, small_visit: SimulatedVisit, run_line: RunLine, tmp_path: Path
) -> None:
    """Indexing, searching, showing, comparing and checking, with nothing but a URL instead of a path."""
    folder = shutil.copytree(small_visit.folder, tmp_path / "20251234" / "2025110208")
    url = new_database(postgres)

    def run(line: str, exit_code: int = 0) -> str:
        return run_line(["--catalogue", url, *line.split()], exit_code=exit_code).out

    on_disk = tmp_path / "catalogue.db"
    run(f"index {folder}")
    run_line(["--catalogue", str(on_disk), "index", str(folder)])
    assert run("search --count") == "12\n"
    for words in ("tag add 42-44 good --yes", "sample set 43 mine", "note add 44 lost", "tag remove 43 good"):
        run(words)
        run_line(["--catalogue", str(on_disk), *words.split()])
    for line in (
        "search tag:good -f csv -c scan,sample,tags,note",
        "search sample:mine -f ids",
        "search -note:lost --sort -sample -f ids",
        "sample export",
        "tag list -f json",
        "search -f json",
        "search temperature:300.. -f csv",
        "search -f ids --sort -hdcm_energy,scan",
        "search -c +hex_* --sort sample -f tsv",
        "fields -f json",
        "diff 1 2 -f json",
        "show 3 -f json",
        "problems -f json",
    ):
        same = run_line(["--catalogue", str(on_disk), *line.split()], exit_code=None)
        assert run(line, same.code) == same.out, line
    assert run("search nothing", exit_code=1) == ""
    assert "0 new" in run_line(["--catalogue", url, "index", str(folder)]).err
    assert "is well" in run_line(["--catalogue", url, "db", "check"]).err
    run("search sample:LaB6 --save mine")
    assert run("search @mine --count") == run("search sample:LaB6 --count")


def test_writers_wait_for_each_other(postgres: Postgres) -> None:
    """As in a file: a read that precedes a write sees nothing that changes in between."""
    with Catalogue.open(new_database(postgres)) as catalogue:
        Filler(catalogue).add(record(1, columns=[column("dt", 0, 1)]))
        began = threading.Event()
        order: list[str] = []

        def second() -> None:
            began.wait()
            with writing(catalogue.engine):
                order.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        with writing(catalogue.engine):
            began.set()
            thread.join(0.3)
            order.append("first")
        thread.join()
    assert order == ["first", "second"]


def test_two_that_make_a_catalogue_at_once_make_one(postgres: Postgres) -> None:
    """The second waits and finds all done."""
    url = new_database(postgres)
    problems: list[BaseException] = []

    def make() -> None:
        engine = make_engine(database_url(url))
        try:
            bring_up_to_date(engine)
        except CatalogueError as problem:
            problems.append(problem)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    engine = make_engine(database_url(url))
    assert state_of(engine).value == "current"
    engine.dispose()


@pytest.mark.parametrize("path", ["/nothing", ":1/nothing"])
def test_a_server_that_does_not_answer_is_said_so(postgres: Postgres, path: str, run_line: RunLine) -> None:
    """With the URL, without its password, and what to do."""
    host = f"127.0.0.1:{postgres.port}" if path.startswith("/") else "127.0.0.1"
    ran = run_line(["--catalogue", f"postgresql://me:hidden@{host}{path}", "search"], exit_code=8)
    assert "cannot be" in ran.err
    assert "hidden" not in ran.err
