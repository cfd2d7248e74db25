"""The simulated frames are powder patterns: rings where Bragg's law puts them, statistics of counted photons."""

import h5py
import numpy as np
import pyFAI
import pytest
from numpy.typing import NDArray

from danmax_sync.testing.bench import SMALL, view
from danmax_sync.testing.frames import FramePool
from danmax_sync.testing.physics import State, expected_image
from danmax_sync.testing.visit import SimulatedVisit, simulate_visit

LATTICE_A = {"LaB6": 4.156826, "Si": 5.431179, "CeO2": 5.411651}
"""Cubic lattice parameters as the certificates have them, Å."""
STRONGEST = {"LaB6": (1, 1, 0), "Si": (1, 1, 1), "CeO2": (1, 1, 1)}
FIRST = {"LaB6": (1, 0, 0), "Si": (1, 1, 1), "CeO2": (1, 1, 1)}


def bragg_deg(sample: str, hkl: tuple[int, int, int], energy_kev: float) -> float:
    """Return the scattering angle of a cubic reflection at room temperature, degrees."""
    spacing = LATTICE_A[sample] / np.sqrt(sum(index**2 for index in hkl))
    return float(2 * np.degrees(np.arcsin(12.398419843 / energy_kev / (2 * spacing))))


def pattern(visit: SimulatedVisit, position: int, bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Integrate the mean frame of a scan with pyFAI over scattering angle in degrees."""
    scan = visit.scans[position]
    master = scan.path.below(visit.folder)
    with h5py.File(master.with_name(f"{master.stem}_pilatus.h5"), "r", locking=False) as file:
        frame = file["entry/instrument/pilatus/data"][()].mean(axis=0)
    poni = visit.folder / "process" / f"LaB6_{round(scan.energy_kev)}keV.poni"
    integrator = pyFAI.load(str(poni))
    assert integrator.energy == pytest.approx(scan.energy_kev, abs=1e-3)
    result = integrator.integrate1d(
        frame,
        bins,
        unit="2th_deg",
        mask=np.load(visit.mask),
        polarization_factor=0.999,
        method=("bbox", "csr", "cython"),
    )
    return result.radial, result.intensity


def centroid(angle: NDArray[np.float64], counts: NDArray[np.float64], *, near: float, half_width: float) -> float:
    """Return a ring's centre of gravity above the line between the window's ends."""
    inside = np.abs(angle - near) < half_width
    x, y = angle[inside], counts[inside]
    above = y - np.interp(x, x[[0, -1]], [y[:3].mean(), y[-3:].mean()])
    return float((x * above).sum() / above.sum())


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> SimulatedVisit:
    """Return LaB6 at 35 keV, LaB6 and Si at 20 keV among others, and a ramp of CeO2."""
    return simulate_visit(tmp_path_factory.mktemp("visit"), small=True, frames=3)


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> SimulatedVisit:
    """Return LaB6, Si, and CeO2 at 300 and at 480 K on the real detector, a frame each."""
    return simulate_visit(tmp_path_factory.mktemp("full"), scans=4, frames=1)


def test_rings_of_a_full_size_frame_stand_within_a_tenth_of_their_width(full_size: SimulatedVisit) -> None:
    """Integration by pyFAI finds the first LaB6 rings where the certified lattice puts them, with their width."""
    angle, counts = pattern(full_size, 0, 4000)
    for hkl in ((1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 1, 0)):
        expected = bragg_deg("LaB6", hkl, 34.9988)
        assert centroid(angle, counts, near=expected, half_width=0.15) == pytest.approx(expected, abs=0.003)
    peak = np.abs(angle - bragg_deg("LaB6", (1, 1, 0), 34.9988)) < 0.2
    above_half = counts[peak] > counts[peak].max() / 2
    width = float(above_half.sum() * (angle[1] - angle[0]))
    assert 0.03 < width < 0.06


@pytest.mark.parametrize("position", [0, 2, 3, 5, 6])
def test_the_strongest_ring_is_the_samples_at_the_scans_energy(visit: SimulatedVisit, position: int) -> None:
    """For every sample and energy the highest peak of the pattern is at its Bragg angle."""
    scan = visit.scans[position]
    angle, counts = pattern(visit, position, 240)
    # Per pixel LaB6 100, on the smaller ring, is about as strong as 110.
    candidates = {bragg_deg(scan.sample, hkl[scan.sample], scan.energy_kev) for hkl in (STRONGEST, FIRST)}
    found = angle[np.argmax(np.where(angle > 1.5, counts, 0))]
    assert min(abs(found - expected) for expected in candidates) < 0.15


def test_the_lattice_expands_along_the_ramp(full_size: SimulatedVisit) -> None:
    """From 300 to 480 K the CeO2 rings move inwards by 11e-6 a kelvin."""
    assert [scan.temperatures_k for scan in full_size.scans[2:]] == [(300.0,), (480.0,)]
    (angle, cold), (_, hot) = (pattern(full_size, position, 4000) for position in (2, 3))
    for hkl in ((1, 1, 1), (2, 2, 0), (3, 1, 1)):
        near = bragg_deg("CeO2", hkl, 34.9988)
        moved = [centroid(angle, counts, near=near, half_width=0.15) for counts in (cold, hot)]
        expected = float(np.degrees(2 * np.tan(np.radians(near / 2)) * 11e-6 * 180.0))
        assert moved[0] - moved[1] == pytest.approx(expected, rel=0.15)


def test_counts_are_poissonian_about_the_expectation() -> None:
    """Mean and variance of many pixels both equal the expectation, outside the defects."""
    state = State("Si", 20.0, 296.0)
    expected = expected_image(state, SMALL)
    frame = FramePool(SMALL, seed=3).frame(state, 0)
    good = (frame >= 0) & (frame < 1000)
    away = frame[good] - expected[good]
    assert abs(away.sum()) < 5 * np.sqrt(expected[good].sum())
    assert (away**2).sum() == pytest.approx(expected[good].sum(), rel=0.1)


def test_frames_of_a_scan_are_independent(visit: SimulatedVisit) -> None:
    """Neighbouring frames are not copies, nor are first frames of neighbouring scans."""
    firsts = []
    for scan in visit.scans[:2]:
        master = scan.path.below(visit.folder)
        with h5py.File(master.with_name(f"{master.stem}_pilatus.h5"), "r", locking=False) as file:
            frames = file["entry/instrument/pilatus/data"][()]
        assert not np.array_equal(frames[0], frames[1])
        firsts.append(frames[0])
    assert not np.array_equal(*firsts)


def test_polarization_and_solid_angle_weaken_the_outer_pixels() -> None:
    """The horizontal plane of polarization loses cos² of the angle on top of the solid angle's share."""
    seen = view(SMALL)
    row = int(np.argmin(seen.two_theta_deg.min(axis=1)))
    two_theta = np.radians(seen.two_theta_deg[row, -1])
    horizontal = seen.response[row, -1]
    assert horizontal == pytest.approx(np.cos(two_theta) ** 5, rel=0.01)
    assert seen.response.max() == pytest.approx(1.0, abs=1e-4)
