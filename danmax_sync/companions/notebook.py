"""Write a short notebook that loads a scan, searches for its like, and plots."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import DanmaxSyncError, UsageError
from danmax_sync.integration.localscan import LocalScan
from danmax_sync.integration.placing import put_in_place
from danmax_sync.query.search import understand
from danmax_sync.query.tree import quoted


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: text of ours, or code. Whatever files say stands in code, as a quoted string."""

    kind: str
    source: str


def cells_of(catalogue: Catalogue, scan: CataloguedScan, *, location: str | None) -> list[Cell]:
    """Return the cells for one scan.

    Parameters
    ----------
    catalogue : Catalogue
        That it is from.
    scan : CataloguedScan
        The scan.
    location : str or None
        Of the catalogue, where it is not the user's own.
    """
    title = f"Scan {scan.number}" if scan.number is not None else "One scan"
    opened = f"Catalogue.open({location!r})" if location else "Catalogue.open()"
    cells = [
        Cell("markdown", f"# {title}\n\nFound with danmax-sync. Run the cells from top to bottom."),
        Cell(
            "code",
            "import matplotlib.pyplot as plt\nimport numpy as np\n\nfrom danmax_sync import Catalogue\n\n"
            f"catalogue = {opened}\nscans = catalogue.search({query_for(catalogue, scan)!r})\n"
            "if len(scans) != 1:\n"
            '    raise LookupError(f"{len(scans)} scans are found, not one: change the query above")\n'
            "scan = scans[0]\nscans",
        ),
        Cell("markdown", "## What was recorded\n\nThe snapshot of the instrument, by name."),
        Cell(
            "code",
            "recorded = catalogue.values(scan.id)\n"
            'snapshot = {each.name: each.value for each in recorded if each.origin == "snapshot"}\nsnapshot',
        ),
        Cell(
            "markdown", "## Its like\n\nScans of the same sample; the query language is that of `danmax-sync search`."
        ),
        Cell("code", f"alike = catalogue.search({_alike(scan)!r})\nalike"),
    ]
    try:
        local = LocalScan.find(scan)
    except DanmaxSyncError:
        return [*cells, Cell("markdown", "Its files are not on this disk: fetch them with `danmax-sync get`.")]
    return [*cells, *_frame_cells(local), *(_pattern_cells() if local.patterns() else _integrating_cells())]


def _frame_cells(local: LocalScan) -> list[Cell]:
    try:
        local.detector_file(None)
    except DanmaxSyncError:
        return []
    return [
        Cell("markdown", "## A frame\n\nAs the detector wrote it; negative numbers mark gaps and bad pixels."),
        Cell(
            "code",
            "from danmax_sync import frames_of\n\nwith frames_of(scan) as frames:\n    frame = frames[0]\n\n"
            "figure, axes = plt.subplots(figsize=(6, 6))\n"
            'axes.imshow(np.sqrt(np.where(frame < 0, np.nan, frame)), cmap="magma")\n'
            'axes.set_title("frame 0, √counts");',
        ),
    ]


_DRAWN = (
    'axes.set_xlabel("q (1/Å)" if {unit} == "q" else "2θ (°)")\naxes.set_ylabel("intensity (counts a pixel)")\n'
    "axes.legend();"
)


def _pattern_cells() -> list[Cell]:
    return [
        Cell("markdown", "## Patterns\n\nOne a frame; `NaN` where no pixel falls into a bin."),
        Cell(
            "code",
            "from danmax_sync import patterns_of\n\n"
            "patterns = patterns_of(scan)\nfigure, axes = plt.subplots(figsize=(9, 4))\n"
            "axes.plot(patterns.radial, patterns.mean, lw=1, label=scan.label)\n" + _DRAWN.format(unit="patterns.unit"),
        ),
        Cell("markdown", "All of them as an image, one line a frame."),
        Cell(
            "code",
            "figure, axes = plt.subplots(figsize=(9, 4))\n"
            "rows = np.arange(len(patterns.intensity))\n"
            "roots = np.sqrt(np.clip(patterns.intensity, 0, None))\n"
            'axes.pcolormesh(patterns.radial, rows, roots, cmap="magma", shading="nearest")\n'
            'axes.set_ylabel("frame");',
        ),
    ]


def _integrating_cells() -> list[Cell]:
    return [
        Cell(
            "markdown",
            "## Patterns\n\nThe scan has not been integrated yet. This integrates its first frames, and writes "
            "nothing; `danmax-sync integrate` does all of them, and keeps them.",
        ),
        Cell(
            "code",
            "from danmax_sync import Recipe, integrate\n\nfigure, axes = plt.subplots(figsize=(9, 4))\n"
            'for pattern in integrate(scan, Recipe(frames=":5")):\n'
            '    axes.plot(pattern.radial, pattern.intensity, lw=1, label=f"frame {pattern.frame}")\n'
            + _DRAWN.format(unit='"2th"'),
        ),
    ]


def query_for(catalogue: Catalogue, scan: CataloguedScan) -> str:
    """Return the shortest query that finds this scan and no other, also when further visits are indexed."""
    visit = f"visit:{quoted(scan.visit)}" if scan.visit else ""
    path, entry = f"path:{quoted(str(scan.path))}", f"entry:{quoted(scan.entry)}"
    numbered = [f"{scan.number} {visit}".strip()] if scan.number is not None else []
    queries = [*numbered, f"{path} {visit}".strip(), f"{path} {entry} {visit}".strip()]
    for query in queries:
        found = catalogue.scans(understand(catalogue, query).where, limit=2)
        if [each.id for each in found] == [scan.id]:
            return query
    return queries[-1]


def _alike(scan: CataloguedScan) -> str:
    energy = "" if scan.energy_kev is None else f" energy:{scan.energy_kev:.1f}"
    return (f"sample:{quoted(scan.sample)}" if scan.sample else "state:complete") + energy


def spelled(cells: Sequence[Cell]) -> str:
    """Return a notebook as JSON, version 4.5 of its format."""
    document = {
        "cells": [
            {
                "cell_type": cell.kind,
                "id": f"danmax-{number}",
                "metadata": {},
                **({"execution_count": None, "outputs": []} if cell.kind == "code" else {}),
                "source": cell.source.splitlines(keepends=True),
            }
            for number, cell in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def write_notebook(
    catalogue: Catalogue, scan: CataloguedScan, path: Path, *, location: str | None = None, overwrite: bool = False
) -> Path:
    """Write a notebook for one scan.

    Raises
    ------
    UsageError
        If the file cannot be written, or is there with other content: somebody may have worked in it.
    """
    if path.suffix != ".ipynb":
        raise UsageError(f"{path.name} would be no notebook", hint=f"-o {path.stem or 'scan'}.ipynb")
    content = spelled(cells_of(catalogue, scan, location=location)).encode()
    try:
        if path.exists() and not overwrite:
            if path.read_bytes() == content:
                return path
            raise UsageError(f"{path} is there, and you may have worked in it", hint="-o FILE; or --overwrite")
        put_in_place(path, content)
    except OSError as problem:
        raise UsageError(f"{path} cannot be written: {problem.strerror}", hint="name another: -o FILE") from problem
    return path
