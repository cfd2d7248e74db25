"""What users say of scans: it outlives whatever happens to the rows of the catalogue."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.schema import scan
from danmax_sync.catalogue.values import CataloguedScan, MarkKind
from danmax_sync.errors import UsageError
from danmax_sync.visits import TreePath, place
from tests.catalogue.records import FIRST_START, Filler, record

HOME = "/home/me/visit"


def only(catalogue: Catalogue) -> CataloguedScan:
    """Return the one scan there is."""
    (found,) = catalogue.scans()
    return found


def say(catalogue: Catalogue, *numbers: int) -> None:
    """Name, tag and note some scans."""
    scans = [each for each in catalogue.scans() if not numbers or each.number in numbers]
    assert catalogue.set_sample(scans, "lanthanum") == len(scans)
    assert catalogue.tag(scans, "good") == len(scans)
    assert catalogue.note(scans, "first\nnote") == len(scans)


def said(each: CataloguedScan) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the sample's name, the tags and the notes of a scan."""
    return each.sample, each.tags, each.notes


ALL = ("lanthanum", ("good",), ("first\nnote",))


def test_a_name_stands_for_the_folders_until_it_is_taken_back(catalogue: Catalogue) -> None:
    """The folder's is kept beside it; a second name takes the place of the first."""
    Filler(catalogue).add(record())
    assert (only(catalogue).sample, only(catalogue).own_sample) == ("LaB6", None)
    catalogue.set_sample([only(catalogue)], "  660c \n powder ")
    assert (only(catalogue).sample, only(catalogue).folder, only(catalogue).own_sample) == (
        *("660c powder", "LaB6", "660c powder"),
    )
    assert catalogue.set_sample([only(catalogue)], "660c powder") == 0
    assert catalogue.set_sample([only(catalogue)], "Si") == 1
    assert [mark.text for mark in only(catalogue).marks] == ["Si"]
    assert catalogue.unmark([only(catalogue)], MarkKind.SAMPLE) == 1
    assert (only(catalogue).sample, only(catalogue).marks) == ("LaB6", ())


def test_said_twice_is_said_once(catalogue: Catalogue) -> None:
    """A tag in another case is the same tag; notes are added, oldest first; each is taken back by itself."""
    Filler(catalogue).add(record())
    assert catalogue.tag([only(catalogue)], "Good") == 1
    assert catalogue.tag([only(catalogue)], "good") == 0
    assert catalogue.tag([only(catalogue)], "bad") == 1
    assert only(catalogue).tags == ("Good", "bad")
    for text in ("one", "two", "one"):
        catalogue.note([only(catalogue)], text)
    assert only(catalogue).notes == ("one", "two")
    assert catalogue.unmark([only(catalogue)], MarkKind.NOTE, "one") == 1
    assert catalogue.unmark([only(catalogue)], MarkKind.NOTE, "three") == 0
    assert (only(catalogue).notes, only(catalogue).tags) == (("two",), ("Good", "bad"))
    assert catalogue.tags() == [("Good", 1), ("bad", 1)]


def test_it_survives_an_index_of_the_same_and_of_a_changed_master(catalogue: Catalogue) -> None:
    """Also where title, points and end are others than before."""
    filler = Filler(catalogue)
    filler.add(record())
    say(catalogue)
    filler.add(record())
    assert said(only(catalogue)) == ALL
    filler.add(record(title="timescan 20 0.03 0.03", points=20, end_time=None))
    assert (only(catalogue).points, *said(only(catalogue))) == (20, *ALL)


def test_it_survives_a_move(catalogue: Catalogue) -> None:
    """Into another sample's folder: the name that was given stays, and behind it is the new folder's."""
    filler = Filler(catalogue)
    filler.add(record())
    say(catalogue)
    filler.vanish("raw/LaB6/scan-0042.h5")
    filler.add(record(), at="raw/Si/scan-0042.h5")
    assert said(only(catalogue)) == ALL
    assert only(catalogue).folder == "Si"
    catalogue.unmark([only(catalogue)], MarkKind.SAMPLE)
    assert only(catalogue).sample == "Si"


def test_a_copy_at_home_has_it_too(catalogue: Catalogue) -> None:
    """And learning proposal and visit later does not make it another scan."""
    at_home = Filler(catalogue, HOME)
    at_home.add(record())
    say(catalogue)
    Filler(catalogue).add(record())
    assert only(catalogue).visit == "2025110208"
    assert said(only(catalogue)) == ALL


def test_it_survives_that_the_row_is_made_anew(catalogue: Catalogue) -> None:
    """A master is overwritten by another scan's and comes back: nobody has its marks meanwhile."""
    filler = Filler(catalogue)
    filler.add(record())
    say(catalogue)
    filler.add(record(43), at="raw/LaB6/scan-0042.h5")
    assert (only(catalogue).number, *said(only(catalogue))) == (43, "LaB6", (), ())
    assert catalogue.count_lost_marks() == 1
    filler.add(record())
    back = [each for each in catalogue.scans() if each.number == 42]
    assert [said(each) for each in back] == [ALL]
    assert catalogue.count_lost_marks() == 0


def test_it_survives_that_all_rows_are_deleted(catalogue: Catalogue) -> None:
    """In whatever order scans come back, each gets its own, and a scan of another visit nothing."""
    filler = Filler(catalogue)
    filler.add(record(1))
    filler.add(record(2))
    say(catalogue, 2)
    with catalogue.writer() as writer:
        writer.connection.execute(delete(scan))
    assert catalogue.scans() == []
    other = Filler(catalogue, "/data/visitors/danmax/20259999/2025120108")
    other.add(record(2))
    assert said(only(catalogue)) == ("LaB6", (), ())
    filler.add(record(2))
    filler.add(record(1))
    assert {(each.proposal, each.number): said(each) for each in catalogue.scans()} == {
        ("20259999", 2): ("LaB6", (), ()),
        ("20251234", 2): ALL,
        ("20251234", 1): ("LaB6", (), ()),
    }


def test_a_scan_that_could_not_be_read_keeps_it_when_it_can(catalogue: Catalogue) -> None:
    """Of such a scan nothing but its place was known, so that its row is another one afterwards."""
    filler = Filler(catalogue)
    filler.unreadable("raw/LaB6/scan-0042.h5")
    say(catalogue)
    filler.add(record())
    assert only(catalogue).start_time is not None
    assert said(only(catalogue)) == ALL
    assert catalogue.count_lost_marks() == 0


def test_scans_without_a_start_that_share_a_number_do_not_share_it(catalogue: Catalogue) -> None:
    """Each is known by its place, and keeps what is its own."""
    filler = Filler(catalogue)
    for folder in ("a", "b"):
        filler.add(record(start=None), at=f"raw/{folder}/scan-0042.h5")
    catalogue.tag([each for each in catalogue.scans() if each.folder == "b"], "good")
    for folder in ("b", "a"):
        filler.add(record(start=None), at=f"raw/{folder}/scan-0042.h5")
    assert {each.folder: each.tags for each in catalogue.scans()} == {"a": (), "b": ("good",)}


def test_nobody_gets_what_two_might_be_meant_by(catalogue: Catalogue) -> None:
    """A copy at home did not tell its visit; scans of two visits come that it may have been: it waits."""
    Filler(catalogue, HOME).add(record())
    say(catalogue)
    with catalogue.writer() as writer:
        writer.connection.execute(delete(scan))
    with catalogue.writer() as writer:
        for base, title in (("20251234/2025110208", "one"), ("20259999/2025120108", "other")):
            root = writer.root(f"file:///{base}", f"/{base}", "folder")
            path = TreePath.parse("raw/LaB6/scan-0042.h5")
            file_id = writer.save_file(root, path, kind="master", size=1, mtime_ns=1, provisional=False)
            writer.save_scans(root, file_id, place(path, root=f"/{base}"), [record(title=title)], running=False)
    assert [said(each) for each in catalogue.scans()] == [("LaB6", (), ())] * 2
    assert catalogue.count_lost_marks() == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (MarkKind.TAG, "two words"),
        (MarkKind.TAG, "a,b"),
        (MarkKind.TAG, "-x"),
        (MarkKind.TAG, "x" * 65),
        (MarkKind.SAMPLE, " \t"),
        (MarkKind.SAMPLE, "a//b"),
        (MarkKind.SAMPLE, "../b"),
        (MarkKind.SAMPLE, "a\\b"),
        (MarkKind.SAMPLE, "x" * 201),
        (MarkKind.NOTE, "\x1b\x00"),
        (MarkKind.NOTE, "x" * 10_001),
    ],
)
def test_what_cannot_be_kept_is_refused(catalogue: Catalogue, kind: MarkKind, text: str) -> None:
    """In a sentence, and nothing changes."""
    Filler(catalogue).add(record())
    act = {MarkKind.TAG: catalogue.tag, MarkKind.SAMPLE: catalogue.set_sample, MarkKind.NOTE: catalogue.note}[kind]
    with pytest.raises(UsageError) as caught:
        act([only(catalogue)], text)
    assert caught.value.hint
    assert only(catalogue).marks == ()


def test_thousands_of_scans_at_once(catalogue: Catalogue) -> None:
    """More than one statement can name; a few of them have the tag already."""
    filler = Filler(catalogue)
    filler.add(
        *(record(n, entry=f"entry{n}", start=FIRST_START + timedelta(seconds=n)) for n in range(1200)), at="raw/a.h5"
    )
    scans = catalogue.scans()
    catalogue.tag(scans[:3], "good")
    assert catalogue.tag(scans, "good") == 1197
    assert catalogue.set_sample(scans, "many") == 1200
    assert catalogue.unmark(scans, MarkKind.SAMPLE) == 1200
    assert {each.tags for each in catalogue.scans()} == {("good",)}
