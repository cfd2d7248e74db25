"""Many curves in one picture: each on a baseline of its own, at its temperature where that tells them apart.

Heights are √intensity, which gives strong and weak rings, and their noise, a like size. Curves in front cover those
behind, so that they may be taller than their distance without becoming a tangle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_SPREAD_K = 1.0
"""Less is a controller's noise, and the order in time says more."""
_LABEL_INCH, _BESIDE_INCH = 0.125, 1.0
"""What a label needs, and what a figure has above and below its curves."""
_LEAST_HEIGHT = 0.16
"""Of the tallest curve, as a share of all baselines' range: many curves stand close, and still show their rings."""


_COLDEST, _MIDDLE, _HOTTEST = (33, 84, 170), (138, 64, 150), (184, 80, 0)
"""All dark enough to be read on white, and between blue and orange, which every kind of eye tells apart."""


def shade_of(part: float) -> tuple[float, float, float]:
    """Return a colour from the coldest, 0, to the hottest, 1: red, green and blue from 0 to 1."""
    first, last, between = (_COLDEST, _MIDDLE, 2 * part) if part < 0.5 else (_MIDDLE, _HOTTEST, 2 * part - 1)
    red, green, blue = ((a + (b - a) * between) / 255 for a, b in zip(first, last, strict=True))
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve of a figure: a frame, or the mean of a scan's frames.

    Attributes
    ----------
    label : str
        What tells it from the others.
    intensity : ndarray, (bins,)
        NaN where a bin has no pixel.
    """

    label: str
    sample: str
    radial: NDArray[np.float64]
    intensity: NDArray[np.float64]
    temperature_k: float | None
    energy_kev: float | None


@dataclass(frozen=True, slots=True)
class Stack:
    """Where curves stand, lowest first.

    Attributes
    ----------
    baselines : ndarray, (curves,)
        Rising; temperatures in K if `at_temperature`, else 0, 1, 2…
    shades : ndarray, (curves,)
        0 to 1, from the coldest to the hottest; all the same where the order is not that of temperature, so that
        nobody takes colours for temperatures.
    by_temperature : bool
        Whether the order is that of temperature.
    at_temperature : bool
        Whether each baseline is a temperature.
    """

    curves: tuple[Curve, ...]
    baselines: NDArray[np.float64]
    shades: NDArray[np.float64]
    by_temperature: bool
    at_temperature: bool


def stack(curves: Sequence[Curve]) -> Stack:
    """Decide where at least two curves stand.

    Without a temperature for each, or where temperatures hardly differ, they keep their order at equal distances; where
    many share a temperature, they are ordered by it at equal distances.
    """
    known = [curve.temperature_k for curve in curves if curve.temperature_k is not None]
    even = np.arange(len(curves), dtype=np.float64)
    if len(known) < len(curves) or max(known) - min(known) < _LEAST_SPREAD_K:
        return Stack(tuple(curves), even, np.zeros(len(curves)), by_temperature=False, at_temperature=False)
    ordered = tuple(sorted(curves, key=lambda curve: curve.temperature_k or 0.0))
    temperatures = np.sort(np.asarray(known))
    shades = (temperatures - temperatures[0]) / np.ptp(temperatures)
    gaps = np.diff(temperatures)
    apart = float(np.mean(gaps < 0.1 * gaps.mean())) < 0.3
    return Stack(ordered, temperatures if apart else even, shades, by_temperature=True, at_temperature=apart)


def heights(curves: Sequence[Curve]) -> list[NDArray[np.float64]]:
    """Return √intensity of each curve above the lowest of all, the tallest 1; NaN stays."""
    roots = [np.sqrt(np.clip(curve.intensity, 0, None)) for curve in curves]
    finite = np.concatenate([root[np.isfinite(root)] for root in roots])
    if not finite.size:
        return roots
    # A few bins at the detector's corners hold single pixels: they must not decide where the ground is.
    ground = float(np.percentile(finite, 0.5))
    top = float(finite.max()) - ground or 1.0
    return [np.clip(root - ground, 0, None) / top for root in roots]


def draw(axes: "Axes", curves: Sequence[Curve]) -> str:
    """Draw at least two curves into axes; return how they are ordered, for a sentence."""
    placed = stack(curves)
    baselines, reach = placed.baselines, float(np.ptp(placed.baselines))
    tallest = max(0.93 * float(np.median(np.diff(baselines))), _LEAST_HEIGHT * reach)
    colours = [shade_of(float(shade)) for shade in placed.shades]
    for place, (curve, height) in enumerate(zip(placed.curves, heights(placed.curves), strict=True)):
        line = baselines[place] + tallest * height
        depth = 2.0 * (len(curves) - place)
        pale = [0.85 + 0.15 * part for part in colours[place]]
        axes.fill_between(curve.radial, baselines[place], line, color=pale, lw=0, zorder=depth)
        axes.plot(curve.radial, line, lw=0.8, color=colours[place], zorder=depth + 1)
    axes.margins(x=0.01)
    axes.set_ylim(baselines[0] - 0.04 * reach, baselines[-1] + 1.08 * tallest)
    low, high = axes.get_ylim()
    room = max(axes.figure.bbox.height / axes.figure.dpi - _BESIDE_INCH, _LABEL_INCH)
    labelled = _labelled(placed, space=(high - low) * _LABEL_INCH / room)
    if placed.at_temperature:
        axes.set_ylabel("temperature (K)")
        axes.ticklabel_format(axis="y", useOffset=False)
        # Above the highest baseline there are heights only.
        low, high = axes.get_ylim()[0], baselines[-1] + 0.02 * reach
        axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= high])
        for place in labelled:
            axes.annotate(
                plain(placed.curves[place].label),
                (1, baselines[place]),
                (5, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                color=colours[place],
                fontsize="x-small",
                va="center",
            )
    else:
        axes.set_yticks(baselines[labelled], [_tick(placed, place) for place in labelled], fontsize="x-small")
    return "against temperature" if placed.by_temperature else ""


def _labelled(placed: Stack, *, space: float) -> list[int]:
    """Return the curves whose labels find room above each other: all, or at equal distances every second, third…"""
    chosen: list[int] = []
    for place, baseline in enumerate(placed.baselines):
        if not chosen or baseline - placed.baselines[chosen[-1]] >= space:
            chosen.append(place)
    return chosen


def _tick(placed: Stack, place: int) -> str:
    curve = placed.curves[place]
    # Without an order of temperature it is told where not every curve has one: that is why there is none.
    told = placed.by_temperature or any(each.temperature_k is None for each in placed.curves)
    known = told and curve.temperature_k is not None
    return f"{plain(curve.label)}, {curve.temperature_k:.1f} K" if known else plain(curve.label)


def plain(text: str) -> str:
    """Spell names of folders so that matplotlib does not take them for formulae."""
    return text.replace("$", r"\$")
