"""Patterns drawn in the terminal: one curve, many as a waterfall or over each other, an image, the cake."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, UsageError
from danmax_sync.integration.canvas import Floats, Marks, columns_of, curves, image, ribbon
from danmax_sync.integration.figure import curves_of
from danmax_sync.integration.patterns import Patterns, axis_name, mean_of, read_cake
from danmax_sync.integration.waterfall import Curve, heights, stack

_FEW = 3
"""So many scans are drawn one below the other; more as a waterfall of a line each."""
_NARROWEST = 10
_LOWEST = 4
_LABELLED = 4
"""A line of a heat map in so many has its value beside it."""
_LABEL = 22

Labelled = Sequence[tuple[str, Patterns]]


def sketch(
    radial: Floats, unit: str, intensity: NDArray[np.floating], *, width: int, height: int = 12, marks: Marks
) -> list[str]:
    """Draw one pattern, with its axis below.

    Parameters
    ----------
    radial, intensity : ndarray, (bins,)
        NaN where a bin has no pixel.
    unit : str
        ``2th`` or ``q``.
    width, height : int
        Characters and lines, axis not counted.
    marks : Marks
        What can be written.
    """
    width = max(_NARROWEST, width)
    values = np.asarray(intensity, dtype=np.float64)
    (drawn,) = heights([Curve("", "", radial, values, None, None)])
    top = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    return [
        *curves([(radial, drawn)], width=width, height=height, marks=marks),
        _axis(radial, unit, f"√intensity, highest {top:.4g}", width),
    ]


def draw(labelled: Labelled, *, kind: str, against: str, width: int, lines: int, marks: Marks) -> list[str]:
    """Draw patterns of some scans as ``plot`` is asked to.

    Parameters
    ----------
    labelled : sequence
        Labels and patterns of scans.
    kind, against : str
        As for `danmax_sync.integration.figure.save_figure`.
    width, lines : int
        What a screen has.
    marks : Marks
        What can be written.

    Raises
    ------
    RefusalError, SourceError, UsageError
        As in a file.
    """
    width = max(_NARROWEST, width)
    if kind == "heatmap":
        return _heatmap(labelled, against, width, lines, marks)
    if kind == "cake":
        return _cake(labelled, width, lines, marks)
    if kind == "overlay":
        return _overlay(labelled, width, lines, marks)
    if len(labelled) > _FEW:
        return _waterfall(curves_of(labelled), labelled[0][1].unit, width, marks)
    drawn: list[str] = []
    for label, patterns in labelled:
        drawn.append(f"{label}  {patterns.sample}")
        # All of them at once, title and axis included, and the line that is typed next.
        fitting = (lines - 1) // len(labelled) - 2
        tall = min(20, max(12, lines // 2)) if len(labelled) == 1 else min(12, max(_LOWEST, fitting))
        mean = mean_of(patterns.intensity)
        drawn += sketch(patterns.radial, patterns.unit, mean, width=width, height=tall, marks=marks)
    if len(labelled) == 1 and len(labelled[0][1].intensity) > 1:
        frames = curves_of(labelled)
        step = -(-len(frames) // max(4, lines - len(drawn) - 4))
        drawn += ["", *_waterfall(frames[::step], labelled[0][1].unit, width, marks)]
    return drawn


def _waterfall(shown: Sequence[Curve], unit: str, width: int, marks: Marks) -> list[str]:
    """Draw a line a curve: against temperature the hottest on top, else the first."""
    placed = stack(shown)
    ordered = list(zip(placed.curves, heights(placed.curves), strict=True))
    if placed.by_temperature:
        ordered.reverse()
    labels = [_label(curve) for curve, _ in ordered]
    most = min(_LABEL, width // 3)
    if max(map(len, labels)) > most:
        # A number that is cut would be another number.
        labels = [curve.label for curve, _ in ordered]
    margin = min(max(map(len, labels)), most)
    room = max(_NARROWEST, width - margin - 1)
    low = min(float(curve.radial[0]) for curve in shown)
    high = max(float(curve.radial[-1]) for curve in shown)
    drawn = []
    for label, (curve, height) in zip(labels, ordered, strict=True):
        radial, values = _over(curve.radial, height, low, high)
        drawn.append(f"{label[:margin]:<{margin}} {ribbon(radial, values, width=room, marks=marks)}")
    order = "hottest on top" if placed.by_temperature else "first on top"
    axis = _axis(np.array([low, high]), unit, f"√intensity, {order}", room)
    return [*drawn, f"{'':<{margin}} {axis}"]


def _over(radial: Floats, values: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Put a gap before and behind a curve that ends sooner than others."""
    return np.concatenate([[low], radial, [high]]), np.concatenate([[np.nan], values, [np.nan]])


def _label(curve: Curve) -> str:
    return curve.label if curve.temperature_k is None else f"{curve.label} {curve.temperature_k:.1f} K"


def _overlay(labelled: Labelled, width: int, lines: int, marks: Marks) -> list[str]:
    shown = curves_of(labelled)
    low = min(float(curve.radial[0]) for curve in shown)
    high = max(float(curve.radial[-1]) for curve in shown)
    tall = min(24, max(12, lines - 4))
    over = [_over(each.radial, drawn, low, high) for each, drawn in zip(shown, heights(shown), strict=True)]
    drawn = curves(over, width=width, height=tall, marks=marks)
    title = f"{len(shown)} patterns overlaid" if len(shown) > 1 else shown[0].label
    return [title, *drawn, _axis(np.array([low, high]), labelled[0][1].unit, "√intensity", width)]


def _heatmap(labelled: Labelled, against: str, width: int, lines: int, marks: Marks) -> list[str]:
    if len({patterns.unit for _, patterns in labelled}) > 1:
        raise RefusalError(
            "some patterns are over q, others over 2θ", hint="integrate them alike: --unit q --overwrite"
        )
    values = np.concatenate([patterns.along(against) for _, patterns in labelled])
    low = min(float(patterns.radial[0]) for _, patterns in labelled)
    high = max(float(patterns.radial[-1]) for _, patterns in labelled)
    known = np.isfinite(values)
    if known.sum() < 2:
        raise UsageError("a heat map needs two patterns or more", hint="danmax-sync plot SCAN")
    margin = 9
    room = max(_NARROWEST, width - margin - 1)
    rows = np.array(
        [
            columns_of(*_over(p.radial, row.astype(np.float64), low, high), room)[1]
            for _, p in labelled
            for row in p.intensity
        ]
    )
    order = np.argsort(values[known], kind="stable")[::-1]
    values, rows = values[known][order], _rooted(rows[known][order])
    each = 2 if marks is Marks.COLOURED else 1
    tall = max(8, min(30, lines - 5)) * each
    all_rows = len(rows)
    if len(rows) > tall:
        chosen = np.linspace(0, len(rows) - 1, tall).round().astype(int)
        rows, values = rows[chosen], values[chosen]
    drawn = image(rows, marks=marks)
    # Rows stand one below the other, whatever lies between their values: each label is of the row beside it.
    labels = [f"{values[at * each]:.5g}" if at % _LABELLED == 0 else "" for at in range(len(drawn))]
    labels[-1] = f"{values[-1]:.5g}"
    body = [f"{label:>{margin}.{margin}} {line}" for label, line in zip(labels, drawn, strict=True)]
    some = f"{len(rows)} of {all_rows} patterns" if len(rows) < all_rows else f"{all_rows} patterns"
    title = f"{axis_name(against)}, highest on top; {some}, a row each"
    return [
        title if len(title) <= width else axis_name(against),
        *body,
        f"{'':>{margin}} {_axis(np.array([low, high]), labelled[0][1].unit, '', room)}",
    ]


def _cake(labelled: Labelled, width: int, lines: int, marks: Marks) -> list[str]:
    if len(labelled) > 1:
        raise UsageError(f"a cake is of one scan, these are {len(labelled)}", hint="danmax-sync plot SCAN --as cake")
    cake = read_cake(labelled[0][1].path)
    margin = 6
    room = max(_NARROWEST, width - margin - 1)
    tall = max(8, min(30, lines - 5)) * (2 if marks is Marks.COLOURED else 1)
    chosen = np.linspace(0, len(cake.azimuthal) - 1, min(tall, len(cake.azimuthal))).round().astype(int)[::-1]
    rows = _rooted(np.array([columns_of(cake.radial, cake.intensity[row], room)[1] for row in chosen]))
    drawn = image(rows, marks=marks)
    labels = [f"{cake.azimuthal[chosen[0]]:.0f}°", *[""] * (len(drawn) - 2), f"{cake.azimuthal[chosen[-1]]:.0f}°"]
    body = [f"{label:>{margin}} {line}" for label, line in zip(labels, drawn, strict=False)]
    return [f"{labelled[0][0]}, azimuth over", *body, f"{'':>{margin}} {_axis(cake.radial, cake.unit, '', room)}"]


def _rooted(rows: Floats) -> Floats:
    """Return √intensity from the ground to what all but a few bins stay below, as 0 to 1."""
    roots = np.sqrt(np.clip(rows, 0, None))
    finite = roots[np.isfinite(roots)]
    if not finite.size:
        return roots
    ground, top = np.percentile(finite, [2, 99.7])
    scaled: Floats = (roots - ground) / ((top - ground) or 1.0)
    return scaled


def _axis(radial: Floats, unit: str, middle: str, width: int) -> str:
    name, sign = ("q", " 1/Å") if unit == "q" else ("2θ", "°")
    low, high = f"{name} {radial[0]:.2f}{sign}", f"{radial[-1]:.2f}{sign}"
    room = width - len(low) - len(high)
    if room < len(middle) + 2:
        middle = "√intensity" if middle.startswith("√") and room > len("√intensity") + 2 else ""
    axis = low + middle.center(max(1, room)) + high
    return axis if len(axis) <= width else f"{low} to {high}"[:width]
