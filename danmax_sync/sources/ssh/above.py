"""Show what a server says above the prompt that ``ssh`` has put on the screen meanwhile.

``ssh`` writes instructions to its stderr, which we read, and its prompt to the terminal right after: so the prompt is
there first, and a person would read "One-time code:" before "Open the app on your phone".
"""

import os
from collections.abc import Sequence
from typing import TextIO

_SAVE, _RESTORE = "\x1b7", "\x1b8"
_DOWN = "\x1bD"
"""A line down in the same column; scrolls at the bottom of the screen."""


def show_above_prompt(lines: Sequence[str], stream: TextIO) -> None:
    """Write lines above the one the cursor is in, which stays the last, with the cursor where it was in it.

    Where that cannot be done, in a file or on a terminal without such orders, they are written below it.

    Parameters
    ----------
    lines : sequence of str
        Without control characters.
    stream : file
        Where a person reads.
    """
    size = _size_of(stream)
    rows = sum(max(1, -(-len(line) // size.columns)) for line in lines) if size else 0
    if size is None or rows >= size.lines - 1:
        # ssh may have put its prompt on the line by now.
        stream.write("\n" + "\n".join(lines) + "\n")
    else:
        room = f"{_DOWN * rows}\x1b[{rows}A"
        stream.write(f"{room}{_SAVE}\x1b[{rows}L\r" + "\r\n".join(lines) + f"{_RESTORE}\x1b[{rows}B")
    stream.flush()


def _size_of(stream: TextIO) -> os.terminal_size | None:
    """Return how large the terminal is; None where there is none that takes orders."""
    if os.environ.get("TERM", "dumb") == "dumb" or os.name == "nt":
        return None
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return None
    return size if size.columns > 0 and size.lines > 0 else None
