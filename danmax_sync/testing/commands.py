"""Scan commands and the motors they move: the title, and what the points really were.

The number of points is the caller's. The title's own numbers agree with it only as loosely as the beamline's do.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Command:
    """What was typed at the beamline.

    Attributes
    ----------
    title : str
        The command, in one of the two spellings.
    motors : mapping of str to ndarray of float
        Scanned motors, a position a point, mm.
    snake : bool or None
        Whether a mesh turned round at the end of a row; None when it was no mesh.
    """

    title: str
    motors: Mapping[str, NDArray[np.float64]]
    snake: bool | None = None


def command(item: int, points: int, exposure_s: float) -> Command:
    """Return the command of scan `item`: time scans, line scans and a mesh in turn."""
    kind = item % 5
    if kind == 0:
        return Command(f"timescan {points} {exposure_s} {exposure_s}", {})
    if kind == 1:
        return Command(f"timescan({points}, {exposure_s}, {exposure_s})", {})
    if kind == 2:
        positions = np.linspace(-0.4, 0.4, points)
        return Command(f"ascan pd_sam_x -0.4 0.4 {max(points - 1, 1)} {exposure_s}", {"pd_sam_x": positions})
    if kind == 3:
        # A relative scan: the title holds distances, the data holds places.
        positions = -47.2 + np.linspace(-0.15, 0.15, points)
        return Command(f"dscan pd_sam_y -0.15 0.15 {max(points - 1, 1)} {exposure_s}", {"pd_sam_y": positions})
    return _mesh(points, exposure_s)


def _mesh(points: int, exposure_s: float) -> Command:
    columns = math.isqrt(points)
    rows = math.ceil(points / columns)
    row, step = np.divmod(np.arange(points), columns)
    there_and_back = np.where(row % 2 == 0, step, columns - 1 - step)
    title = f"meshct pd_sam_x 161.3 162.0 {columns} pd_sam_y -47.3 -47.0 {max(rows - 1, 1)} {exposure_s} True 0.001"
    x = 161.3 + 0.7 * there_and_back / max(columns - 1, 1)
    y = -47.3 + 0.3 * row / max(rows - 1, 1)
    return Command(title, {"pd_sam_x": x, "pd_sam_y": y}, snake=True)
