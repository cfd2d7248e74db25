"""A master becomes records: lenient about content, strict about links, and never beyond its own file."""

import os
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

from danmax_sync.errors import SourceError
from danmax_sync.scanfile import columns as columns_module
from danmax_sync.scanfile import groups as groups_module
from danmax_sync.scanfile.frames import read_columns
from danmax_sync.scanfile.master import read_master
from danmax_sync.scanfile.record import ColumnKind, DetectorLink, ScanRecord, resolved
from danmax_sync.scanfile.structure import check_set
from danmax_sync.testing.visit import Awkward, SimulatedVisit, simulate_visit
from danmax_sync.visits import ScanPlace, TreePath, place
from tests.scanfile.writing import DETECTOR_GROUP, END, START, write_entry, write_frames, write_master, write_set

WHERE = place(TreePath.parse("raw/LaB6/scan-0042.h5"))


def only(path: Path, where: ScanPlace = WHERE) -> ScanRecord:
    """Read the one scan of a master."""
    (record,) = read_master(path, where)
    return record


def snapshot_of(record: ScanRecord) -> dict[str, float | int | str | None]:
    """Return the snapshot by name."""
    return {each.name: each.value for each in record.snapshot}


def test_every_scan_of_a_visit_reads_as_it_was_simulated(small_visit: SimulatedVisit) -> None:
    """Title, energy, temperature, points and detectors; NaN at a first point is left out of the energy."""
    for scan in small_visit.scans:
        record = only(scan.path.below(small_visit.folder), place(scan.path))
        assert (record.number, record.entry, record.title) == (scan.number, scan.entry, scan.title)
        assert record.macro == scan.title.replace("(", " ").split()[0]
        assert record.start_time == scan.start
        assert record.end_time is not None
        assert record.end_time > scan.start
        assert record.points == scan.frames
        assert sorted(link.detector for link in record.links) == sorted(scan.detectors)
        assert record.energy is not None
        assert record.energy.mean == pytest.approx(scan.energy_kev, abs=1e-4)
        assert record.energy.origin in {"hdcm_E", "hdcm_energy"}
        assert not record.notes
        if not scan.temperature_source:
            assert record.temperature is None
            continue
        assert record.temperature is not None
        assert record.temperature.minimum == pytest.approx(min(scan.temperatures_k))
        assert record.temperature.maximum == pytest.approx(max(scan.temperatures_k))
        named = {"snapshot": "cryo_temp"}.get(scan.temperature_source, scan.temperature_source)
        assert record.temperature.origin == named


def test_all_spellings_of_a_link_lead_to_the_sibling(small_visit: SimulatedVisit) -> None:
    """With and without leading slash; the target is the file beside the master, as a path of the visit."""
    spellings = set()
    for scan in small_visit.scans:
        for link in only(scan.path.below(small_visit.folder), place(scan.path)).links:
            spellings.add(link.inner_path)
            assert str(link.target) == f"raw/{scan.sample}/scan-{scan.number:04d}_{link.detector}.h5"
            assert not link.problem
    assert {"/entry/instrument/pilatus", "entry/instrument/pilatus"} <= spellings


@pytest.mark.parametrize("inner", [DETECTOR_GROUP, "entry/instrument/pilatus", f"{DETECTOR_GROUP}/data"])
def test_a_link_may_name_the_group_or_the_dataset(tmp_path: Path, inner: str) -> None:
    """It is kept as it is written."""
    path = write_master(tmp_path / "scan-0042.h5", links={"pilatus": ("scan-0042_pilatus.h5", inner)})
    target = TreePath.parse("raw/LaB6/scan-0042_pilatus.h5")
    assert only(path).links == (DetectorLink("pilatus", "scan-0042_pilatus.h5", inner, target),)


def test_links_of_the_older_flat_group_count_too(tmp_path: Path) -> None:
    """A link that both groups hold is one detector."""
    path = write_master(tmp_path / "scan-0042.h5")
    with h5py.File(path, "a", locking=False) as file:
        measurement = file["entry"].create_group("measurement")
        measurement["pilatus"] = h5py.ExternalLink("scan-0042_pilatus.h5", DETECTOR_GROUP)
        measurement["falconx"] = h5py.ExternalLink("scan-0042_falconx.h5", "/entry/instrument/falconx")
        measurement["old_channel"] = [1.0, 2.0, 3.0]
    record = only(path)
    assert sorted(link.detector for link in record.links) == ["falconx", "pilatus"]
    assert [each.name for each in record.columns if each.name == "old_channel"] == ["old_channel"]


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("/data/visitors/danmax/20259999/2025010108/raw/other/scan-0001_pilatus.h5", "absolute"),
        ("../../../outside.h5", "leaves the visit"),
        ("scan-0042.h5", "its own file"),
        ("scan-%04d_pilatus.h5", "pattern"),
    ],
)
def test_a_hostile_link_is_kept_with_its_reason_and_without_a_target(
    tmp_path: Path, filename: str, reason: str
) -> None:
    """The record says what the master wrote, and that nobody may follow it."""
    path = write_master(tmp_path / "scan-0042.h5", links={"pilatus": (filename, DETECTOR_GROUP)})
    (link,) = only(path).links
    assert (link.filename, link.target) == (filename, None)
    assert reason in link.problem


@pytest.mark.timeout(20)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes to trap a reader with")
def test_reading_never_opens_what_a_link_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands at the targets, no file is opened by its name: the master is read from its bytes.

    Nor are links followed inside it: through a Python file object they would lead silently into the master's own data.
    """
    links = {"pilatus": ("scan-0042_pilatus.h5", DETECTOR_GROUP), "data": ("x.h5", "/"), "self": ("scan-0042.h5", "/")}
    path = write_master(tmp_path / "scan-0042.h5", links=links)
    with h5py.File(path, "a", locking=False) as file:
        file["entry"].create_group("measurement")["pilatus"] = h5py.ExternalLink("scan-0042_pilatus.h5", DETECTOR_GROUP)
        file["entry/sample"] = h5py.ExternalLink("x.h5", "/")
        file["entry2"] = h5py.ExternalLink("x.h5", "/entry")
        file["entry/instrument/motor"] = h5py.SoftLink("/entry/instrument/pilatus")
        file["entry/instrument/start_positioners/linked"] = h5py.ExternalLink("x.h5", "/value")
        file.create_group("entry/instrument/chan")["data"] = h5py.ExternalLink("x.h5", "/data")
    opened: list[tuple[object, object]] = []
    real = h5py.File

    def watched(name: object, *args: object, **kwargs: object) -> object:
        opened.append((name, kwargs.get("locking")))
        return real(name, *args, **kwargs)

    monkeypatch.setattr(h5py, "File", watched)
    for target in ("scan-0042_pilatus.h5", "x.h5"):
        os.mkfifo(tmp_path / target)  # opening it would wait forever
    record = only(path)
    assert [name for name, _ in opened if not isinstance(name, h5py.h5f.FileID)] == []
    assert sorted(link.detector for link in record.links) == ["chan", "data", "pilatus", "self"]
    assert snapshot_of(record) == {"linked": None}
    assert [each.name for each in record.columns] == ["pcap_trigts"]


def test_datasets_that_keep_their_data_elsewhere_are_not_read(tmp_path: Path) -> None:
    """External storage and virtual datasets would let a master show any file of the reader's disk."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"password=1234567".ljust(24, b"!"))
    other = tmp_path / "other.h5"
    with h5py.File(other, "w", locking=False) as file:
        file["x"] = np.array([1.0, 2.0, 3.0])
    path = write_master(tmp_path / "visit" / "scan-0042.h5", title=None)
    with h5py.File(path, "a", locking=False) as file:
        file.create_dataset("entry/title", (1,), "S16", external=[(str(secret), 0, 16)])
        file.create_dataset("entry/instrument/start_positioners/leak", (1,), "S16", external=[(str(secret), 0, 16)])
        file.create_dataset("entry/instrument/stored/data", (3,), "f8", external=[(str(secret), 0, 24)])
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource(str(other), "x", (3,))
        file.create_virtual_dataset("entry/instrument/virtual/data", layout)
    record = only(path)
    assert record.title == ""
    assert snapshot_of(record) == {"leak": None}
    assert [each.name for each in record.columns] == ["pcap_trigts"]
    assert len([note for note in record.notes if "another file" in note]) == 4
    assert list(read_columns(path, "entry", ["stored", "virtual", "pcap_trigts"])) == ["pcap_trigts"]


@pytest.mark.parametrize(("start", "zone"), [(START, "with"), ("2025-11-02T08:42:07.482913", "without")])
def test_times_are_read_with_a_zone_and_without(tmp_path: Path, start: str, zone: str) -> None:
    """Both spellings of one moment are the same in UTC."""
    record = only(write_master(tmp_path / "scan-0042.h5", start=start))
    assert record.start_time == datetime(2025, 11, 2, 7, 42, 7, 482913, tzinfo=UTC), zone


def test_a_scan_without_an_end_has_none(tmp_path: Path) -> None:
    """It is running, or was aborted; which of them, the file cannot say."""
    assert only(write_master(tmp_path / "a.h5", end=None)).end_time is None
    assert only(write_master(tmp_path / "b.h5", end=END)).end_time is not None


def test_an_almost_empty_entry_is_still_a_scan(tmp_path: Path) -> None:
    """A title alone will do; what is missing is None or empty."""
    path = tmp_path / "scan-0042.h5"
    with h5py.File(path, "w", locking=False) as file:
        file["entry/title"] = "timescan(10, 0.03, 0.03)"
    record = only(path)
    assert (record.macro, record.number, record.points) == ("timescan", 42, 0)
    assert (record.start_time, record.energy, record.temperature, record.links) == (None, None, None, ())


def test_each_numbered_entry_is_a_scan_of_its_own_number(tmp_path: Path) -> None:
    """In-situ masters hold many; other groups are none."""
    path = tmp_path / "master.h5"
    with h5py.File(path, "w", locking=False) as file:
        for number in (3218, 3219):
            write_entry(file, f"entry{number}", links={"pilatus": (f"scan-{number}_pilatus.h5", DETECTOR_GROUP)})
        write_entry(file, "entry_of_notes")
        write_entry(file, f"entry{'9' * 19}")
        file.create_group("entry7")["something"] = 1
        file["entry8"] = h5py.SoftLink("/entry3218")
    records = read_master(path, place(TreePath.parse("raw/insitu/master.h5")))
    assert [(record.entry, record.number) for record in records] == [("entry3218", 3218), ("entry3219", 3219)]
    assert [str(record.links[0].target) for record in records] == [
        "raw/insitu/scan-3218_pilatus.h5",
        "raw/insitu/scan-3219_pilatus.h5",
    ]


def test_a_single_entry_takes_the_number_of_its_file(tmp_path: Path) -> None:
    """Whatever the entry is called; only a file without a number leaves it to the entry."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", locking=False) as file:
        write_entry(file, "entry3218")
    assert only(path, WHERE).number == 42
    assert only(path, place(TreePath.parse("raw/insitu/insitu.h5"))).number == 3218


def test_snapshot_scalars_of_all_types_are_read(tmp_path: Path) -> None:
    """Floats, integers, flags, texts of both kinds, arrays of one; names with blanks; what is no scalar is None."""
    values = {
        "float": 35.0,
        "float32": np.float32(0.5),
        "int": 7,
        "uint64": np.uint64(2**64 - 1),
        "flag": True,
        "Spinner moving": np.int8(1),
        "Pilatus energy": 35000.0,
        "text": "öppen",
        "bytes": np.bytes_("Si111"),
        "one": np.array([5.0]),
        "nan": np.nan,
        "several": np.array([1.0, 2.0]),
        "empty": h5py.Empty("f8"),
        "control": "a\x1b[2Jb\x9b",
    }
    found = snapshot_of(only(write_master(tmp_path / "scan-0042.h5", snapshot=values)))
    assert np.isnan(float(found.pop("nan") or 0))
    assert found == {
        "float": 35.0,
        "float32": 0.5,
        "int": 7,
        "uint64": 2**64 - 1,
        "flag": 1,
        "Spinner moving": 1,
        "Pilatus energy": 35000.0,
        "text": "öppen",
        "bytes": "Si111",
        "one": 5.0,
        "several": None,
        "empty": None,
        "control": "a[2Jb",
    }
    assert {type(value) for value in found.values()} <= {float, int, str, type(None)}


def test_an_unreadable_value_is_noted_and_leaves_the_rest(tmp_path: Path) -> None:
    """A filter nobody has is an error of that value alone."""
    path = write_master(tmp_path / "scan-0042.h5", snapshot={"good": 1.0})
    with h5py.File(path, "a", locking=False) as file:
        positioners, instrument = file["entry/instrument/start_positioners"], file["entry/instrument"]
        for group, name in ((positioners, "bad"), (instrument.create_group("channel"), "data")):
            data = group.create_dataset(name, shape=(1,), chunks=(1,), dtype="f8", compression="gzip")
            data.id.write_direct_chunk((0,), b"no gzip at all")
    record = only(path)
    assert snapshot_of(record) == {"good": 1.0, "bad": None}
    assert [each.name for each in record.columns] == ["pcap_trigts"]
    assert len(record.notes) == 2
    assert any("start_positioners/bad" in note for note in record.notes)


def test_columns_are_reduced_without_their_nans(tmp_path: Path) -> None:
    """First, least, greatest and mean of what is finite; NaN and infinities are counted."""
    nan, inf = float("nan"), float("inf")
    record = only(
        write_master(
            tmp_path / "scan-0042.h5",
            channels={"hdcm_E": [nan, 35.0, 35.2, 35.4], "dead": [nan] * 4, "over": [inf, 1.0, 2.0, -inf]},
            motors={"pd_sam_x": [-1.0, 0.0, 1.0, 2.0]},
        )
    )
    columns = {each.name: each for each in record.columns}
    energy = columns["hdcm_E"]
    assert (energy.points, energy.nan_count, energy.first) == (4, 1, None)
    assert (energy.minimum, energy.maximum) == (35.0, 35.4)
    assert energy.mean == pytest.approx(35.2)
    assert (columns["dead"].nan_count, columns["dead"].mean) == (4, None)
    assert (columns["over"].nan_count, columns["over"].minimum, columns["over"].maximum) == (2, 1.0, 2.0)
    assert columns["pd_sam_x"].kind is ColumnKind.MOTOR
    assert columns["pd_sam_x"].first == -1.0
    assert energy.kind is ColumnKind.CHANNEL
    assert record.energy is not None
    assert record.energy.origin == "hdcm_E"


def test_numbers_at_the_end_of_their_range_are_no_trouble(tmp_path: Path) -> None:
    """A mean that no float can hold is infinite, without a complaint."""
    record = only(write_master(tmp_path / "scan-0042.h5", channels={"broken": [1.7e308, 1.7e308]}))
    (column,) = record.columns
    assert (column.maximum, column.mean) == (1.7e308, float("inf"))


def test_points_are_what_most_columns_hold(tmp_path: Path) -> None:
    """Never computed from the title; where two lengths are as common, the one that all columns reach."""
    ten, nine = list(range(10)), list(range(9))
    most = {"a": ten, "b": ten, "c": nine}
    assert only(write_master(tmp_path / "a.h5", title="timescan 99 1 1", channels=most)).points == 10
    assert only(write_master(tmp_path / "b.h5", channels={"a": ten, "c": nine})).points == 9
    assert only(write_master(tmp_path / "c.h5", channels={"image": np.zeros((3, 3))})).points == 0


def test_control_characters_and_huge_texts_are_tamed(tmp_path: Path) -> None:
    """A title cannot repaint the terminal nor fill the catalogue; names neither."""
    path = write_master(
        tmp_path / "scan-0042.h5", title="timescan \x1b]0;owned\x07 " + "x" * 100_000, snapshot={"a\x1b[31mb": 1.0}
    )
    record = only(path)
    assert record.title.startswith("timescan ]0;owned ")
    assert len(record.title) < 20_000
    assert snapshot_of(record) == {"a[31mb": 1.0}


def test_a_group_that_claims_too_much_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a column longer than any scan: the rest of the record stands."""
    path = write_master(tmp_path / "scan-0042.h5", channels={"long": range(50), "short": range(5)})
    with h5py.File(path, "a", locking=False) as file:
        # Claimed and never written: a few bytes in the file.
        file.create_dataset("entry/instrument/longest/data", (columns_module.LARGEST_COLUMN + 1,), "f8", chunks=(1000,))
    record = only(path)
    assert sorted(each.name for each in record.columns) == ["long", "short"]
    assert f"{columns_module.LARGEST_COLUMN + 1} points" in record.notes[0]
    monkeypatch.setattr(groups_module, "MOST_NAMES", 2)
    with pytest.raises(SourceError, match="members"):
        read_master(path, WHERE)


def test_hdf5_without_a_scan_holds_none(tmp_path: Path) -> None:
    """It is no error: the file may be somebody's results."""
    path = tmp_path / "results.h5"
    with h5py.File(path, "w", locking=False) as file:
        file["fit/chi2"] = 1.0
    assert read_master(path, place(TreePath.parse("raw/results.h5"))) == []


def test_a_detector_file_under_another_name_holds_no_scan(tmp_path: Path) -> None:
    """It has an entry with an instrument, as a master has; only a master's name lets that be enough."""
    path = write_frames(tmp_path / "mine.h5")
    assert read_master(path, place(TreePath.parse("raw/LaB6/mine.h5"))) == []
    assert len(read_master(path, WHERE)) == 1


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.6, 0.99])
def test_a_truncated_master_is_a_source_error(tmp_path: Path, part: float) -> None:
    """Wherever it was cut; the message names the file."""
    path = write_master(tmp_path / "scan-0042.h5")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(SourceError, match=r"scan-0042\.h5"):
        read_master(path, WHERE)


def test_damaged_masters_are_source_errors(tmp_path: Path) -> None:
    """Random bytes in the middle, and a text file by that name."""
    visit = simulate_visit(tmp_path / "v", scans=0, frames=2, small=True, awkward=[Awkward.CORRUPT, Awkward.TRUNCATED])
    assert len(visit.broken) == 3
    for path in visit.broken:
        with pytest.raises(SourceError, match=path.name):
            read_master(path.below(visit.folder), place(path))


def test_a_missing_master_and_a_folder_are_source_errors(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(SourceError, match="is not there") as caught:
        read_master(tmp_path / "scan-0001.h5", WHERE)
    assert "index" in caught.value.hint
    with pytest.raises(SourceError, match="cannot be read"):
        read_master(tmp_path, WHERE)


def test_columns_are_read_for_computing(tmp_path: Path) -> None:
    """Channels, motors and old flat datasets by name; others are left out, a link is not followed."""
    path = write_master(tmp_path / "scan-0042.h5", channels={"i0": [1.0, 2.0]}, motors={"x": [3.0, 4.0]})
    with h5py.File(path, "a", locking=False) as file:
        file["entry/measurement/flat"] = [5, 6]
        file["entry/measurement/soft"] = h5py.SoftLink("/entry/instrument/i0/data")
    found = read_columns(path, "entry", ["i0", "x", "flat", "pilatus", "soft", "absent"])
    assert {name: values.tolist() for name, values in found.items()} == {"i0": [1, 2], "x": [3, 4], "flat": [5, 6]}


def test_a_column_that_cannot_be_read_is_a_source_error(tmp_path: Path) -> None:
    """Computing without it would give wrong numbers."""
    path = write_master(tmp_path / "scan-0042.h5")
    with h5py.File(path, "a", locking=False) as file:
        data = file.create_dataset("entry/instrument/i0/data", (1,), "f8", chunks=(1,), compression="gzip")
        data.id.write_direct_chunk((0,), b"no gzip at all")
    with pytest.raises(SourceError, match="i0"):
        read_columns(path, "entry", ["i0"])


def test_two_members_of_one_name_are_damage(tmp_path: Path) -> None:
    """A bit that flips in a name can do that: whose value is whose cannot be told, so there is none."""
    path = write_master(tmp_path / "scan-0042.h5", snapshot={"motor_a": 1.0, "motor_b": 2.0})
    content = path.read_bytes()
    assert content.count(b"motor_b\0") == 1
    path.write_bytes(content.replace(b"motor_b\0", b"motor_a\0"))
    with pytest.raises(SourceError, match="two members of one name"):
        read_master(path, WHERE)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    """A master that has just been made, or a disk that was full."""
    path = tmp_path / "scan-0042.h5"
    path.touch()
    with pytest.raises(SourceError, match="it is empty"):
        read_master(path, WHERE)


@pytest.mark.parametrize("unseen", ["\x07", "\x1b", "\x9b", "\u200b", "\u202e", "\n"])
def test_a_link_with_unseen_characters_names_no_sibling(tmp_path: Path, unseen: str) -> None:
    """HDF5 would not find the file that is named without them; it is shown what the link says."""
    links = {"pilatus": (f"scan-0042_{unseen}pilatus.h5", DETECTOR_GROUP)}
    (record,) = read_master(write_master(tmp_path / "scan-0042.h5", links=links), WHERE)
    (link,) = record.links
    assert link.target is None
    assert link.filename == f"scan-0042_\\u{ord(unseen):04x}pilatus.h5"
    assert resolved(link, WHERE.path).target is None


def test_a_detector_of_which_only_the_data_are_linked_has_a_link(tmp_path: Path) -> None:
    """A group of its own in the master, with a link to the frames: the file belongs to the set."""
    path = write_set(tmp_path / WHERE.path.name, links={})
    with h5py.File(path, "a", locking=False) as file:
        file["entry/instrument/pilatus/data"] = h5py.ExternalLink("scan-0042_pilatus.h5", f"{DETECTOR_GROUP}/data")
    (record,) = read_master(path, WHERE)
    assert [(link.detector, str(link.target), link.inner_path) for link in record.links] == [
        ("pilatus", "raw/LaB6/scan-0042_pilatus.h5", f"{DETECTOR_GROUP}/data")
    ]
    where = place(TreePath((path.name,)))
    assert check_set(tmp_path, where) == []
    path.with_name("scan-0042_pilatus.h5").unlink()
    assert "is missing" in check_set(tmp_path, where)[0].message


def test_a_time_that_is_none_is_said(tmp_path: Path) -> None:
    """The scan would stand at no date, or seem to be running, and nobody would know why."""
    path = write_master(tmp_path / WHERE.path.name, start="Sun Nov  2 10:00:00 2025", end=None)
    (record,) = read_master(path, WHERE)
    assert record.start_time is None
    assert record.notes == ("start_time is 'Sun Nov  2 10:00:00 2025', which cannot be read as an ISO time",)
