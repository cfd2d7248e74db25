"""Pictures of patterns: one curve, or a waterfall against temperature."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, UsageError
from danmax_sync.integration.patterns import Patterns, mean_of
from danmax_sync.integration.picturefile import check_picture, write_figure
from danmax_sync.integration.waterfall import Curve, draw, plain, shade_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CURVES = 60
_MOST_SAMPLES = 3
_MOST_IN_LEGEND = 12


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
        return [_frame_curve(label if count == 1 else f"frame {i}", patterns, i) for i in range(0, count, step)]
    return [
        Curve(
            label,
            patterns.sample,
            patterns.radial,
            mean_of(patterns.intensity),
            _middle(patterns.temperature_k),
            patterns.energy_kev,
        )
        for label, patterns in labelled
    ]


KINDS = ("waterfall", "overlay", "heatmap", "cake")


def save_figure(
    labelled: Sequence[tuple[str, Patterns]], path: Path, *, kind: str = "waterfall", against: str = "temperature"
) -> str:
    """Draw patterns into a PNG, SVG or PDF file; return what was drawn.

    Parameters
    ----------
    labelled : sequence
        Labels and patterns of scans.
    path : Path
        The picture.
    kind : str
        Of `KINDS`.
    against : str
        Of a heat map: ``temperature``, ``time``, ``frame``, or a motor.

    Raises
    ------
    UsageError
        If the file's suffix is none of these, it cannot be written, or something else is there.
    RefusalError
        If the patterns cannot stand in one figure.
    """
    check_picture(path)
    figure, what = draw_figure(labelled, kind=kind, against=against)
    write_figure(figure, path)
    return what


def draw_figure(
    labelled: Sequence[tuple[str, Patterns]], *, kind: str = "waterfall", against: str = "temperature"
) -> "tuple[Figure, str]":
    """Draw patterns; return the figure, and what was drawn. See `save_figure`."""
    if kind not in KINDS:
        raise UsageError(f"patterns cannot be drawn as {kind!r}", hint=f"as one of {', '.join(KINDS)}")
    unit = "q (1/Å)" if labelled[0][1].unit == "q" else "2θ (°)"
    if kind in {"heatmap", "cake"}:
        from danmax_sync.integration.heatmap import draw_cake, draw_heatmap

        return draw_cake(labelled, unit) if kind == "cake" else draw_heatmap(labelled, against, unit)
    curves = curves_of(labelled)
    # Frames are numbered within their scan, so the title says which scan it is.
    scan = labelled[0][0] if len(labelled) == 1 else ""
    return _draw(curves, unit, scan, overlaid=kind == "overlay")


def _draw(curves: Sequence[Curve], unit: str, scan: str, *, overlaid: bool) -> "tuple[Figure, str]":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, min(7.5, 4.6 + 0.08 * len(curves))), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(plain(_title(curves, scan)), loc="left", fontsize="medium")
    if len(curves) == 1:
        _draw_one(axes, curves[0])
        return figure, "one pattern"
    if overlaid:
        _draw_over(axes, curves)
        return figure, f"{len(curves)} patterns overlaid"
    order = draw(axes, curves)
    axes.set_title("heights: √intensity", loc="right", fontsize="x-small", color="0.4")
    return figure, f"{len(curves)} patterns {order}".rstrip()


def _draw_one(axes: "Axes", curve: Curve) -> None:
    axes.plot(curve.radial, curve.intensity, lw=0.9, color="#1f4e79")
    axes.set_yscale("function", functions=(lambda y: np.sign(y) * np.sqrt(np.abs(y)), lambda y: np.sign(y) * y**2))
    axes.set_ylabel("intensity (counts a pixel)")
    axes.margins(x=0.01)


def _draw_over(axes: "Axes", curves: Sequence[Curve]) -> None:
    """Draw all curves on one baseline, for comparing them."""
    for place, curve in enumerate(curves):
        colour = shade_of(place / max(1, len(curves) - 1))
        label = plain(curve.label) if len(curves) <= _MOST_IN_LEGEND else None
        axes.plot(curve.radial, curve.intensity, lw=0.8, color=colour, label=label)
    axes.set_yscale("function", functions=(lambda y: np.sign(y) * np.sqrt(np.abs(y)), lambda y: np.sign(y) * y**2))
    axes.set_ylabel("intensity (counts a pixel)")
    axes.margins(x=0.01)
    if len(curves) <= _MOST_IN_LEGEND:
        axes.legend(fontsize="x-small", frameon=False)


def _frame_curve(label: str, patterns: Patterns, index: int) -> Curve:
    temperature = None if patterns.temperature_k is None else _finite(float(patterns.temperature_k[index]))
    intensity = patterns.intensity[index].astype(np.float64)
    return Curve(label, patterns.sample, patterns.radial, intensity, temperature, patterns.energy_kev)


def _middle(values: NDArray[np.float64] | None) -> float | None:
    if values is None or not np.isfinite(values).any():
        return None
    return float(np.nanmean(values))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _title(curves: Sequence[Curve], scan: str) -> str:
    """Say what all curves have in common, and over which range the rest goes."""
    samples = dict.fromkeys(curve.sample for curve in curves if curve.sample)
    energies = [curve.energy_kev for curve in curves if curve.energy_kev is not None]
    temperatures = [curve.temperature_k for curve in curves if curve.temperature_k is not None]
    facts = [", ".join(samples) if len(samples) <= _MOST_SAMPLES else f"{len(samples)} samples", scan]
    facts += [_range(energies, 3, "keV"), _range(temperatures, 1, "K")]
    return ", ".join(fact for fact in facts if fact)


def _range(values: Sequence[float], digits: int, unit: str) -> str:
    if not values:
        return ""
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return f"{low} {unit}" if low == high else f"{low}–{high} {unit}"
