"""Print aligned text: wrapped for a person at a terminal, plain and whole for a program."""

import re
import shutil
import sys
import textwrap
from collections.abc import Sequence

from danmax_sync.cli.speech import BOLD, line, painted
from danmax_sync.visits import visible

_NARROWEST = 24
_UNIT = re.compile(r"(?<=\d) (?=\S{1,3}\b)")


def terminal_width() -> int | None:
    """Return how many columns a person sees; None where a program reads."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def heading(text: str, indent: int = 0) -> None:
    """Print a title."""
    line(" " * indent + painted(visible(text), BOLD, sys.stdout))


def rows(cells: Sequence[Sequence[str]], *, indent: int, right: Sequence[int] = (), widths: Sequence[int] = ()) -> None:
    """Print rows whose cells stand below each other; the last cell of each goes on below itself.

    Parameters
    ----------
    cells : sequence of rows
        All as long as the longest; empty cells may be left out at the end.
    indent : int
        Spaces before.
    right : sequence of int
        The columns that hold numbers.
    widths : sequence of int
        Of the first columns at least.
    """
    # A title may hold a line break, which would begin a row.
    cells = [[visible(" ".join(cell.split())) for cell in row] for row in cells]
    columns = max((len(row) for row in cells), default=0)
    least = [*widths, *[0] * columns]
    full_widths = [
        max([least[at], *(len(row[at]) for row in cells if at < len(row))]) for at in range(max(columns - 1, 0))
    ]
    for row in cells:
        full = [*row, *[""] * (columns - len(row))]
        before = " " * indent
        for at, (cell, width) in enumerate(zip(full, full_widths, strict=False)):
            before += (cell.rjust(width) if at in right else cell.ljust(width)) + "  "
        for text in _wrapped(before, full[-1] if columns else ""):
            line(text.rstrip())


def _wrapped(before: str, text: str) -> list[str]:
    width = terminal_width()
    if width is None or len(before) + len(text) <= width:
        return [before + text]
    room = width - len(before)
    if room < _NARROWEST:
        # Below, where there is no room beside.
        return [before, *textwrap.wrap(text, max(width, 40), initial_indent=" " * 8, subsequent_indent=" " * 8)]
    # A number keeps its unit.
    bound = _UNIT.sub("\xa0", text)
    head, *more = (part.replace("\xa0", " ") for part in textwrap.wrap(bound, room, break_on_hyphens=False))
    return [before + head, *(" " * len(before) + part for part in more)]
