"""What the terminal can show: how wide and high it is, which characters, and whether in colours."""

import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from danmax_sync.cli.speech import has_colours, line

if TYPE_CHECKING:
    from danmax_sync.integration.canvas import Marks

_SPELLED = {ord("θ"): "theta", ord("√"): "root of ", ord("Å"): "A", ord("°"): " deg"}
_WIDEST = 160
"""Pictures wider than this tell no more."""


def screen() -> tuple[int, int]:
    """Return columns and lines that a picture may take."""
    size = shutil.get_terminal_size()
    return min(size.columns, _WIDEST) - 1, size.lines


def marks() -> "Marks":
    """Return what a picture on stdout may be made of."""
    from danmax_sync.integration.canvas import Marks

    try:
        "⣿█√θ".encode(_encoding())
    except (UnicodeEncodeError, LookupError):
        return Marks.ASCII
    return Marks.COLOURED if sys.stdout.isatty() and has_colours() else Marks.PLAIN


def print_picture(lines: Iterable[str]) -> None:
    """Print a picture on stdout, in whatever that can take."""
    encoding = _encoding()
    for text in lines:
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            text = _spelled(text, encoding)  # noqa: PLW2901
        line(text.rstrip())


def _spelled(text: str, encoding: str) -> str:
    """Spell what cannot be written, at the expense of spaces: the line must stay as long as it was."""
    spelled = text.translate(_SPELLED).encode(encoding, "replace").decode(encoding)
    while len(spelled) > len(text) and "  " in spelled:
        spelled = spelled.replace("  ", " ", 1)
    return spelled


def _encoding() -> str:
    return sys.stdout.encoding or "ascii"
