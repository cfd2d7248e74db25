"""The newest pattern, drawn below the bar while frames are integrated."""

import math
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from danmax_sync.integration.run import Glimpse

_LINES = 8
_LEAST_LINES = 18
_LEAST_COLUMNS = 50


def live_sketch(*, as_json: bool) -> "LiveSketch | None":
    """Return what draws patterns while they are made; None where nobody sits at a terminal that has room for it."""
    seen = sys.stdout.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"
    if as_json or not seen:
        return None
    from danmax_sync.cli.bar import ECHO
    from danmax_sync.cli.terminal import screen

    columns, lines = screen()
    columns -= ECHO
    return LiveSketch(columns) if columns >= _LEAST_COLUMNS and lines >= _LEAST_LINES else None


class LiveSketch:
    """Draws the newest pattern whenever the screen is drawn, a few times a second; the others cost nothing."""

    def __init__(self, columns: int) -> None:
        from danmax_sync.cli.terminal import marks

        self._columns = columns
        # Asked now: while the bar is there, rich stands before stdout.
        self._marks = marks()
        self._newest: Glimpse | None = None
        self._drawn: tuple[Glimpse | None, str] = (None, "")

    def __call__(self, glimpse: "Glimpse") -> None:
        """Look at the newest pattern."""
        self._newest = glimpse

    def __rich__(self) -> "RenderableType":
        """Return what is on the screen now."""
        from rich.text import Text

        newest = self._newest
        if newest is not None and newest is not self._drawn[0]:
            self._drawn = newest, self.draw(newest)
        return Text(self._drawn[1], no_wrap=True)

    def draw(self, glimpse: "Glimpse") -> str:
        """Draw a pattern, with a title and its axis."""
        from danmax_sync.integration.sketch import sketch

        kelvin = glimpse.temperature_k
        known = kelvin is not None and math.isfinite(kelvin)
        title = f"{glimpse.label}, pattern {glimpse.index + 1} of {glimpse.patterns}"
        lines = sketch(
            glimpse.radial, glimpse.unit, glimpse.intensity, width=self._columns, height=_LINES, marks=self._marks
        )
        return "\n".join([f"{title}, {kelvin:.1f} K" if known else title, *lines])
