"""Read files of patterns: ours and the beamline's, which are NXazint1d too."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.hdf5 import open_hdf5
from danmax_sync.scanfile.text import clean_text


@dataclass(frozen=True, slots=True)
class Patterns:
    """Integrated frames of one scan.

    Attributes
    ----------
    radial : ndarray, (bins,)
        Bin centres, in `unit`.
    unit : str
        ``2th`` in degrees or ``q`` in 1/Å.
    intensity : ndarray, (frames, bins)
        NaN where a bin has no pixel.
    sigma : ndarray or None
        Of the same shape.
    temperature_k : ndarray or None, (frames,)
        One value a frame.
    """

    path: Path
    radial: NDArray[np.float64]
    unit: str
    intensity: NDArray[np.float32]
    sigma: NDArray[np.float32] | None
    temperature_k: NDArray[np.float64] | None
    energy_kev: float | None
    sample: str
    program: str
    key: str


def read_patterns(path: Path) -> Patterns:
    """Read an NXazint1d file.

    Raises
    ------
    SourceError
        If it cannot be read, or is of another layout.
    """
    with open_hdf5(path) as file:
        try:
            return _read(path, file["entry"])
        except (KeyError, OSError, ValueError, TypeError, RuntimeError) as problem:
            raise SourceError(f"{path} is not a file of integrated patterns (NXazint1d): {problem}") from problem


def _read(path: Path, entry: h5py.Group) -> Patterns:
    data = entry["data"]
    axis = data["radial_axis"]
    temperature = entry.get("sample/temperature")
    energy = entry.get("instrument/monochromator/energy")
    return Patterns(
        path=path,
        radial=axis[()].astype(np.float64),
        unit="q" if str(axis.attrs.get("long_name", "")).startswith("q") else "2th",
        intensity=data["I"][()],
        sigma=data["I_errors"][()] if "I_errors" in data else None,
        temperature_k=_per_frame(temperature, data["I"].shape[0]),
        energy_kev=float(energy[()]) if energy is not None else None,
        sample=_text(entry.get("sample/name")),
        program=_text(entry.get("reduction/program")),
        key=_text(entry.get("reduction/input/key")),
    )


def _per_frame(data: Any, frames: int) -> NDArray[np.float64] | None:
    if data is None:
        return None
    values = np.atleast_1d(data[()]).astype(np.float64)
    if values.shape == (1,):
        return np.full(frames, values[0])
    return values if values.shape == (frames,) else None


def _text(data: Any) -> str:
    return clean_text(data[()]) if data is not None else ""
