"""Files of patterns: NXazint1d by the official definition, whole or absent, in the place that mirrors raw/."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from silx.io.nxdata.parse import get_default

from danmax_sync.errors import SourceError
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.engine import Integrator
from danmax_sync.integration.journal import Journal, Packed
from danmax_sync.integration.patterns import read_patterns
from danmax_sync.integration.present import file_key
from danmax_sync.integration.recipe import Recipe
from danmax_sync.testing.awkward import INSITU_NUMBERS, ODD_FOLDERS, Awkward
from danmax_sync.testing.visit import simulate_visit
from tests.conftest import RunLine
from tests.integration.nxdl import problems
from tests.integration.scenes import SHAPE, Home, poisson_frame, store_frames, stored_frames, without
from tests.needs import require_real_data

PROGRAM = "import sys; from danmax_sync.cli import main; main(sys.argv[1:])"


@pytest.mark.parametrize("unit", ["q", "2th"])
def test_a_file_is_nxazint1d_by_the_official_definition(home: Home, unit: str) -> None:
    """Every group, field, attribute, shape and listed value of the definition that is not optional is there."""
    definition = require_real_data() / "NXazint1d.nxdl.xml"
    home.index()
    home.integrate("42", "--unit", unit)
    with h5py.File(home.output(42)) as file:
        assert problems(definition, file) == []
        # The optional ones that this tool does write.
        assert {"I_errors", "norm", "radial_axis_edges"} <= set(file["entry/data"])
        assert not file["entry/monitor_applied"][()]


def test_the_definition_is_really_checked(home: Home) -> None:
    """The check of the test above finds what is taken away or spelled otherwise."""
    definition = require_real_data() / "NXazint1d.nxdl.xml"
    home.index()
    home.integrate("42")
    with h5py.File(home.output(42), "r+") as file:
        del file["entry/instrument/source/probe"]
        del file["entry/data"].attrs["interpretation"]
        file["entry/data/I"].attrs["units"] = "counts"
        assert problems(definition, file) == [
            "/NXentry/NXinstrument/NXsource/probe is missing",
            "/NXentry/NXdata@interpretation is missing",
            "/NXentry/NXdata/I@units is 'counts', not one of ['arbitrary units']",
        ]


def test_the_beamlines_own_file_passes_the_same_check() -> None:
    """The check is as lenient as the files that DanMAX writes: only their date and one long_name are off."""
    folder = require_real_data()
    with h5py.File(folder / "danmax_scan-0100_nxazint1d.h5") as file, pytest.raises(ValueError, match="September"):
        problems(folder / "NXazint1d.nxdl.xml", file)


def test_a_file_opens_as_a_plot(home: Home) -> None:
    """The chain of defaults leads silx from the root to spectra over the radial axis, with their errors."""
    home.index()
    home.integrate("42")
    with h5py.File(home.output(42)) as file:
        default = get_default(file)
        assert default is not None
        assert default.is_valid
        assert (default.signal_dataset_name, default.axes_dataset_names) == ("I", [None, "radial_axis"])
        assert default.interpretation == "spectrum"
        assert default.errors is not None
        assert default.errors.shape == (4, 300)


def test_storage_is_small_and_a_pattern_is_a_chunk(home: Home) -> None:
    """float32, one chunk a pattern, compressed: a reader of one frame reads one chunk."""
    home.index()
    home.integrate("42")
    with h5py.File(home.output(42)) as file:
        for name in ("I", "I_errors"):
            data = file[f"entry/data/{name}"]
            assert (data.dtype, data.shape, data.chunks) == (np.dtype("f4"), (4, 300), (1, 300))
            assert data.compression == "gzip"
        axis, edges = file["entry/data/radial_axis"][()], file["entry/data/radial_axis_edges"][()]
        np.testing.assert_allclose((edges[:-1] + edges[1:]) / 2, axis)
        assert (np.diff(edges) > 0).all()


def test_empty_bins_are_nan_in_the_file(home: Home) -> None:
    """A bin without pixels is NaN in intensity and error, and 0 only in the norm."""
    home.index()
    home.run_line(["integrate", "42", "--bins", "20000", "--split", "none", "--allow", "bins"])
    with h5py.File(home.output(42)) as file:
        data = file["entry/data"]
        empty = data["norm"][()] == 0
        assert 100 < empty.sum() < 20000
        for name in ("I", "I_errors"):
            assert np.array_equal(np.isnan(data[name][()]), np.broadcast_to(empty, (4, 20000)))


def test_patterns_in_the_file_are_those_of_the_frames(home: Home, calibration: Calibration) -> None:
    """What stands in the file is what the integrator gives for each stored frame, in their order, to the bit."""
    home.index()
    home.integrate("42")
    integrator = Integrator(calibration, Recipe(bins=300), SHAPE)
    expected = [integrator.integrate(frame) for frame in stored_frames(home.frames(42))]
    patterns = read_patterns(home.output(42))
    assert patterns.sigma is not None
    assert np.array_equal(patterns.intensity, [each.intensity for each in expected], equal_nan=True)
    assert np.array_equal(patterns.sigma, [each.sigma for each in expected], equal_nan=True)
    np.testing.assert_array_equal(patterns.radial, integrator.radial)


def test_the_order_of_frames_only_orders_the_patterns(home: Home) -> None:
    """Permuted frames give permuted patterns and the same norm, though one frame lost pixels of its own."""
    frames = np.stack([poisson_frame(5, seed=seed) for seed in range(4)])
    frames[0, 60:100] = -1
    order = [2, 0, 3, 1]
    store_frames(home.frames(42), frames)
    store_frames(home.frames(43), frames[order])
    home.index()
    home.integrate("42-43")
    with h5py.File(home.output(42)) as one, h5py.File(home.output(43)) as other:
        for name in ("I", "I_errors"):
            straight, permuted = one[f"entry/data/{name}"][()], other[f"entry/data/{name}"][()]
            assert permuted.tobytes() == straight[order].tobytes()
        assert one["entry/data/norm"][()].tobytes() == other["entry/data/norm"][()].tobytes()


def test_what_was_measured_along_stands_beside_the_patterns(heated: Home) -> None:
    """Temperature in K, time in s since the first trigger and I0 per frame, as the master's channels hold them."""
    heated.index()
    heated.integrate("52")
    with h5py.File(heated.master(52)) as master, h5py.File(heated.output(52)) as file:
        instrument, entry = master["entry/instrument"], file["entry"]
        channel = next(name for name in ("cryo_temp", "lakeshore_tempD") if name in instrument)
        np.testing.assert_array_equal(entry["sample/temperature"][()], instrument[f"{channel}/data"][()])
        assert entry["sample/temperature"].attrs["units"] == "K"
        stamps = instrument["pcap_trigts/data"][()]
        np.testing.assert_allclose(entry["sample/time"][()], stamps - stamps[0])
        start = datetime.fromisoformat(entry["sample/time"].attrs["start"])
        assert start.timestamp() == pytest.approx(stamps[0], abs=1e-5)
        np.testing.assert_array_equal(entry["monitor/data"][()], instrument["albaem-xrd_ch2/data"][()])
        assert entry["sample/name"][()] == b"CeO2"
        energies = instrument["hdcm_E/data"][()]
        assert float(entry["instrument/monochromator/energy"][()]) == pytest.approx(np.nanmean(energies))
        wavelength = float(entry["instrument/monochromator/wavelength"][()])
        assert wavelength == pytest.approx(12.398419843320026 / np.nanmean(energies))


def test_a_constant_temperature_is_written_for_each_frame(home: Home) -> None:
    """Known from the snapshot only, it is the same for all frames; unknown, there is none."""
    home.index()
    home.integrate("42-43")
    with h5py.File(home.output(42)) as file:
        np.testing.assert_array_equal(file["entry/sample/temperature"][()], np.full(4, 296.0))
    with h5py.File(home.output(43)) as file:
        assert "temperature" not in file["entry/sample"]


def test_channels_that_are_missing_or_too_short_are_left_out(home: Home) -> None:
    """No I0, a time channel of another length and a lost trigger: patterns all the same, nothing made up."""
    without(home.master(42), "entry/instrument/albaem-xrd_ch2", "entry/instrument/pcap_trigts/data")
    with h5py.File(home.master(42), "r+") as file:
        file["entry/instrument/pcap_trigts/data"] = np.arange(3.0)
    with h5py.File(home.master(43), "r+") as file:
        file["entry/instrument/pcap_trigts/data"][0] = np.nan
    home.index()
    home.integrate("42-43")
    with h5py.File(home.output(42)) as file:
        assert "monitor" not in file["entry"]
        assert "time" not in file["entry/sample"]
    with h5py.File(home.output(43)) as file:
        time_s = file["entry/sample/time"][()]
        assert np.isnan(time_s[0])
        assert time_s[1] == 0


def test_provenance_is_inside(home: Home) -> None:
    """Versions, date, the geometry's text, hash of the mask, settings and the source file stand in the file."""
    home.index()
    home.integrate("42", "--split", "bbox", "--polarization", "0.97")
    stat = home.frames(42).stat()
    with h5py.File(home.output(42)) as file:
        reduction = file["entry/reduction"]
        told = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in ((name, data[()]) for name, data in reduction["input"].items())
        }
        assert reduction["program"][()] == b"danmax-sync"
        assert b"pyFAI 20" in reduction["version"][()]
        written = datetime.fromisoformat(reduction["date"][()].decode())
        assert abs((datetime.now(UTC) - written).total_seconds()) < 300
    assert told["poni"] == (home.process / "LaB6_35keV.poni").read_text()
    assert told["mask"] == "mask.npy"
    assert len(told["mask_sha256"]) == 64
    assert (told["radial_bins"], told["unit"], told["splitting"]) == (300, "2th", "bbox")
    assert told["polarization_factor"] == 0.97
    assert told["error_model"] == "poisson"
    assert told["source_file"] == "raw/LaB6/scan-0042_pilatus.h5"
    assert told["source_master"] == "raw/LaB6/scan-0042.h5"
    assert (told["source_size"], told["source_mtime_ns"]) == (stat.st_size, stat.st_mtime_ns)


# Whole or absent


@pytest.mark.parametrize(
    ("problem", "code"),
    [(KeyboardInterrupt(), 130), (OSError(28, "No space left on device"), 2), (RuntimeError("a bug"), 70)],
)
def test_whatever_stops_it_midway_leaves_no_file(
    home: Home, monkeypatch: pytest.MonkeyPatch, problem: BaseException, code: int
) -> None:
    """Ctrl-C, a full disk or a bug in the third frame: no file under the final name; run again, it goes on."""
    home.index()
    true_add, calls = Journal.add, iter(range(100))

    def failing(self: Journal, pattern: Packed) -> None:
        if next(calls) == 2:
            raise problem
        true_add(self, pattern)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", failing)
        ran = home.integrate("42", exit_code=code)
    assert list(home.files()) == ["LaB6/.scan-0042_pilatus_integrated.h5.danmax-part"]
    if code == 2:
        assert "No space left on device" in ran.err
    again = home.integrate_json("42").summary
    assert (again["frames"], again["skipped_frames"]) == (2, 2)
    assert list(home.files()) == ["LaB6/scan-0042_pilatus_integrated.h5"]


def test_what_was_there_stays_until_the_new_is_whole(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped while replacing patterns, the old ones are still there, unchanged."""
    home.index()
    home.integrate("42")
    before = home.output(42).read_bytes()

    def failing(self: Journal, pattern: Packed) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", failing)
        home.integrate("42", "--unit", "q", "--overwrite", exit_code=130)
    assert home.output(42).read_bytes() == before


def test_a_journal_cut_anywhere_gives_what_is_whole(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut may leave half a record or a flipped bit: what follows is made again, and the file is the same."""
    home.index()
    home.integrate("43")
    with h5py.File(home.output(43)) as file:
        expected = file["entry/data/I"][()].tobytes()
    home.output(43).unlink()

    def failing(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("danmax_sync.integration.newfile.NewFile.finish", failing)
        home.integrate("43", exit_code=130)
    part = next(home.azint.rglob("*.danmax-part"))
    whole = part.read_bytes()
    for cut, flipped in ((len(whole) - 7, None), (len(whole) // 2, None), (len(whole), len(whole) - 300), (3, None)):
        content = bytearray(whole[:cut])
        if flipped is not None:
            content[flipped] ^= 1
        part.write_bytes(content)
        again = home.integrate_json("43").summary
        assert again["frames"] + again["skipped_frames"] == 4
        assert again["frames"] > 0
        with h5py.File(home.output(43)) as file:
            assert file["entry/data/I"][()].tobytes() == expected
            assert (file["entry/data/norm"][()] > 0).any()
        home.output(43).unlink()


@pytest.fixture
def half_a_cake(home: Home, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Stop scan 43 with a cake after two of its four patterns; return all cakes as they will be."""
    home.index()
    home.integrate("43", "--cake", "24")
    with h5py.File(home.output(43)) as file:
        expected: bytes = file["entry/azint2d/data/I"][()].tobytes()
    home.output(43).unlink()
    true_add, calls = Journal.add, iter(range(100))

    def failing(self: Journal, pattern: Packed) -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt
        true_add(self, pattern)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", failing)
        home.integrate("43", "--cake", "24", exit_code=130)
    assert not home.output(43).exists()
    return expected


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_cakes_of_a_run_that_was_stopped_are_taken_over(home: Home, half_a_cake: bytes, damaged: int) -> None:
    """Two of four cakes are made; those whose bytes changed meanwhile are made again, and the file is the same."""
    new = next(home.azint.rglob("*.danmax-new-0"))
    content = bytearray(new.read_bytes())
    cakes = [at for at in range(len(content)) if content.startswith((24 * 300 * 4).to_bytes(8, "big"), at)]
    assert len(cakes) == 3
    for at in cakes[:damaged]:
        content[at + 40] ^= 1
    new.write_bytes(content)
    again = home.integrate_json("43", "--cake", "24").summary
    assert (again["frames"], again["skipped_frames"]) == (2 + damaged, 2 - damaged)
    assert list(home.files()) == ["LaB6/scan-0043_pilatus_integrated.h5"]
    with h5py.File(home.output(43)) as file:
        assert file["entry/azint2d/data/I"][()].tobytes() == half_a_cake


@pytest.mark.parametrize("words", [("--cake", "24"), ("--cake", "12"), ()])
def test_the_rest_of_a_run_that_was_stopped_does_not_stay(
    home: Home, half_a_cake: bytes, words: tuple[str, ...]
) -> None:
    """Cakes that were lost, that are not wanted any more or are wanted otherwise leave no files behind."""
    next(home.azint.rglob("*.danmax-part")).unlink()
    again = home.integrate_json("43", *words).summary
    assert (again["frames"], again["skipped_frames"]) == (4, 0)
    assert list(home.files()) == ["LaB6/scan-0043_pilatus_integrated.h5"]


def test_a_cake_of_more_frames_takes_over_what_was_there(home: Home) -> None:
    """Of a scan of which one frame was damaged the other cakes are kept when it has come again, byte for byte."""
    home.index()
    home.integrate("43", "--cake", "24")
    with h5py.File(home.output(43), "r+") as file:
        expected = file["entry/azint2d/data/I"][()].tobytes()
        file["entry/reduction/progress/done"][2] = False
    again = home.integrate_json("43", "--cake", "24").summary
    assert (again["frames"], again["skipped_frames"]) == (1, 3)
    with h5py.File(home.output(43)) as file:
        assert file["entry/azint2d/data/I"][()].tobytes() == expected


def test_a_kill_leaves_nothing_under_the_final_name(tmp_path: Path, run_line: RunLine) -> None:
    """SIGKILL between two frames: nothing to be taken for whole; run again, it goes on and nothing else is left."""
    folder = tmp_path / "20251234" / "2025110208"
    simulate_visit(folder, scans=1, frames=400, small=True)
    home = Home(folder, run_line)
    home.index()
    output = home.output(42)
    part = output.with_name(f".{output.name}.danmax-part")
    command = [sys.executable, "-c", PROGRAM, "integrate", "42", "--bins", "300", "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ.copy())
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if part.exists() and part.stat().st_size > 20_000:
            break
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not output.exists()
    assert list(output.parent.iterdir()) == [part]
    again = home.integrate_json("42").summary
    assert again["frames"] + again["skipped_frames"] == 400
    assert again["skipped_frames"] > 0
    assert list(output.parent.iterdir()) == [output]
    assert read_patterns(output).intensity.shape == (400, 300)
    assert np.isfinite(read_patterns(output).intensity[:, 50]).all()


def test_memory_does_not_grow_with_frames(tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 frames take no more memory than 20: few are under way at once."""
    peaks = {}
    for count in (20, 200):
        # To one catalogue both would be the same scan.
        monkeypatch.setenv("DANMAX_SYNC_CATALOGUE", str(tmp_path / f"{count}.db"))
        folder = tmp_path / f"{count}" / "2025110208"
        simulate_visit(folder, scans=1, frames=count, small=True)
        home = Home(folder, run_line)
        home.index()
        home.integrate("42")  # imports and caches are not what is measured
        tracemalloc.start()
        ran = home.integrate_json("42", "--unit", "q", "--overwrite")
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert ran.summary["frames"] >= count
    frame_bytes = SHAPE[0] * SHAPE[1] * 4
    assert peaks[200] - peaks[20] < 16 * frame_bytes


# Places


def test_places_mirror_raw_whatever_folders_are_called(tmp_path: Path, run_line: RunLine) -> None:
    """Dots, spaces, folders called raw, five digits, and masters with many entries: each scan has a file of its own."""
    folder = tmp_path / "raw backup.v2" / "20251234" / "2025110208"
    kinds = [Awkward.ODD_FOLDERS, Awkward.SEVERAL_ENTRIES, Awkward.PAST_9999]
    visit = simulate_visit(folder, scans=0, frames=2, small=True, awkward=kinds)
    home = Home(folder, run_line)
    home.index()
    ran = home.integrate_json()
    expected = {f"insitu/scan-{number}_pilatus_integrated.h5" for number in INSITU_NUMBERS}
    expected |= {"LaB6/scan-10001_pilatus_integrated.h5"}
    odd = [scan for scan in visit.scans if scan.sample in ODD_FOLDERS]
    assert len(odd) == 4
    expected |= {f"{scan.sample}/scan-{scan.number:04d}_pilatus_integrated.h5" for scan in odd}
    assert {"raw/scan-", "raw data.v2/run 1/scan-"} <= {name[: name.index("scan-") + 5] for name in expected}
    assert set(home.files()) == expected
    assert set(ran.summary["outputs"]) == {str(home.azint / name) for name in expected}
    assert (ran.summary["scans"], ran.summary["frames"]) == (7, 14)


def test_entries_of_one_master_keep_their_own_frames(tmp_path: Path, run_line: RunLine) -> None:
    """Two scans of one in-situ master: each file has its own frames' patterns and names its own entry."""
    folder = tmp_path / "20251234" / "2025110208"
    simulate_visit(folder, scans=0, frames=2, small=True, awkward=[Awkward.SEVERAL_ENTRIES])
    first, second = (folder / "raw" / "insitu" / f"scan-{number}_pilatus.h5" for number in INSITU_NUMBERS)
    store_frames(second, 3 * stored_frames(first).clip(min=0))
    home = Home(folder, run_line)
    home.index()
    home.integrate()
    paths = [home.azint / "insitu" / f"scan-{number}_pilatus_integrated.h5" for number in INSITU_NUMBERS]
    means = [float(np.nanmean(read_patterns(path).intensity)) for path in paths]
    assert means[1] == pytest.approx(3 * means[0], rel=0.05)
    for number, path in zip(INSITU_NUMBERS, paths, strict=True):
        with h5py.File(path) as file:
            assert file["entry/reduction/input/source_entry"][()].decode() == f"entry{number}"
            assert file["entry/reduction/input/source_file"][()].decode() == f"raw/insitu/scan-{number}_pilatus.h5"


def test_the_summary_is_the_contract(home: Home) -> None:
    """Events, the last the summary with scans, frames, skipped_frames, outputs, seconds; stdout holds no more."""
    home.index()
    ran = home.integrate_json("42-43")
    assert {event["event"] for event in ran.events} == {"progress", "scan", "summary"}
    summary = ran.summary
    assert {"scans", "frames", "skipped_frames", "outputs", "seconds"} <= set(summary)
    assert (summary["scans"], summary["frames"], summary["skipped_frames"]) == (2, 8, 0)
    assert summary["outputs"] == [str(home.output(n)) for n in (42, 43)]
    assert 0 < summary["seconds"] < 60
    assert all(isinstance(json.loads(line), dict) for line in ran.out.splitlines())


# Reading


def test_the_beamlines_own_file_is_read() -> None:
    """A real DanMAX file: 100 frames of 2000 bins over 2θ, energy, temperatures, the sample's name; it is not ours."""
    path = require_real_data() / "danmax_scan-0100_nxazint1d.h5"
    patterns = read_patterns(path)
    assert patterns.intensity.shape == (100, 2000)
    assert patterns.radial.shape == (2000,)
    assert patterns.unit == "2th"
    assert patterns.energy_kev == pytest.approx(34.99881, abs=1e-5)
    assert patterns.temperature_k is not None
    assert patterns.temperature_k.shape == (100,)
    assert patterns.temperature_k[0] == pytest.approx(293.07, abs=0.01)
    assert patterns.temperature_k[-1] == pytest.approx(160.29, abs=0.01)
    assert (patterns.sample, patterns.program) == ("barium titanate", "azint-pipeline")
    assert patterns.sigma is None
    assert file_key(path) is None


def test_the_beamlines_own_file_in_place_is_plotted_and_kept(home: Home) -> None:
    """Where the beamline has integrated already, plot takes its file and integrate leaves it alone."""
    home.output(42).parent.mkdir(parents=True)
    shutil.copyfile(require_real_data() / "danmax_scan-0100_nxazint1d.h5", home.output(42))
    before = home.files()
    home.index()
    drawn = home.run_line(["plot", "42"]).out
    assert "30.94°" in drawn
    assert drawn.startswith("scan 42  LaB6\n"), "called as the catalogue calls it"
    assert "is kept" in home.integrate("42", "--overwrite", exit_code=2).err
    assert home.files() == before


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n cut"])
def test_what_is_no_file_of_patterns_is_said(tmp_path: Path, content: bytes) -> None:
    """Neither an empty nor a damaged file nor HDF5 of another layout is a bug."""
    path = tmp_path / "patterns.h5"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read as HDF5"):
        read_patterns(path)
    with h5py.File(path, "w") as file:
        file["I"] = np.zeros((2, 3))
    with pytest.raises(SourceError, match="NXazint1d"):
        read_patterns(path)
