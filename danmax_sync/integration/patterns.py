"""Read files of patterns: ours, and the beamline's of any generation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  # cakes are compressed with bitshuffle
import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import SourceError
from danmax_sync.quantities import energy_kev, meaning_of
from danmax_sync.scanfile.hdf5 import UNREADABLE, first_line, open_hdf5
from danmax_sync.scanfile.text import clean_text

_FARTHEST, _NEAREST = 1e6, 1e-9
"""On a radial axis, in degrees or 1/Å: its ends, and one bin to the next."""
ORIGIN = "device"
"""The attribute of temperatures that says what told them."""
_UNITS = {"temperature": "K", "time": "s", "energy": "keV"}
_MOST_WITHOUT_NUMBERS = 48
"""Frames at the end of an aborted scan that are looked behind."""


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
    temperature_k, time_s : ndarray or None, (frames,)
        One value a frame.
    motors : mapping
        What else was recorded a frame: scanned motors, energy, monitor.
    geometry_kev : float or None
        Energy of the geometry, by which scattering angles became q.
    temperature_origin : str
        The device that told the temperature; empty where the file does not say.
    recipe : str
        The settings as our files keep them, in JSON; else empty.
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
    time_s: NDArray[np.float64] | None = None
    motors: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    geometry_kev: float | None = None
    temperature_origin: str = ""
    recipe: str = ""

    @property
    def mean(self) -> NDArray[np.float64]:
        """The average over frames, (bins,)."""
        return mean_of(self.intensity)

    def along(self, name: str) -> NDArray[np.float64]:
        """Return what was recorded a frame: ``temperature``, ``time``, ``frame``, or a motor.

        Raises
        ------
        SourceError
            If it was not.
        """
        if name == "frame":
            return np.arange(len(self.intensity), dtype=np.float64)
        known = {"temperature": self.temperature_k, "time": self.time_s, **self.motors}
        found = known.get(name)
        if found is None:
            there = ", ".join(["frame", *(each for each, values in known.items() if values is not None)])
            raise SourceError(f"{self.path.name} has no {name!r} a frame", hint=f"there are: {there}")
        return found


def axis_name(name: str) -> str:
    """Return what `Patterns.along` gives, with its unit where that is known."""
    unit = _UNITS.get(name, "")
    meaning = meaning_of(name) if not unit and name != "frame" else None
    unit = meaning.dimension.value if meaning else unit
    return f"{name} ({unit})" if unit else name


def mean_of(intensity: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the average over frames; a bin that is NaN in all of them stays NaN."""
    filled = np.isfinite(intensity)
    total = np.where(filled, intensity, 0).sum(axis=0, dtype=np.float64)
    count = filled.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, slots=True)
class Cake:
    """The mean cake of a scan.

    Attributes
    ----------
    radial, azimuthal : ndarray
        Bin centres; azimuth in degrees.
    intensity : ndarray, (azimuthal, radial)
        NaN where a bin has no pixel.
    """

    radial: NDArray[np.float64]
    azimuthal: NDArray[np.float64]
    unit: str
    intensity: NDArray[np.float64]


def read_patterns(path: Path) -> Patterns:
    """Read a file of patterns.

    Raises
    ------
    SourceError
        If it cannot be read, or is of another layout.
    """
    with open_hdf5(path) as file:
        try:
            return _read(path, file)
        except UNREADABLE as problem:
            raise SourceError(
                f"{path} is not a file of integrated patterns (NXazint1d): {first_line(problem)}"
            ) from problem


@dataclass(frozen=True, slots=True, eq=False)
class Newest:
    """The last pattern of a file that holds numbers, and which one it is."""

    radial: NDArray[np.float64]
    unit: str
    intensity: NDArray[np.float32]
    index: int
    patterns: int


def read_newest(path: Path) -> Newest | None:
    """Read the last pattern of a file alone, however many there are; None where the last dozens hold no number.

    Raises
    ------
    SourceError
        If it cannot be read, or is of another layout.
    """
    with open_hdf5(path) as file:
        try:
            group = _group(file)
            stack = group["I"] if "I" in group else group["cake"]
            norm = group["norm"][()] if "norm" in group else None
            radial, unit = _axis(group, stack)
            count = int(stack.shape[0])
            for index in range(count - 1, max(-1, count - 1 - _MOST_WITHOUT_NUMBERS), -1):
                (intensity,) = _around(stack, norm, slice(index, index + 1))
                if np.isfinite(intensity).any():
                    return Newest(radial, unit, intensity, index, count)
        except UNREADABLE as problem:
            raise SourceError(f"{path} cannot be read: {first_line(problem)}") from problem
    return None


def read_cake(path: Path) -> Cake:
    """Read the mean cake, or patterns by sector, of a file of patterns.

    Raises
    ------
    SourceError
        If it has none.
    """
    with open_hdf5(path) as file:
        try:
            for name in ("entry/azint2d/data", "entry/data", "entry/data2d", "/"):
                group = file.get(name)
                stack = None if group is None else next((group[k] for k in ("I", "cake") if k in group), None)
                if isinstance(stack, h5py.Dataset) and stack.ndim == 3:
                    radial, unit = _axis(group, stack)
                    return Cake(radial, _azimuth(group, stack.shape[1]), unit, _mean_image(stack))
        except UNREADABLE as problem:
            raise SourceError(f"{path} cannot be read: {first_line(problem)}") from problem
    raise SourceError(f"{path.name} holds no cake", hint="danmax-sync integrate QUERY --cake 360 --overwrite")


def _mean_image(stack: h5py.Dataset) -> NDArray[np.float64]:
    total, seen = np.zeros(stack.shape[1:]), np.zeros(stack.shape[1:])
    for index in range(stack.shape[0]):
        image = stack[index]
        filled = np.isfinite(image)
        total[filled] += image[filled]
        seen += filled
    return np.where(seen > 0, total / np.maximum(seen, 1), np.nan)


def _azimuth(group: h5py.Group, rows: int) -> NDArray[np.float64]:
    for name in ("azimuthal_axis", "azi", "phi"):
        if name in group and group[name].shape == (rows,):
            return np.asarray(group[name][()], dtype=np.float64)
    return (np.arange(rows) + 0.5) * 360 / rows


def _axis(group: h5py.Group, stack: h5py.Dataset) -> tuple[NDArray[np.float64], str]:
    """Return the radial axis of patterns and its unit.

    Raises
    ------
    ValueError
        If it does not rise, or is that of other patterns: whoever draws or exports them counts on it.
    """
    if "radial_axis" in group:
        axis = group["radial_axis"]
        unit = "q" if str(axis.attrs.get("long_name", "")).startswith("q") else "2th"
    else:
        unit = "q" if "q" in group else "2th"
        axis = group[unit]
    radial = np.asarray(axis[()], dtype=np.float64)
    # No number is less than a NaN, so none of these hides one.
    fits = radial.size > 0 and radial.shape == stack.shape[-1:]
    if not (fits and (np.abs(radial) < _FARTHEST).all() and (np.diff(radial) > _NEAREST).all()):
        raise ValueError("its axis does not rise, or is that of other patterns")
    return radial, unit


def _read(path: Path, file: h5py.File) -> Patterns:
    group = _group(file)
    stack = group["I"] if "I" in group else group["cake"]
    norm = group["norm"][()] if "norm" in group else None
    intensity = _around(stack, norm)
    errors = next((group[name] for name in ("I_errors", "I_error") if name in group), None)
    sigma = errors[()] if errors is not None and errors.shape == intensity.shape else None
    entry = file.get("entry", file)
    radial, unit = _axis(group, stack)
    frames = len(intensity)
    return Patterns(
        path=path,
        radial=radial,
        unit=unit,
        intensity=intensity,
        sigma=sigma if sigma is not None and np.isfinite(sigma).any() else None,
        temperature_k=_per_frame(entry.get("sample/temperature"), frames),
        energy_kev=_energy(file, entry),
        sample=_text(entry.get("sample/name")),
        program=_text(entry.get("reduction/program")),
        key=_text(entry.get("reduction/input/key")),
        time_s=_per_frame(entry.get("sample/time"), frames),
        motors=_motors(entry, frames),
        geometry_kev=_geometry_energy(file),
        temperature_origin=_origin(entry.get("sample/temperature")),
        recipe=_text(entry.get("reduction/input/recipe")),
    )


def _group(file: h5py.File) -> h5py.Group:
    for name in ("entry/azint1d/data", "entry/data", "entry/data1d", "entry/azint2d/data", "entry/data2d"):
        group = file.get(name)
        if isinstance(group, h5py.Group) and ("I" in group or "cake" in group):
            return group
    if "I" in file:
        return file
    raise KeyError("there is no I in it")


def _around(stack: h5py.Dataset, norm: Any, chosen: slice = slice(None)) -> NDArray[np.float32]:
    """Return patterns all around, of a cake the mean over azimuth."""
    if stack.ndim == 2:
        return np.asarray(stack[chosen], dtype=np.float32)
    if stack.ndim != 3:
        raise ValueError(f"I has {stack.ndim} axes")
    weight = np.ones(stack.shape[1:]) if norm is None or norm.shape != stack.shape[1:] else norm
    rows = []
    for index in range(stack.shape[0])[chosen]:
        cake = np.asarray(stack[index], dtype=np.float64)
        used = np.where(np.isfinite(cake), weight, 0.0)
        below = used.sum(axis=0)
        rows.append(
            np.where(below > 0, (np.nan_to_num(cake) * used).sum(axis=0) / np.where(below > 0, below, 1), np.nan)
        )
    return np.asarray(rows, dtype=np.float32)


def _energy(file: h5py.File, entry: h5py.Group) -> float | None:
    energy = entry.get("instrument/monochromator/energy")
    if isinstance(energy, h5py.Dataset) and energy.size:
        return float(np.ravel(energy[()])[0])
    return _geometry_energy(file)


def _geometry_energy(file: h5py.File) -> float | None:
    for name in ("entry/azint/input/poni", "poni_file", "entry/reduction/input/poni"):
        text = _text(file.get(name))
        for line in text.splitlines():
            word, _, value = line.partition(":")
            if word.strip().lower() == "wavelength":
                return energy_kev(float(value) * 1e10)
    return None


def _motors(entry: h5py.Group, frames: int) -> dict[str, NDArray[np.float64]]:
    known = {}
    group = entry.get("frames")
    for name in group if isinstance(group, h5py.Group) else ():
        if (values := _per_frame(group[name], frames)) is not None:
            known[name] = values
    if (monitor := _per_frame(entry.get("monitor/data"), frames)) is not None:
        known["monitor"] = monitor
    return known


def _per_frame(data: Any, frames: int) -> NDArray[np.float64] | None:
    if not isinstance(data, h5py.Dataset):
        return None
    values = np.atleast_1d(data[()]).astype(np.float64)
    if values.shape == (1,):
        return np.full(frames, values[0])
    return values if values.shape == (frames,) else None


def _origin(data: Any) -> str:
    return clean_text(data.attrs.get(ORIGIN, "")) if isinstance(data, h5py.Dataset) else ""


def _text(data: Any) -> str:
    return clean_text(data[()]) if isinstance(data, h5py.Dataset) else ""
