"""Find and check the geometry (.poni) and the mask of a scan; refuse where a wrong choice would give wrong numbers."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, SourceError, UsageError
from danmax_sync.integration.images import MASK_SUFFIXES, as_mask, read_correction, read_image, read_mask
from danmax_sync.quantities import energy_kev

ENERGY_TOLERANCE = 1e-3
"""Relative difference of the geometry's energy and the scan's. More shifts every peak visibly."""
_NEEDED = ("distance", "poni1", "poni2", "rot1", "rot2", "rot3", "wavelength")


ALLOWANCES = ("energy", "detector", "mask", "orientation", "monitor", "frames", "bins")
"""What can be refused, and allowed all the same by its name."""


@dataclass(frozen=True, slots=True)
class Named:
    """What the user named; what is missing is found in ``process/``.

    Attributes
    ----------
    poni : Path or None
        Geometry.
    masks : tuple of Path
        All of them are applied.
    dark, flat : Path or None
        Images to be subtracted, and to be divided by.
    allowed : frozenset of str
        Of `ALLOWANCES`.
    """

    poni: Path | None = None
    masks: tuple[Path, ...] = ()
    dark: Path | None = None
    flat: Path | None = None
    allowed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = sorted(self.allowed - set(ALLOWANCES))
        if unknown:
            raise UsageError(f"{unknown[0]!r} is nothing that is refused", hint=f"--allow {'|'.join(ALLOWANCES)}")


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A geometry, a mask and images, with where they came from.

    Attributes
    ----------
    poni : Path
        The geometry.
    poni_text : str
        Its content.
    energy_kev : float
        Its energy.
    mask : Path or None
        The mask's file; with several, the first.
    masked : ndarray of bool or None
        True where a pixel is left out; shape of a frame.
    masks : tuple of Path
        All of them.
    dark, flat : ndarray of float32 or None
        Shape of a frame; NaN where a pixel has no usable value.
    dark_file, flat_file : Path or None
        Where they came from.
    allowed : frozenset of str
        What would be refused and is allowed.
    """

    poni: Path
    poni_text: str
    energy_kev: float
    mask: Path | None
    masked: NDArray[np.bool_] | None
    masks: tuple[Path, ...] = ()
    dark: NDArray[np.float32] | None = None
    flat: NDArray[np.float32] | None = None
    dark_file: Path | None = None
    flat_file: Path | None = None
    allowed: frozenset[str] = frozenset()

    @property
    def mask_sha256(self) -> str:
        """A hash of the mask, empty without one."""
        return "" if self.masked is None else hashlib.sha256(np.packbits(self.masked).tobytes()).hexdigest()

    def hashes(self) -> tuple[str, str, str]:
        """Return hashes of mask, dark and flat, empty where there is none."""
        images = ("" if each is None else hashlib.sha256(each.tobytes()).hexdigest() for each in (self.dark, self.flat))
        return (self.mask_sha256, *images)  # type: ignore[return-value]


def find_calibration(
    process: Path, *, energy: float | None, frame_shape: tuple[int, ...], named: Named | None = None
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
    named : Named, optional
        By the user; still checked.

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
    named = named or Named()
    allowed = named.allowed
    if named.poni:
        chosen, text, its_energy = _named_poni(named.poni, energy, allowed)
    else:
        chosen, text, its_energy = _found_poni(process, energy, allowed)
    check_orientation(text, chosen, allowed)
    if named.masks:
        masks, masked = _named_masks(named.masks, frame_shape, allowed)
    else:
        masks, masked = found_mask(process, frame_shape, allowed)
    if masked is not None and bool(masked.all()):
        raise RefusalError(
            f"the mask {masks[0]} leaves no pixel", hint="in a mask, 1 means left out; name another: --mask FILE"
        )
    return Calibration(
        chosen,
        text,
        its_energy,
        masks[0] if masks else None,
        masked,
        masks,
        dark=read_correction(named.dark, frame_shape, "dark") if named.dark else None,
        flat=read_correction(named.flat, frame_shape, "flat") if named.flat else None,
        dark_file=named.dark,
        flat_file=named.flat,
        allowed=allowed,
    )


def check_orientation(text: str, poni: Path, allowed: frozenset[str] = frozenset()) -> None:
    """Check that a geometry says in a known way where the first pixel is.

    Without a word it is pyFAI's default, 3, as geometries from before 2024 mean it.

    Raises
    ------
    RefusalError
        If it names an orientation that does not exist: the beam would be on another pixel.
    """
    config = _detector_config(text)
    if not _has_orientation(config) and "orientation" not in allowed:
        raise RefusalError(
            f"the geometry {poni} names orientation {config['orientation']!r}; there are 1 to 4",
            hint="calibrate with pyFAI-calib2, which asks for it; or take it for 3, as usual: --allow orientation",
        )


def with_known_orientation(text: str) -> str:
    """Return a geometry's text without an orientation that does not exist: then it is pyFAI's default, 3."""
    config = _detector_config(text)
    if _has_orientation(config):
        return text
    del config["orientation"]
    # What comes last counts.
    return f"{text}\nDetector_config: {json.dumps(config)}\n"


def _detector_config(text: str) -> dict[str, object]:
    found = _words(text).get("detector_config", "")
    try:
        config = json.loads(found) if found.strip() else {}
    except ValueError:
        # pyFAI will say so.
        return {}
    return config if isinstance(config, dict) else {}


def _has_orientation(config: Mapping[str, object]) -> bool:
    found = config.get("orientation", 3)
    return isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= 4


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
    return text, energy_of(text, path)


def energy_of(text: str, path: Path) -> float:
    """Return the energy in keV of a geometry's text, which must be whole.

    Raises
    ------
    UsageError
        If it is not.
    """
    words = _words(text)
    values = {name: _number(words.get(name, "")) for name in _NEEDED}
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    bad += [name for name in ("distance", "wavelength") if values[name] <= 0]
    if bad:
        raise UsageError(
            f"the geometry {path} names no usable {bad[0]}",
            hint="name a whole one, as pyFAI-calib2 writes it: --poni FILE",
        )
    return energy_kev(values["wavelength"] * 1e10)


def _words(text: str) -> dict[str, str]:
    # The last calibration of a file counts, and case does not, as in pyFAI.
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith("#"))
    return {name.strip().lower(): value for name, value in pairs}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _named_poni(poni: Path, energy: float | None, allowed: frozenset[str]) -> tuple[Path, str, float]:
    text, its_energy = read_poni(poni)
    if energy is not None and not same_energy(its_energy, energy) and "energy" not in allowed:
        raise RefusalError(
            f"the geometry {poni} is for {its_energy:.4f} keV, the scan was taken at {energy:.4f} keV",
            hint="name a geometry of that energy: --poni FILE; or --allow energy",
        )
    return poni, text, its_energy


def _found_poni(process: Path, energy: float | None, allowed: frozenset[str]) -> tuple[Path, str, float]:
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
    newest = max(readable, key=lambda each: (each[0].stat().st_mtime_ns, each[0].name))
    if "energy" in allowed and (energy is None or not any(same_energy(each[2], energy) for each in readable)):
        return newest
    if energy is None:
        if len(readable) == 1:
            raise RefusalError(
                f"the scan does not say its energy, so {readable[0][0].name} cannot be checked",
                hint=f"if it is the right one: --poni {readable[0][0]}",
            )
        raise RefusalError(
            "the scan does not say its energy, so no geometry can be chosen", hint="name it: --poni FILE"
        )
    fitting = [each for each in readable if same_energy(each[2], energy)]
    if not fitting:
        seen = ", ".join(f"{path.name} {its:.3f} keV" for path, _, its in readable)
        raise RefusalError(
            f"no .poni in {process} is for the scan's {energy:.4f} keV ({seen})",
            hint="name one: --poni FILE, or calibrate at that energy",
        )
    # Several calibrations at one energy are the rule: the newest is the one that was refined last.
    return max(fitting, key=lambda each: (each[0].stat().st_mtime_ns, each[0].name))


def same_energy(one: float, other: float) -> bool:
    """Say whether energies agree well enough for peaks to be where they belong."""
    return abs(one - other) <= ENERGY_TOLERANCE * other


_FoundMask = tuple[tuple[Path, ...], NDArray[np.bool_] | None]


def _named_masks(paths: Sequence[Path], shape: tuple[int, ...], allowed: frozenset[str]) -> _FoundMask:
    read = [(path, read_mask(path, shape, may_differ="mask" in allowed)) for path in paths]
    fitting = [(path, masked) for path, masked in read if masked is not None]
    if not fitting:
        return (), None
    return tuple(path for path, _ in fitting), np.logical_or.reduce([masked for _, masked in fitting])


def found_mask(process: Path, shape: tuple[int, ...], allowed: frozenset[str]) -> _FoundMask:
    """Return the mask in a folder that is for frames of a shape, and its file; refuse to guess among several."""
    # Other kinds of files in process/ may be anything: they are masks only when they say so.
    paths = [
        path for path in _sorted_files(process, MASK_SUFFIXES) if path.suffix == ".npy" or "mask" in path.stem.lower()
    ]
    arrays = [(path, _mask_or_none(path)) for path in paths]
    masks = [(path, masked) for path, masked in arrays if masked is not None]
    fitting = [(path, masked) for path, masked in masks if masked.shape == shape]
    if masks and not fitting:
        if "mask" in allowed:
            return (), None
        seen = ", ".join(f"{path.name} {masked.shape}" for path, masked in masks)
        raise RefusalError(
            f"no mask in {process} is for frames of {shape} ({seen})",
            hint="name the one of this detector: --mask FILE; or go without: --allow mask",
        )
    if len(fitting) > 1:
        by_name = [each for each in fitting if "mask" in each[0].name.lower()]
        fitting = by_name if len(by_name) == 1 else fitting
    if len(fitting) > 1:
        names = ", ".join(path.name for path, _ in fitting)
        raise RefusalError(f"several masks fit: {names}", hint="say which, or all of them: --mask FILE --mask FILE")
    return ((fitting[0][0],), fitting[0][1]) if fitting else ((), None)


def _mask_or_none(path: Path) -> NDArray[np.bool_] | None:
    try:
        return as_mask(read_image(path))
    except UsageError:
        return None


def _sorted_files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix in suffixes and p.is_file() and not p.name.startswith("."))
