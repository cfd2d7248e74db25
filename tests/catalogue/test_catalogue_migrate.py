"""The catalogue's file: made, upgraded, refused; and that nothing it goes through loses what is in it."""

import itertools
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, create_engine, inspect

from danmax_sync.catalogue import migrate
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.checking import check_catalogue
from danmax_sync.catalogue.database import database_url, make_engine, sqlite_path, writing
from danmax_sync.catalogue.migrate import CatalogueState, backup, bring_up_to_date, state_of
from danmax_sync.catalogue.schema import HEAD_REVISION, metadata
from danmax_sync.errors import CatalogueError
from danmax_sync.visits import TreePath
from tests.catalogue.records import Filler, record

NEW_REVISION = '''
"""A later one."""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade():
    {body}
'''
_ADD = 'op.add_column("scan", sa.Column("some_new_column", sa.REAL))'
_REBUILD = """with op.batch_alter_table("scan", recreate="always") as batch:
        batch.add_column(sa.Column("new", sa.REAL))"""
_FAIL = 'op.execute("DELETE FROM value"); op.execute("DROP TABLE link"); raise RuntimeError("this upgrade is broken")'
_ORPHAN = 'op.execute("DELETE FROM scan")'


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """Return the path of a catalogue that is not there yet."""
    return tmp_path / "home" / "catalogue.db"


@pytest.fixture
def filled(where: Path) -> Path:
    """Make a catalogue with a scan in it."""
    with Catalogue.open(str(where)) as catalogue:
        Filler(catalogue).add(record(snapshot={"a": 1.0}, links={"pilatus": "scan-0042_pilatus.h5"}))
    return where


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what adds a revision with some body, as a later version of the tool would have."""
    scripts = tmp_path / "migrations"
    shutil.copytree(Path(migrate.__file__).parents[2] / "migrations", scripts)
    real = migrate._config

    def changed():  # type: ignore[no-untyped-def]
        config = real()
        config.set_main_option("script_location", str(scripts))
        return config

    monkeypatch.setattr(migrate, "_config", changed)
    head = ScriptDirectory.from_config(real()).get_current_head() or ""
    revisions = itertools.pairwise(itertools.chain([head], (f"test{number}" for number in itertools.count())))

    def add(body: str) -> None:
        before, revision = next(revisions)
        monkeypatch.setattr(migrate, "HEAD_REVISION", revision)
        text = NEW_REVISION.format(revision=revision, before=before, body=body)
        (scripts / "versions" / f"{revision}.py").write_text(text, encoding="utf-8")

    return add


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    """Return all rows of a table, past the catalogue's own code."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - names of this test


def schema_of(path: Path) -> dict[str, str]:
    """Return the statement that made each table and index, without differences of spelling."""
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    return {name: re.sub(r"\s+", " ", sql or "").replace('"', "") for name, sql in made if name != "alembic_version"}


def test_the_newest_migration_is_the_one_the_schema_names() -> None:
    """Opening a catalogue compares with a constant, so that it needs no Alembic."""
    assert ScriptDirectory.from_config(migrate._config()).get_current_head() == HEAD_REVISION


def test_the_migrations_make_the_tables_of_the_schema(where: Path, tmp_path: Path) -> None:
    """Alembic finds no difference, and nor does SQLite: names, types, STRICT, keys and indexes."""
    Catalogue.open(str(where)).close()
    engine = make_engine(database_url(str(where)))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert not [
            each
            for table in metadata.tables.values()
            for each in table.constraints
            if isinstance(each, CheckConstraint)
        ]
        names = {key["name"] for table in metadata.tables for key in inspect(connection).get_foreign_keys(table)}
        assert None not in names
    engine.dispose()
    direct = tmp_path / "direct.db"
    other = create_engine(f"sqlite:///{direct}")
    metadata.create_all(other)
    other.dispose()
    made, meant = schema_of(where), schema_of(direct)
    assert made.keys() == meant.keys()
    for name in made:
        assert _clauses(made[name]) == _clauses(meant[name]), name


def _clauses(sql: str) -> list[str]:
    """Return the parts of a CREATE statement, in no order."""
    return sorted(part.strip().strip("()").strip() for part in re.split(r",(?![^()]*\))", sql.split("(", 1)[1]))


def test_an_absent_catalogue_is_made_with_its_folder(where: Path) -> None:
    """And is the same the second time."""
    engine = make_engine(database_url(str(where)))
    assert bring_up_to_date(engine) is CatalogueState.ABSENT
    assert bring_up_to_date(engine) is CatalogueState.CURRENT
    assert check_catalogue(engine).endswith("is well")
    engine.dispose()
    assert [path.name for path in where.parent.iterdir()] == ["catalogue.db"]
    if sys.platform != "win32":
        assert where.parent.stat().st_mode & 0o077 == 0


def test_an_empty_file_is_an_absent_catalogue(where: Path) -> None:
    """As a temporary file is made before it is filled."""
    where.parent.mkdir()
    where.touch()
    Catalogue.open(str(where)).close()
    assert "scan" in schema_of(where)


def test_looking_at_a_catalogue_changes_nothing(where: Path) -> None:
    """Not even whether it is there."""
    engine = make_engine(database_url(str(where)))
    assert state_of(engine) is CatalogueState.ABSENT
    with pytest.raises(CatalogueError) as caught:
        check_catalogue(engine)
    engine.dispose()
    assert "db upgrade" in caught.value.hint
    assert not where.parent.exists()


@pytest.mark.parametrize(
    "content", [b"this is no database at all, but a text\n" * 40, b"\x89HDF\r\n\x1a\n" + bytes(600)]
)
def test_a_file_that_is_no_database_is_refused(where: Path, content: bytes) -> None:
    """Nothing is written to it; the message names it and the way out."""
    where.parent.mkdir()
    where.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"catalogue\.db is not a catalogue.*nothing was written") as caught:
        Catalogue.open(str(where))
    assert "--catalogue" in caught.value.hint
    assert where.read_bytes() == content


def test_somebody_elses_database_is_refused(where: Path) -> None:
    """Another program's tables stay as they are, even those of another user of Alembic."""
    where.parent.mkdir()
    with closing(sqlite3.connect(where)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.commit()
    before = where.read_bytes()
    with pytest.raises(CatalogueError, match="nothing was written"):
        Catalogue.open(str(where))
    assert where.read_bytes() == before


def test_a_newer_catalogue_is_refused(filled: Path) -> None:
    """Its revision is not known here; the way out is a newer version of the tool."""
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = filled.read_bytes()
    with pytest.raises(CatalogueError, match="newer version") as caught:
        Catalogue.open(str(filled))
    assert "pip install --upgrade" in caught.value.hint
    engine = make_engine(database_url(str(filled)))
    with pytest.raises(CatalogueError, match="newer version"):
        check_catalogue(engine)
    engine.dispose()
    assert filled.read_bytes() == before


@pytest.mark.parametrize("body", [_ADD, _REBUILD])
def test_an_old_catalogue_is_upgraded_after_a_backup(filled: Path, later: Callable[[str], None], body: str) -> None:
    """Nothing in it is lost, not even what hangs on a table that is rebuilt; the backup is the catalogue as it was."""
    tables = ("scan", "location", "link", "value", "file", "root", "field")
    before = {name: rows(filled, name) for name in tables}
    assert all(before.values())
    later(body)
    engine = make_engine(database_url(str(filled)))
    with pytest.raises(CatalogueError, match="needs an upgrade") as caught:
        check_catalogue(engine)
    assert caught.value.hint == "danmax-sync db upgrade"
    assert bring_up_to_date(engine) is CatalogueState.OLD
    assert "is well" in check_catalogue(engine)
    engine.dispose()
    for name in tables:
        assert [row[: len(old)] for row, old in zip(rows(filled, name), before[name], strict=True)] == before[name]
    assert len(rows(filled, "scan")[0]) == len(before["scan"][0]) + 1
    (saved,) = filled.parent.glob("*.backup")
    assert {name: rows(saved, name) for name in tables} == before


@pytest.mark.parametrize(("body", "reason"), [(_FAIL, "broken"), (_ORPHAN, "would break 3 references")])
def test_a_failed_upgrade_puts_everything_back(
    filled: Path, later: Callable[[str], None], body: str, reason: str
) -> None:
    """Also what an earlier step of it had changed; the error says so and is the catalogue's, not a bug's."""
    tables = ("scan", "location", "link", "value")
    before = {name: rows(filled, name) for name in tables}
    later(_ADD)
    later(body)
    with pytest.raises(CatalogueError, match=reason) as caught:
        Catalogue.open(str(filled))
    assert "is as it was" in caught.value.message
    assert {name: rows(filled, name) for name in tables} == before
    engine = make_engine(database_url(str(filled)))
    assert state_of(engine) is CatalogueState.OLD
    engine.dispose()


def test_a_backup_is_a_whole_catalogue(filled: Path) -> None:
    """Taken while it is open; a second one does not overwrite the first."""
    with Catalogue.open(str(filled)) as catalogue:
        first, second = backup(catalogue.engine), backup(catalogue.engine)
    assert first is not None
    assert second is not None
    assert first != second
    with Catalogue.open(str(first)) as copy:
        assert copy.count() == 1


def test_a_damaged_catalogue_is_found_out(filled: Path) -> None:
    """By the check, and by whoever uses it, as an error of the catalogue."""
    content = bytearray(filled.read_bytes())
    content[4096 * 2 :] = b"\xa5" * (len(content) - 4096 * 2)
    filled.write_bytes(content)
    engine = make_engine(database_url(str(filled)))
    with pytest.raises(CatalogueError):
        check_catalogue(engine)
    with pytest.raises(CatalogueError):
        Catalogue(engine).scans()
    engine.dispose()


def test_broken_references_are_found_by_the_check(filled: Path) -> None:
    """Whoever made them went past the catalogue's code."""
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("DELETE FROM scan")
        connection.commit()
    engine = make_engine(database_url(str(filled)))
    with pytest.raises(CatalogueError, match="3 broken references"):
        check_catalogue(engine)
    engine.dispose()


def _below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("x")
    return folder / "file" / "catalogue.db"


def _a_folder(folder: Path) -> Path:
    return folder


def _too_long(folder: Path) -> Path:
    return folder / ("x" * 5000) / "catalogue.db"


def _dangling(folder: Path) -> Path:
    link = folder / "catalogue.db"
    link.symlink_to(folder / "nowhere" / "catalogue.db")
    return link


@pytest.mark.parametrize("make", [_below_a_file, _a_folder, _too_long, _dangling])
def test_a_place_nothing_can_be_written_to_is_a_catalogue_error(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """A file where a folder should be, a folder, a name no system takes, a link to nowhere."""
    with pytest.raises(CatalogueError) as caught:
        Catalogue.open(str(make(tmp_path)))
    assert "--catalogue" in caught.value.hint


def test_a_folder_that_may_not_be_written_to_is_a_catalogue_error(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before SQLite says less."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CatalogueError, match="cannot be written to"):
        Catalogue.open(str(where))


@pytest.mark.parametrize(
    "location", ["nosuchdatabase://host/x", "postgresql://host:port/x", "mysql+nosuchdriver://host/x", "://"]
)
def test_a_database_nobody_speaks_to_is_a_catalogue_error(location: str) -> None:
    """A misspelled URL, or a driver that is not installed."""
    with pytest.raises(CatalogueError):
        Catalogue.open(location)


def test_a_path_is_sqlite_and_a_url_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths and the user's home are made absolute; a server has no file."""
    monkeypatch.chdir(tmp_path)
    assert sqlite_path(database_url("c.db")) == tmp_path / "c.db"
    assert sqlite_path(database_url("~/c.db")) == Path.home() / "c.db"
    assert sqlite_path(database_url(f"sqlite:///{tmp_path}/a b%c.db")) is not None
    assert sqlite_path(database_url("postgresql://host/x")) is None


def test_odd_names_of_folders_are_no_trouble(tmp_path: Path) -> None:
    """Blanks, percent signs and question marks are letters of a path."""
    for name in ("a b", "100%", "what?x=1", "ö#"):
        with Catalogue.open(str(tmp_path / name / "cata logue%.db")) as catalogue:
            assert catalogue.count() == 0
        assert (tmp_path / name / "cata logue%.db").is_file()


def test_the_default_place_is_the_settings(own_home: Path) -> None:
    """The environment moves it."""
    Catalogue.open().close()
    assert (own_home / "danmax-sync" / "catalogue.db").is_file()


_RACE = """
import sys, time
from pathlib import Path
from danmax_sync.catalogue.catalogue import Catalogue
path, go = Path(sys.argv[1]), Path(sys.argv[2])
while not go.exists():
    time.sleep(0.001)
with Catalogue.open(str(path)) as catalogue:
    for number in range(5):
        with catalogue.writer() as writer:
            at = writer.root("file:///x", "/x", "folder")
            writer.set_problem(at, f"{sys.argv[3]}-{number}.h5", "read", "x")
"""


def test_two_processes_may_make_it_at_once(where: Path, tmp_path: Path) -> None:
    """One makes it, the other waits; both write, and every row is there."""
    go = tmp_path / "go"
    runs = [subprocess.Popen([sys.executable, "-c", _RACE, where, go, name], stderr=subprocess.PIPE) for name in "ab"]
    go.touch()
    for run in runs:
        _, complaint = run.communicate(timeout=60)
        assert run.returncode == 0, complaint.decode()
    with Catalogue.open(str(where)) as catalogue:
        assert len(catalogue.problems()) == 10
        assert len(catalogue.roots()) == 1
        assert check_catalogue(catalogue.engine)


_DIE = """
import os, sys
from danmax_sync.catalogue import migrate
from danmax_sync.catalogue.catalogue import Catalogue
from alembic.operations import Operations

if sys.argv[2] == "writing":
    catalogue = Catalogue.open(sys.argv[1])
    with catalogue.writer() as writer:
        at = writer.root("file:///new", "/new", "folder")
        for number in range(40):
            writer.set_problem(at, f"{number}", "read", "x" * 100_000)
        os._exit(9)
else:
    from sqlalchemy import event
    from danmax_sync.catalogue.database import make_engine, database_url
    engine = make_engine(database_url(sys.argv[1]))
    made = []

    @event.listens_for(engine, "after_cursor_execute")
    def count(connection, cursor, statement, *rest):
        made.append(statement)
        if len([each for each in made if "CREATE TABLE" in each]) == 5:
            os._exit(9)

    migrate.bring_up_to_date(engine)
"""


def test_a_killed_writer_leaves_what_was_there(filled: Path) -> None:
    """Half a transaction, larger than SQLite's cache, is undone by whoever comes next."""
    ran = subprocess.run([sys.executable, "-c", _DIE, filled, "writing"], check=False)
    assert ran.returncode == 9
    with Catalogue.open(str(filled)) as catalogue:
        assert check_catalogue(catalogue.engine)
        assert catalogue.count() == 1
        assert catalogue.problems() == []
        assert len(catalogue.roots()) == 1


def test_a_killed_first_run_leaves_no_half_catalogue(where: Path) -> None:
    """Half its tables are none."""
    ran = subprocess.run([sys.executable, "-c", _DIE, where, "making"], check=False)
    assert ran.returncode == 9
    with Catalogue.open(str(where)) as catalogue:
        assert check_catalogue(catalogue.engine)
        Filler(catalogue).add(record())
        assert catalogue.count() == 1


def test_readers_do_not_wait_for_a_writer(filled: Path) -> None:
    """A search during an index run shows what was there before."""
    with Catalogue.open(str(filled)) as catalogue, Catalogue.open(str(filled)) as other:
        root = Filler(catalogue).root
        with catalogue.writer() as writer:
            writer.save_file(root, TreePath.parse("raw/x.h5"), kind="data", size=1, mtime_ns=1, provisional=False)
            assert other.file_sizes(root.id) == {"raw/LaB6/scan-0042.h5": 1000}
        assert len(other.file_sizes(root.id)) == 2


def test_a_catalogue_that_stays_busy_is_a_catalogue_error(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After waiting as long as it was told."""
    monkeypatch.setattr("danmax_sync.catalogue.database.BUSY_SECONDS", 0.01)
    with (
        Catalogue.open(str(filled)) as catalogue,
        Catalogue.open(str(filled)) as other,
        catalogue.writer(),
        pytest.raises(CatalogueError, match="locked"),
        other.writer(),
    ):
        pass


def test_making_a_catalogue_prints_nothing(where: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Alembic likes to talk; stdout is for data."""
    Catalogue.open(str(where)).close()
    assert capfd.readouterr() == ("", "")


def test_a_backup_that_cannot_be_made_is_said(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves no half copy."""
    engine = make_engine(database_url(str(filled)))
    real = sqlite3.connect

    def full(name: Path) -> sqlite3.Connection:
        if str(name).endswith(".backup"):
            name.touch()
            raise sqlite3.OperationalError("database or disk is full")
        return real(name)

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(CatalogueError, match="disk is full"):
        backup(engine)
    engine.dispose()
    assert list(filled.parent.iterdir()) == [filled]


RELEASED = sorted(Path(__file__).with_name("old").glob("*.sql"))


def test_there_is_an_old_catalogue_of_every_revision_but_the_newest() -> None:
    """So that a migration without its test is noticed."""
    scripts = ScriptDirectory.from_config(migrate._config()).walk_revisions()
    assert {path.stem for path in RELEASED} == {script.revision for script in scripts} - {HEAD_REVISION}


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
def test_an_upgraded_catalogue_has_the_tables_of_a_new_one(where: Path, released: Path, tmp_path: Path) -> None:
    """The same columns, types, keys and indexes, in whatever order."""
    where.parent.mkdir()
    with closing(sqlite3.connect(where)) as connection:
        connection.executescript(released.read_text(encoding="utf-8"))
    Catalogue.open(str(where)).close()
    fresh = tmp_path / "fresh.db"
    Catalogue.open(str(fresh)).close()
    upgraded, made = shapes_of(where), shapes_of(fresh)
    assert upgraded.keys() == made.keys()
    for table in made:
        assert upgraded[table] == made[table], table


def shapes_of(path: Path) -> dict[str, object]:
    """Return what SQLite says of each table: columns with their types, keys, indexes, and whether it is strict."""
    with closing(sqlite3.connect(path)) as connection:
        strict = {row[1]: row[4:6] for row in connection.execute("PRAGMA table_list")}

        def told(what: str, name: str, first: int = 1) -> list[tuple[object, ...]]:
            return sorted((row[first:] for row in connection.execute(f"PRAGMA {what}('{name}')")), key=str)

        return {
            name: (
                strict[name],
                [(row[0], row[1], row[2], row[4]) for row in told("table_info", name)],
                told("foreign_key_list", name, 2),
                [
                    (row[0], [(at, column) for at, _, column in told("index_info", str(row[0]), 0)])
                    for row in told("index_list", name)
                ],
            )
            for name in strict
            if not name.startswith(("sqlite_", "alembic_"))
        }


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
def test_every_released_catalogue_is_upgraded_with_its_data(where: Path, released: Path) -> None:
    """Scans, values, channels, links and problems are what they were; what is new is empty and worked out later."""
    where.parent.mkdir()
    with closing(sqlite3.connect(where)) as connection:
        connection.executescript(released.read_text(encoding="utf-8"))
    with Catalogue.open(str(where)) as catalogue:
        scans = {scan.number: scan for scan in catalogue.scans()}
        assert sorted(number or 0 for number in scans) == [42, 43, 44, 45, 46, 47]
        first = scans[42]
        assert (first.sample, first.title, first.points) == ("LaB6", "timescan 3 0.03 0.03", 3)
        assert [(link.detector, str(link.target)) for link in first.links] == [
            ("pilatus", "raw/LaB6/scan-0042_pilatus.h5")
        ]
        values = {value.name: value for value in catalogue.values(first.id)}
        assert values["hdcm_energy"].value == pytest.approx(first.energy_kev, abs=1e-3)
        assert (values["fast_shutter"].value, values["bl_ic_pressure"].nan_count) == ("open", 1)
        times = values["pcap_trigts"]
        assert (times.origin, times.points) == ("channel", 3)
        assert times.first == times.value
        assert None not in {times.maximum, times.mean}
        assert len(catalogue.problems()) == len(rows(where, "problem"))
        assert [(scan.sample, scan.folder, scan.marks) for scan in scans.values()] == [
            (scan.sample, scan.sample, ()) for scan in scans.values()
        ]
        catalogue.set_sample([first], "lanthanum")
        assert [scan.number for scan in catalogue.scans() if scan.sample == "lanthanum"] == [42]
    with closing(sqlite3.connect(where)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert list(where.parent.glob("*.backup"))


def test_a_writer_that_is_interrupted_lets_go_at_once(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a statement: what was read until then is saved while the exception is on its way up."""
    monkeypatch.setattr("danmax_sync.catalogue.database.BUSY_SECONDS", 0.01)

    class Interrupting:
        def __conform__(self, _protocol: object) -> str:
            raise KeyboardInterrupt

    with Catalogue.open(str(filled)) as catalogue:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            try:
                with writing(catalogue.engine) as connection:
                    connection.exec_driver_sql("DELETE FROM scan")
                    connection.exec_driver_sql(
                        "INSERT INTO saved_query VALUES (?, ?, ?)", [("a", "b", "c"), ("d", "e", Interrupting())]
                    )
            finally:
                with catalogue.writer() as writer:
                    writer.root("file:///there", "there", "local")
        assert catalogue.count() == 1
        assert "there" in {root.name for root in catalogue.roots()}


def test_a_catalogue_that_may_only_be_read_is_searched(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A colleague's, in a folder of theirs; writing is refused with what to do."""
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))
    with Catalogue.open(str(filled)) as catalogue:
        assert catalogue.count() == 1
        with pytest.raises(CatalogueError, match="may only be read by you") as caught, catalogue.writer():
            pass
        assert "--catalogue" in caught.value.hint
        assert list(filled.parent.iterdir()) == [filled]
        assert catalogue.count() == 1
