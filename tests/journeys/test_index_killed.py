"""The real command killed while it indexes or upgrades: the catalogue opens, and the next run comes to the end."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.checking import check_catalogue
from danmax_sync.catalogue.database import database_url, make_engine
from danmax_sync.indexing.index import index_folder
from tests.indexing.contents import aged_tree, contents
from tests.scanfile.writing import write_set

OLD = Path(__file__).parents[1] / "catalogue" / "old" / "0001.sql"
SCANS = 120
TIMES = 8


def start(catalogue: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start the command."""
    command = [sys.executable, "-m", "danmax_sync", "--catalogue", str(catalogue), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_after(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Kill it with no chance to tidy up, unless it has ended."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write enough small sets that an index run takes a moment."""
    folder = tmp_path_factory.mktemp("visit")
    for number in range(1, SCANS + 1):
        path = folder / "raw" / "LaB6" / f"scan-{number:04d}.h5"
        write_set(path, start=f"2025-11-02T08:{number // 60:02d}:{number % 60:02d}+01:00")
    return aged_tree(folder)


def test_an_index_run_may_be_killed_at_any_moment(visit: Path, tmp_path: Path, own_home: Path) -> None:
    """Nothing half is kept: what is there is right, and running again comes to the same as never having been killed."""
    path = tmp_path / "killed.db"
    rng = random.Random(7)
    for _ in range(TIMES):
        kill_after(start(path, "index", str(visit)), rng.uniform(0.3, 1.3))
        if path.exists() and path.stat().st_size:
            engine = make_engine(database_url(str(path)))
            with Catalogue.open(str(path)):
                pass  # a first run may have been killed before its tables were made
            assert "well" in check_catalogue(engine)
            engine.dispose()
    with Catalogue.open(str(path)) as killed, Catalogue.open(str(tmp_path / "whole.db")) as whole:
        index_folder(killed, visit)
        index_folder(whole, visit)
        assert contents(killed) == contents(whole)
        assert killed.count() == SCANS


def test_two_index_runs_at_once_come_to_one_catalogue(visit: Path, tmp_path: Path, own_home: Path) -> None:
    """They wait for each other; no scan is there twice, and none is missing."""
    path = tmp_path / "shared.db"
    runs = [start(path, "index", str(visit)) for _ in range(2)]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    with Catalogue.open(str(path)) as shared, Catalogue.open(str(tmp_path / "alone.db")) as alone:
        index_folder(alone, visit)
        assert contents(shared) == contents(alone)


def test_an_upgrade_may_be_killed_at_any_moment(tmp_path: Path, own_home: Path) -> None:
    """The catalogue is the old one or the new one, with its data; the next run makes it the new one."""
    rng = random.Random(7)
    for turn in range(TIMES):
        path = tmp_path / f"{turn}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(OLD.read_text(encoding="utf-8"))
        kill_after(start(path, "db", "upgrade"), rng.uniform(0.3, 0.9))
        with Catalogue.open(str(path)) as catalogue:
            assert catalogue.count() == 6
            assert len(catalogue.values(1)) > 80
            assert "well" in check_catalogue(catalogue.engine)
