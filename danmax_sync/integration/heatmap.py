"""All patterns as one image: against temperature, time, frame or a motor; and the cake."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, UsageError
from danmax_sync.integration.patterns import Patterns, axis_name, read_cake
from danmax_sync.integration.waterfall import plain
from danmax_sync.quantities import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_heatmap(labelled: Sequence[tuple[str, Patterns]], against: str, unit: str) -> "tuple[Figure, str]":
    """Draw every frame of some scans as a line of an image, at its temperature or whatever else was recorded.

    Raises
    ------
    RefusalError
        If the axes of the scans differ.
    SourceError
        If something was not recorded.
    UsageError
        If there is only one pattern.
    """
    radial = labelled[0][1].radial
    if any(len(p.radial) != len(radial) or not np.allclose(p.radial, radial) for _, p in labelled):
        raise RefusalError("the patterns have different axes", hint="integrate them alike: --bins N --range A..B")
    values = np.concatenate([patterns.along(against) for _, patterns in labelled])
    rows = np.concatenate([patterns.intensity for _, patterns in labelled])
    known = np.isfinite(values)
    values, rows = values[known], rows[known]
    if len(values) < 2:
        raise UsageError("a heat map needs two patterns or more", hint="danmax-sync plot SCAN -o FILE")
    order = np.argsort(values, kind="stable")
    values, rows = values[order], rows[order]
    is_placed = bool((np.diff(values) > 0).all())
    figure, axes = _empty(unit)
    y = values if is_placed else np.arange(len(values), dtype=np.float64)
    image = axes.pcolormesh(_edges(radial), _edges(y), np.sqrt(np.clip(rows, 0, None)), cmap="magma", rasterized=True)
    figure.colorbar(image, ax=axes, label="√intensity", pad=0.01)
    name = plain(axis_name(against))
    axes.set_ylabel(name if is_placed else f"patterns in the order of {name}")
    samples = ", ".join(dict.fromkeys(patterns.sample for _, patterns in labelled if patterns.sample))
    axes.set_title(plain(samples), loc="left", fontsize="medium")
    return figure, f"{count(len(values), 'pattern')} against {against}"


def draw_cake(labelled: Sequence[tuple[str, Patterns]], unit: str) -> "tuple[Figure, str]":
    """Draw the mean cake of one scan.

    Raises
    ------
    UsageError
        If there are several scans.
    SourceError
        If it has no cake.
    """
    if len(labelled) > 1:
        raise UsageError(f"a cake is of one scan, these are {len(labelled)}", hint="danmax-sync plot SCAN --as cake")
    label, patterns = labelled[0]
    cake = read_cake(patterns.path)
    figure, axes = _empty(unit)
    shown = np.sqrt(np.clip(cake.intensity, 0, None))
    finite = shown[np.isfinite(shown)]
    top = float(np.percentile(finite, 99.5)) if finite.size else 1.0
    image = axes.pcolormesh(
        _edges(cake.radial), _edges(cake.azimuthal), shown, cmap="magma", vmax=top or 1.0, rasterized=True
    )
    figure.colorbar(image, ax=axes, label="√intensity", pad=0.01)
    axes.set_ylabel("azimuth (°)")
    axes.set_title(plain(f"{patterns.sample}, {label}".strip(", ")), loc="left", fontsize="medium")
    return figure, f"cake of {len(cake.azimuthal)} × {len(cake.radial)} bins"


def _empty(unit: str) -> "tuple[Figure, Axes]":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlabel(unit)
    return figure, axes


def _edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = (centres[:-1] + centres[1:]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])
