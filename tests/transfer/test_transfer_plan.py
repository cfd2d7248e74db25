"""What would be fetched, decided before a byte moves."""

import errno
import os
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import NothingMatchedError, UnfinishedError
from danmax_sync.query.search import search
from danmax_sync.sources.base import FileInfo
from danmax_sync.transfer import plan as plan_module
from danmax_sync.transfer.plan import FileState, make_plan
from danmax_sync.visits import TreePath
from tests.transfer.conftest import Plan
from tests.transfer.sources import HookedSource


def test_a_set_is_its_master_and_what_its_links_name(plan: Plan) -> None:
    """The master stands last, sizes are the source's, and the tree is kept."""
    (one,) = plan("44").sets
    assert [str(file.path) for file in one.files] == [
        "raw/LaB6/scan-0044_falconx.h5",
        "raw/LaB6/scan-0044_pilatus.h5",
        "raw/LaB6/scan-0044.h5",
    ]
    assert {file.state for file in one.files} == {FileState.FETCH}
    assert one.bytes_to_fetch == sum(file.size for file in one.files)
    assert one.label == "scan 44"


def test_planning_moves_nothing(plan: Plan, source: HookedSource, home: Path) -> None:
    """Neither does it make the destination."""
    plan("LaB6", with_calibration=True)
    assert source.fetched == []
    assert not home.exists()


def test_few_files_are_looked_at_without_listing_their_folders(
    plan: Plan, source: HookedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder may hold thousands, and a listing takes longer; of many files folders are listed."""
    listed: list[TreePath] = []
    real = source.files_in

    def watched(folder: TreePath) -> list[FileInfo]:
        listed.append(folder)
        return real(folder)

    monkeypatch.setattr(source, "files_in", watched)
    few = plan("44").sets
    assert listed == []
    monkeypatch.setattr(plan_module, "_FEW", 2)
    assert plan("44").sets == few
    assert listed == [TreePath.parse("raw/LaB6")]


def test_sums_count_only_what_will_travel(plan: Plan, visit: Path) -> None:
    """A set with an obstacle adds nothing; the calibration does."""
    wanted = plan("50", with_calibration=True)
    calibration = [path for path in (visit / "process").iterdir() if path.suffix in {".poni", ".npy"}]
    assert wanted.sets[0].obstacle
    assert wanted.files_to_fetch == len(calibration)
    assert wanted.bytes_to_fetch == sum(path.stat().st_size for path in calibration)


def test_an_empty_detector_file_is_a_missing_one(plan: Plan, visit: Path) -> None:
    """The file was made, the frames were not."""
    (visit / "raw" / "LaB6" / "scan-0042_pilatus.h5").write_bytes(b"")
    (one,) = plan("42").sets
    assert "raw/LaB6/scan-0042_pilatus.h5 is missing or empty" in one.obstacle


def test_a_master_that_has_vanished_is_named(plan: Plan, visit: Path) -> None:
    """It was there when it was indexed."""
    (visit / "raw" / "LaB6" / "scan-0042.h5").unlink()
    (one,) = plan("42").sets
    assert one.obstacle == "incomplete at the source: raw/LaB6/scan-0042.h5 is missing or empty"


def test_other_files_in_process_stay_where_they_are(plan: Plan, visit: Path) -> None:
    """Calibration is .poni and masks; pictures and patterns are not."""
    (visit / "process" / "notes.txt").write_text("hello")
    (visit / "process" / "empty.poni").touch()
    names = {file.path.name for file in plan("42", with_calibration=True).calibration}
    assert names == {path.name for path in (visit / "process").iterdir()} - {"notes.txt", "empty.poni"}
    assert plan("42").calibration == ()


def test_scans_of_another_source_are_not_planned(catalogue: Catalogue, visit: Path, home: Path) -> None:
    """The message says which place does not know them, and what to type."""
    elsewhere = HookedSource(visit, name="usb")
    elsewhere.uri = "file:///elsewhere"
    with pytest.raises(NothingMatchedError, match="none of the 12 scans found is known to be at usb") as caught:
        make_plan(elsewhere, search(catalogue, ""), home)
    assert caught.value.hint.endswith("danmax-sync index usb")


def test_a_destination_that_cannot_be_looked_at_is_named(
    plan: Plan, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is too long for its disk, a folder of somebody else: a sentence, not a bug."""
    look = Path.stat

    def forbidden(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if self.is_relative_to(home):
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return look(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", forbidden)
    with pytest.raises(UnfinishedError, match=r"scan-0042\.h5 cannot be looked at: Permission denied"):
        plan("42")
