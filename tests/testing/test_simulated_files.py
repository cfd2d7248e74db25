"""The simulated files hold what danmax-files.md says, in its types, spellings and links."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from pyFAI.detectors import detector_factory

from danmax_sync.errors import UsageError
from danmax_sync.quantities import meaning_of
from danmax_sync.testing.visit import SimulatedScan, SimulatedVisit, real_frame_visit, simulate_visit

assert hdf5plugin.FILTERS  # Imported for its side effect: h5py can read the frames.


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> SimulatedVisit:
    """Return a whole small visit."""
    return simulate_visit(tmp_path_factory.mktemp("visit"), small=True, frames=4, incomplete=[1])


def opened(visit: SimulatedVisit, scan: SimulatedScan, detector: str = "") -> Any:
    """Open a scan's master, or one of its detector files."""
    path = scan.path.below(visit.folder)
    return h5py.File(path.with_name(f"{path.stem}_{detector}.h5") if detector else path, "r", locking=False)


def filter_of(data: Any) -> tuple[int, tuple[int, ...]]:
    """Return filter id and the options that follow the filter's own three (version, version, element size)."""
    plist = data.id.get_create_plist()
    assert plist.get_nfilters() == 1
    code, _, options, _ = plist.get_filter(0)
    return code, options[3:]


def test_a_full_size_frame_is_a_pilatus_frame(tmp_path: Path) -> None:
    """Shape, type, chunks, compression, gaps and counts are those of the Pilatus3 2M CdTe; a frame is about 1 MB."""
    visit = simulate_visit(tmp_path, scans=1, frames=2)
    with opened(visit, visit.scans[0], "pilatus") as file:
        group = file["entry/instrument/pilatus"]
        data = group["data"]
        assert (data.shape, data.dtype, data.chunks) == ((2, 1679, 1475), np.dtype("<i4"), (1, 1679, 1475))
        assert data.maxshape == (None, 1679, 1475)
        assert filter_of(data) == (32008, (0, 2))
        frames = data[()]
        mask_id, chunk = data.id.read_direct_chunk((0, 0, 0))
    gaps = detector_factory("PilatusCdTe2M").calc_mask().astype(bool)
    assert np.array_equal(frames == -1, np.broadcast_to(gaps, frames.shape))
    assert 20 < (frames[0] == -2).sum() < 500
    assert frames.min() == -2
    assert 2.0 < frames[frames >= 0].mean() < 5.0
    assert not np.array_equal(frames[0], frames[1])
    assert mask_id == 0
    assert 0.8e6 < len(chunk) < 2e6
    # The chunk's own header, as the receiver writes it: all bytes, then bytes in a block.
    assert int.from_bytes(chunk[:8], "big") == 1679 * 1475 * 4
    assert int.from_bytes(chunk[8:12], "big") == 8192


def test_small_frames_differ_only_in_size(visit: SimulatedVisit) -> None:
    """An odd number of pixels, gaps and bad pixels, the same filter."""
    for scan in (scan for scan in visit.scans if scan.complete):
        with opened(visit, scan, "pilatus") as file:
            data = file["entry/instrument/pilatus/data"]
            assert (data.shape, data.maxshape, data.dtype) == ((4, 167, 149), (None, 167, 149), np.dtype("<i4"))
            assert (data.chunks, filter_of(data)) == ((1, 167, 149), (32008, (0, 2)))
            assert data.shape[1] * data.shape[2] % 8 != 0
            assert {-2, -1} <= set(np.unique(data[()]))


def test_bad_pixels_are_the_same_all_through_the_visit(visit: SimulatedVisit) -> None:
    """A dead pixel is dead in every frame of every scan, and the mask covers it, the gaps and more."""
    masked = np.load(visit.mask)
    assert (masked.dtype, set(np.unique(masked))) == (np.dtype("uint8"), {0, 1})
    marked = []
    for scan in (scan for scan in visit.scans if scan.complete):
        with opened(visit, scan, "pilatus") as file:
            marked += [np.where(frame < 0, frame, 0) for frame in file["entry/instrument/pilatus/data"][()]]
    assert all(np.array_equal(marked[0], other) for other in marked)
    assert masked[marked[0] < 0].all()
    assert masked.sum() > (marked[0] < 0).sum() + 20


def test_the_detector_header_is_there_in_ev_and_seconds(visit: SimulatedVisit) -> None:
    """Energy and threshold are in eV, exposure in s, and the sequence counts the frames."""
    for scan in (scan for scan in visit.scans if scan.complete):
        with opened(visit, scan, "pilatus") as file:
            group = file["entry/instrument/pilatus"]
            assert group.attrs["NX_class"] == "NXdetector"
            assert group["energy"][()] == round(scan.energy_kev) * 1000
            assert group["threshold"][()] == group["energy"][()] / 2
            assert group["exptime"][()] == 0.03
            assert group["sequence_number"].dtype == np.uint32
            assert list(group["sequence_number"]) == [0, 1, 2, 3]


def test_fluorescence_spectra_peak_at_the_photon_energy(visit: SimulatedVisit) -> None:
    """A spectrum a point, 10 eV a channel, with the elastic line above 15 keV, and the count rates."""
    scan = next(scan for scan in visit.scans if "falconx" in scan.detectors)
    with opened(visit, scan, "falconx") as file:
        group = file["entry/instrument/falconx"]
        assert group["data"].shape == (4, 1, 4096)
        assert filter_of(group["data"]) == (32008, (0, 2))
        spectrum = group["data"][()].sum(axis=(0, 1))
        assert group["input_count_rate"].shape == (4, 1)
    elastic = 1500 + int(np.argmax(spectrum[1500:]))
    # The Compton peak, 0.8 keV lower at 20 keV, is broader and not as high.
    assert abs(elastic * 0.01 - scan.energy_kev) < 0.2


def test_masters_link_to_their_detector_files(visit: SimulatedVisit) -> None:
    """External links to groups, to the file beside the master, with and without a leading slash; one dangles."""
    spellings = set()
    for position, scan in enumerate(visit.scans):
        with opened(visit, scan) as file:
            instrument = file["entry/instrument"]
            for detector in scan.detectors:
                link = instrument.get(detector, getlink=True)
                assert isinstance(link, h5py.ExternalLink)
                assert link.filename == f"scan-{scan.number:04d}_{detector}.h5"
                spellings.add(link.path.replace(detector, "*"))
            if position == 1:
                assert "pilatus" in instrument
                assert instrument.get("pilatus") is None
            else:
                assert isinstance(instrument["pilatus"], h5py.Group)
                assert instrument["pilatus/data"].shape == (4, 167, 149)
    assert spellings == {"/entry/instrument/*", "entry/instrument/*"}


def test_titles_have_both_spellings_and_meshes_snake(visit: SimulatedVisit) -> None:
    """Time scans with spaces and with brackets, line scans, and a mesh with its flag, four points each."""
    titles = []
    for scan in visit.scans:
        with opened(visit, scan) as file:
            entry = file["entry"]
            title = entry["title"].asstr()[()]
            assert title == scan.title
            titles.append(title)
            assert ("snake" in entry) == title.startswith("mesh")
            motors = [group for group in entry["instrument"].values() if group is not None and "value" in group]
            assert len(motors) == {"t": 0, "a": 1, "d": 1, "m": 2}[title[0]]
            assert all((motor["value"].shape, motor["value"].dtype) == ((4,), np.float64) for motor in motors)
    assert {"timescan 4 0.03 0.03", "timescan(4, 0.03, 0.03)"} <= set(titles)
    assert {re.split(r"\W", title)[0] for title in titles} == {"timescan", "ascan", "dscan", "meshct"}


def test_times_are_iso_with_fractions_and_agree_with_the_triggers(visit: SimulatedVisit) -> None:
    """Some say their zone and some do not; the triggers lie between start and end."""
    zones = set()
    for scan in visit.scans:
        with opened(visit, scan) as file:
            entry = file["entry"]
            begin, end = (datetime.fromisoformat(entry[name].asstr()[()]) for name in ("start_time", "end_time"))
            triggers = entry["instrument/pcap_trigts/data"][()]
        zones.add(str(begin.tzinfo))
        assert begin.microsecond != 0
        # Without a zone it is Swedish winter time.
        assert begin.replace(tzinfo=None) - scan.start.replace(tzinfo=None) == timedelta(hours=1)
        assert scan.start.timestamp() < triggers[0] < triggers[-1]
        assert triggers[-1] < scan.start.timestamp() + (end - begin).total_seconds()
        assert (np.diff(triggers) > 0).all()
    assert zones == {"UTC+01:00", "None"}


def test_channels_hold_a_value_a_point(visit: SimulatedVisit) -> None:
    """Currents, energy (NaN at first, or missing, in some), and temperature, all float64."""
    holes, missing = 0, 0
    for scan in visit.scans:
        with opened(visit, scan) as file:
            instrument = file["entry/instrument"]
            channels = {k: g["data"] for k, g in instrument.items() if k not in scan.detectors and "data" in g}
            assert {f"albaem-xrd_ch{n}" for n in (1, 2, 3, 4)} <= set(channels)
            assert all((c.shape, c.dtype) == ((4,), np.float64) for c in channels.values())
            recorded = {"cryo_temp", "lakeshore_tempD"} & set(channels)
            assert recorded == {scan.temperature_source} - {"", "snapshot"}
            for name in recorded:
                assert np.array_equal(channels[name][()], scan.temperatures_k)
            if "hdcm_E" in channels:
                energies = channels["hdcm_E"][()]
                holes += int(np.isnan(energies[0]))
                assert np.nanmedian(energies) == pytest.approx(scan.energy_kev, abs=2e-4)
                assert not np.isnan(energies[1:]).any()
            else:
                missing += 1
    assert 0 < holes < 12
    assert 0 < missing < 6


def test_aliases_are_soft_links_in_some(visit: SimulatedVisit) -> None:
    """The older flat /entry/measurement leads to the same arrays."""
    seen = 0
    for scan in visit.scans:
        with opened(visit, scan) as file:
            if "measurement" not in file["entry"]:
                continue
            seen += 1
            measurement = file["entry/measurement"]
            assert isinstance(measurement.get("albaem-xrd_ch2", getlink=True), h5py.SoftLink)
            current = file["entry/instrument/albaem-xrd_ch2/data"][()]
            assert np.array_equal(measurement["albaem-xrd_ch2"][()], current)
    assert 0 < seen < 12


def test_the_snapshot_is_what_the_user_page_describes(visit: SimulatedVisit) -> None:
    """80 to 200 scalars of several types, one of them NaN, with one sane and one nonsensical energy."""
    snapshots = []
    for scan in visit.scans:
        with opened(visit, scan) as file:
            group = file["entry/instrument/start_positioners"]
            assert 80 <= len(group) <= 200
            assert all(dataset.shape == () for dataset in group.values())
            kinds = {h5py.check_string_dtype(dataset.dtype) or dataset.dtype.kind for dataset in group.values()}
            assert {"f", "i"} <= kinds
            strings = [kind for kind in kinds if isinstance(kind, h5py.h5t.string_info)]
            assert {(kind.encoding, kind.length is None) for kind in strings} == {("utf-8", True), ("ascii", False)}
            values = {name: dataset[()] for name, dataset in group.items()}
        floats = [value for value in values.values() if isinstance(value, np.floating)]
        assert sum(np.isnan(value) for value in floats) == 1
        assert values["hdcm_energy"] == scan.energy_kev
        assert values["mlm_energy"] < 0
        in_snapshot = {"cryo_temp", "lakeshore_tempD", "lakeshore_tempC"} & set(values)
        assert bool(in_snapshot) == bool(scan.temperatures_k)
        snapshots.append(values)
    described = {meaning.pattern for name in snapshots[0] if (meaning := meaning_of(name))}
    assert {"Spinner moving", "Pilatus energy", "Pilatus threshold", "IVU_R3_304_GAP", "hex_*", "ea_bst_*"} <= described
    assert snapshots[0]["ea_slit1_top"] != snapshots[2]["ea_slit1_top"]
    assert {int(values["Spinner moving"]) for values in snapshots} == {0, 1}
    assert len({len(values) for values in snapshots}) > 1


def test_optional_fields_are_in_some_masters_only(visit: SimulatedVisit) -> None:
    """Readers can rely on neither their presence nor their absence."""
    for name in ("definition", "proposal_id", "experiment_identifier", "user"):
        present = []
        for scan in visit.scans:
            with opened(visit, scan) as file:
                present.append(name in file["entry"])
        assert len(set(present)) == 2, name


def test_a_real_frame_is_packed_unchanged(tmp_path: Path) -> None:
    """Every count, the calibration's text and the energy arrive; the marked pixels become the mask."""
    frame = np.random.default_rng(5).poisson(3.0, (1679, 1475)).astype(np.int32)
    frame[195:212], frame[700, 700] = -1, -2
    visit = real_frame_visit(tmp_path, frame=frame, poni_text="# a calibration\n", energy_kev=61.33)
    (scan,) = visit.scans
    assert (scan.sample, scan.frames, scan.complete, scan.temperatures_k) == ("CeO2", 1, True, ())
    with opened(visit, scan) as file:
        assert np.array_equal(file["entry/instrument/pilatus/data"][0], frame)
        assert filter_of(file["entry/instrument/pilatus/data"]) == (32008, (0, 2))
        assert file["entry/instrument/start_positioners/hdcm_energy"][()] == 61.33
    assert visit.poni.read_text(encoding="utf-8") == "# a calibration\n"
    assert np.array_equal(np.load(visit.mask) == 1, frame < 0)
    assert real_frame_visit(tmp_path, frame=frame, poni_text="# a calibration\n", energy_kev=61.33) == visit


def test_only_one_image_of_counts_is_a_frame(tmp_path: Path) -> None:
    """A stack or floats are refused before a folder is made."""
    for wrong in (np.zeros((1, 4, 4), np.int32), np.zeros((4, 4))):
        with pytest.raises(UsageError, match="int32"):
            real_frame_visit(tmp_path / "v", frame=wrong, poni_text="", energy_kev=35.0)  # type: ignore[arg-type]
    assert not (tmp_path / "v").exists()
