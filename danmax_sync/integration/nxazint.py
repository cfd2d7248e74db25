"""Write patterns as NXazint1d, the official NeXus application definition for azimuthally integrated data.

The file grows beside its place and gets its name when it is whole. Kept in float32, compressed, a chunk a pattern.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync import __version__
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.engine import Integrator, Pattern
from danmax_sync.integration.recipe import Recipe
from danmax_sync.quantities import wavelength_angstrom

PROGRAM = "danmax-sync"
_NOTE = (
    "intensity = sum(c*I) / sum(c*solid_angle*polarization) over the pixels of a bin, c the share of a pixel in it; "
    "I_errors = sqrt(sum(c*c*I)) / norm, a bin without counts as if it had one; bins without pixels are NaN. "
    "Negative pixels (gaps, bad) are left out frame by frame; norm is of the frame that lost the fewest."
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a file of patterns says about where it comes from.

    Attributes
    ----------
    key : str
        A hash of everything the patterns depend on.
    source : mapping
        Name, size and time of the detector file, the master, the entry.
    """

    key: str
    calibration: Calibration
    recipe: Recipe
    energy_kev: float
    source: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class PerFrame:
    """What was measured along with each frame; arrays of one value a frame.

    Attributes
    ----------
    temperature_k, time_s, monitor : ndarray or None
        Time in seconds after `start`.
    start : str
        ISO-8601.
    """

    temperature_k: NDArray[np.float64] | None = None
    time_s: NDArray[np.float64] | None = None
    start: str = ""
    monitor: NDArray[np.float64] | None = None


class PatternFile:
    """A file of patterns being written; leaving the block without an error gives it its name.

    Parameters
    ----------
    path : Path
        The final place. What stands there is replaced only when the file is whole.
    integrator : Integrator
        Gives the radial axis.
    frames : int
        How many patterns there will be.
    """

    def __init__(self, path: Path, integrator: Integrator, frames: int) -> None:
        self.path = path
        self._part = path.with_name(f".{path.name}.danmax-part")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = h5py.File(self._part, "w", locking=False)
        self._data = self._layout(integrator, frames)
        self._norm = np.zeros(integrator.recipe.bins, dtype=np.float32)

    def write(self, index: int, pattern: Pattern) -> None:
        """Put one pattern in its place."""
        self._data["I"][index] = pattern.intensity
        self._data["I_errors"][index] = pattern.sigma
        # One for all frames by definition: of the frame that lost the fewest pixels, whichever place it has.
        np.maximum(self._norm, pattern.norm, out=self._norm)

    def describe(self, sample: str, provenance: Provenance, per_frame: PerFrame) -> None:
        """Write everything that is not a pattern."""
        entry = self._file["entry"]
        recipe = provenance.recipe
        entry["definition"] = "NXazint1d"
        entry["solid_angle_applied"] = np.bool_(recipe.solid_angle)
        entry["polarization_applied"] = np.bool_(recipe.polarization is not None)
        entry["normalization_applied"] = np.bool_(True)
        entry["monitor_applied"] = np.bool_(False)
        _instrument(entry, provenance.energy_kev)
        _reduction(entry, provenance)
        _sample(entry, sample, per_frame)
        if per_frame.monitor is not None:
            monitor = _group(entry, "monitor", "NXmonitor")
            monitor["data"] = per_frame.monitor

    def _layout(self, integrator: Integrator, frames: int) -> h5py.Group:
        bins = integrator.recipe.bins
        self._file.attrs["NX_class"], self._file.attrs["default"] = "NXroot", "entry"
        entry = _group(self._file, "entry", "NXentry")
        entry.attrs["default"] = "data"
        data = _group(entry, "data", "NXdata")
        data.attrs.update({"signal": "I", "interpretation": "spectrum"})
        data.attrs["axes"] = [".", "radial_axis"]
        stored = {"shape": (frames, bins), "chunks": (1, bins), "dtype": "f4", "fillvalue": np.nan}
        packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        for name, long_name in (("I", "intensity"), ("I_errors", "estimated intensity error")):
            made = data.create_dataset(name, **stored, **packed)
            made.attrs.update({"long_name": long_name, "units": "arbitrary units"})
        norm = data.create_dataset("norm", (bins,), "f4")
        norm.attrs["long_name"] = "effective number of pixels contributing to the corresponding bin"
        norm.attrs["units"] = "arbitrary units"
        name, unit = integrator.recipe.unit.nexus
        for dataset, values, long_name in (
            ("radial_axis", integrator.radial, name),
            ("radial_axis_edges", integrator.radial_edges, f"{name} bin edges"),
        ):
            data[dataset] = values
            data[dataset].attrs.update({"long_name": long_name, "units": unit})
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._data["norm"][...] = self._norm
        self._file.close()
        if kind is not None:
            self._part.unlink(missing_ok=True)
            return
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())
        self._part.replace(self.path)


def _group(parent: h5py.Group, name: str, nx_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _instrument(entry: h5py.Group, energy_kev: float) -> None:
    instrument = _group(entry, "instrument", "NXinstrument")
    instrument["name"] = "DanMAX"
    monochromator = _group(instrument, "monochromator", "NXmonochromator")
    for name, value, unit in (
        ("wavelength", wavelength_angstrom(energy_kev), "angstrom"),
        ("energy", energy_kev, "keV"),
    ):
        monochromator[name] = value
        monochromator[name].attrs["units"] = unit
    source = _group(instrument, "source", "NXsource")
    source["name"], source["type"], source["probe"] = "MAX IV", "Synchrotron X-ray Source", "x-ray"


def _reduction(entry: h5py.Group, provenance: Provenance) -> None:
    from pyFAI import version as pyfai_version

    calibration, recipe = provenance.calibration, provenance.recipe
    reduction = _group(entry, "reduction", "NXprocess")
    reduction["program"] = PROGRAM
    reduction["version"] = f"danmax-sync {__version__}\npyFAI {pyfai_version}"
    reduction["date"] = datetime.now(UTC).isoformat()
    reduction["reference"] = "Kieffer, J. et al. (2025). J. Appl. Cryst. 58. https://pyfai.readthedocs.io"
    reduction["note"] = _NOTE
    parameters = _group(reduction, "input", "NXparameters")
    parameters["poni"] = calibration.poni_text
    parameters["poni"].attrs["filename"] = calibration.poni.name
    parameters["mask"] = calibration.mask.name if calibration.mask else "the detector's own gaps"
    parameters["mask_sha256"] = calibration.mask_sha256
    parameters["radial_bins"] = recipe.bins
    parameters["azimuth_bins"] = 1
    parameters["unit"] = recipe.unit.value
    parameters["splitting"] = recipe.split.value
    parameters["solid_angle"] = np.bool_(recipe.solid_angle)
    parameters["polarization_factor"] = np.nan if recipe.polarization is None else recipe.polarization
    parameters["error_model"] = "poisson"
    parameters["wavelength"] = wavelength_angstrom(calibration.energy_kev)
    parameters["wavelength"].attrs["units"] = "angstrom"
    parameters["key"] = provenance.key
    for name, value in provenance.source.items():
        parameters[name] = value


def _sample(entry: h5py.Group, name: str, per_frame: PerFrame) -> None:
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = name
    if per_frame.temperature_k is not None:
        sample["temperature"] = per_frame.temperature_k
        sample["temperature"].attrs["units"] = "K"
    if per_frame.time_s is not None:
        sample["time"] = per_frame.time_s
        sample["time"].attrs.update({"units": "s", "start": per_frame.start})
