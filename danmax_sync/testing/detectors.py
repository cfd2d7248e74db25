"""Detector files, as the streaming receiver writes them: frames chunk by chunk, and every header key as a scalar."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from danmax_sync.testing.frames import compress
from danmax_sync.testing.physics import MATERIALS
from danmax_sync.testing.plans import EXPOSURE_S, ScanPlan
from danmax_sync.testing.publishing import published
from danmax_sync.testing.seeds import generator

_CHANNELS = 4096
_KEV_PER_CHANNEL = 0.01


def write_pilatus(path: Path, chunks: Sequence[bytes], *, shape: tuple[int, int], energy_ev: float) -> None:
    """Write a Pilatus file.

    Parameters
    ----------
    path : Path
        Published under this name when whole.
    chunks : sequence of bytes
        Compressed frames of int32, see `danmax_sync.testing.frames.compress`.
    shape : tuple of int
        Rows and columns of a frame.
    energy_ev : float
        The energy setting that selects the flat field; the threshold is half of it.
    """
    with published(path) as temporary, h5py.File(temporary, "w", locking=False) as file:
        group = _detector_group(file, "pilatus", len(chunks))
        data = _stack(group, len(chunks), shape, np.int32)
        for number, chunk in enumerate(chunks):
            data.id.write_direct_chunk((number, 0, 0), chunk)
        scalars = {
            "energy": energy_ev,
            "threshold": energy_ev / 2,
            "exptime": EXPOSURE_S,
            "expperiod": 1.2 * EXPOSURE_S,
            "nimages": len(chunks),
            "gapfill": -1,
            "trigger_mode": "external_enable",
        }
        for name, value in scalars.items():
            group[name] = value


def write_falconx(path: Path, plan: ScanPlan, seed: int) -> None:
    """Write a fluorescence detector's file: a spectrum a point, 10 eV a channel, and its count rates."""
    spectrum = _expected_spectrum(plan)
    rng = generator(seed, "falconx", plan.item)
    points = plan.frames
    with published(path) as temporary, h5py.File(temporary, "w", locking=False) as file:
        group = _detector_group(file, "falconx", points)
        data = _stack(group, points, (1, _CHANNELS), np.uint32)
        for number in range(points):
            counts = rng.poisson(spectrum).astype(np.uint32).reshape(1, 1, _CHANNELS)
            data.id.write_direct_chunk((number, 0, 0), compress(counts))
        rate = spectrum.sum() / EXPOSURE_S * (1.0 + rng.normal(0.0, 5e-3, (points, 1)))
        group["input_count_rate"] = rate
        group["output_count_rate"] = 0.97 * rate
        group["live_time"] = np.full((points, 1), 0.97 * EXPOSURE_S)
        group["real_time"] = np.full((points, 1), EXPOSURE_S)


def _detector_group(file: h5py.File, name: str, frames: int) -> h5py.Group:
    group = file.create_group(f"/entry/instrument/{name}")
    group.attrs["NX_class"] = "NXdetector"
    group.create_dataset("sequence_number", data=np.arange(frames, dtype=np.uint32))
    return group


def _stack(group: h5py.Group, frames: int, shape: tuple[int, int], dtype: type[np.generic]) -> h5py.Dataset:
    return group.create_dataset(
        "data",
        shape=(frames, *shape),
        maxshape=(None, *shape),
        chunks=(1, *shape),
        dtype=dtype,
        **hdf5plugin.Bitshuffle(cname="lz4"),
    )


def _expected_spectrum(plan: ScanPlan) -> NDArray[np.float64]:
    kev = np.arange(_CHANNELS) * _KEV_PER_CHANNEL
    # Compton scattering at right angles, where a fluorescence detector looks.
    compton = plan.energy_kev / (1.0 + plan.energy_kev / 510.999)
    lines = [(plan.energy_kev, 0.12, 300.0), (compton, 0.45, 500.0)]
    lines += [(line, 0.07, 1500.0) for line in MATERIALS[plan.state.calibrant].fluorescence_kev]
    spectrum = np.full(_CHANNELS, 0.05)
    for centre, sigma, counts in lines:
        spectrum += counts * _KEV_PER_CHANNEL / sigma * np.exp(-0.5 * ((kev - centre) / sigma) ** 2)
    spectrum[kev > plan.energy_kev + 1.0] = 0.001
    return spectrum
