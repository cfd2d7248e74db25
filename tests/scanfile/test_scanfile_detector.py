"""Detector files: their facts, their frames, and the faults of a set on disk."""

import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.detector import check_storage, read_all, read_detector
from danmax_sync.scanfile.frames import open_frames
from danmax_sync.scanfile.structure import SetFault, check_set
from danmax_sync.testing.visit import Awkward, SimulatedVisit, simulate_visit
from danmax_sync.visits import TreePath, place
from tests.scanfile.writing import DETECTOR_GROUP, write_frames, write_master, write_set

MASTER = TreePath.parse("raw/LaB6/scan-0042.h5")
_END_OF_FILE_AT = 40
"""Where a superblock of version 0 keeps the length the file should have."""


def faults_of(root: Path, path: TreePath = MASTER, *, deep: bool = False) -> list[SetFault]:
    """Check one set of a visit."""
    return check_set(root, place(path), deep=deep)


def a_set(root: Path, *, frames: int = 3) -> tuple[Path, Path]:
    """Write a set; return master and detector file."""
    master = write_set(MASTER.below(root), frames=frames)
    return master, master.with_name("scan-0042_pilatus.h5")


def test_facts_of_a_simulated_detector_file(small_visit: SimulatedVisit) -> None:
    """Frames, shape, type, filter and settings, without its pixels."""
    scan = small_visit.scans[0]
    path = scan.path.below(small_visit.folder)
    facts = read_detector(path.with_name(f"{path.stem}_pilatus.h5"), DETECTOR_GROUP)
    assert (facts.frames, facts.frame_shape, facts.dtype) == (4, (167, 149), "int32")
    assert (facts.compression, facts.chunks) == ("bitshuffle", (1, 167, 149))
    assert (facts.energy_ev, facts.threshold_ev) == (35000.0, 17500.0)


@pytest.mark.parametrize(
    "inner", [DETECTOR_GROUP, f"{DETECTOR_GROUP}/", "entry/instrument/pilatus", f"{DETECTOR_GROUP}/data"]
)
def test_frames_are_found_behind_every_spelling(tmp_path: Path, inner: str) -> None:
    """With or without slashes, the group or its dataset."""
    path = write_frames(tmp_path / "scan-0042_pilatus.h5")
    assert read_detector(path, inner).frames == 3
    with open_frames(path, inner) as frames:
        assert (frames.count, frames.shape, frames.dtype) == (3, (5, 7), "int32")
        assert [int(frame.mean()) for frame in frames] == [0, 1, 2]
        assert frames[1].shape == (5, 7)


def test_raw_frames_have_no_filter_and_settings_may_lack(tmp_path: Path) -> None:
    """As cameras write them."""
    path = write_frames(tmp_path / "scan-0042_orca.h5", compressed=False)
    with h5py.File(path, "a", locking=False) as file:
        del file[f"{DETECTOR_GROUP}/energy"]
        file[f"{DETECTOR_GROUP}/threshold"][...] = np.nan
    facts = read_detector(path, DETECTOR_GROUP)
    assert (facts.compression, facts.chunks, facts.energy_ev) == ("", None, None)


@pytest.mark.parametrize("inner", ["/entry/instrument/eiger", "/entry", "/", "", f"{DETECTOR_GROUP}/energy"])
def test_no_frames_where_the_link_points_is_a_source_error(tmp_path: Path, inner: str) -> None:
    """The message names file and place."""
    path = write_frames(tmp_path / "scan-0042_pilatus.h5")
    with pytest.raises(SourceError, match=r"scan-0042_pilatus\.h5 holds no"):
        read_detector(path, inner)


def test_links_of_a_detector_file_are_not_followed(tmp_path: Path) -> None:
    """Neither a link, a virtual dataset nor external storage: a missing source would read as zeros."""
    real = write_frames(tmp_path / "real.h5")
    for number, how in enumerate(("link", "virtual", "external")):
        path = tmp_path / f"scan-{number:04d}_pilatus.h5"
        with h5py.File(path, "w", locking=False) as file:
            group = file.create_group(DETECTOR_GROUP)
            if how == "link":
                group["data"] = h5py.ExternalLink("real.h5", f"{DETECTOR_GROUP}/data")
            elif how == "virtual":
                layout = h5py.VirtualLayout((3, 5, 7), "i4")
                layout[:] = h5py.VirtualSource(str(real), f"{DETECTOR_GROUP}/data", (3, 5, 7))
                group.create_virtual_dataset("data", layout)
            else:
                group.create_dataset("data", (3, 5, 7), "i4", external=[(str(real), 0, 420)])
        with pytest.raises(SourceError, match="not followed"):
            read_detector(path, DETECTOR_GROUP)


def test_a_frame_that_cannot_be_decompressed_is_named(tmp_path: Path) -> None:
    """By its number, one at a time or all at once."""
    path = write_frames(tmp_path / "scan-0042_pilatus.h5")
    with h5py.File(path, "a", locking=False) as file:
        file[f"{DETECTOR_GROUP}/data"].id.write_direct_chunk((1, 0, 0), b"\x00" * 16)
    with open_frames(path, DETECTOR_GROUP) as frames:
        assert frames[0].max() == 0
        with pytest.raises(SourceError, match=r"frame 1 of .*scan-0042_pilatus\.h5"):
            frames[1]
    with h5py.File(path, "r", locking=False) as file, pytest.raises(SourceError, match="frame 1"):
        read_all(file[f"{DETECTOR_GROUP}/data"], path)


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFF, 0x00010000])
def test_a_block_that_claims_more_than_there_is_does_not_reach_the_filter(
    length: int, small_visit: SimulatedVisit, tmp_path: Path
) -> None:
    """It would take the process down; the frame is named instead."""
    scan = small_visit.scans[0].path.below(small_visit.folder)
    path = tmp_path / "damaged.h5"
    content = bytearray(scan.with_name(f"{scan.stem}_pilatus.h5").read_bytes())
    path.write_bytes(content)
    with h5py.File(path, "r", locking=False) as file:
        chunk = file[f"{DETECTOR_GROUP}/data"].id.get_chunk_info(1)
    at = chunk.byte_offset + 12
    content[at : at + 4] = length.to_bytes(4, "big")
    path.write_bytes(content)
    with (
        h5py.File(path, "r", locking=False) as file,
        pytest.raises(SourceError, match=r"frame 1 of .*damaged\.h5 cannot be read: a block reaches beyond its end"),
    ):
        read_all(file[f"{DETECTOR_GROUP}/data"], path)


def test_a_whole_set_has_no_fault(small_visit: SimulatedVisit, tmp_path: Path) -> None:
    """Of the simulated visit, all but the ninth; nor has one where more frames than points were stored."""
    faulty = [scan.number for scan in small_visit.scans if faults_of(small_visit.folder, scan.path, deep=True)]
    assert faulty == [scan.number for scan in small_visit.scans if not scan.complete] == [50]
    a_set(tmp_path, frames=5)
    assert faults_of(tmp_path, deep=True) == []


def test_a_missing_target_is_a_fault(tmp_path: Path) -> None:
    """It names the file and who wants it."""
    _, detector = a_set(tmp_path)
    detector.unlink()
    (fault,) = faults_of(tmp_path)
    assert fault.path == detector
    assert "is missing; scan-0042.h5 links to it" in fault.message


def test_too_few_frames_are_a_fault(tmp_path: Path) -> None:
    """Fewer than the master has points: copied while it was measured."""
    _, detector = a_set(tmp_path, frames=2)
    (fault,) = faults_of(tmp_path)
    assert fault.path == detector
    assert "2 frames for 3 points" in fault.message


def test_unwritten_chunks_are_a_fault(tmp_path: Path) -> None:
    """HDF5 would read them as zeros."""
    _, detector = a_set(tmp_path)
    with h5py.File(detector, "a", locking=False) as file:
        data = file[f"{DETECTOR_GROUP}/data"]
        data.parent.create_dataset("new", (3, 5, 7), "i4", chunks=(1, 5, 7))[0] = 1
        del file[f"{DETECTOR_GROUP}/data"]
        file.move(f"{DETECTOR_GROUP}/new", f"{DETECTOR_GROUP}/data")
    (fault,) = faults_of(tmp_path)
    assert "1 of 3 chunks" in fault.message


def test_raw_data_never_written_are_a_fault(tmp_path: Path) -> None:
    """The same for data in one piece."""
    _, detector = a_set(tmp_path)
    write_frames(detector, compressed=False)
    assert faults_of(tmp_path, deep=True) == []
    with h5py.File(detector, "a", locking=False) as file:
        del file[f"{DETECTOR_GROUP}/data"]
        file.create_dataset(f"{DETECTOR_GROUP}/data", (3, 5, 7), "i4")
    (fault,) = faults_of(tmp_path)
    assert fault.path == detector
    assert "never written" in fault.message


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95])
def test_a_truncated_detector_file_is_a_fault(tmp_path: Path, keep: float) -> None:
    """Wherever it ends."""
    _, detector = a_set(tmp_path)
    content = detector.read_bytes()
    detector.write_bytes(content[: int(len(content) * keep)])
    (fault,) = faults_of(tmp_path)
    assert fault.path == detector
    assert "cannot be read" in fault.message


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_a_chunk_beyond_the_end_is_a_fault(tmp_path: Path, order: list[int]) -> None:
    """In a file that claims to be as long as it is, whichever frame happens to lie at its end."""
    path = tmp_path / "scan-0042_pilatus.h5"
    with h5py.File(path, "w", locking=False) as file:
        data = file.create_dataset("data", (3, 50, 50), "i4", chunks=(1, 50, 50))
        for frame in order:
            data[frame] = frame + 1
        ends = [data.id.get_chunk_info(i).byte_offset + 10_000 for i in range(3)]
    assert path.stat().st_size == max(ends)
    content = bytearray(path.read_bytes()[:-100])
    content[_END_OF_FILE_AT : _END_OF_FILE_AT + 8] = struct.pack("<Q", len(content))
    path.write_bytes(content)
    with h5py.File(path, "r", locking=False) as file, pytest.raises(SourceError, match="cut short"):
        check_storage(file["data"], path)


def test_damaged_pixels_are_found_by_a_deep_look_only(tmp_path: Path) -> None:
    """The structure is whole; reading every frame tells."""
    _, detector = a_set(tmp_path)
    with h5py.File(detector, "a", locking=False) as file:
        file[f"{DETECTOR_GROUP}/data"].id.write_direct_chunk((2, 0, 0), b"\x00" * 16)
    assert faults_of(tmp_path) == []
    (fault,) = faults_of(tmp_path, deep=True)
    assert "frame 2" in fault.message


def test_a_link_that_opens_another_file_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HDF5 looks in other folders before the master's; what a program would get is what counts."""
    a_set(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    write_frames(elsewhere / "scan-0042_pilatus.h5")
    assert faults_of(tmp_path) == []
    monkeypatch.setenv("HDF5_EXT_PREFIX", str(elsewhere))
    (fault,) = faults_of(tmp_path)
    assert "instead of" in fault.message


def test_a_group_that_is_itself_a_link_is_not_entered(tmp_path: Path) -> None:
    """Checking a good link beside it opens nothing else."""
    master, _ = a_set(tmp_path)
    with h5py.File(master, "a", locking=False) as file:
        measurement = file["entry"].create_group("measurement")
        measurement["pilatus"] = h5py.ExternalLink("scan-0042_pilatus.h5", DETECTOR_GROUP)
        measurement["old"] = [1.0, 2.0, 3.0]
        del file["entry/instrument"]
        file["entry/instrument"] = h5py.ExternalLink("trap.h5", "/")
    with h5py.File(master.with_name("trap.h5"), "w", locking=False) as file:
        file["pilatus"] = h5py.ExternalLink("/nowhere/at/all.h5", "/")
    assert faults_of(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Awkward.DANGLING_LINK, "is missing"),
        (Awkward.GROWING, "2 frames for 4 points"),
        (Awkward.ABSOLUTE_LINK, "absolute"),
        (Awkward.CLIMBING_LINK, "leaves the visit"),
        (Awkward.SELF_LINK, "its own file"),
    ],
)
def test_awkward_sets_have_the_fault_they_are_named_for(tmp_path: Path, kind: Awkward, message: str) -> None:
    """Each with a message that says so."""
    visit = simulate_visit(tmp_path / "v", scans=0, frames=4, small=True, awkward=[kind])
    (fault,) = faults_of(visit.folder, visit.scans[0].path)
    assert message in fault.message


@pytest.mark.parametrize("kind", [Awkward.SEVERAL_ENTRIES, Awkward.PAST_9999, Awkward.ODD_FOLDERS])
def test_unusual_sets_are_whole(tmp_path: Path, kind: Awkward) -> None:
    """Many entries, five digits, folders called ``raw`` again."""
    visit = simulate_visit(tmp_path / "v", scans=0, frames=2, small=True, awkward=[kind])
    assert visit.scans
    assert [faults_of(visit.folder, scan.path) for scan in visit.scans] == [[] for _ in visit.scans]


def test_a_master_that_does_not_read_is_the_fault(tmp_path: Path) -> None:
    """Cut short, or HDF5 without a scan."""
    master, _ = a_set(tmp_path)
    content = master.read_bytes()
    master.write_bytes(content[:100])
    assert [fault.path for fault in faults_of(tmp_path)] == [master]
    with h5py.File(master, "w", locking=False) as file:
        file["x"] = 1
    assert "holds no scan" in faults_of(tmp_path)[0].message


def test_a_master_under_another_name_is_checked_in_its_folder(tmp_path: Path) -> None:
    """Before it is published, links already open what they will open."""
    master, detector = a_set(tmp_path)
    part = master.with_name(".scan-0042.h5.part")
    master.rename(part)
    assert check_set(tmp_path, place(MASTER), master=part) == []
    detector.unlink()
    assert len(check_set(tmp_path, place(MASTER), master=part)) == 1


def test_every_link_of_a_set_is_checked(tmp_path: Path) -> None:
    """Two detectors, two faults."""
    write_master(MASTER.below(tmp_path), detectors=["pilatus", "falconx"])
    assert sorted(fault.path.name for fault in faults_of(tmp_path)) == ["scan-0042_falconx.h5", "scan-0042_pilatus.h5"]
