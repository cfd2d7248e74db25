"""Sets on this disk are checked as a user's program will open them."""

from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import NothingMatchedError, UsageError
from danmax_sync.events import Event
from danmax_sync.query.search import search
from danmax_sync.testing.visit import Awkward, SimulatedVisit, simulate_visit
from danmax_sync.transfer.verify import sets_in, sets_of, verify_sets


def faults(folder: Path, *, deep: bool = False) -> list[str]:
    """Return what is wrong in a folder."""
    return [fault.message for fault in verify_sets(sets_in(folder), deep=deep).faults]


def test_whole_sets_have_no_fault(small_visit: SimulatedVisit) -> None:
    """All but the one without its detector file; the summary counts sets, not faults."""
    heard: list[Event] = []
    summary = verify_sets(sets_in(small_visit.folder), deep=True, tell=heard.append)
    assert (summary.sets, summary.ok) == (12, 11)
    (fault,) = summary.faults
    assert "scan-0050_pilatus.h5 is missing; scan-0050.h5 links to it" in fault.message
    assert {"sets", "ok", "failed", "levels", "seconds"} == set(summary.to_json())
    assert [event.fields["path"] for event in heard if event.name == "set" and not event.fields["ok"]] == [
        "raw/CeO2/scan-0050.h5"
    ]


def test_a_cut_detector_file_is_a_fault(visit: Path) -> None:
    """Its frames are not all there."""
    detector = visit / "raw" / "Si" / "scan-0045_pilatus.h5"
    detector.write_bytes(detector.read_bytes()[:-5000])
    assert [one for one in faults(visit / "raw" / "Si") if "scan-0045_pilatus.h5" in one]


def test_a_part_of_a_visit_can_be_verified(visit: Path) -> None:
    """A folder below raw is that part of its visit."""
    assert len(sets_in(visit / "raw" / "Si")) == 3
    assert faults(visit / "raw" / "Si") == []


def test_masters_of_another_name_are_verified_too(tmp_path: Path) -> None:
    """Those of in-situ runs hold many scans; other .h5 files are none of our business."""
    made = simulate_visit(
        tmp_path / "20251234" / "2025110208", scans=0, frames=2, awkward=[Awkward.SEVERAL_ENTRIES], small=True
    )
    (made.folder / "raw" / "insitu" / "notes.h5").write_bytes(b"not HDF5")
    assert [str(each.place.path) for each in sets_in(made.folder)] == ["raw/insitu/insitu.h5"]
    (made.folder / "raw" / "insitu" / "scan-3219_pilatus.h5").unlink()
    assert ["scan-3219_pilatus.h5 is missing" in one for one in faults(made.folder)] == [True]


def test_a_folder_without_masters_holds_nothing(tmp_path: Path) -> None:
    """That is said, and is not the same as no folder."""
    with pytest.raises(NothingMatchedError, match=r"holds no scan-####\.h5"):
        sets_in(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        sets_in(tmp_path / "missing")


def test_scans_that_are_only_at_a_remote_cannot_be_verified(catalogue: Catalogue) -> None:
    """The hint says how to bring them home."""
    with pytest.raises(NothingMatchedError, match="none of these scans is on this disk") as caught:
        sets_of(search(catalogue, ""))
    assert "danmax-sync get" in caught.value.hint
