"""The detector on its bench: geometry, gaps, defects, and what every pixel sees.

The full bench is DanMAX's Pilatus3 2M CdTe half a metre behind the sample. The small one has the same outline in
metres with a hundredth of the pixels, for tests that need a whole visit in a second.
"""

import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyFAI.detectors import Detector, detector_factory
from pyFAI.geometry import Geometry

from danmax_sync.quantities import wavelength_angstrom
from danmax_sync.testing.seeds import generator

POLARIZATION = 0.999
"""Horizontal, as an undulator gives it."""
DISTANCE_M, PONI1_M, PONI2_M, ROT1_RAD, ROT2_RAD = 0.5003, 0.1105, 0.1288, 0.0021, -0.0013
BEAMSTOP_DEG = 0.45
"""The beamstop hides everything below this scattering angle."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A detector in its place.

    Attributes
    ----------
    detector : str
        As pyFAI calls it.
    shape : tuple of int
        Rows and columns.
    pixel_m : float
        Edge of the square pixels.
    module, gap : tuple of int
        Rows and columns of a module and of the gap behind it, used where pyFAI does not know the detector.
    mean_counts : float
        Counts a pixel in the mean frame.
    """

    detector: str
    shape: tuple[int, int]
    pixel_m: float
    module: tuple[int, int]
    gap: tuple[int, int]
    mean_counts: float

    @property
    def pixel_deg(self) -> float:
        """The angle one pixel spans at the beam's centre, in degrees."""
        return float(np.degrees(self.pixel_m / DISTANCE_M))

    @property
    def detector_config(self) -> dict[str, object]:
        """The detector's description in a poni file."""
        config: dict[str, object] = {"pixel1": self.pixel_m, "pixel2": self.pixel_m, "orientation": 3}
        return config | {"max_shape": list(self.shape)} if self.detector == "Detector" else config

    def poni_text(self, energy_kev: float) -> str:
        """Return the calibration at one energy as the text of a ``.poni`` file."""
        return (
            "# Nota: C-Order, 1 refers to the Y axis, 2 to the X axis\n"
            "# Simulated by danmax-sync\n"
            "poni_version: 2.1\n"
            f"Detector: {self.detector}\n"
            f"Detector_config: {json.dumps(self.detector_config)}\n"
            f"Distance: {DISTANCE_M}\nPoni1: {PONI1_M}\nPoni2: {PONI2_M}\n"
            f"Rot1: {ROT1_RAD}\nRot2: {ROT2_RAD}\nRot3: 0.0\n"
            f"Wavelength: {wavelength_angstrom(energy_kev) * 1e-10!r}\n"
        )


FULL = Bench("PilatusCdTe2M", (1679, 1475), 172e-6, (195, 487), (17, 7), mean_counts=3.0)
# An odd number of pixels, as on the real one: the last block of the compressor is a short one.
# Few pixels make weak statistics, hence more counts in each.
SMALL = Bench("Detector", (167, 149), 1.72e-3, (20, 49), (1, 1), mean_counts=20.0)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What every pixel sees; arrays of the detector's shape.

    Attributes
    ----------
    two_theta_deg : ndarray of float
        Scattering angle.
    response : ndarray of float
        Polarization times solid angle, 1 at the beam's centre.
    gaps, shadow : ndarray of bool
        Between the modules; behind the beamstop and its arm.
    """

    two_theta_deg: NDArray[np.float64]
    response: NDArray[np.float64]
    gaps: NDArray[np.bool_]
    shadow: NDArray[np.bool_]


@lru_cache(maxsize=2)
def view(bench: Bench) -> View:
    """Compute what the pixels of a bench see; energies do not matter to it."""
    detector = detector_factory(bench.detector, bench.detector_config)
    geometry = Geometry(DISTANCE_M, PONI1_M, PONI2_M, ROT1_RAD, ROT2_RAD, 0.0, detector=detector)
    two_theta = np.asarray(geometry.center_array(bench.shape, unit="2th_deg"), dtype=np.float64)
    solid_angle = np.asarray(geometry.solidAngleArray(bench.shape), dtype=np.float64)
    response = np.asarray(geometry.polarization(bench.shape, factor=POLARIZATION), dtype=np.float64) * solid_angle
    return View(two_theta, response, _gaps(bench, detector), _shadow(bench, two_theta))


def _gaps(bench: Bench, detector: Detector) -> NDArray[np.bool_]:
    if bench.detector != "Detector":
        return np.asarray(detector.calc_mask(), dtype=np.bool_)
    rows, columns = (
        np.arange(n) % (module + gap) >= module
        for n, module, gap in zip(bench.shape, bench.module, bench.gap, strict=True)
    )
    return np.asarray(rows[:, None] | columns[None, :])


def _shadow(bench: Bench, two_theta: NDArray[np.float64]) -> NDArray[np.bool_]:
    row, column = np.unravel_index(int(np.argmin(two_theta)), bench.shape)
    half_width = 1.2e-3 / bench.pixel_m
    rows, columns = np.indices(bench.shape, sparse=True)
    arm = (rows < row) & (np.abs(columns - column) <= half_width)
    return np.asarray((two_theta < BEAMSTOP_DEG) | arm)


@dataclass(frozen=True, slots=True, eq=False)
class Defects:
    """Pixels that are wrong all through a visit, as boolean images: marked by the detector (-2), or only too hot."""

    bad: NDArray[np.bool_]
    hot: NDArray[np.bool_]


@lru_cache(maxsize=4)
def defects(bench: Bench, seed: int) -> Defects:
    """Draw the defective pixels of a visit."""
    pixels = bench.shape[0] * bench.shape[1]
    count = max(12, pixels // 20_000)
    where = generator(seed, "defects").choice(pixels, size=count, replace=False)
    where = where[~view(bench).gaps.ravel()[where]]
    images = np.zeros((2, pixels), dtype=bool)
    images[0, where[: 2 * len(where) // 3]] = True
    images[1, where[2 * len(where) // 3 :]] = True
    return Defects(images[0].reshape(bench.shape), images[1].reshape(bench.shape))


def mask(bench: Bench, seed: int) -> NDArray[np.bool_]:
    """Return what a user would mask: gaps, bad and hot pixels, the beamstop's shadow; True is masked."""
    seen, wrong = view(bench), defects(bench, seed)
    return np.asarray(seen.gaps | seen.shadow | wrong.bad | wrong.hot)
