"""Find and check the geometry (.poni) and the mask of a scan; refuse where a wrong choice would give wrong numbers."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, SourceError, UsageError
from danmax_sync.quantities import energy_kev

ENERGY_TOLERANCE = 1e-3
"""Relative difference of the geometry's energy and the scan's. More shifts every peak visibly."""
_NEEDED = ("distance", "poni1", "poni2", "rot1", "rot2", "rot3", "wavelength")


@dataclass(frozen=True, slots=True)
class Calibration:
    """A geometry and a mask, with where they came from.

    Attributes
    ----------
    poni : Path
        The geometry.
    poni_text : str
        Its content.
    energy_kev : float
        Its energy.
    mask : Path or None
        The mask's file.
    masked : ndarray of bool or None
        True where a pixel is left out; shape of a frame.
    """

    poni: Path
    poni_text: str
    energy_kev: float
    mask: Path | None
    masked: NDArray[np.bool_] | None

    @property
    def mask_sha256(self) -> str:
        """A hash of the mask, empty without one."""
        return "" if self.masked is None else hashlib.sha256(np.packbits(self.masked).tobytes()).hexdigest()


def find_calibration(
    process: Path,
    *,
    energy: float | None,
    frame_shape: tuple[int, ...],
    poni: Path | None = None,
    mask: Path | None = None,
) -> Calibration:
    """Choose geometry and mask for a scan.

    Parameters
    ----------
    process : Path
        The visit's ``process`` folder, searched where nothing is named.
    energy : float or None
        The scan's, keV.
    frame_shape : tuple of int
        Rows and columns of a frame.
    poni, mask : Path, optional
        Named by the user; still checked.

    Raises
    ------
    RefusalError
        If the energies differ, the only masks are of another shape, or several files fit and nothing tells which is
        meant.
    SourceError
        If there is no geometry that can be read.
    UsageError
        If a named file cannot be read.
    """
    chosen, text, its_energy = _named_poni(poni, energy) if poni else _found_poni(process, energy)
    masked_in, masked = _named_mask(mask, frame_shape) if mask else _found_mask(process, frame_shape)
    if masked is not None and bool(masked.all()):
        raise RefusalError(
            f"the mask {masked_in} leaves no pixel", hint="in a mask, 1 means left out; name another: --mask"
        )
    return Calibration(chosen, text, its_energy, masked_in, masked)


def read_poni(path: Path) -> tuple[str, float]:
    """Return the text of a .poni file and its energy in keV.

    Raises
    ------
    UsageError
        If it is not a whole .poni file: pyFAI would put a metre for a missing distance and go on.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"the geometry {path} cannot be read: {problem}") from problem
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith("#"))
    # The last calibration of a file counts, and case does not, as in pyFAI.
    words = {name.strip().lower(): value for name, value in pairs}
    values = {name: _number(words.get(name, "")) for name in _NEEDED}
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    bad += [name for name in ("distance", "wavelength") if values[name] <= 0]
    if bad:
        raise UsageError(
            f"the geometry {path} names no usable {bad[0]}",
            hint="name a whole one, as pyFAI-calib2 writes it: --poni FILE",
        )
    return text, energy_kev(values["wavelength"] * 1e10)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _named_poni(poni: Path, energy: float | None) -> tuple[Path, str, float]:
    text, its_energy = read_poni(poni)
    if energy is not None and not _same_energy(its_energy, energy):
        raise RefusalError(
            f"the geometry {poni} is for {its_energy:.4f} keV, the scan was taken at {energy:.4f} keV",
            hint="name a geometry of that energy: --poni FILE",
        )
    return poni, text, its_energy


def _found_poni(process: Path, energy: float | None) -> tuple[Path, str, float]:
    candidates = _sorted_files(process, (".poni",))
    if not candidates:
        raise SourceError(f"there is no .poni file in {process}", hint="name one: --poni FILE")
    readable = []
    for path in candidates:
        try:
            readable.append((path, *read_poni(path)))
        except UsageError:
            continue
    if not readable:
        raise SourceError(f"no .poni file in {process} can be read as a geometry", hint="name one: --poni FILE")
    if energy is None:
        if len(readable) == 1:
            raise RefusalError(
                f"the scan does not say its energy, so {readable[0][0].name} cannot be checked",
                hint=f"if it is the right one: --poni {readable[0][0]}",
            )
        raise RefusalError(
            "the scan does not say its energy, so no geometry can be chosen", hint="name it: --poni FILE"
        )
    fitting = [each for each in readable if _same_energy(each[2], energy)]
    if not fitting:
        seen = ", ".join(f"{path.name} {its:.3f} keV" for path, _, its in readable)
        raise RefusalError(
            f"no .poni in {process} is for the scan's {energy:.4f} keV ({seen})",
            hint="name one: --poni FILE, or calibrate at that energy",
        )
    # Several calibrations at one energy are the rule: the newest is the one that was refined last.
    return max(fitting, key=lambda each: (each[0].stat().st_mtime_ns, each[0].name))


def _same_energy(one: float, other: float) -> bool:
    return abs(one - other) <= ENERGY_TOLERANCE * other


def _named_mask(mask: Path, shape: tuple[int, ...]) -> tuple[Path, NDArray[np.bool_]]:
    masked = _read_mask(mask)
    if masked is None:
        raise UsageError(f"{mask} is no mask", hint="a two-dimensional .npy array is needed, 0 and 1 = left out")
    if masked.shape != shape:
        raise RefusalError(
            f"the mask {mask} is {masked.shape}, the frames are {shape}", hint="name another: --mask FILE"
        )
    return mask, masked


def _found_mask(process: Path, shape: tuple[int, ...]) -> tuple[Path | None, NDArray[np.bool_] | None]:
    arrays = [(path, _read_mask(path)) for path in _sorted_files(process, (".npy",))]
    masks = [(path, masked) for path, masked in arrays if masked is not None]
    fitting = [(path, masked) for path, masked in masks if masked.shape == shape]
    if masks and not fitting:
        seen = ", ".join(f"{path.name} {masked.shape}" for path, masked in masks)
        raise RefusalError(
            f"no mask in {process} is for frames of {shape} ({seen})",
            hint="name the one of this detector: --mask FILE, or move masks of other detectors out of process/",
        )
    if len(fitting) > 1:
        by_name = [each for each in fitting if "mask" in each[0].name.lower()]
        fitting = by_name if len(by_name) == 1 else fitting
    if len(fitting) > 1:
        names = ", ".join(path.name for path, _ in fitting)
        raise RefusalError(f"several masks fit: {names}", hint="say which: --mask FILE")
    return fitting[0] if fitting else (None, None)


def _read_mask(path: Path) -> NDArray[np.bool_] | None:
    try:
        # Never with pickles: an array from elsewhere must not run code.
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "biuf":
        return None
    masked: NDArray[np.bool_] = array != 0
    # Flat fields and images are kept in the same folder: a mask has one value besides 0.
    left_out = array[masked]
    return masked if not left_out.size or (left_out == left_out[0]).all() else None


def _sorted_files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix in suffixes and p.is_file() and not p.name.startswith("."))
