"""What a powder scatters: rings of a known lattice, broadened, on the halo of a glass capillary.

The profile is computed over the scattering angle and looked up for every pixel, so that the rings follow the geometry
by pyFAI's definition. d-spacings and intensities come from pyFAI's calibrants (NIST standards, 295.65 K).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyFAI.calibrant import get_calibrant

from danmax_sync.quantities import wavelength_angstrom
from danmax_sync.testing.bench import Bench, view

CALIBRATED_AT_K = 295.65
FWHM_DEG = 0.036
"""Of the instrument at small angles; a detector with coarse pixels broadens it to two of them."""
LORENTZIAN = 0.3
"""The pseudo-Voigt's mixing parameter."""
BRAGG_SHARE = 0.3
"""How much of all counts is in the rings."""
_STEP_DEG = 0.002


@dataclass(frozen=True, slots=True)
class Material:
    """A powder.

    Attributes
    ----------
    calibrant : str
        pyFAI's name of it.
    expansion_per_k : float
        Linear thermal expansion, 1/K, from the usual tables near room temperature.
    fluorescence_kev : tuple of float
        Strongest lines.
    """

    calibrant: str
    expansion_per_k: float
    fluorescence_kev: tuple[float, ...]


MATERIALS = {
    "LaB6": Material("LaB6", 6.4e-6, (4.651, 5.042, 5.384)),
    "Si": Material("Si", 2.6e-6, (1.740,)),
    "CeO2": Material("CeO2", 11.0e-6, (4.840, 5.262, 5.613)),
}


@dataclass(frozen=True, slots=True)
class State:
    """What decides a diffraction pattern: calibrant, photon energy in keV, temperature in K."""

    calibrant: str
    energy_kev: float
    temperature_k: float


@lru_cache(maxsize=8)
def _reflections(calibrant: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    standard = get_calibrant(calibrant)
    spacings = np.asarray(standard.dspacing, dtype=np.float64)
    # The file is read, and with it `config` is set, only when the d-spacings are asked for.
    intensities = np.asarray([r.intensity for r in standard.config.reflections], dtype=np.float64)
    # Only the first dozen are tabulated; the weak outer rings fall off from the last ones.
    known = np.flatnonzero(np.isfinite(intensities))
    outer = np.median(intensities[known[-3:]]) * (spacings / spacings[known[-1]]) ** 2
    return spacings, np.where(np.isfinite(intensities), intensities, outer)


def ring_positions_deg(state: State) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rings of a state.

    Returns
    -------
    two_theta_deg, intensity : ndarray of float, shape (rings,)
        Rising angle; the intensity of the whole ring, strongest 100.
    """
    spacings, intensities = _reflections(state.calibrant)
    stretch = 1.0 + MATERIALS[state.calibrant].expansion_per_k * (state.temperature_k - CALIBRATED_AT_K)
    sine = wavelength_angstrom(state.energy_kev) / (2.0 * spacings * stretch)
    reachable = sine < 0.7
    return 2.0 * np.degrees(np.arcsin(sine[reachable])), intensities[reachable]


def expected_image(state: State, bench: Bench) -> NDArray[np.float64]:
    """Return the expected counts a pixel and frame, of the detector's shape, gaps not yet marked."""
    seen = view(bench)
    grid = np.arange(0.0, float(seen.two_theta_deg.max()) + 2 * _STEP_DEG, _STEP_DEG)
    live = ~(seen.gaps | seen.shadow)
    # The grid is regular: indexing it is several times faster than a search for every pixel.
    nearest = np.rint(seen.two_theta_deg / _STEP_DEG).astype(np.int32)
    bragg = _rings(grid, state, bench)[nearest] * seen.response
    halo = _halo(grid, state.energy_kev)[nearest] * seen.response
    image = BRAGG_SHARE * bragg / bragg[live].mean() + (1.0 - BRAGG_SHARE) * halo / halo[live].mean()
    image *= bench.mean_counts
    image[seen.shadow] *= 0.02
    return np.asarray(image)


def _rings(grid: NDArray[np.float64], state: State, bench: Bench) -> NDArray[np.float64]:
    profile = np.zeros_like(grid)
    for centre, intensity in zip(*ring_positions_deg(state), strict=True):
        if centre > grid[-1] + 1.0:
            break
        width = max(FWHM_DEG + 0.03 * np.tan(np.radians(centre / 2)), 2.0 * bench.pixel_deg)
        away = (grid - centre) / (width / 2)
        gaussian = np.exp(-np.log(2.0) * away**2) * np.sqrt(np.log(2.0) / np.pi)
        lorentzian = 1.0 / (np.pi * (1.0 + away**2))
        # The tabulated intensity is a whole ring's: a pixel's share falls as the ring grows.
        share = intensity / (width * np.sin(np.radians(centre)))
        profile += share * ((1.0 - LORENTZIAN) * gaussian + LORENTZIAN * lorentzian)
    return profile


def _halo(grid: NDArray[np.float64], energy_kev: float) -> NDArray[np.float64]:
    q = 4.0 * np.pi * np.sin(np.radians(grid / 2)) / wavelength_angstrom(energy_kev)
    glass = np.exp(-0.5 * ((q - 1.6) / 0.45) ** 2) + 0.35 * np.exp(-0.5 * ((q - 4.4) / 1.2) ** 2)
    air = 3.0 * np.exp(-q / 0.35)
    return np.asarray(0.45 + glass + air)
