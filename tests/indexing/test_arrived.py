"""Verified copies of masters that the catalogue knows: it learns where they are without reading them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.copies import Original
from danmax_sync.indexing.arrived import Origin, index_arrived, settle
from danmax_sync.indexing.index import index_folder
from danmax_sync.settings import settings_file
from danmax_sync.visits import TreePath
from tests.indexing.contents import aged_tree, spoil, states
from tests.scanfile.writing import write_master, write_set

HOME = Path("home") / "20251234" / "2025110208"


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    """Return a visit of three old, complete scans."""
    folder = tmp_path / "20251234" / "2025110208"
    for number in range(1, 4):
        write_set(folder / "raw" / "LaB6" / f"scan-{number:04d}.h5", start=f"2025-11-02T08:00:0{number}")
    return aged_tree(folder)


def arrive(catalogue: Catalogue, visit: Path, home: Path, *, spoilt: bool = True) -> None:
    """Copy a visit home, spoil the masters there, and let the catalogue hear of the copies."""
    shutil.copytree(visit, home, dirs_exist_ok=True)
    paths = [TreePath(path.relative_to(visit).parts) for path in sorted(visit.rglob("*.h5"))]
    originals = {}
    for path in paths:
        there, here = path.below(visit), path.below(home)
        seen = there.stat()
        originals[path] = Original(path, seen.st_size, seen.st_mtime_ns)
        if spoilt and not path.name.endswith("_pilatus.h5"):
            spoil(here)
    index_arrived(catalogue, home, paths, Origin(visit.as_uri(), originals))


def test_a_copy_stands_for_the_scans_of_its_original(visit: Path, tmp_path: Path, catalogue: Catalogue) -> None:
    """All of it known, complete at both places; a spoilt master tells that none was opened."""
    index_folder(catalogue, visit)
    arrive(catalogue, visit, tmp_path / HOME)
    scans = catalogue.scans()
    assert [len(scan.locations) for scan in scans] == [2, 2, 2]
    for scan in scans:
        here, there = sorted(scan.locations, key=lambda at: at.root.name == str(visit))
        assert (here.state, there.state) == ("complete", "complete")
        assert (here.root.folder, here.path, here.prefix) == (tmp_path / HOME, there.path, there.prefix)
        assert [(link.target, link.state) for link in here.links] == [(link.target, link.state) for link in there.links]
    assert catalogue.problems() == []


def test_repeated_or_read_the_catalogue_says_the_same(visit: Path, tmp_path: Path, catalogue: Catalogue) -> None:
    """Scans, their places, links and what is in the detector files."""
    index_folder(catalogue, visit)
    arrive(catalogue, visit, tmp_path / HOME, spoilt=False)
    with Catalogue.open(str(tmp_path / "other.db")) as other:
        index_folder(other, visit)
        index_folder(other, tmp_path / HOME)
        assert catalogue.scans() == other.scans()
        for ours, theirs in zip(catalogue.scans(), other.scans(), strict=True):
            assert catalogue.detector_files(ours.id) == other.detector_files(theirs.id)
    summary = index_folder(catalogue, tmp_path / HOME)
    assert (summary.new, summary.changed, summary.unchanged) == (0, 0, 3)


def changed(visit: Path) -> None:
    """Change a master at the source, after it was indexed."""
    path = visit / "raw" / "LaB6" / "scan-0002.h5"
    os.utime(path, ns=(0, path.stat().st_mtime_ns - 10**9))


def other_preferences(_: Path) -> None:
    """Let another device be the temperature."""
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text('[temperature]\ndevices = ["odd_device"]\n', encoding="utf-8")


@pytest.mark.parametrize("meanwhile", [changed, other_preferences])
def test_what_is_not_known_as_it_was_copied_is_read(
    visit: Path, tmp_path: Path, catalogue: Catalogue, own_home: Path, meanwhile: Callable[[Path], None]
) -> None:
    """Another version, or another reader: then the spoilt master is noticed."""
    index_folder(catalogue, visit)
    meanwhile(visit)
    arrive(catalogue, visit, tmp_path / HOME)
    bad = {problem.path for problem in catalogue.problems()}
    assert "raw/LaB6/scan-0002.h5" in bad
    assert ("raw/LaB6/scan-0001.h5" in bad) == (meanwhile is other_preferences)


def test_a_master_with_something_noted_about_it_is_read(visit: Path, tmp_path: Path, catalogue: Catalogue) -> None:
    """What was noted holds for the copy, and is noted there too."""
    path = visit / "raw" / "LaB6" / "scan-0002.h5"
    write_master(path, start="2025-11-02T08:00:02", links={"pilatus": ("../../../../etc/passwd", "/entry")})
    aged_tree(visit)
    index_folder(catalogue, visit)
    arrive(catalogue, visit, tmp_path / HOME, spoilt=False)
    noted = [(problem.root, problem.path) for problem in catalogue.problems()]
    assert sorted(noted) == sorted((str(folder), "raw/LaB6/scan-0002.h5") for folder in (visit, tmp_path / HOME))


def test_other_scans_are_settled_at_the_end(visit: Path, tmp_path: Path, catalogue: Catalogue) -> None:
    """A detector file that two masters link to makes both whole, though only one master arrived."""
    write_master(visit / "raw" / "LaB6" / "scan-0009.h5", links={"pilatus": ("scan-0001_pilatus.h5", "/entry/data")})
    aged_tree(visit)
    home = tmp_path / HOME
    (home / "raw" / "LaB6").mkdir(parents=True)
    for name in ("scan-0001.h5", "scan-0009.h5"):
        shutil.copy2(visit / "raw" / "LaB6" / name, home / "raw" / "LaB6" / name)
    index_folder(catalogue, home)
    assert set(states(catalogue).values()) == {"partial"}
    shutil.copy2(visit / "raw" / "LaB6" / "scan-0001_pilatus.h5", home / "raw" / "LaB6")
    index_arrived(catalogue, home, [TreePath.parse(f"raw/LaB6/scan-0001{kind}.h5") for kind in ("_pilatus", "")])
    settle(catalogue, home)
    assert states(catalogue)["raw/LaB6/scan-0001.h5"] == "complete"


def test_detector_files_and_patterns_that_cannot_be_read_are_problems(visit: Path, catalogue: Catalogue) -> None:
    """Until they can be."""
    folder = visit / "process" / "azint" / "LaB6"
    folder.mkdir(parents=True)
    bad = [visit / "raw" / "LaB6" / "scan-0002_pilatus.h5", folder / "scan-0001_pilatus_integrated.h5"]
    whole = bad[0].read_bytes()
    for path in bad:
        path.write_bytes(b"\xa5" * 4000)
    aged_tree(visit)
    assert index_folder(catalogue, visit).problems == 2
    named = {problem.path for problem in catalogue.problems()}
    assert named == {path.relative_to(visit).as_posix() for path in bad}
    bad[0].write_bytes(whole)
    bad[1].unlink()
    assert index_folder(catalogue, visit).problems == 0
