"""Patterns as text, for refinement programs: xye, xy, fxye and chi.

Bins without pixels are left out: a zero would go straight into a refinement. Lines that tell where a pattern comes from
begin with ``#``; programs that do not know comments are given none with ``header=False``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, UsageError
from danmax_sync.integration.patterns import Patterns
from danmax_sync.quantities import count as spelled
from danmax_sync.quantities import wavelength_angstrom


class TextFormat(Enum):
    """A format of text files.

    ``xye`` has 2θ or q, intensity and its error; ``xy`` no errors; ``fxye`` is GSAS' (2θ in hundredths of a degree);
    ``chi`` is Fit2D's.
    """

    XYE = "xye"
    XY = "xy"
    FXYE = "fxye"
    CHI = "chi"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes
    ----------
    files : tuple of Path
        One a pattern.
    empty_bins : int
        Left out of each, at most.
    skipped : int
        Patterns without any number.
    """

    files: tuple[Path, ...]
    empty_bins: int
    skipped: int


@dataclass(frozen=True, slots=True)
class _One:
    """One pattern, without empty bins."""

    name: str
    x: NDArray[np.float64]
    intensity: NDArray[np.float64]
    sigma: NDArray[np.float64] | None
    told: tuple[str, ...]


def export_patterns(
    labelled: Sequence[tuple[str, Patterns]],
    folder: Path,
    form: TextFormat,
    *,
    average: bool = False,
    unit: str | None = None,
    header: bool = True,
    overwrite: bool = False,
) -> Exported:
    """Write patterns of some scans.

    Parameters
    ----------
    labelled : sequence
        Labels and patterns of scans.
    folder : Path
        Made if needed; a folder a sample in it.
    form : TextFormat
        Of the files.
    average : bool
        One file a scan instead of one a frame.
    unit : str, optional
        ``2th`` or ``q``, where it is to be another than that of the patterns.
    header : bool
        Whether a file tells energy, temperature and scan, where its format has room for that.
    overwrite : bool
        Whether files with other content are replaced.

    Raises
    ------
    UsageError
        If a file is there with other content, or cannot be written.
    RefusalError
        If a format needs errors and there are none, or the energy is needed and not known.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, and patterns go into a folder", hint="name another: -o DIR")
    written, most_empty, skipped = [], 0, 0
    for label, patterns in labelled:
        x = _axis(patterns, "2th" if form is TextFormat.FXYE else unit)
        rows = [None] if average else list(range(len(patterns.intensity)))
        for row in rows:
            one, empty = _one(label, patterns, row, x)
            if not len(one.x):
                skipped += 1
                continue
            most_empty = max(most_empty, empty)
            used = unit or patterns.unit
            content = _FORMATS[form](one, used if form is not TextFormat.FXYE else "2th", header)
            path = folder / _folder_of(patterns.sample) / f"{one.name}.{form.value}"
            _write(path, content, overwrite=overwrite)
            written.append(path)
    return Exported(tuple(written), most_empty, skipped)


def _folder_of(sample: str) -> str:
    """Return a folder's name for a sample: users and files call it what they like, ``..`` too."""
    return re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", sample).strip(". ")[:100] or "sample"


def _axis(patterns: Patterns, unit: str | None) -> NDArray[np.float64]:
    if unit in {None, patterns.unit}:
        return patterns.radial
    # Angles become q by the scan's energy. What became q already did so by the geometry's, a permille off at most.
    energy = patterns.energy_kev if unit == "q" else patterns.geometry_kev or patterns.energy_kev
    if energy is None:
        raise RefusalError(f"{patterns.path.name} does not say its energy, so its axis cannot become {unit}")
    wavelength = wavelength_angstrom(energy)
    if unit == "q":
        return np.asarray(4 * np.pi * np.sin(np.radians(patterns.radial) / 2) / wavelength)
    return np.asarray(np.degrees(2 * np.arcsin(patterns.radial * wavelength / (4 * np.pi))))


def _one(label: str, patterns: Patterns, row: int | None, x: NDArray[np.float64]) -> tuple[_One, int]:
    intensity, sigma = patterns.intensity.astype(np.float64), patterns.sigma
    count = len(intensity)
    name = patterns.path.stem.removesuffix("_integrated")
    if row is None:
        seen = np.isfinite(intensity)
        number = seen.sum(axis=0)
        value = np.where(number > 0, np.nansum(intensity, axis=0) / np.maximum(number, 1), np.nan)
        error = None
        if sigma is not None:
            squares = np.where(seen, sigma.astype(np.float64) ** 2, 0.0)
            # A frame without counts has the error of one; where others have some, their sum has theirs alone.
            counted = np.where(intensity != 0, squares, 0.0).sum(axis=0)
            squares = np.where(counted > 0, counted, squares.max(axis=0, initial=0.0))
            error = np.sqrt(squares) / np.maximum(number, 1)
        told = [f"mean of {spelled(count, 'frame')}", *_recorded(patterns, None)]
    else:
        value, error = intensity[row], None if sigma is None else sigma[row].astype(np.float64)
        told = [f"frame {row} of {count}", *_recorded(patterns, row)]
        name = f"{name}_{row:0{max(4, len(str(count - 1)))}d}"
    filled = np.isfinite(value)
    said = (f"{label}, sample {patterns.sample}" if patterns.sample else label, *told, f"from {patterns.path.name}")
    return _One(name, x[filled], value[filled], None if error is None else error[filled], said), int((~filled).sum())


def _recorded(patterns: Patterns, row: int | None) -> list[str]:
    told = []
    if patterns.energy_kev is not None:
        told.append(
            f"energy {patterns.energy_kev:.5f} keV, wavelength {wavelength_angstrom(patterns.energy_kev):.6f} angstrom"
        )
    for name, unit, values in (("temperature", "K", patterns.temperature_k), ("time", "s", patterns.time_s)):
        if values is None:
            continue
        value = float(np.nanmean(values)) if row is None and np.isfinite(values).any() else np.nan
        value = value if row is None else float(values[row])
        if np.isfinite(value):
            told.append(f"{name} {value:.3f} {unit}")
    return told


_LABELS = {"2th": "2theta (degrees)", "q": "q (1/angstrom)"}


def _commented(one: _One, columns: str, header: bool) -> list[str]:
    return [f"# {line}" for line in (*one.told, columns)] if header else []


def _xye(one: _One, unit: str, header: bool) -> str:
    if one.sigma is None:
        raise RefusalError(f"{one.name} has no errors, which xye needs", hint="--format xy")
    lines = _commented(one, f"{_LABELS[unit]}  intensity  error", header)
    lines += [f"{x:.7f} {y:.7g} {e:.7g}" for x, y, e in zip(one.x, one.intensity, one.sigma, strict=True)]
    return "\n".join(lines) + "\n"


def _xy(one: _One, unit: str, header: bool) -> str:
    lines = _commented(one, f"{_LABELS[unit]}  intensity", header)
    return "\n".join([*lines, *(f"{x:.7f} {y:.7g}" for x, y in zip(one.x, one.intensity, strict=True))]) + "\n"


def _fxye(one: _One, _unit: str, _header: bool) -> str:
    if one.sigma is None:
        raise RefusalError(f"{one.name} has no errors, which fxye needs", hint="--format xy")
    step = float(np.median(np.diff(one.x))) if len(one.x) > 1 else 0.0
    title = "; ".join(one.told)[:79]
    bank = f"BANK 1 {len(one.x)} {len(one.x)} CONS {100 * one.x[0]:.5f} {100 * step:.5f} 0 0 FXYE"
    lines = [f"{title:<80}", f"{bank:<80}"]
    lines += [f"{100 * x:15.6f} {y:15.7g} {e:15.7g}" for x, y, e in zip(one.x, one.intensity, one.sigma, strict=True)]
    return "\n".join(lines) + "\n"


def _chi(one: _One, unit: str, _header: bool) -> str:
    lines = [one.name + ": " + "; ".join(one.told), _LABELS[unit], "Intensity", f"{len(one.x):>12d}"]
    lines += [f" {x:.7E} {y:.7E}" for x, y in zip(one.x, one.intensity, strict=True)]
    return "\n".join(lines) + "\n"


_FORMATS = {TextFormat.XYE: _xye, TextFormat.XY: _xy, TextFormat.FXYE: _fxye, TextFormat.CHI: _chi}


def _write(path: Path, content: str, *, overwrite: bool) -> None:
    try:
        if path.exists() and not overwrite:
            if path.read_text(encoding="utf-8") == content:
                return
            raise UsageError(f"{path} is there with other content", hint="write elsewhere: -o DIR; or --overwrite")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text(content, encoding="utf-8")
        part.replace(path)
    except (OSError, UnicodeDecodeError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise UsageError(f"{path} cannot be written: {why}", hint="write elsewhere: -o DIR") from problem
