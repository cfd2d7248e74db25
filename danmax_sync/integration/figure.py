"""Pictures of patterns: one curve, or a waterfall against temperature."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, UsageError
from danmax_sync.integration.patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
_MOST_CURVES = 60


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve of a figure: a frame, or the mean of a scan's frames."""

    label: str
    radial: NDArray[np.float64]
    intensity: NDArray[np.float64]
    temperature_k: float | None
    energy_kev: float | None


def curves_of(labelled: Sequence[tuple[str, Patterns]]) -> list[Curve]:
    """Return the curves of some scans: every frame of a single scan, one mean a scan for several.

    Raises
    ------
    RefusalError
        If their axes are of different units, so that they cannot stand in one figure.
    """
    if len({patterns.unit for _, patterns in labelled}) > 1:
        raise RefusalError(
            "some patterns are over q, others over 2θ", hint="integrate them alike: --unit q --overwrite"
        )
    if len(labelled) == 1:
        label, patterns = labelled[0]
        count = len(patterns.intensity)
        step = -(-count // _MOST_CURVES)
        return [_frame_curve(f"{label}, frame {i}", patterns, i) for i in range(0, count, step)]
    return [
        Curve(
            label,
            patterns.radial,
            _mean(patterns.intensity),
            _middle(patterns.temperature_k),
            patterns.energy_kev,
        )
        for label, patterns in labelled
    ]


def save_figure(labelled: Sequence[tuple[str, Patterns]], path: Path) -> str:
    """Draw patterns into a PNG, SVG or PDF file; return what was drawn.

    Raises
    ------
    UsageError
        If the file's suffix is none of these, or it cannot be written.
    RefusalError
        If the patterns cannot stand in one figure.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path.name} is no picture this tool can write", hint="end it in .png, .svg or .pdf")
    curves = curves_of(labelled)
    unit = "q (1/Å)" if labelled[0][1].unit == "q" else "2θ (°)"
    figure, what = _draw(curves, unit)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=160)
    except OSError as problem:
        raise UsageError(
            f"{path} cannot be written: {problem.strerror}", hint="name another file: -o FILE"
        ) from problem
    return what


def _draw(curves: Sequence[Curve], unit: str) -> "tuple[Figure, str]":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) == 1:
        axes.plot(curves[0].radial, curves[0].intensity, lw=0.9, color="#1f4e79")
        axes.set_ylabel("intensity (counts a pixel)")
        axes.set_title(_title(curves[0]), loc="left", fontsize="medium")
        axes.margins(x=0.01)
        return figure, "one pattern"
    temperatures = [curve.temperature_k for curve in curves]
    by_temperature = all(t is not None for t in temperatures) and len(set(temperatures)) > 1
    ordered = sorted(curves, key=lambda curve: curve.temperature_k or 0.0) if by_temperature else list(curves)
    _waterfall(figure, axes, ordered, by_temperature=by_temperature)
    return figure, f"{len(curves)} patterns{' against temperature' if by_temperature else ''}"


def _waterfall(figure: "Figure", axes: object, curves: Sequence[Curve], *, by_temperature: bool) -> None:
    from matplotlib import colormaps
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    if not isinstance(axes, Axes):  # pragma: no cover - for the type checker: matplotlib is imported late
        raise TypeError
    temperatures = [curve.temperature_k or 0.0 for curve in curves]
    scale = Normalize(min(temperatures), max(temperatures)) if by_temperature else Normalize(0, len(curves))
    colours = colormaps["plasma"]
    # A curve may reach three steps up into its neighbours: peaks stay tall, and weak lines stay apart.
    step = max(float(np.nanmax(curve.intensity)) for curve in curves) / 3
    for place, curve in enumerate(curves):
        shade = scale(temperatures[place] if by_temperature else place)
        colour = colours(0.85 * float(shade))
        axes.plot(curve.radial, curve.intensity + place * step, lw=0.8, color=colour, zorder=len(curves) - place)
    axes.set_yticks([])
    axes.margins(x=0.01)
    if not by_temperature:
        axes.set_ylabel("intensity, shifted")
        for place, curve in enumerate(curves[:: -(-len(curves) // 20)]):
            axes.annotate(curve.label, (curve.radial[-1], place * step), fontsize="x-small", ha="right", va="bottom")
        return
    axes.set_ylabel("intensity, shifted by temperature's order")
    mappable = ScalarMappable(norm=scale, cmap=colours)
    mappable.set_clim(min(temperatures), min(temperatures) + (max(temperatures) - min(temperatures)) / 0.85)
    bar = figure.colorbar(mappable, ax=axes, label="temperature (K)", pad=0.02)
    bar.ax.set_ylim(min(temperatures), max(temperatures))


def _frame_curve(label: str, patterns: Patterns, index: int) -> Curve:
    temperature = None if patterns.temperature_k is None else _finite(float(patterns.temperature_k[index]))
    intensity = patterns.intensity[index].astype(np.float64)
    return Curve(label, patterns.radial, intensity, temperature, patterns.energy_kev)


def _mean(intensity: NDArray[np.float32]) -> NDArray[np.float64]:
    """Average over frames; a bin that is NaN in all of them stays NaN."""
    filled = np.isfinite(intensity)
    total = np.where(filled, intensity, 0).sum(axis=0, dtype=np.float64)
    count = filled.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _middle(values: NDArray[np.float64] | None) -> float | None:
    if values is None or not np.isfinite(values).any():
        return None
    return float(np.nanmean(values))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _title(curve: Curve) -> str:
    facts = [curve.label]
    if curve.energy_kev is not None:
        facts.append(f"{curve.energy_kev:.3f} keV")
    if curve.temperature_k is not None:
        facts.append(f"{curve.temperature_k:.1f} K")
    return ", ".join(facts)


def sketch(patterns: Patterns, *, width: int, height: int = 12) -> str:
    """Draw the mean pattern of a scan with block characters.

    Parameters
    ----------
    patterns : Patterns
        What to draw.
    width, height : int
        Characters and lines, axis not counted.
    """
    mean = np.nan_to_num(_mean(patterns.intensity))
    pieces = np.array_split(mean, max(10, width))
    # The highest of each column: a sharp peak must not vanish between two characters.
    heights = np.array([piece.max() if piece.size else 0.0 for piece in pieces])
    top = float(heights.max()) or 1.0
    eighths = np.round(np.sqrt(np.clip(heights, 0, None) / top) * height * 8).astype(int)
    blocks = " ▁▂▃▄▅▆▇█"
    lines = ["".join(blocks[min(8, max(0, e - 8 * row))] for e in eighths) for row in range(height - 1, -1, -1)]
    unit = "1/Å" if patterns.unit == "q" else "°"
    low, high = f"{patterns.radial[0]:.2f} {unit}", f"{patterns.radial[-1]:.2f} {unit}"
    axis = low + "√intensity".center(max(0, len(heights) - len(low) - len(high))) + high
    return "\n".join([*lines, axis])
