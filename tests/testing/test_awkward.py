"""Every awkward kind is what its name says, in a visit that else is whole."""

from pathlib import Path

import h5py
import pytest

from danmax_sync.errors import UnsafePathError
from danmax_sync.testing.visit import Awkward, SimulatedVisit, simulate_visit
from danmax_sync.visits import ScanPlace, kind_of, link_target, place


def made(folder: Path, kind: Awkward) -> SimulatedVisit:
    """Make a visit of one ordinary scan and one awkward kind."""
    return simulate_visit(folder, small=True, scans=1, frames=4, awkward=[kind])


def pilatus_link(visit: SimulatedVisit) -> h5py.ExternalLink:
    """Return the Pilatus link of the last scan."""
    scan = visit.scans[-1]
    with h5py.File(scan.path.below(visit.folder), "r", locking=False) as file:
        link = file[scan.entry]["instrument"].get("pilatus", getlink=True)
    assert isinstance(link, h5py.ExternalLink)
    return link


def test_a_dangling_link_leads_to_nothing(tmp_path: Path) -> None:
    """The link names the sibling that was never saved."""
    visit = made(tmp_path, Awkward.DANGLING_LINK)
    scan = visit.scans[-1]
    assert (len(visit.scans), scan.complete, visit.scans[0].complete) == (2, False, True)
    assert pilatus_link(visit).filename == "scan-0043_pilatus.h5"
    assert not (tmp_path / "raw" / "LaB6" / "scan-0043_pilatus.h5").exists()


def test_a_growing_scan_has_fewer_frames_than_points(tmp_path: Path) -> None:
    """No end_time, four points, two frames."""
    visit = made(tmp_path, Awkward.GROWING)
    scan = visit.scans[-1]
    with h5py.File(scan.path.below(tmp_path), "r", locking=False) as file:
        assert "end_time" not in file["entry"]
        assert file["entry/instrument/pcap_trigts/data"].shape == (4,)
        assert file["entry/instrument/pilatus/data"].shape == (2, 167, 149)
    assert (scan.frames, scan.complete) == (4, False)


def test_a_master_may_hold_several_entries(tmp_path: Path) -> None:
    """Two scans of one file, each linked to the detector file of its own number."""
    visit = made(tmp_path, Awkward.SEVERAL_ENTRIES)
    scans = visit.scans[1:]
    assert [(scan.number, scan.entry, str(scan.path), scan.complete) for scan in scans] == [
        (3218, "entry3218", "raw/insitu/insitu.h5", True),
        (3219, "entry3219", "raw/insitu/insitu.h5", True),
    ]
    assert kind_of("insitu.h5").value == "candidate"
    with h5py.File(tmp_path / "raw" / "insitu" / "insitu.h5", "r", locking=False) as file:
        assert list(file) == ["entry3218", "entry3219"]
        for scan in scans:
            link = file[scan.entry]["instrument"].get("pilatus", getlink=True)
            assert link.filename == f"scan-{scan.number}_pilatus.h5"
            assert file[scan.entry]["instrument/pilatus/data"].shape == (4, 167, 149)


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (Awkward.ABSOLUTE_LINK, "absolute"),
        (Awkward.CLIMBING_LINK, "leaves the visit"),
        (Awkward.SELF_LINK, "points back"),
    ],
)
def test_hostile_links_are_hostile(tmp_path: Path, kind: Awkward, complaint: str) -> None:
    """The path algebra refuses each for its own reason; the master itself is readable and nothing lies outside."""
    folder = tmp_path / "visit"
    visit = made(folder, kind)
    scan = visit.scans[-1]
    assert not scan.complete
    with pytest.raises(UnsafePathError, match=complaint):
        link_target(scan.path, pilatus_link(visit).filename)
    with h5py.File(scan.path.below(folder), "r", locking=False) as file:
        assert file["entry/title"].asstr()[()] == scan.title
    assert [path.name for path in tmp_path.iterdir()] == ["visit"]


def test_scan_numbers_grow_past_9999(tmp_path: Path) -> None:
    """Five digits in master, detector file and link; the set is whole."""
    visit = made(tmp_path, Awkward.PAST_9999)
    scan = visit.scans[-1]
    assert (scan.number, scan.path.name, scan.complete) == (10001, "scan-10001.h5", True)
    assert place(scan.path).number == 10001
    assert pilatus_link(visit).filename == "scan-10001_pilatus.h5"
    assert (tmp_path / "raw" / "LaB6" / "scan-10001_pilatus.h5").exists()


def test_odd_folders_hold_good_scans(tmp_path: Path) -> None:
    """Dots, spaces, nesting and ``raw`` again: the sample is still found, and the links work."""
    visit = made(tmp_path, Awkward.ODD_FOLDERS)
    scans = visit.scans[1:]
    assert [scan.sample for scan in scans] == ["CeO2 in capillary", "Si_640d.v1.0", "raw", "raw data.v2/run 1"]
    assert len({scan.number for scan in scans}) == 4
    for scan in scans:
        where: ScanPlace = place(scan.path)
        assert (where.sample, scan.complete) == (scan.sample, True)
        with h5py.File(scan.path.below(tmp_path), "r", locking=False) as file:
            assert file["entry/instrument/pilatus/data"].shape == (4, 167, 149)


def test_a_truncated_master_cannot_be_opened(tmp_path: Path) -> None:
    """HDF5 sees that the file is shorter than it says; the scan is not among the readable ones."""
    visit = made(tmp_path, Awkward.TRUNCATED)
    assert [str(path) for path in visit.broken] == ["raw/LaB6/scan-0043.h5"]
    assert len(visit.scans) == 1
    with pytest.raises(OSError, match="truncated"):
        h5py.File(visit.broken[0].below(tmp_path), "r", locking=False)


def test_corrupt_masters_fail_in_two_ways(tmp_path: Path) -> None:
    """One has HDF5's first bytes and fails on the way to the title, one has not even those."""
    visit = made(tmp_path, Awkward.CORRUPT)
    scrambled, text = (path.below(tmp_path) for path in visit.broken)
    assert scrambled.read_bytes()[:8] == b"\x89HDF\r\n\x1a\n"
    with pytest.raises((OSError, KeyError, RuntimeError)), h5py.File(scrambled, "r", locking=False) as file:
        file["entry/title"][()]
    assert not h5py.is_hdf5(text)


def test_all_kinds_together_repeat_and_share_no_number(tmp_path: Path) -> None:
    """Asked for at once, nothing overwrites anything else; the second call finds all of it."""
    visit = simulate_visit(tmp_path, small=True, scans=2, frames=2, awkward=list(Awkward))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert simulate_visit(tmp_path, small=True, scans=2, frames=2, awkward=set(Awkward)) == visit
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    places = [scan.path for scan in visit.scans if scan.entry == "entry"] + list(visit.broken)
    numbers = [place(path).number for path in places]
    assert len(set(numbers)) == len(numbers) == 2 + 5 + 1 + 4 + 3
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith((".part", ".whole"))]
