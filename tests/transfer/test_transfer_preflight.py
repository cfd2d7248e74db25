"""The destination is looked at before a byte moves."""

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from danmax_sync.errors import ExitCode, UnfinishedError
from danmax_sync.events import Event
from danmax_sync.transfer import preflight
from danmax_sync.transfer.plan import FileState, PlannedFile, ScanSet, TransferPlan
from danmax_sync.transfer.preflight import SPARE_BYTES, check_destination
from danmax_sync.visits import TreePath, place

FAT_LIMIT = 4 << 30


def plan_of(home: Path, *files: tuple[str, int]) -> TransferPlan:
    """Plan one set; its last file is the master."""
    planned = [PlannedFile(TreePath.parse(path), size, 0, FileState.FETCH) for path, size in files]
    where = place(planned[-1].path, root="/data/visitors/danmax/20251234/2025110208")
    one = ScanSet("scan 1", where, planned[-1], tuple(planned[:-1]))
    return TransferPlan("facility", "sftp://facility/visit", home, (one,), ())


def obstacle_of(plan: TransferPlan) -> str:
    """Return why the plan's one set stays out of its destination; empty where it may come."""
    (one,) = check_destination(plan, already_here=0).sets
    assert one.obstacle_code is (ExitCode.UNFINISHED if one.obstacle else ExitCode.SOURCE)
    return one.obstacle


def left_alone(home: Path) -> None:
    """Check that no probe is left."""
    assert list(home.iterdir()) == []


def test_an_ordinary_plan_is_fine_and_leaves_nothing(tmp_path: Path) -> None:
    """Two files."""
    check_destination(plan_of(tmp_path, ("raw/a_pilatus.h5", 100), ("raw/a.h5", 10)), already_here=0)
    left_alone(tmp_path)


@pytest.mark.parametrize(("free", "here", "fits"), [(0, 0, False), (60, 0, False), (60, 60, True), (200, 0, True)])
def test_room_is_needed_for_what_is_not_here_yet(
    free: int, here: int, *, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of an earlier run count; a reserve stays free; both figures are told."""
    usage = shutil.disk_usage(tmp_path)._replace(free=free * 1_000_000 + (SPARE_BYTES if free == 200 else 0))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    plan = plan_of(tmp_path, ("raw/a.h5", 60_000_000))
    if fits:
        check_destination(plan, already_here=here * 1_000_000)
        return
    with pytest.raises(UnfinishedError, match=rf"has {free}\.0 MB free, the plan needs 60\.0 MB") as caught:
        check_destination(plan, already_here=here * 1_000_000)
    assert "--to DIR" in caught.value.hint


def test_a_name_that_is_too_long_with_its_parts_ending_is_named(tmp_path: Path) -> None:
    """The part file's name is what must fit; bytes count, not letters."""
    longest = os.pathconf(tmp_path, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    fits = "s" * (longest - len("..h5.danmax-part")) + ".h5"
    assert obstacle_of(plan_of(tmp_path, (f"raw/{fits}", 1))) == ""
    for name in (f"s{fits}", "ö" * (longest // 2 - 5) + ".h5"):
        assert "is too long a name here" in obstacle_of(plan_of(tmp_path, (f"raw/{name}", 1)))
    folder = "f" * (longest + 1)
    assert f"{longest + 1} bytes in one of its folders" in obstacle_of(plan_of(tmp_path, (f"raw/{folder}/a.h5", 1)))
    path = "/".join(["raw", *["d" * 100] * 50, "a.h5"])
    assert "is too long a path here" in obstacle_of(plan_of(tmp_path, (path, 1)))


def test_what_one_set_lacks_the_name_for_keeps_no_other_away(tmp_path: Path) -> None:
    """Only that set gets an obstacle; a calibration that cannot be stored is a warning, with what to do."""
    bad = PlannedFile(TreePath.parse(f"process/{'p' * 250}.poni"), 10, 0, FileState.FETCH)
    good = plan_of(tmp_path, ("raw/a_pilatus.h5", 100), ("raw/a.h5", 10))
    plan = replace(good, sets=(*plan_of(tmp_path, (f"raw/{'s' * 250}.h5", 1)).sets, *good.sets), calibration=(bad,))
    heard: list[Event] = []
    checked = check_destination(plan, already_here=0, tell=heard.append)
    assert [bool(each.obstacle) for each in checked.sets] == [True, False]
    assert checked.sets[1] == good.sets[0]
    assert checked.to_fetch == good.to_fetch
    (told,) = heard
    assert told.name == "warning"
    assert "is too long a name here" in str(told.fields["message"])
    assert "--to DIR" in str(told.fields["hint"])


def failing(number: int, on: Callable[[Path], bool]) -> Callable[..., None]:
    """Return a touch that fails on some names."""
    touch = Path.touch

    def fails(self: Path, *args: object, **more: object) -> None:
        if on(self):
            raise OSError(number, os.strerror(number))
        touch(self, *args, **more)  # type: ignore[arg-type]

    return fails


def test_characters_that_a_disk_refuses_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a USB disk formatted for Windows does; nothing is tried where no name holds one."""
    monkeypatch.setattr(Path, "touch", failing(errno.EINVAL, lambda path: ":" in path.name))
    plan = plan_of(tmp_path, ("raw/ascan 0:5?.h5", 1))
    assert obstacle_of(plan) == f"{tmp_path} is on a disk that does not allow : ? in names"
    assert obstacle_of(plan_of(tmp_path, ("raw/ascan.h5", 1))) == ""
    monkeypatch.undo()
    if os.name != "nt":
        assert obstacle_of(plan) == ""
    left_alone(tmp_path)


def test_twins_that_differ_in_case_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are two files where the disk says so, and refused where they would be one."""
    plan = plan_of(tmp_path, ("raw/LaB6/a.h5", 1), ("raw/lab6/a.h5", 1))
    if not (tmp_path / "x").exists() and os.name == "posix":
        (tmp_path / "x").touch()
        same = (tmp_path / "X").exists()
        (tmp_path / "x").unlink()
        if not same:
            assert obstacle_of(plan) == ""
    monkeypatch.setattr(preflight, "_ignores_case", lambda _: True)
    assert "raw/LaB6/a.h5 and raw/lab6/a.h5 would be the same file" in obstacle_of(plan)
    left_alone(tmp_path)


def test_a_folder_that_takes_no_probe_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a bug's traceback."""
    monkeypatch.setattr(Path, "touch", failing(errno.EROFS, lambda _: True))
    plan = plan_of(tmp_path, ("raw/LaB6/a.h5", 1), ("raw/lab6/a.h5", 1))
    with pytest.raises(UnfinishedError, match="cannot be written"):
        check_destination(plan, already_here=0)


@pytest.mark.skipif(os.name == "nt", reason="no limits on file sizes")
def test_a_file_larger_than_the_disk_takes_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT's 4 GB: tried with a file without content, before hours of fetching; the limit here stands in for FAT."""
    import resource

    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 50)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    plan = plan_of(tmp_path, ("raw/a_pilatus.h5", FAT_LIMIT), ("raw/a.h5", 10))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FAT_LIMIT - 1, hard))
    try:
        assert re.match(r"raw/a_pilatus\.h5 holds 4\.3 GB, and .* takes no file as large", obstacle_of(plan))
        assert obstacle_of(plan_of(tmp_path, ("raw/a.h5", FAT_LIMIT - 1))) == ""
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert obstacle_of(plan) == ""
    left_alone(tmp_path)
