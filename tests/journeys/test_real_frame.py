"""A frame that somebody really measured, from a real sshd to a pattern whose rings are where theory puts them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from pyFAI.calibrant import get_calibrant

from danmax_sync.integration.calibration import read_poni
from danmax_sync.integration.patterns import Patterns, read_patterns
from danmax_sync.quantities import SANE_ENERGY_KEV
from danmax_sync.settings import SSH_CONFIG_VARIABLE
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.visit import SimulatedVisit, real_frame_visit
from tests.conftest import RunLine
from tests.needs import require_real_data, require_sshd

RINGS = 12
TOLERANCE_DEG = 0.002


@pytest.fixture
def visit(tmp_path: Path) -> SimulatedVisit:
    """Pack the real CeO2 frame and its calibration as a visit at the facility."""
    data = require_real_data()
    with h5py.File(data / "ceo2_pilatus2m_cdte.h5", "r", locking=False) as file:
        frame = file["imageseries/images"][0]
    text, energy_kev = read_poni(data / "ceo2_pilatus2m_cdte.poni")
    folder = tmp_path / "facility" / "20251234" / "2025110208"
    return real_frame_visit(folder, frame=frame, poni_text=text, energy_kev=energy_kev)


@pytest.fixture
def facility(visit: SimulatedVisit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealSshd]:
    """Serve it with the system's own sshd, known to an ssh_config of this test."""
    require_sshd()
    # Sockets of ssh need short paths, which pytest's folders are not.
    with tempfile.TemporaryDirectory() as sockets, RealSshd(tmp_path / "sshd") as server:
        monkeypatch.setenv("XDG_RUNTIME_DIR", sockets)
        monkeypatch.setenv(SSH_CONFIG_VARIABLE, str(server.ssh_config))
        yield server


def test_a_real_frame_travels_and_its_rings_are_where_they_belong(
    visit: SimulatedVisit, facility: RealSshd, tmp_path: Path, run_line: RunLine
) -> None:
    """Add → index → get → verify → integrate: the first 12 rings of CeO2 are within 0.002° of theory."""
    home = tmp_path / "home"
    run_line(["remote", "add", "facility", facility.url(visit.folder)])
    indexed = run_line("index facility --json").summary
    assert (indexed["scans"], indexed["problems"]) == (1, 0)
    found = run_line("search CeO2 -f json").json
    assert [scan["scan"] for scan in found] == [42]
    energy = found[0]["energy_kev"]
    assert energy == pytest.approx(61.33, abs=0.01)
    assert SANE_ENERGY_KEV[0] < energy < SANE_ENERGY_KEV[1]
    got = run_line(["get", "42", "--from", "facility", "--to", str(home), "--json"]).summary
    assert (got["sets"]["complete"], got["sets"]["partial"], got["sets"]["failed"]) == (1, 0, 0)
    verified = run_line(["verify", str(home), "--deep", "--json"]).summary
    assert (verified["ok"], verified["failed"]) == (1, 0)
    assert facility.logins >= 1
    summary = run_line("integrate 42 --json").summary
    assert (summary["frames"], summary["skipped_frames"]) == (1, 0)
    output = home / "process" / "azint" / "CeO2" / "scan-0042_pilatus_integrated.h5"
    assert summary["outputs"] == [str(output)]
    patterns = read_patterns(output)
    assert patterns.energy_kev == pytest.approx(energy)
    deviations = ring_deviations(patterns, energy)
    told = "\n".join(f"ring {place + 1:2d}: {each * 1000:+.2f} m°" for place, each in enumerate(deviations))
    assert len(deviations) == RINGS
    assert np.abs(deviations).max() < TOLERANCE_DEG, told
    assert np.abs(deviations.mean()) < TOLERANCE_DEG / 2, told
    print(told)  # noqa: T201 - the figures that the documentation quotes: pytest -rP


def test_a_frame_at_another_energy_would_be_seen(visit: SimulatedVisit, run_line: RunLine) -> None:
    """The same way with a geometry 0.05 % off in energy, which is let pass: rings are off by what theory says."""
    text = visit.poni.read_text()
    wavelength = next(line for line in text.splitlines() if line.startswith("Wavelength"))
    value = float(wavelength.split(":")[1])
    # What decides 2θ is where pixels are: the distance is put off as much as the energy may be.
    distance = next(line for line in text.splitlines() if line.startswith("Distance"))
    longer = float(distance.split(":")[1]) * 1.0005
    visit.poni.write_text(text.replace(distance, f"Distance: {longer!r}"))
    run_line(["index", str(visit.folder)])
    run_line("integrate 42")
    output = visit.folder / "process" / "azint" / "CeO2" / "scan-0042_pilatus_integrated.h5"
    deviations = ring_deviations(read_patterns(output), 12.398419843320026 / (value * 1e10))
    assert (deviations < 0.001).all()
    assert deviations[-1] < -TOLERANCE_DEG


def ring_deviations(patterns: Patterns, energy_kev: float) -> NDArray[np.float64]:
    """Return fitted minus expected positions of the first rings of CeO2, in degrees."""
    calibrant = get_calibrant("CeO2")
    calibrant.wavelength = 12.398419843320026e-10 / energy_kev
    expected = np.degrees(calibrant.get_2th())[:RINGS]
    intensity = patterns.intensity[0].astype(np.float64)
    return np.asarray([_fitted(patterns.radial, intensity, centre) - centre for centre in expected])


def _fitted(radial: NDArray[np.float64], intensity: NDArray[np.float64], near: float) -> float:
    """Fit a Gaussian on a straight background to what is within 0.12° of a place."""
    window = (np.abs(radial - near) < 0.12) & np.isfinite(intensity)
    x, y = radial[window] - near, intensity[window]
    height, centre, width = float(np.ptp(y)), 0.0, 0.03
    for _ in range(50):
        shape = np.exp(-0.5 * ((x - centre) / width) ** 2)
        # Gauss's and Newton's steps in centre and width; height and background are linear in each of them.
        toward = height * shape * (x - centre) / width**2
        columns = np.stack([shape, toward, toward * (x - centre) / width, np.ones_like(x), x], axis=1)
        height, shift, widening, *_ = np.linalg.lstsq(columns, y, rcond=None)[0]
        centre, width = centre + float(np.clip(shift, -0.01, 0.01)), width + float(np.clip(widening, -0.005, 0.005))
    assert abs(shift) < 1e-7
    assert 0.004 < width < 0.06
    return near + centre
