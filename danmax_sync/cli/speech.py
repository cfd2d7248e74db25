"""Lines for programs go to stdout, words for people to stderr."""

import os
import sys
from typing import TextIO

from danmax_sync.cli.folding import behind, folded, width_of
from danmax_sync.quantities import count
from danmax_sync.visits import visible

__all__ = ["BOLD", "CYAN", "RED", "YELLOW", "count", "has_colours", "line", "moment", "number", "painted", "say"]

BOLD, CYAN, YELLOW, RED = "1", "36", "33", "1;31"
"""How a terminal is told; all four can be read on dark and on light."""


def painted(text: str, style: str, stream: TextIO) -> str:
    """Dress a text that is safe for a terminal, where the stream is one that shows colours."""
    return f"\x1b[{style}m{text}\x1b[0m" if behind(stream).isatty() and has_colours() else text


def has_colours() -> bool:
    """Say whether whoever sits at a terminal has and wants colours."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") != "dumb"


def line(text: str, end: str = "\n") -> None:
    """Print a line of data."""
    sys.stdout.write(text + end)


def say(text: str, *, style: str = "") -> None:
    """Tell the user something that is not data; names in it are shown, not obeyed."""
    text = folded(visible(text, keep="\n"), width_of(sys.stderr))
    sys.stderr.write((painted(text, style, sys.stderr) if style else text) + "\n")


def number(value: float | None, digits: int) -> str:
    """Spell a number, or nothing."""
    return "" if value is None else f"{value:.{digits}f}"


def moment(text: str | None) -> str:
    """Spell a moment of the catalogue as people see it, with its zone."""
    from danmax_sync.clock import clock

    return clock(text, "%Y-%m-%d %H:%M:%S %Z") if text else "not known"
