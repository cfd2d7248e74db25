"""A write-ahead log on this machine's own disks, never on a network's."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from danmax_sync.catalogue import database, journal
from danmax_sync.catalogue.catalogue import Catalogue
from tests.catalogue.records import Filler, record

MOUNTS = [("/", "ext4"), ("/home", "nfs4"), ("/home/me/scratch", "xfs"), ("/data", "gpfs"), ("/data", "fuse.sshfs")]


def mode_of(path: Path) -> str:
    """Return the journal mode a file keeps."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/x", "ext4"),
        ("/home/me", "nfs4"),
        ("/homework", "ext4"),
        ("/home/me/scratch/a/b", "xfs"),
        ("/data/visitors", "fuse.sshfs"),
    ],
)
def test_the_deepest_and_latest_mount_decides(folder: str, kind: str) -> None:
    """By whole components of the path, not by its letters."""
    assert journal.file_system_of(Path(folder), MOUNTS) == kind


@pytest.mark.parametrize(("kind", "mode"), [("ext4", "wal"), ("nfs4", "delete"), ("cifs", "delete"), ("", "delete")])
def test_only_a_known_local_disk_has_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, mode: str
) -> None:
    """What cannot be told counts as a network."""
    monkeypatch.setattr(journal, "file_system_of", lambda *_: kind)
    path = tmp_path / "catalogue.db"
    Catalogue.open(str(path)).close()
    assert mode_of(path) == mode


def test_a_catalogue_that_came_to_a_network_loses_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is opened there, with all that is in it; and gets it back at home."""
    path = tmp_path / "catalogue.db"
    for mode in ("wal", "delete", "wal"):
        monkeypatch.setattr(database, "wanted_mode", lambda _path, mode=mode: mode)
        with Catalogue.open(str(path)) as catalogue:
            Filler(catalogue).add(record())
            assert catalogue.count() == 1
        assert mode_of(path) == mode


def test_compacting_keeps_everything(tmp_path: Path) -> None:
    """The file is smaller, or as large; somebody who writes meanwhile is not disturbed."""
    path = tmp_path / "catalogue.db"
    with Catalogue.open(str(path)) as catalogue:
        filler = Filler(catalogue)
        for number in range(1, 30):
            filler.add(record(number, snapshot={f"motor_{n}": number * n / 7 for n in range(50)}))
        before = [catalogue.values(scan.id) for scan in catalogue.scans()]
        with catalogue.writer(), Catalogue.open(str(path)) as other:
            other.engine.dispose()
        catalogue.compact()
        assert [catalogue.values(scan.id) for scan in catalogue.scans()] == before
