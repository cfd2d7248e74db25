"""One file comes in: part file, checks, name; never over something else."""

import errno
import os
from pathlib import Path

import pytest

from danmax_sync.errors import SourceError, UnfinishedError, VerificationError
from danmax_sync.sources.base import Source
from danmax_sync.transfer.arrival import (
    DiskFullError,
    InTheWayError,
    part_of,
    publish,
    sweep,
    with_final_names,
)
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.mover import Wanted
from danmax_sync.transfer.plan import FileState, PlannedFile
from danmax_sync.transfer.streams import StreamMover
from danmax_sync.visits import TreePath
from tests.transfer.sources import HookedSource, on, raising

MASTER = TreePath.parse("raw/LaB6/scan-0042.h5")


def fetch_part(source: Source, file: PlannedFile, destination: Path) -> Path:
    """Bring one file into its part file, as a mover does; raise what keeps it from that."""
    final = file.path.below(destination)
    with Journal.open() as journal:
        mover = StreamMover(source, destination, journal)
        (landed,) = [each for each in mover.move([Wanted(file, final)], moved=lambda *_: None) if each is not None]
    if landed.problem is not None:
        raise landed.problem
    return part_of(final)


def planned(source: HookedSource, path: TreePath = MASTER) -> PlannedFile:
    """Plan a file as it is now."""
    info = source.stat(path)
    assert info is not None
    return PlannedFile(path, info.size, info.mtime_ns, FileState.FETCH)


def test_a_part_file_is_hidden_beside_its_place(source: HookedSource, visit: Path, home: Path) -> None:
    """It holds the source's bytes and time, and the place itself stays empty."""
    part = fetch_part(source, planned(source), home)
    final = MASTER.below(home)
    assert part == part_of(final) == final.parent / ".scan-0042.h5.danmax-part"
    assert part.read_bytes() == MASTER.below(visit).read_bytes()
    assert part.stat().st_mtime_ns == MASTER.below(visit).stat().st_mtime_ns
    assert not final.exists()


def test_publishing_gives_the_name_and_leaves_no_part(source: HookedSource, home: Path) -> None:
    """One file is left, under its own name."""
    part, final = fetch_part(source, planned(source), home), MASTER.below(home)
    publish(part, final)
    assert [path.name for path in final.parent.iterdir()] == ["scan-0042.h5"]
    assert final.stat().st_nlink == 1


def test_publishing_works_without_hard_links(source: HookedSource, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT has none."""

    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    part, final = fetch_part(source, planned(source), home), MASTER.below(home)
    publish(part, final)
    assert [path.name for path in final.parent.iterdir()] == ["scan-0042.h5"]


def test_an_old_part_that_shares_its_bytes_with_a_published_file_is_not_written_into(
    source: HookedSource, visit: Path, home: Path
) -> None:
    """A kill between the two halves of publishing leaves two names of one file; fetching anew must not touch it."""
    part, final = fetch_part(source, planned(source), home), MASTER.below(home)
    os.link(part, final)
    good = final.read_bytes()
    MASTER.below(visit).write_bytes(b"another version")
    fetch_part(source, planned(source), home)
    assert final.read_bytes() == good


@pytest.mark.parametrize("what", ["file", "folder", "dangling link", "link to another file"])
def test_something_else_in_the_way_is_kept(what: str, source: HookedSource, home: Path) -> None:
    """Whatever stands there stays as it is, and is named."""
    part, final = fetch_part(source, planned(source), home), MASTER.below(home)
    other = home / "other"
    other.write_bytes(b"mine")
    match what:
        case "file":
            final.write_bytes(b"mine")
        case "folder":
            final.mkdir()
        case "dangling link":
            final.symlink_to(home / "nowhere")
        case _:
            final.symlink_to(other)
    before = os.lstat(final)
    with pytest.raises(InTheWayError, match=r"scan-0042\.h5 is in the way"):
        publish(part, final)
    assert os.lstat(final).st_ino == before.st_ino
    assert other.read_bytes() == b"mine"


def test_the_same_bytes_with_another_time_are_adopted(source: HookedSource, visit: Path, home: Path) -> None:
    """Another tool copied them and kept no times: the file stays, its time becomes the source's."""
    part, final = fetch_part(source, planned(source), home), MASTER.below(home)
    final.write_bytes(part.read_bytes())
    own = final.stat().st_ino
    publish(part, final)
    assert final.stat().st_ino == own
    assert final.stat().st_mtime_ns == MASTER.below(visit).stat().st_mtime_ns
    assert not part.exists()


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, DiskFullError, "no space left"),
        (errno.EDQUOT, DiskFullError, "no space left"),
        (errno.EFBIG, UnfinishedError, "larger than files may be"),
        (errno.EIO, UnfinishedError, "cannot be written"),
        (errno.EROFS, UnfinishedError, "cannot be written"),
    ],
)
def test_trouble_with_the_disk_is_told_as_such(
    number: int,
    *,
    kind: type[UnfinishedError],
    words: str,
    source: HookedSource,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not blamed on the source, the message names the file, and no part is left."""

    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(kind, match=words) as caught:
        fetch_part(source, planned(source), home)
    assert "scan-0042.h5" in caught.value.message
    assert not part_of(MASTER.below(home)).exists()


def test_trouble_with_the_source_is_not_blamed_on_the_disk(source: HookedSource, home: Path) -> None:
    """An OSError of reading is an error of the source."""
    source.before = raising(OSError(errno.EIO, "Input/output error"))
    with pytest.raises(SourceError, match=r"raw/LaB6/scan-0042\.h5 cannot be read at facility"):
        fetch_part(source, planned(source), home)


def test_another_version_than_planned_is_the_sources_change(source: HookedSource, visit: Path, home: Path) -> None:
    """Neither a verification failure nor accepted; no part is left."""
    file = planned(source)
    with MASTER.below(visit).open("ab") as grown:
        grown.write(b"more")
    with pytest.raises(SourceError, match="changed at the source"):
        fetch_part(source, file, home)
    assert not part_of(MASTER.below(home)).exists()


def test_a_disk_that_loses_bytes_is_noticed(source: HookedSource, home: Path) -> None:
    """The part is measured again once it is written."""

    def cut(path: TreePath) -> None:
        os.truncate(part_of(path.below(home)), 10)

    source.after = on(".h5", cut)
    with pytest.raises(VerificationError, match="holds 10 bytes"):
        fetch_part(source, planned(source), home)


def test_ctrl_c_leaves_no_part(source: HookedSource, home: Path) -> None:
    """Whatever ends a fetch, nothing of it is left."""
    source.after = on(".h5", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        fetch_part(source, planned(source), home)
    assert list(home.rglob("*.danmax-part")) == []


def test_sweeping_removes_parts_only(home: Path) -> None:
    """Other hidden files, and those of other tools, stay."""
    home.mkdir()
    for name in (".a.h5.danmax-part", ".hidden", "a.h5", "b.danmax-part"):
        (home / name).touch()
    sweep([home, home / "missing"])
    assert sorted(path.name for path in home.iterdir()) == [".hidden", "a.h5", "b.danmax-part"]


def test_messages_name_files_as_they_will_be_called() -> None:
    """Part files are our business."""
    said = "/home/.scan-0042_pilatus.h5.danmax-part holds 2 frames for 4 points of .scan-0042.h5.danmax-part"
    assert with_final_names(said) == "/home/scan-0042_pilatus.h5 holds 2 frames for 4 points of scan-0042.h5"
