"""What the catalogue remembers of scans: one identity, several places, a state from what lies there."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy.exc import IntegrityError

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.prepared import prepared
from danmax_sync.catalogue.rows import ReadMaster
from danmax_sync.catalogue.schema import metadata
from danmax_sync.catalogue.values import LOCAL, REMOTE
from danmax_sync.errors import CatalogueError
from danmax_sync.scanfile.record import DetectorLink, LinkState, ScanState
from danmax_sync.visits import TreePath, place
from tests.catalogue.records import FACILITY, FIRST_START, Filler, column, master_path, record, states

PILATUS = {"pilatus": "scan-0042_pilatus.h5"}
DETECTOR_FILE = "raw/LaB6/scan-0042_pilatus.h5"
LAPTOP = "/home/u/visit"


def table(catalogue: Catalogue, name: str) -> list[tuple[object, ...]]:
    """Return all rows of a table."""
    with catalogue.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(metadata.tables[name].select())]


def test_a_scan_comes_back_as_it_was_recorded(catalogue: Catalogue) -> None:
    """With its link, its place and its numbers."""
    filler = Filler(catalogue)
    filler.file(DETECTOR_FILE)
    filler.add(record(temperature=(300.0, 310.0), links=PILATUS))
    (scan,) = catalogue.scans()
    assert (scan.number, scan.proposal, scan.visit, scan.sample) == (42, "20251234", "2025110208", "LaB6")
    assert (scan.energy_kev, scan.energy_origin) == (35.0, "hdcm_E")
    assert (scan.temperature_min_k, scan.temperature_k, scan.temperature_max_k) == (300.0, 305.0, 310.0)
    assert (scan.start_time, scan.end_time) == ("2025-11-02T07:42:49.482913Z", "2025-11-02T07:43:09.482913Z")
    assert scan.state is ScanState.COMPLETE
    assert [(link.detector, str(link.target)) for link in scan.links] == [("pilatus", DETECTOR_FILE)]
    assert [(str(at.path), str(at.prefix), at.state) for at in scan.locations] == [
        ("raw/LaB6/scan-0042.h5", "", "complete")
    ]
    assert scan.label == "scan 42"
    assert str(scan.place().path) == "raw/LaB6/scan-0042.h5"


def test_the_json_of_a_scan_has_the_keys_of_the_contract(catalogue: Catalogue) -> None:
    """Exactly these, in this order, absent values null, and it is JSON."""
    Filler(catalogue).add(record(links=PILATUS))
    (scan,) = catalogue.scans()
    shown = json.loads(json.dumps(scan.to_json()))
    assert list(shown) == [
        "scan",
        "entry",
        "proposal",
        "visit",
        "sample",
        "path",
        "title",
        "macro",
        "start_time",
        "end_time",
        "energy_kev",
        "temperature_k",
        "temperature_min_k",
        "temperature_max_k",
        "points",
        "detectors",
        "state",
        "locations",
    ]
    assert (shown["scan"], shown["path"], shown["detectors"]) == (42, "raw/LaB6/scan-0042.h5", ["pilatus"])
    assert shown["temperature_k"] is None
    assert shown["state"] == "partial"
    assert shown["locations"] == [{"root": FACILITY, "path": "raw/LaB6/scan-0042.h5", "state": "partial"}]


def test_a_scan_without_visit_or_number_is_null_in_json(catalogue: Catalogue) -> None:
    """Neither empty text nor zero."""
    Filler(catalogue, LAPTOP).add(record(None, entry="entry"), at="raw/x/insitu.h5")
    (scan,) = catalogue.scans()
    assert [scan.to_json()[key] for key in ("scan", "proposal", "visit")] == [None, None, None]
    assert scan.label == "raw/x/insitu.h5"


def test_one_scan_at_two_places_is_one_scan(catalogue: Catalogue) -> None:
    """The facility's and a copy at home whose folders no longer tell the visit, in either order."""
    places = [Filler(catalogue), Filler(catalogue, LAPTOP)]
    for order in (places, places[::-1]):
        for filler in order:
            filler.add(record())
        (scan,) = catalogue.scans()
        assert (scan.proposal, scan.visit) == ("20251234", "2025110208")
        assert states(scan) == {FACILITY: "complete", LAPTOP: "complete"}


def test_a_remote_and_a_folder_of_one_address_are_two_places(catalogue: Catalogue) -> None:
    """A mounted disk can be both."""
    Filler(catalogue).add(record())
    Filler(catalogue, kind=REMOTE).add(record())
    assert len(catalogue.scans()[0].locations) == 2
    assert [root.folder is None for root in catalogue.roots()] == [False, True]


@pytest.mark.parametrize(
    "other",
    [
        record(43),
        record(start=FIRST_START + timedelta(microseconds=1)),
        record(entry="entry42"),
    ],
)
def test_another_number_start_or_entry_is_another_scan(catalogue: Catalogue, other: object) -> None:
    """All three are its identity."""
    assert isinstance(other, type(record()))
    Filler(catalogue).add(record())
    Filler(catalogue, LAPTOP).add(other, at="raw/LaB6/scan-0042.h5")
    assert catalogue.count() == 2


def test_the_same_number_of_another_visit_is_another_scan(catalogue: Catalogue) -> None:
    """Even if it started in the same microsecond; a copy that tells no visit joins one of them."""
    other = FACILITY.replace("2025110208", "2025120108")
    Filler(catalogue).add(record())
    Filler(catalogue, other).add(record())
    assert catalogue.count() == 2
    Filler(catalogue, LAPTOP).add(record())
    assert sorted(len(scan.locations) for scan in catalogue.scans()) == [1, 2]


def test_without_a_start_only_the_place_tells_scans_apart(catalogue: Catalogue) -> None:
    """Nothing else would prove that they are the same; seen again at its place it is."""
    for base in (FACILITY, LAPTOP, FACILITY):
        Filler(catalogue, base).add(record(start=None))
    assert catalogue.count() == 2


def test_indexing_again_replaces_what_was_said(catalogue: Catalogue) -> None:
    """Links, values and end; nothing of the old stays."""
    filler = Filler(catalogue)
    old = record(snapshot={"a": 1.0, "b": 2.0}, columns=[column("c", 1.0, 2.0)], links=PILATUS, end_time=None)
    filler.add(old, running=True)
    assert catalogue.scans()[0].state is ScanState.RUNNING
    filler.add(record(snapshot={"a": 5.0}, links={"eiger": "scan-0042_eiger.h5"}))
    (scan,) = catalogue.scans()
    assert scan.end_time is not None
    assert [link.detector for link in scan.links] == ["eiger"]
    assert [(each.name, each.value) for each in catalogue.values(scan.id)] == [("a", 5.0)]
    assert len(table(catalogue, "scan")) == len(table(catalogue, "location")) == 1


def test_a_scan_that_its_master_no_longer_holds_is_forgotten(catalogue: Catalogue) -> None:
    """A re-read file says all there is in it."""
    filler = Filler(catalogue)
    both = [record(3218, entry="entry3218"), record(3219, entry="entry3219")]
    filler.add(*both, at="raw/x/insitu.h5")
    filler.add(both[1], at="raw/x/insitu.h5")
    assert [scan.number for scan in catalogue.scans()] == [3219]
    assert len(table(catalogue, "location")) == 1


def test_a_copy_in_other_folders_does_not_change_what_is_known(catalogue: Catalogue) -> None:
    """The visit tells sample, path and links; a flat copy on a stick only adds a place."""
    filler = Filler(catalogue)
    filler.file(DETECTOR_FILE)
    filler.add(record(links=PILATUS))
    flat = record(links=PILATUS)
    target = TreePath.parse("scan-0042_pilatus.h5")
    flat = replace(flat, links=(replace(flat.links[0], target=target),), points=9)
    stick = Filler(catalogue, "/media/stick")
    stick.add(flat, at="scan-0042.h5")
    (scan,) = catalogue.scans()
    assert (scan.sample, str(scan.path)) == ("LaB6", "raw/LaB6/scan-0042.h5")
    assert [str(link.target) for link in scan.links] == [DETECTOR_FILE]
    assert scan.points == 9
    assert states(scan)[FACILITY] == "complete"
    assert scan.state is ScanState.COMPLETE


def test_the_copy_that_is_left_tells_where_its_files_are(catalogue: Catalogue) -> None:
    """When the visit is gone, its links lead to the files beside the copy; the sample's name stays known."""
    filler, stick = Filler(catalogue), Filler(catalogue, "/media/stick")
    filler.add(record(links=PILATUS))
    flat = record(links=PILATUS)
    flat = replace(flat, links=(replace(flat.links[0], target=TreePath.parse("scan-0042_pilatus.h5")),))
    filler.vanish("raw/LaB6/scan-0042.h5")
    stick.file("scan-0042_pilatus.h5")
    stick.add(flat, at="scan-0042.h5")
    (scan,) = catalogue.scans()
    assert (scan.sample, str(scan.path), str(scan.links[0].target)) == ("LaB6", "scan-0042.h5", "scan-0042_pilatus.h5")
    assert states(scan) == {FACILITY: "missing", "/media/stick": "complete"}


def test_a_place_that_tells_the_visit_takes_over(catalogue: Catalogue) -> None:
    """Also when the flat copy was seen first."""
    flat = record(links=PILATUS)
    flat = replace(flat, links=(replace(flat.links[0], target=TreePath.parse("scan-0042_pilatus.h5")),))
    Filler(catalogue, "/media/stick").add(flat, at="scan-0042.h5")
    filler = Filler(catalogue)
    filler.file(DETECTOR_FILE)
    filler.add(record(links=PILATUS))
    (scan,) = catalogue.scans()
    assert (scan.sample, str(scan.path), scan.state) == ("LaB6", "raw/LaB6/scan-0042.h5", ScanState.COMPLETE)
    assert str(scan.links[0].target) == DETECTOR_FILE


def test_a_master_copied_within_the_visit_leaves_the_set_whole(catalogue: Catalogue) -> None:
    """The copy has no detector file beside it; the scan it is a copy of still has."""
    filler = Filler(catalogue)
    filler.file(DETECTOR_FILE)
    filler.add(record(links=PILATUS))
    copied = record(links=PILATUS)
    elsewhere = TreePath.parse("raw/chosen/scan-0042_pilatus.h5")
    copied = replace(copied, links=(replace(copied.links[0], target=elsewhere),))
    filler.add(copied, at="raw/chosen/scan-0042.h5")
    (scan,) = catalogue.scans()
    assert scan.state is ScanState.COMPLETE
    assert str(scan.path) == "raw/LaB6/scan-0042.h5"
    assert len(scan.locations) == 2


def test_a_moved_master_takes_its_scan_along(catalogue: Catalogue) -> None:
    """One scan, at the new place; the old one is forgotten, for nothing is missing there."""
    filler = Filler(catalogue)
    filler.file(DETECTOR_FILE)
    filler.add(record(links=PILATUS))
    filler.vanish("raw/LaB6/scan-0042.h5", DETECTOR_FILE)
    filler.file("raw/new/scan-0042_pilatus.h5")
    moved = record(links=PILATUS)
    moved = replace(moved, links=(replace(moved.links[0], target=TreePath.parse("raw/new/scan-0042_pilatus.h5")),))
    filler.add(moved, at="raw/new/scan-0042.h5")
    (scan,) = catalogue.scans()
    assert (scan.sample, str(scan.path), scan.state) == ("new", "raw/new/scan-0042.h5", ScanState.COMPLETE)
    assert {str(at.path): at.state for at in scan.locations} == {"raw/new/scan-0042.h5": "complete"}


def test_an_unreadable_master_keeps_a_row(catalogue: Catalogue) -> None:
    """With its number and place; once it reads well, its scan takes the row's place."""
    filler = Filler(catalogue)
    filler.unreadable("raw/LaB6/scan-0042.h5")
    (scan,) = catalogue.scans()
    assert (scan.number, scan.sample, scan.state) == (42, "LaB6", ScanState.UNREADABLE)
    filler.unreadable("raw/LaB6/scan-0042.h5")
    assert catalogue.count() == 1
    filler.add(record())
    (scan,) = catalogue.scans()
    assert (scan.title, scan.state) == ("timescan 10 0.03 0.03", ScanState.COMPLETE)


def test_what_was_known_of_an_unreadable_master_stays(catalogue: Catalogue) -> None:
    """Its scan is still found by all it said before; another place of it still counts."""
    filler = Filler(catalogue)
    filler.add(record())
    filler.unreadable("raw/LaB6/scan-0042.h5")
    (scan,) = catalogue.scans()
    assert (scan.energy_kev, scan.state) == (35.0, ScanState.UNREADABLE)
    Filler(catalogue, LAPTOP).add(record())
    (scan,) = catalogue.scans()
    assert scan.state is ScanState.COMPLETE
    assert states(scan) == {FACILITY: "unreadable", LAPTOP: "complete"}


def test_a_master_that_moved_and_became_unreadable_is_at_its_new_place(catalogue: Catalogue) -> None:
    """Links lead from there; a scan that is still elsewhere stays there."""
    filler = Filler(catalogue)
    filler.add(record(links=PILATUS))
    filler.unreadable("raw/new/scan-0042.h5")
    assert sorted(str(scan.path) for scan in catalogue.scans()) == ["raw/LaB6/scan-0042.h5", "raw/new/scan-0042.h5"]
    filler.add(record(links=PILATUS), at="raw/new/scan-0042.h5")
    filler.vanish("raw/LaB6/scan-0042.h5")
    filler.unreadable("raw/new/scan-0042.h5")
    (scan,) = catalogue.scans()
    assert (str(scan.path), scan.sample, scan.state) == ("raw/new/scan-0042.h5", "new", ScanState.UNREADABLE)
    assert str(scan.links[0].target) == "raw/new/scan-0042_pilatus.h5"


def test_a_vanished_master_is_marked_and_stays_searchable(catalogue: Catalogue) -> None:
    """Its place is missing; when it comes back, so does its state."""
    filler = Filler(catalogue)
    filler.add(record())
    filler.vanish("raw/LaB6/scan-0042.h5")
    (scan,) = catalogue.scans()
    assert states(scan) == {FACILITY: "missing"}
    assert scan.energy_kev == 35.0
    assert catalogue.count_at(filler.root, TreePath(())) == (0, 1)
    filler.add(record())
    assert states(catalogue.scans()[0]) == {FACILITY: "complete"}
    assert catalogue.count_at(filler.root, TreePath(())) == (1, 0)


def test_a_set_is_partial_until_its_detector_file_arrives(catalogue: Catalogue) -> None:
    """The master does not change then; empty files do not count, and it can vanish again."""
    filler = Filler(catalogue)
    filler.add(record(links=PILATUS))
    assert catalogue.scans()[0].state is ScanState.PARTIAL
    for size, expected in ((0, ScanState.PARTIAL), (1, ScanState.COMPLETE)):
        filler.file(DETECTOR_FILE, size=size)
        filler.vanish()
        assert catalogue.scans()[0].state is expected
    filler.vanish(DETECTOR_FILE)
    assert catalogue.scans()[0].state is ScanState.PARTIAL


def test_a_link_nobody_may_follow_makes_a_set_partial(catalogue: Catalogue) -> None:
    """And the reason stays with it."""
    bad = DetectorLink("pilatus", "/etc/passwd", "/x", None, "it is absolute and leaves the visit")
    Filler(catalogue).add(replace(record(), links=(bad,)))
    (scan,) = catalogue.scans()
    assert scan.state is ScanState.PARTIAL
    assert (scan.links[0].target, scan.links[0].state) == (None, LinkState.OUTSIDE)
    assert "is absolute and leaves the visit" in scan.links[0].problem


def test_a_detector_file_of_another_place_does_not_complete_a_set(catalogue: Catalogue) -> None:
    """Each place is judged by its own files."""
    facility, laptop = Filler(catalogue), Filler(catalogue, LAPTOP)
    facility.file(DETECTOR_FILE)
    for filler in (facility, laptop):
        filler.add(record(links=PILATUS))
    (scan,) = catalogue.scans()
    assert states(scan) == {FACILITY: "complete", LAPTOP: "partial"}
    assert scan.state is ScanState.COMPLETE


def test_visits_below_one_root_are_kept_apart_by_their_prefix(catalogue: Catalogue) -> None:
    """The detector file of one visit does not complete the set of the other."""
    filler = Filler(catalogue, "/data/visitors/danmax")
    for visit, day in (("2025110208", 0), ("2025120108", 29)):
        filler.add(
            record(start=FIRST_START + timedelta(days=day), links=PILATUS), at=f"20251234/{visit}/raw/LaB6/scan-0042.h5"
        )
    filler.file(f"20251234/2025120108/{DETECTOR_FILE}")
    filler.vanish()
    assert {scan.visit: scan.state.value for scan in catalogue.scans()} == {
        "2025110208": "partial",
        "2025120108": "complete",
    }
    assert str(catalogue.scans()[1].locations[0].prefix) == "20251234/2025120108"


def test_a_scan_without_an_end_is_running_only_while_it_may_be(catalogue: Catalogue) -> None:
    """With an end it is not, whatever the clock says; long ago it was aborted."""
    filler = Filler(catalogue)
    for ended, recent, expected in (
        (False, True, ScanState.RUNNING),
        (False, False, ScanState.COMPLETE),
        (True, True, ScanState.COMPLETE),
    ):
        made = record()
        filler.add(made if ended else replace(made, end_time=None), running=recent)
        assert catalogue.scans()[0].state is expected


def test_nan_is_told_from_what_was_not_recorded(catalogue: Catalogue) -> None:
    """A device that did not answer, one that could not be read, one that was not there; and an infinity."""
    snapshot = {"answered": 1.5, "nan": math.nan, "unreadable": None, "text": "open", "inf": math.inf, "big": 10**400}
    Filler(catalogue).add(
        record(snapshot=snapshot, columns=[column("gaps", 1.0, 2.0, nan_count=3), column("dead", None, None)])
    )
    values = {each.name: each for each in catalogue.values(catalogue.scans()[0].id)}
    shown = {name: dict(values[name].to_json()) for name in snapshot}
    assert shown["answered"] == {"value": 1.5, "nan": False}
    assert shown["nan"] == {"value": None, "nan": True}
    assert shown["unreadable"] == {"value": None, "nan": False}
    assert shown["text"] == {"value": "open", "nan": False}
    assert shown["inf"]["value"] == shown["big"]["value"] == math.inf
    assert "absent" not in values
    assert (values["gaps"].nan_count, values["gaps"].value, values["gaps"].maximum) == (3, 1.0, 2.0)
    assert (values["dead"].value, values["dead"].points) == (None, 10)
    assert catalogue.field_names() == sorted([*snapshot, "gaps", "dead"])


def test_a_name_may_be_snapshot_and_channel_at_once(catalogue: Catalogue) -> None:
    """And names that became the same when they were cleaned are one."""
    Filler(catalogue).add(record(snapshot={"cryo_temp": 300.0}, columns=[column("cryo_temp", 300.0, 310.0)]))
    values = catalogue.values(catalogue.scans()[0].id)
    assert [(each.name, each.origin) for each in values] == [("cryo_temp", "channel"), ("cryo_temp", "snapshot")]
    twice = record(43)
    twice = replace(twice, snapshot=(*record(snapshot={"a": 1.0}).snapshot, *record(snapshot={"a": 2.0}).snapshot))
    Filler(catalogue).add(twice)
    assert [each.value for each in catalogue.values(catalogue.scans()[1].id)] == [1.0]


@pytest.mark.parametrize("catalogue", ["sqlite"], indirect=True)
def test_tables_are_strict(catalogue: Catalogue) -> None:
    """A numpy scalar raises instead of turning into bytes nobody can search."""
    with catalogue.engine.connect() as connection:
        listed = connection.exec_driver_sql("PRAGMA table_list").mappings()
        strict = {row["name"]: row["strict"] for row in listed}
    assert {name: strict[name] for name in metadata.tables} == dict.fromkeys(metadata.tables, 1)
    bad = replace(record(), points=np.int64(10))  # type: ignore[arg-type]
    with pytest.raises((CatalogueError, IntegrityError)):
        Filler(catalogue).add(bad)
    assert catalogue.count() == 0


def test_references_are_checked_and_values_go_with_their_scan(catalogue: Catalogue) -> None:
    """Nothing is left of a scan that is deleted."""
    Filler(catalogue).add(record(snapshot={"a": 1.0}, links=PILATUS))
    with catalogue.writer() as writer:
        writer.connection.execute(metadata.tables["scan"].delete())
    assert [table(catalogue, name) for name in ("location", "link", "value")] == [[], [], []]
    with pytest.raises(CatalogueError), catalogue.writer() as writer:
        writer.connection.execute(
            metadata.tables["location"].insert().values(scan_id=9, file_id=9, prefix="", state="")
        )


def test_a_writer_that_fails_leaves_nothing(catalogue: Catalogue) -> None:
    """All of a transaction is kept, or none of it."""
    filler = Filler(catalogue)
    root = filler.root

    def fail() -> None:
        with catalogue.writer() as writer:
            writer.save_file(root, TreePath.parse("raw/x.h5"), kind="data", size=1, mtime_ns=1, provisional=False)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert table(catalogue, "file") == []


def test_problems_are_kept_until_they_are_gone(catalogue: Catalogue) -> None:
    """A row a file and stage; a new message takes the old one's place, a vanished file takes its problems along."""
    filler = Filler(catalogue)
    root = filler.root
    with catalogue.writer() as writer:
        for path, stage, message in (
            ("raw/a.h5", "read", "old"),
            ("raw/a.h5", "read", "damaged"),
            ("raw/a.h5", "entry", "a value"),
            ("raw/b.h5", "read", "cut short"),
            ("raw/closed", "list", "denied"),
            ("raw/c.h5", "read", None),
        ):
            writer.set_problem(root, path, stage, message)
    assert [(each.path, each.stage, each.message) for each in catalogue.problems()] == [
        ("raw/a.h5", "entry", "a value"),
        ("raw/a.h5", "read", "damaged"),
        ("raw/b.h5", "read", "cut short"),
        ("raw/closed", "list", "denied"),
    ]
    assert len(catalogue.problems_at(root, "read")) == 2
    filler.file("raw/a.h5")
    filler.vanish("raw/a.h5")
    assert [each.path for each in catalogue.problems_at(root)] == ["raw/b.h5", "raw/closed"]


def test_more_scans_than_one_statement_can_name_come_back(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the links and places of each, in the order of their starts; a limit takes the first."""
    monkeypatch.setattr("danmax_sync.catalogue.catalogue._MANY", 3)
    with catalogue.writer() as writer:
        root = writer.root("file:///x", "/x", LOCAL)
        for number in range(1, 11):
            made = record(number, links={"pilatus": f"scan-{number}_pilatus.h5"})
            path = master_path(number)
            file_id = writer.save_file(root, path, kind="master", size=1, mtime_ns=1, provisional=False)
            writer.save_scans(root, file_id, place(path), [made], running=False)
    scans = catalogue.scans()
    assert [scan.number for scan in scans] == list(range(1, 11))
    assert all(len(scan.links) == len(scan.locations) == 1 for scan in scans)
    assert [scan.number for scan in catalogue.scans(limit=2)] == [1, 2]
    assert catalogue.count() == 10


def test_another_scan_of_the_same_number_and_start_is_kept_beside(catalogue: Catalogue) -> None:
    """Copies of a master have its snapshot; one with another snapshot or title is another scan, also when read anew."""
    one = record(7, snapshot={"hex_x": 1.0, "mode": "open"})
    others = [record(7, snapshot={"hex_x": 2.0}), record(7, snapshot={"hex_x": 1.0}, title="ascan x 0 1 9 1")]
    fillers = [Filler(catalogue, f"/home/u/{name}") for name in ("one", "copy", "other", "third")]
    for _ in range(2):
        for filler, made in zip(fillers, (one, one, *others), strict=True):
            filler.add(made)
        scans = catalogue.scans()
        assert sorted(len(scan.locations) for scan in scans) == [1, 1, 2]
        assert sorted((scan.title, catalogue.values(scan.id)[0].value) for scan in scans) == [
            ("ascan x 0 1 9 1", 1.0),
            ("timescan 10 0.03 0.03", 1.0),
            ("timescan 10 0.03 0.03", 2.0),
        ]


def test_other_scans_of_one_name_are_told_apart_in_one_batch(catalogue: Catalogue) -> None:
    """Before the values of the first are written."""
    filler = Filler(catalogue, "/home/u")
    paths = [TreePath.parse(f"{name}/raw/LaB6/scan-0007.h5") for name in ("a", "b", "c")]
    ids = [filler.file(path, kind="master") for path in paths]
    made = [prepared(record(7, snapshot={"hex_x": float(n // 2)})) for n in range(3)]
    with catalogue.writer() as writer:
        at = writer.root(filler.uri, filler.base, filler.kind)
        places = [place(path, root=filler.base) for path in paths]
        writer.save_masters(
            at, [ReadMaster(i, w, (r,), running=False) for i, w, r in zip(ids, places, made, strict=True)]
        )
    assert sorted(len(scan.locations) for scan in catalogue.scans()) == [1, 2]
