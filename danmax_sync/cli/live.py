"""The newest pattern, drawn below the bar while frames are integrated."""

import math
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from danmax_sync.integration.run import Glimpse

_SECONDS_BETWEEN_PICTURES = 0.3
_LINES = 8
_LEAST_LINES = 18
_LEAST_COLUMNS = 50


def live_sketch(*, as_json: bool) -> "LiveSketch | None":
    """Return what draws patterns while they are made; None where nobody sits at a terminal that has room for it."""
    seen = sys.stdout.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"
    if as_json or not seen:
        return None
    from danmax_sync.cli.terminal import screen

    columns, lines = screen()
    return LiveSketch(columns) if columns >= _LEAST_COLUMNS and lines >= _LEAST_LINES else None


class LiveSketch:
    """Draws a few of the patterns it is shown, a few times a second; the others cost nothing."""

    def __init__(self, columns: int) -> None:
        self._columns, self._next, self._drawn = columns, 0.0, ""

    def __call__(self, glimpse: "Glimpse") -> None:
        """Look at the newest pattern."""
        if time.monotonic() < self._next:
            return
        from danmax_sync.cli.terminal import marks
        from danmax_sync.integration.sketch import sketch

        kelvin = glimpse.temperature_k
        known = kelvin is not None and math.isfinite(kelvin)
        title = f"{glimpse.label}, pattern {glimpse.index + 1} of {glimpse.patterns}"
        lines = sketch(
            glimpse.radial, glimpse.unit, glimpse.intensity, width=self._columns, height=_LINES, marks=marks()
        )
        self._drawn = "\n".join([f"{title}, {kelvin:.1f} K" if known else title, *lines])
        self._next = time.monotonic() + _SECONDS_BETWEEN_PICTURES

    def __rich__(self) -> "RenderableType":
        """Return what is on the screen now."""
        from rich.text import Text

        return Text(self._drawn, no_wrap=True)
