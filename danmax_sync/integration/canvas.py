"""Pictures of characters: curves of braille dots, a line of blocks for each of many curves, images of shades.

Each has a plain form for where only ASCII can be written.
"""

from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bits of a braille character's dots, four rows of two."""
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_SHADES = " ░▒▓█"
_ASCII = " .:-=+*#%@"
_MAGMA = (16, 17, 54, 53, 89, 125, 161, 167, 203, 209, 215, 222, 229)
"""From dark to bright, of the 256 colours that every terminal with colours has."""


class Marks(Enum):
    """What can be written: any character, those with colours, or ASCII alone."""

    ASCII = "ascii"
    PLAIN = "plain"
    COLOURED = "coloured"


def columns_of(radial: Floats, values: Floats, width: int) -> tuple[Floats, Floats]:
    """Return the least and the greatest value in each of `width` equal parts of an axis; NaN where there is none.

    A sharp peak must not vanish between two characters, so nothing is averaged.
    """
    starts = np.searchsorted(radial, np.linspace(radial[0], radial[-1], width, endpoint=False), side="left")
    starts = np.minimum(starts, len(radial) - 1)
    return np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)


def curves(lines: Sequence[tuple[Floats, Floats]], *, width: int, height: int, marks: Marks) -> list[str]:
    """Draw curves over each other.

    Parameters
    ----------
    lines : sequence of tuple of ndarray
        Positions along the axis and heights from 0 to 1; NaN is a gap.
    width, height : int
        Characters and lines.
    marks : Marks
        What can be written.
    """
    across, down = (1, 1) if marks is Marks.ASCII else (2, 4)
    dots = np.zeros((down * height, across * width), dtype=bool)
    for radial, heights in lines:
        _trace(dots, *columns_of(radial, heights, across * width))
    if marks is Marks.ASCII:
        return ["".join("*" if dot else " " for dot in row) for row in dots]
    codes = (dots.reshape(height, 4, width, 2) * _DOTS[None, :, None, :]).sum(axis=(1, 3))
    # An empty braille character is wider than a space in some fonts.
    return ["".join(chr(0x2800 + code) if code else " " for code in row) for row in codes.tolist()]


def _trace(dots: NDArray[np.bool_], low: Floats, high: Floats) -> None:
    """Set the dots of one curve, joined from column to column."""
    rows = len(dots) - 1
    before: tuple[int, int] | None = None
    for column, (least, greatest) in enumerate(zip(low, high, strict=True)):
        if not np.isfinite(greatest):
            before = None
            continue
        bottom, top = (round(rows * min(1.0, max(0.0, float(each)))) for each in (least, greatest))
        if before is not None:
            bottom, top = min(bottom, before[1]), max(top, before[0])
        before = bottom, top
        dots[rows - top : rows - bottom + 1, column] = True


def ribbon(radial: Floats, heights: Floats, *, width: int, marks: Marks) -> str:
    """Draw one curve in one line, heights from 0 to 1."""
    blocks = _ASCII if marks is Marks.ASCII else _EIGHTHS
    _, high = columns_of(radial, heights, width)
    return "".join(blocks[n] for n in _steps(high, len(blocks) - 1))


def image(rows: Floats, *, marks: Marks) -> list[str]:
    """Draw an image of values from 0 to 1, its first row on top; NaN is dark.

    With colours a line of characters holds two rows, else one.
    """
    if marks is not Marks.COLOURED:
        blocks = _ASCII if marks is Marks.ASCII else _SHADES
        return ["".join(blocks[n] for n in _steps(row, len(blocks) - 1)) for row in rows]
    lines = []
    for upper, lower in zip(rows[::2], [*rows[1::2], *([None] if len(rows) % 2 else [])], strict=True):
        above = _steps(upper, len(_MAGMA) - 1)
        below = [None] * len(above) if lower is None else _steps(lower, len(_MAGMA) - 1)
        text, last = "", None
        for pair in zip(above, below, strict=True):
            if pair != last:
                ground = "49" if pair[1] is None else f"48;5;{_MAGMA[pair[1]]}"
                text += f"\x1b[38;5;{_MAGMA[pair[0]]};{ground}m"
                last = pair
            text += "▀"
        lines.append(f"{text}\x1b[0m")
    return lines


def _steps(values: Floats, most: int) -> list[int]:
    steps: list[int] = np.round(np.clip(np.nan_to_num(values), 0, 1) * most).astype(int).tolist()
    return steps
