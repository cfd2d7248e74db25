"""What `integrate` will not do, how it says so, and what it leaves alone."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from danmax_sync.testing.awkward import Awkward
from danmax_sync.testing.bench import FULL, SMALL
from danmax_sync.testing.visit import simulate_visit
from tests.conftest import Ran, RunLine
from tests.integration.scenes import ENERGY_KEV, SHAPE, Home, store_frames, stored_frames, without

PONI = SMALL.poni_text(ENERGY_KEV)
PROPOSED = "LaB6_35keV.poni"


def refused(home: Home, *words: str, exit_code: int, says: str, hint: str = "") -> Ran:
    """Integrate and expect one complaint with a hint, and no file."""
    before = home.files()
    ran = home.integrate(*words, exit_code=exit_code)
    complaints = [line for line in ran.err.splitlines() if line.startswith("error:")]
    assert len(complaints) == 1, ran.err
    assert re.search(says, complaints[0]), ran.err
    following = ran.err.splitlines()[ran.err.splitlines().index(complaints[0]) + 1]
    assert following.startswith("  → "), ran.err
    assert hint in following
    assert home.files() == before
    return ran


def only_poni(home: Home, text: str) -> Path:
    """Leave one geometry in process/."""
    for path in home.process.glob("*.poni"):
        path.unlink()
    path = home.process / PROPOSED
    path.write_text(text)
    return path


def for_energy(energy: float) -> str:
    """Return a geometry that was calibrated at another energy."""
    return SMALL.poni_text(energy)


# Geometry


@pytest.mark.parametrize("named", [True, False])
def test_a_geometry_of_another_energy_is_refused(home: Home, named: bool) -> None:
    """0.2 % off, found or named: no numbers; the sentence tells both energies."""
    path = only_poni(home, for_energy(ENERGY_KEV * 1.002))
    home.index()
    words = ["--poni", str(path)] if named else []
    ran = refused(home, "42", *words, exit_code=7, says=r"34\.99\d+ keV", hint="--poni")
    assert "35.068" in ran.err or "35.069" in ran.err


@pytest.mark.parametrize("shift", [0.9995, 1.0005])
def test_a_geometry_within_a_permille_is_taken(home: Home, shift: float) -> None:
    """The monochromator's scatter and a recalibration of 0.05 % are no reason to refuse."""
    only_poni(home, for_energy(ENERGY_KEV * shift))
    home.index()
    assert home.integrate_json("42").summary["frames"] == 4


def test_a_visit_without_geometry_lacks_a_file(home: Home) -> None:
    """No .poni: something is missing (5), and the hint tells how to name one."""
    for path in home.process.glob("*.poni"):
        path.unlink()
    home.index()
    refused(home, "42", exit_code=5, says="no .poni", hint="--poni")


def test_a_visit_with_nothing_but_broken_geometries_lacks_one(home: Home) -> None:
    """Files that are no geometry do not count as one."""
    only_poni(home, "Distance: 1\n")
    home.index()
    refused(home, "42", exit_code=5, says="no .poni file in .* can be read", hint="--poni")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text.replace("Distance:", "Dist:"), "names no usable distance"),
        (lambda text: re.sub("Distance: .*", "Distance: 0", text), "names no usable distance"),
        (lambda text: re.sub("Distance: .*", "Distance: -0.5", text), "names no usable distance"),
        (lambda text: re.sub("Distance: .*", "Distance: nan", text), "names no usable distance"),
        (lambda text: re.sub("Poni1: .*", "Poni1: left", text), "names no usable poni1"),
        (lambda text: re.sub("Rot2: .*\n", "", text), "names no usable rot2"),
        (lambda text: re.sub("Wavelength: .*", "Wavelength: None", text), "names no usable wavelength"),
        (lambda text: re.sub("Wavelength: .*", "Wavelength: -3.5e-11", text), "names no usable wavelength"),
        (lambda text: text[: text.index("Wavelength")], "names no usable wavelength"),
        (lambda _: "\x00\x01 no text", "names no usable"),
        (lambda _: "", "names no usable"),
        (lambda text: re.sub("Detector: .*", "Detector: Nonsense", text), "cannot be understood: .*unknown"),
        (lambda text: re.sub("Detector_config: .*", "Detector_config: {oops", text), "cannot be understood"),
        (lambda text: re.sub("Detector_config: .*", "Detector_config: {}", text), "how large a pixel is"),
        (lambda text: text.replace("poni_version: 2.1", "poni_version: 9"), "cannot be understood"),
    ],
)
def test_a_named_geometry_that_is_none_is_a_wrong_word(home: Home, damage: Callable[[str], str], says: str) -> None:
    """A file that is cut short or garbled is refused as such (2): pyFAI would put a metre for a missing distance."""
    path = home.folder / "broken.poni"
    path.write_text(damage(PONI))
    home.index()
    refused(home, "42", "--poni", str(path), exit_code=2, says=says, hint="poni")


def test_a_geometry_that_is_not_there_is_a_wrong_word(home: Home) -> None:
    """--poni with a name of nothing, or of a folder, ends at once with 2."""
    home.index()
    for name in ("nothing.poni", "process"):
        home.integrate("42", "--poni", str(home.folder / name), exit_code=2)
    assert home.files() == {}


def test_a_geometry_of_another_detector_is_refused(home: Home) -> None:
    """A Pilatus geometry for frames of another shape: no numbers; the sentence tells both shapes."""
    only_poni(home, FULL.poni_text(ENERGY_KEV))
    home.index()
    refused(home, "42", exit_code=7, says=r"\(1679, 1475\).*\(167, 149\)", hint="--poni")


def test_a_geometry_spelled_by_hand_is_read_as_pyfai_does(home: Home) -> None:
    """Case does not matter, and of a file that was calibrated twice the last calibration counts."""
    only_poni(home, for_energy(20.0013) + PONI.replace("Wavelength", "wavelength").replace("Distance", "DISTANCE"))
    home.index()
    home.integrate("42")
    only_poni(home, PONI + for_energy(20.0013))
    refused(home, "43", exit_code=7, says="20.001")


def test_the_geometry_of_the_scans_energy_is_chosen(home: Home) -> None:
    """Among several energies each scan gets its own, and the summary says which."""
    home.index()
    ran = home.integrate_json("42 OR 44")
    told = {event["scan"]: event["poni"] for event in ran.events if event["event"] == "scan"}
    assert told == {"scan 42": "LaB6_35keV.poni", "scan 44": "LaB6_20keV.poni"}
    with h5py.File(home.output(44)) as file:
        assert file["entry/reduction/input/poni"].attrs["filename"] == "LaB6_20keV.poni"


def test_the_newest_geometry_of_an_energy_is_chosen(home: Home) -> None:
    """Several calibrations at one energy: the one that was written last, whatever its name."""
    for name, age in (("a.poni", 300), ("m.poni", 100), ("z.poni", 200), (PROPOSED, 400)):
        path = home.process / name
        path.write_text(PONI)
        os.utime(path, (1.7e9 - age, 1.7e9 - age))
    home.index()
    ran = home.integrate("42")
    assert "geometry m.poni, mask mask.npy" in ran.err


def test_garbage_beside_the_calibration_does_not_matter(home: Home) -> None:
    """Broken, hidden and foreign files, flat fields, images and folders in process/ are passed over."""
    home.index()
    home.integrate("42")
    clean = home.output(42).read_bytes()
    garbage = home.process
    (garbage / "cut.poni").write_text(PONI[:150])
    (garbage / "binary.poni").write_bytes(bytes(range(256)))
    (garbage / ".hidden.poni").write_text(PONI)
    (garbage / "folder.poni").mkdir()
    (garbage / "notes.npy").write_text("no array")
    (garbage / "empty.npy").touch()
    np.save(garbage / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(garbage / "profile.npy", np.arange(10))
    np.save(garbage / "flat.npy", np.random.default_rng(0).normal(1, 0.1, SHAPE))
    np.save(garbage / "image.npy", stored_frames(home.frames(42))[0])
    ran = home.integrate_json("42")
    assert (ran.summary["skipped_frames"], ran.summary["frames"]) == (4, 0)
    assert home.output(42).read_bytes() == clean


# Energy of the scan


def test_a_scan_without_energy_needs_a_named_geometry(home: Home) -> None:
    """Nothing to check a geometry against: refused, until the user takes it on himself by naming it."""
    without(
        home.master(42),
        "entry/instrument/hdcm_E",
        "entry/measurement/hdcm_E",
        "entry/instrument/start_positioners/hdcm_energy",
        "entry/instrument/start_positioners/mlm_energy",
    )
    home.index()
    refused(home, "42", exit_code=7, says="does not say its energy", hint="--poni")
    path = home.process / "LaB6_20keV.poni"
    path.unlink()
    refused(home, "42", exit_code=7, says="does not say its energy", hint=str(home.process / PROPOSED))
    home.integrate("42", "--poni", str(home.process / PROPOSED))
    with h5py.File(home.output(42)) as file:
        assert float(file["entry/instrument/monochromator/energy"][()]) == pytest.approx(ENERGY_KEV)


# Masks


@pytest.mark.parametrize("named", [True, False])
def test_a_mask_of_another_shape_is_refused(home: Home, named: bool) -> None:
    """A turned mask, named or the only one there, is refused instead of being left away in silence."""
    path = home.process / "mask.npy"
    np.save(path, np.load(path).T)
    home.index()
    words = ["--mask", str(path)] if named else []
    refused(home, "42", *words, exit_code=7, says=r"\(149, 167\)|\(167, 149\)", hint="--mask")


def test_a_mask_of_another_detector_beside_the_right_one_does_not_matter(home: Home) -> None:
    """Two detectors in a visit have two masks; the shape tells them apart."""
    np.save(home.process / "a_mask_of_the_orca.npy", np.zeros((20, 30), dtype=bool))
    home.index()
    assert "mask mask.npy" in home.integrate("42").err


def test_several_masks_that_fit_are_refused(home: Home) -> None:
    """Nothing tells which of two masks is meant, so the user must; both are named."""
    shutil.copy(home.process / "mask.npy", home.process / "mask_new.npy")
    home.index()
    refused(home, "42", exit_code=7, says=r"mask\.npy, mask_new\.npy", hint="--mask")
    home.integrate("42", "--mask", str(home.process / "mask_new.npy"))


def test_the_one_that_is_called_mask_is_the_mask(home: Home) -> None:
    """Of several arrays that could be masks, one whose name says so is taken."""
    np.save(home.process / "hot_pixels.npy", np.eye(*SHAPE, dtype=np.uint8))
    home.index()
    assert "mask mask.npy" in home.integrate("42").err


def test_a_mask_of_everything_is_refused(home: Home) -> None:
    """A mask with 0 for left out instead of 1 may leave no pixel: that is said, and no file is made of NaN."""
    np.save(home.process / "mask.npy", np.ones(SHAPE, dtype=np.uint8))
    home.index()
    refused(home, "42", exit_code=7, says="leaves no pixel", hint="1 means left out")


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_named_mask_that_is_none_is_a_wrong_word(home: Home, content: bytes) -> None:
    """A file that is no array ends with 2."""
    path = home.folder / "m.npy"
    path.write_bytes(content)
    home.index()
    refused(home, "42", "--mask", str(path), exit_code=2, says="is no mask", hint=".npy")


@pytest.mark.parametrize("kind", [np.bool_, np.int8, np.uint8, np.int64, np.float64])
def test_a_mask_may_be_of_any_type(home: Home, kind: type[np.generic]) -> None:
    """0 and 1 mean the same as booleans, integers and floats."""
    home.index()
    home.integrate("42")
    masked = np.load(home.process / "mask.npy")
    np.save(home.process / "mask.npy", masked.astype(kind))
    assert home.integrate_json("42").summary["skipped_frames"] == 4


def test_without_any_mask_the_marks_are_left_out_all_the_same(home: Home) -> None:
    """No mask in process/ is no error; that there was none is said."""
    (home.process / "mask.npy").unlink()
    home.index()
    assert "no mask" in home.integrate("42").err


# Frames


@pytest.mark.parametrize("count", [3, 5])
def test_frames_that_are_not_as_many_as_points_are_refused(home: Home, count: int) -> None:
    """One frame less or more: nobody can tell which belongs to which point."""
    frames = stored_frames(home.frames(42))
    store_frames(home.frames(42), np.concatenate([frames, frames])[:count])
    home.index()
    refused(home, "42", exit_code=7, says=f"{count} frames for 4 points", hint="index")


def test_a_scan_that_is_still_running_goes_on_later(tmp_path: Path, run_line: RunLine) -> None:
    """Its frames so far are integrated, with 3 and what to do; when more have come, only these are made."""
    folder = tmp_path / "20251234" / "2025110208"
    simulate_visit(folder, scans=0, frames=4, small=True, awkward=[Awkward.GROWING])
    home = Home(folder, run_line)
    home.index()
    ran = home.integrate_json("sample:LaB6", exit_code=3)
    assert ran.summary["frames"] == 2
    assert "2 frames so far" in ran.events[-3]["message"]
    master = next(folder.glob("raw/*/scan-????.h5"))
    output = next(folder.glob("process/azint/**/*_integrated.h5"))
    with h5py.File(output) as file:
        first = file["entry/data/I"][()]
        assert first.shape == (2, 300)
        assert not file["entry/reduction/progress/scan_has_ended"][()]
    frames = master.with_name(f"{master.stem}_pilatus.h5")
    with h5py.File(frames, "r+") as file:
        data = file["entry/instrument/pilatus/data"]
        data.resize(4, axis=0)
        for index in (2, 3):
            data.id.write_direct_chunk((index, 0, 0), data.id.read_direct_chunk((index - 2, 0, 0))[1])
    with h5py.File(master, "r+") as file:
        file["entry/end_time"] = "2025-11-02T12:00:00+01:00"
    home.index()
    ran = home.integrate_json("sample:LaB6")
    assert (ran.summary["frames"], ran.summary["skipped_frames"]) == (2, 2)
    with h5py.File(output) as file:
        assert file["entry/data/I"][:2].tobytes() == first.tobytes() == file["entry/data/I"][2:].tobytes()
        assert file["entry/reduction/progress/scan_has_ended"][()]
    assert home.integrate_json("sample:LaB6").summary["skipped_frames"] == 4


def test_spectra_are_no_frames(home: Home) -> None:
    """Asked for a detector whose data are no images, or that is not there, it says what there is instead."""
    home.index()
    number = next(n for n in range(42, 45) if home.master(n).with_name(f"scan-{n:04d}_falconx.h5").exists())
    home.integrate(str(number), "--detector", "falconx", exit_code=5)
    ran = home.integrate(str(number), "--detector", "orca", exit_code=5)
    assert f"scan {number} has no frames of orca; it has those of " in ran.err
    assert "pilatus" in ran.err
    assert home.files() == {}


def test_a_scan_whose_detector_file_is_missing_says_so(heated: Home) -> None:
    """The set is incomplete: 5, with the missing file's name; the others are integrated all the same."""
    heated.index()
    ran = heated.integrate_json("49-51", exit_code=5)
    told = {event["scan"]: event["message"] for event in ran.events if event["event"] == "scan"}
    assert "scan-0050_pilatus.h5" in told["scan 50"]
    assert (ran.summary["scans"], ran.summary["failed"], ran.summary["frames"]) == (2, 1, 8)


def damage(path: Path, index: int, how: str) -> None:
    """Spoil one frame of a detector file."""
    with h5py.File(path, "r+") as file:
        data = file["entry/instrument/pilatus/data"]
        chunk = data.id.read_direct_chunk((index, 0, 0))[1]
        spoiled = {
            "garbage": b"\x00" * 12 + b"garbage",
            "header": chunk[:8] + b"\xff" * 4 + chunk[12:],
            "cut": chunk[: len(chunk) // 2],
            "length": chunk[:12] + b"\x7f\xff\xff\xff" + chunk[16:],
            "token": chunk[:16] + b"\xff" * 40 + chunk[56:],
            "short": b"\0",
        }[how]
        data.id.write_direct_chunk((index, 0, 0), spoiled)


@pytest.mark.parametrize("how", ["garbage", "header", "cut", "length", "token", "short"])
def test_a_damaged_frame_is_named_and_the_others_are_kept(home: Home, how: str) -> None:
    """A frame that cannot be decompressed: 5, its name, NaN in its place, the frames before and after as ever."""
    home.index()
    home.integrate("42")
    with h5py.File(home.output(42)) as file:
        whole = file["entry/data/I"][()]
    home.output(42).unlink()
    damage(home.frames(42), 2, how)
    home.index()
    ran = home.integrate_json("42-43", exit_code=5)
    told = {event["scan"]: event for event in ran.events if event["event"] == "scan"}
    assert "frame 2 of" in told["scan 42"]["message"]
    assert told["scan 42"]["bad_frames"] == [2]
    assert (ran.summary["frames"], ran.summary["scans"]) == (7, 2)
    with h5py.File(home.output(42)) as file:
        assert np.isnan(file["entry/data/I"][2]).all()
        assert list(file["entry/reduction/progress/done"][()]) == [True, True, False, True]
        for index in (0, 1, 3):
            assert file["entry/data/I"][index].tobytes() == whole[index].tobytes()


def test_a_frame_that_was_never_written_is_named(home: Home) -> None:
    """HDF5 would read it as zeros; here it is a frame that is missing."""
    with h5py.File(home.frames(42), "r+") as file:
        group = file["entry/instrument/pilatus"]
        chunks = {index: group["data"].id.read_direct_chunk((index, 0, 0))[1] for index in (0, 1, 3)}
        del group["data"]
        stored = {"shape": (4, *SHAPE), "chunks": (1, *SHAPE), "dtype": "i4"}
        data = group.create_dataset("data", **stored, **hdf5plugin.Bitshuffle(cname="lz4"))
        for index, chunk in chunks.items():
            data.id.write_direct_chunk((index, 0, 0), chunk)
    home.index()
    ran = home.integrate_json("42", exit_code=5)
    told = next(event for event in ran.events if event["event"] == "scan")
    assert "frame 2 of" in told["message"]
    assert "never written" in told["message"]
    assert ran.summary["frames"] == 3


def test_a_detector_file_that_was_cut_is_named(home: Home) -> None:
    """Half a file is no HDF5 file any more: 5, its name, no patterns."""
    home.index()
    content = home.frames(42).read_bytes()
    home.frames(42).write_bytes(content[: len(content) // 2])
    ran = home.integrate("42", exit_code=5)
    assert "scan-0042_pilatus.h5" in ran.err
    assert home.files() == {}


def test_the_most_serious_reason_decides_the_exit_code(home: Home) -> None:
    """Refused numbers count before missing files."""
    only_poni(home, for_energy(20.0013))
    home.frames(43).unlink()
    home.index()
    ran = home.integrate_json("42-44", exit_code=7)
    assert (ran.summary["scans"], ran.summary["failed"]) == (1, 2)


# Files that are there


def foreign_text(path: Path) -> None:
    """Put something in place that is no HDF5."""
    path.write_text("my notes")


def foreign_hdf5(path: Path) -> None:
    """Put an integrated file of another program in place, which even has a key."""
    with h5py.File(path, "w") as file:
        file["entry/reduction/program"] = "azint-pipeline"
        file["entry/reduction/input/key"] = "abc"


@pytest.mark.parametrize("put", [foreign_text, foreign_hdf5])
@pytest.mark.parametrize("words", [(), ("--overwrite",)])
def test_a_file_of_someone_else_is_kept(home: Home, put: Callable[[Path], None], words: tuple[str, ...]) -> None:
    """What the beamline or the user put there is never replaced, not even with --overwrite."""
    home.output(42).parent.mkdir(parents=True)
    put(home.output(42))
    home.index()
    refused(home, "42", *words, exit_code=2, says="not written by danmax-sync", hint="move it away")


def test_patterns_of_other_settings_are_replaced_only_on_demand(home: Home) -> None:
    """Other settings need --overwrite; then the file holds the new ones."""
    home.index()
    home.integrate("42")
    refused(home, "42", "--unit", "q", exit_code=2, says="other settings", hint="--overwrite")
    home.integrate("42", "--unit", "q", "--overwrite")
    with h5py.File(home.output(42)) as file:
        assert file["entry/data/radial_axis"].attrs["long_name"] == "q"
    assert list(home.files()) == ["LaB6/scan-0042_pilatus_integrated.h5"]


def changed_poni(home: Home) -> None:
    """Calibrate again, a hair's breadth away."""
    only_poni(home, PONI.replace("Distance: 0.5003", "Distance: 0.50031"))


def changed_mask(home: Home) -> None:
    """Mask one pixel more."""
    masked = np.load(home.process / "mask.npy")
    masked[0, 0] = 1
    np.save(home.process / "mask.npy", masked)


def changed_frames(home: Home) -> None:
    """Measure again."""
    store_frames(home.frames(42), stored_frames(home.frames(42)) + 1)


@pytest.mark.parametrize("change", [changed_poni, changed_mask, changed_frames])
def test_patterns_from_other_files_are_not_taken_for_done(home: Home, change: Callable[[Home], None]) -> None:
    """Another geometry, mask or measurement makes other patterns: not skipped as done."""
    home.index()
    home.integrate("42")
    change(home)
    refused(home, "42", exit_code=2, says="another file|other settings", hint="--overwrite")


def test_same_settings_are_not_computed_again(home: Home) -> None:
    """Run again it skips every frame and touches nothing, and counts what it skipped."""
    home.index()
    first = home.integrate_json("42-43").summary
    before = {path: path.stat().st_mtime_ns for path in home.azint.rglob("*.h5")}
    again = home.integrate_json("42-43").summary
    assert (first["frames"], first["skipped_frames"]) == (8, 0)
    assert (again["frames"], again["skipped_frames"], again["scans"]) == (0, 8, 2)
    assert again["outputs"] == first["outputs"] == [str(path) for path in sorted(before)]
    assert {path: path.stat().st_mtime_ns for path in home.azint.rglob("*.h5")} == before


def test_a_place_that_cannot_be_written_to_is_said(home: Home) -> None:
    """A file where the folder should be: a sentence and 2, not a bug report."""
    home.azint.write_text("a file")
    home.index()
    ran = home.integrate("42", exit_code=2)
    assert "cannot be written" in ran.err
    assert home.azint.read_text() == "a file"


# Where scans are


def test_scans_at_home_and_at_the_facility_are_integrated_at_home(
    home: Home, tmp_path: Path, run_line: RunLine
) -> None:
    """The catalogue knows a scan in two places: the one on this disk is used; those that are only away are named."""
    here = tmp_path / "home" / "2025110208"
    run_line(["remote", "add", "facility", home.folder.as_uri()])
    run_line(["index", "facility"])
    ran = run_line(["integrate", "42"], exit_code=5)
    assert "on this disk" in ran.err
    assert "danmax-sync get" in ran.err
    run_line(["get", "42-43", "--from", "facility", "--to", str(here)])
    ran = run_line(["integrate", "42-45", "--bins", "300", "--json"])
    assert [Path(path) for path in ran.summary["outputs"]] == [
        here / "process" / "azint" / "LaB6" / f"scan-{n:04d}_pilatus_integrated.h5" for n in (42, 43)
    ]
    warnings = [event["message"] for event in ran.events if event["event"] == "warning"]
    assert warnings == ["1 of 3 scans is not on this disk and left out"]
    assert not home.azint.exists()


@pytest.mark.parametrize("incomplete", [0, 1])
def test_of_two_places_at_home_the_complete_one_is_used(home: Home, tmp_path: Path, incomplete: int) -> None:
    """Half a copy on one disk does not hide the whole one on another, whichever was indexed first."""
    copy = Home(tmp_path / "other disk" / "20251234" / "2025110208", home.run_line)
    shutil.copytree(home.folder, copy.folder)
    places = [home, copy]
    places[incomplete].frames(42).unlink()
    home.index()
    copy.index()
    assert home.integrate_json("42").summary["outputs"] == [str(places[1 - incomplete].output(42))]


def test_a_scan_that_was_deleted_since_is_said_to_be_missing(home: Home) -> None:
    """The catalogue still knows it, the disk does not: 5, with what to do."""
    home.index()
    home.master(42).unlink()
    ran = home.integrate("42", exit_code=5)
    assert "not on this disk" in ran.err
    assert "danmax-sync" in ran.err.partition("→")[2]
