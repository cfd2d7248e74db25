"""Charts as SVG that takes its colours from the page, so that they suit a dark screen and paper alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from danmax_sync.integration.canvas import columns_of
from danmax_sync.integration.waterfall import Curve, heights, stack
from danmax_sync.report.axes import time_ticks, value_ticks
from danmax_sync.report.markup import Markup, tag

Floats = NDArray[np.float64]
WIDTH = 1000
_LEFT, _RIGHT, _BOTTOM, _TOP = 62, 112, 50, 10
_COLUMNS = 820
"""Points of a curve: more than the page has dots for would only make the file larger."""
_COLDEST, _MIDDLE, _HOTTEST = (61, 116, 214), (163, 84, 186), (226, 118, 52)
"""Neither so dark nor so bright that it could not be seen on both kinds of screens."""
_LABEL_HEIGHT = 14
_LETTER = 7.5
_ON_A_PHONE = 2.2
"""How much larger letters are against a chart on a narrow screen, which leaves out those that then have no room."""


def shade(part: float) -> str:
    """Return a colour from the coldest, 0, to the hottest, 1."""
    first, last, between = (_COLDEST, _MIDDLE, 2 * part) if part < 0.5 else (_MIDDLE, _HOTTEST, 2 * part - 1)
    red, green, blue = (round(a + (b - a) * between) for a, b in zip(first, last, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def waterfall(curves: Sequence[Curve], unit: str) -> Markup:
    """Draw at least two curves, each on its own baseline, the hottest on top where temperature tells them apart."""
    placed = stack(curves)
    count = len(placed.curves)
    height = min(900, 260 + 14 * count)
    reach = height - _TOP - _BOTTOM
    tallest = max(0.9 / count, 0.2) * reach
    span = float(np.ptp(placed.baselines)) or 1.0
    share = (placed.baselines - placed.baselines[0]) / span
    baselines = height - _BOTTOM - share * (reach - tallest)
    low, high = _range(curves)
    tops = heights(placed.curves)
    drawn: list[Markup] = []
    for place in reversed(range(count)):
        curve, base = placed.curves[place], float(baselines[place])
        x, y = _points(curve.radial, tops[place], low, high)
        colour = shade(float(placed.shades[place]))
        line = base - tallest * y
        drawn += [
            tag("path", class_="under", d=_path(x, line, base)),
            tag("path", tag("title", _title(curve)), class_="curve", stroke=colour, d=_path(x, line)),
        ]
    labels = _labels(placed.curves, baselines)
    return _chart(
        height, [*_radial_axis(low, high, unit, height), *drawn, *labels], f"{count} patterns above each other"
    )


def single(curve: Curve, unit: str, *, height: int = 220, columns: int = _COLUMNS) -> Markup:
    """Draw one curve."""
    low, high = _range([curve])
    (tops,) = heights([curve])
    x, y = _points(curve.radial, tops, low, high, columns)
    base = height - _BOTTOM
    line = base - (base - _TOP) * y
    drawn = tag("path", tag("title", _title(curve)), class_="curve one", d=_path(x, line))
    return _chart(height, [*_radial_axis(low, high, unit, height), drawn], f"the pattern of {curve.label}")


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Something that was measured along one scan.

    Attributes
    ----------
    label : str
        Whose it is, with what is to be read where a mouse rests on it.
    seconds, values : ndarray
        When, and how much; two points where only the ends are known.
    """

    label: str
    seconds: Floats
    values: Floats


def traces(found: Sequence[Trace], name: str, class_: str, *, period: tuple[float, float], height: int = 190) -> Markup:
    """Draw what was measured along some scans, each as a line, over a period of UNIX seconds."""
    values = np.concatenate([each.values for each in found])
    first, last = period[0], max(period[1], period[0] + 1)
    ticks = value_ticks(float(values.min()), float(values.max()))
    least, most = min(ticks[0][0], float(values.min())), max(ticks[-1][0], float(values.max()))
    base, right = height - _BOTTOM, WIDTH - 20
    left = max(_LEFT, _LETTER * max(len(spelled) for _, spelled in ticks) + 12)

    def across(moments: ArrayLike) -> Floats:
        return left + (np.asarray(moments) - first) / (last - first) * (right - left)

    def up(measured: ArrayLike) -> Floats:
        return base - (np.asarray(measured) - least) / (most - least) * (base - _TOP)

    drawn = []
    for at, spelled in ticks:
        y = round(float(up(at)), 1)
        drawn += [tag("line", class_="grid", x1=left, x2=right, y1=y, y2=y), _said(left - 8, y + 4, spelled, "end")]
    kept = -np.inf
    for at, spelled in time_ticks(first, last):
        x = round(float(across(at)), 1)
        half = len(spelled) * _LETTER * _ON_A_PHONE / 2
        fits = x - half > kept
        kept = x + half + _LETTER if fits else kept
        drawn.append(tag("line", class_="axis", x1=x, x2=x, y1=base, y2=base + 5))
        drawn.append(_said(x, base + 20, spelled, "middle", always=fits))
    for each in found:
        places, levels = across(each.seconds), up(each.values)
        # A scan of a moment is a dot: a line of no length is drawn by its round ends.
        times = 2 if len(places) == 1 else 1
        line = _path(np.repeat(places, times), np.repeat(levels, times))
        drawn.append(tag("path", tag("title", each.label), class_=f"trace {class_}", d=line))
    drawn.append(_said(left, height - 6, f"{name}, over time, by the beamline's clock", "start"))
    return _chart(height, drawn, f"{name} over time")


def _chart(height: float, drawn: Sequence[Markup], what: str) -> Markup:
    return tag("svg", drawn, viewBox=f"0 0 {WIDTH} {height:.0f}", role="img", aria_label=what)


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    return min(float(each.radial[0]) for each in curves), max(float(each.radial[-1]) for each in curves)


def _points(radial: Floats, tops: Floats, low: float, high: float, columns: int = _COLUMNS) -> tuple[Floats, Floats]:
    """Return places across the chart and heights, with no more points than can be seen."""
    span = (high - low) or 1.0
    count = int(min(columns, len(radial)))
    edges = np.linspace(radial[0], radial[-1], count, endpoint=False)
    middle = edges + (radial[-1] - radial[0]) / count / 2
    _, greatest = columns_of(radial, tops, count)
    return _LEFT + (middle - low) / span * (WIDTH - _LEFT - _RIGHT), greatest


def _radial_axis(low: float, high: float, unit: str, height: float) -> list[Markup]:
    base, right = height - _BOTTOM, WIDTH - _RIGHT
    drawn = [tag("line", class_="axis", x1=_LEFT, x2=right, y1=base, y2=base)]
    for at, spelled in value_ticks(low, high, most=10):
        if low <= at <= high:
            x = round(_LEFT + (at - low) / ((high - low) or 1.0) * (right - _LEFT), 1)
            drawn.append(tag("line", class_="axis", x1=x, x2=x, y1=base, y2=base + 5))
            drawn.append(_said(x, base + 19, spelled, "middle"))
    name = "q (1/Å)" if unit == "q" else "2θ (°)"
    return [*drawn, _said((_LEFT + right) / 2, height - 6, f"{name}; heights: √intensity", "middle")]


def _labels(curves: Sequence[Curve], baselines: Floats) -> list[Markup]:
    """Write beside each curve what it is, where there is room."""
    drawn: list[Markup] = []
    last = kept = np.inf
    for place, curve in enumerate(curves):
        if last - baselines[place] < _LABEL_HEIGHT:
            continue
        last = float(baselines[place])
        fits = kept - last >= _LABEL_HEIGHT * _ON_A_PHONE
        kept = last if fits else kept
        drawn.append(_said(WIDTH - _RIGHT + 8, last + 1, _short(curve.label), "start", always=fits))
        if curve.temperature_k is not None:
            drawn.append(_said(_LEFT - 6, last + 1, f"{curve.temperature_k:.1f} K", "end", always=fits))
    return drawn


def _short(label: str) -> str:
    return label if len(label) <= 17 else f"…{label[-16:]}"


def _title(curve: Curve) -> str:
    known = [curve.label, curve.sample]
    if curve.temperature_k is not None:
        known.append(f"{curve.temperature_k:.1f} K")
    if curve.energy_kev is not None:
        known.append(f"{curve.energy_kev:.3f} keV")
    return ", ".join(each for each in known if each)


def _said(x: float, y: float, what: str, anchor: str, *, always: bool = True) -> Markup:
    """Write a word; one that is not always there is left out where letters are large."""
    class_ = None if always else "some"
    return tag("text", what, x=round(x, 1), y=round(float(y), 1), text_anchor=anchor, class_=class_)


def _path(x: Floats, y: Floats, base: float | None = None) -> str:
    """Spell a line, in pieces where there are gaps; closed along a baseline where there is one."""
    known = np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    pieces = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        # In tenths, each from the last: half the letters.
        across, down = np.round(10 * x[start:end]).astype(int), np.round(10 * y[start:end]).astype(int)
        steps = zip(np.diff(across).tolist(), np.diff(down).tolist(), strict=True)
        spelled = " ".join(f"{_tenths(dx)} {_tenths(dy)}" for dx, dy in steps)
        piece = f"M{_tenths(across[0])} {_tenths(down[0])}" + (f"l{spelled}" if spelled else "")
        pieces.append(piece if base is None else f"{piece}V{base:.1f}H{_tenths(across[0])}z")
    return "".join(pieces)


def _tenths(value: int) -> str:
    sign, whole, tenth = "-" if value < 0 else "", abs(int(value)) // 10, abs(int(value)) % 10
    return f"{sign}{whole or ('' if tenth else '0')}" + (f".{tenth}" if tenth else "")
