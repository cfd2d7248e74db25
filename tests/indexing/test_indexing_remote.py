"""Indexing over SFTP: masters travel, nothing else, and a broken line loses nothing."""

import errno
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import REMOTE
from danmax_sync.errors import ConnectionLostError
from danmax_sync.indexing import listing
from danmax_sync.indexing.index import index_folder, index_source
from danmax_sync.sources import stream
from danmax_sync.testing.sftpfiles import CutLineError, Faults
from danmax_sync.testing.visit import SimulatedVisit
from danmax_sync.visits import TreePath
from tests.indexing.contents import aged_tree, contents, spoil, states
from tests.scanfile.writing import write_set
from tests.sources.serving import served


@pytest.fixture(autouse=True)
def _no_real_ssh(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use paramiko, and no configuration of whoever runs this."""
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(own_home / "ssh_config"))


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    """Return a visit of five old, complete scans."""
    folder = tmp_path / "20251234" / "2025110208"
    for number in range(1, 6):
        start = f"2025-11-02T08:00:0{number}"
        write_set(folder / "raw" / "LaB6" / f"scan-{number:04d}.h5", start=start)
    return aged_tree(folder)


@dataclass
class Watched(Faults):
    """Remembers what a client opened and read; may deny a file, break the line at one, or invent names."""

    opened: list[str] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    denied: str = ""
    cut_at: str = ""
    names: tuple[str, ...] = ()

    def opening(self, path: str) -> None:
        """Remember, deny, or break the line."""
        if self.cut_at and path.endswith(self.cut_at):
            raise CutLineError
        if self.denied and path.endswith(self.denied):
            raise PermissionError(errno.EACCES, "denied")
        self.opened.append(path)

    def reading(self, path: str, offset: int, data: bytes) -> bytes:
        """Count."""
        self.sent[path] = self.sent.get(path, 0) + len(data)
        return data

    def listing(self, path: str, names: list[str]) -> list[str]:
        """Invent names."""
        return [*names, *self.names] if path.endswith("LaB6") else names


def test_only_masters_travel_and_each_once(small_visit: SimulatedVisit, catalogue: Catalogue, tmp_path: Path) -> None:
    """No byte of a detector file; the catalogue comes to the same as where the files are."""
    watched = Watched()
    with served(small_visit.folder, watched, above=2) as source:
        summary = index_source(catalogue, source, remote=True)
    assert (summary.scans, summary.new, summary.problems) == (12, 12, 0)
    masters = [f"/20251234/2025110208/{scan.path}" for scan in small_visit.scans]
    assert sorted(watched.opened) == sorted(masters)
    assert sorted(watched.sent) == sorted(masters)
    # paramiko may ask for a block twice, when it is wanted before it has come.
    size = sum((small_visit.folder / str(scan.path)).stat().st_size for scan in small_visit.scans)
    assert size <= sum(watched.sent.values()) < 2 * size
    assert [(root.name, root.kind) for root in catalogue.roots()] == [("facility", REMOTE)]
    with Catalogue.open(str(tmp_path / "local.db")) as local:
        index_folder(local, small_visit.folder)
        assert _without_place(catalogue) == _without_place(local)


def _without_place(catalogue: Catalogue) -> list[dict[str, object]]:
    scans = contents(catalogue)["scans"]
    return [{**scan, "locations": [{**at, "root": ""} for at in scan["locations"]]} for scan in scans]


def test_an_unchanged_remote_is_only_listed(visit: Path, catalogue: Catalogue) -> None:
    """Nothing is opened the second time; one changed master is fetched alone."""
    watched = Watched()
    with served(visit, watched, above=2) as source:
        index_source(catalogue, source, remote=True)
        before = contents(catalogue)
        watched.opened.clear()
        again = index_source(catalogue, source, remote=True)
        assert (again.unchanged, watched.opened) == (5, [])
        assert contents(catalogue) == before
        write_set(visit / "raw" / "LaB6" / "scan-0003.h5", start="2025-11-02T08:00:03", title="changed")
        assert index_source(catalogue, source, remote=True).changed == 1
        assert watched.opened == ["/20251234/2025110208/raw/LaB6/scan-0003.h5"]


def test_remote_and_home_are_places_of_the_same_scans(visit: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    """In whichever order they are indexed."""
    home = tmp_path / "home visit"
    shutil.copytree(visit, home)
    index_folder(catalogue, home)
    with served(visit, above=2) as source:
        index_source(catalogue, source, remote=True)
    assert catalogue.count() == 5
    for scan in catalogue.scans():
        assert (scan.proposal, scan.visit) == ("20251234", "2025110208")
        assert sorted(at.root.kind for at in scan.locations) == ["folder", "remote"]


def test_a_part_of_a_remote_can_be_indexed(visit: Path, catalogue: Catalogue) -> None:
    """The rest is neither looked at nor taken for missing."""
    write_set(visit / "raw" / "Si" / "scan-0006.h5", start="2025-11-02T08:00:06")
    with served(visit, above=2) as source:
        index_source(catalogue, source, remote=True)
        shutil.rmtree(visit / "raw" / "LaB6")
        summary = index_source(catalogue, source, remote=True, below=TreePath.parse("raw/Si"))
        assert (summary.scans, summary.missing) == (1, 0)
        assert index_source(catalogue, source, remote=True).missing == 5


def test_a_broken_line_keeps_what_was_read(visit: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next run goes on from there; nothing is missing or unreadable because of it."""
    # One after the other: what is under way when the line breaks has not been read.
    monkeypatch.setattr(stream, "FILES_IN_FLIGHT", 1)
    with (
        served(visit, Watched(cut_at="scan-0004.h5"), above=2) as source,
        pytest.raises(ConnectionLostError),
    ):
        index_source(catalogue, source, remote=True)
    assert sorted(scan.number or 0 for scan in catalogue.scans()) == [1, 2, 3]
    assert set(states(catalogue).values()) == {"complete"}
    assert catalogue.problems() == []
    watched = Watched()
    with served(visit, watched, above=2) as source:
        root = catalogue.roots()[0]
        # Another port makes another remote; the user's has one address.
        source.uri = root.uri
        summary = index_source(catalogue, source, remote=True)
    assert (summary.new, summary.unchanged, summary.missing) == (2, 3, 0)
    assert [path[-12:] for path in watched.opened] == ["scan-0004.h5", "scan-0005.h5"]


def test_a_master_that_was_denied_is_tried_again(visit: Path, catalogue: Catalogue) -> None:
    """Neither its size nor its time tell that the right was given meanwhile."""
    watched = Watched(denied="scan-0002.h5")
    with served(visit, watched, above=2) as source:
        summary = index_source(catalogue, source, remote=True)
        assert (summary.scans, summary.problems) == (5, 1)
        assert states(catalogue)["raw/LaB6/scan-0002.h5"] == "unreadable"
        assert "permission denied" in catalogue.problems()[0].message
        watched.denied = ""
        watched.opened.clear()
        summary = index_source(catalogue, source, remote=True)
        assert (summary.scans, summary.problems) == (5, 0)
        assert len(watched.opened) == 1
    assert set(states(catalogue).values()) == {"complete"}
    assert catalogue.count() == 5


def test_hostile_names_of_a_server_stay_out_of_the_catalogue(visit: Path, catalogue: Catalogue) -> None:
    """They are problems; the honest scans beside them are indexed, and no file is written anywhere."""
    names = ("../../../evil.h5", "/etc/passwd", "scan-0099.h5\n", "..\\evil.h5", "\x1b[2Jscan-0098.h5", "")

    def files() -> list[Path]:
        return sorted(path for path in visit.parents[1].rglob("*") if not path.name.startswith("catalogue.db"))

    before = files()
    with served(visit, Watched(names=names), above=2) as source:
        summary = index_source(catalogue, source, remote=True)
    assert (summary.scans, summary.new) == (5, 5)
    assert summary.problems == len(catalogue.problems()) == len(names)
    assert all(each.path.isprintable() and each.message.isprintable() for each in catalogue.problems())
    assert files() == before


def test_a_large_file_of_another_name_does_not_travel(
    visit: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small one does, once, to see whether it holds scans."""
    monkeypatch.setattr(listing, "LARGEST_CANDIDATE", 1000)
    for name, size in (("large.h5", 1001), ("small.h5", 1000)):
        (visit / "raw" / "LaB6" / name).write_bytes(b"x" * size)
    aged_tree(visit)
    watched = Watched()
    with served(visit, watched, above=2) as source:
        index_source(catalogue, source, remote=True)
        index_source(catalogue, source, remote=True)
    assert [path for path in watched.opened if "scan" not in path] == ["/20251234/2025110208/raw/LaB6/small.h5"]


def test_nothing_is_left_of_the_masters_that_travelled(
    visit: Path, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even of those that could not be read."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    spoil(visit / "raw" / "LaB6" / "scan-0001.h5")
    with served(visit, above=2) as source:
        assert index_source(catalogue, source, remote=True).problems == 1
    assert list(temporary.iterdir()) == []
