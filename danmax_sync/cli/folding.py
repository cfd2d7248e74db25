"""Break lines at words where a person reads them, and nowhere else: what is copied must stay whole."""

import os
import re
import shutil
import textwrap
from typing import TextIO

_NARROWEST = 40
_COMMAND = re.compile(r"(?:danmax-sync|pip install|python -m)(?: (?!or |then |to )[^\s,;()]+)*")
"""A command ends where the sentence goes on; a word too many only makes a line shorter."""
_GLUE = "\x00"
"""Stands for the spaces of a command; text that is shown holds no such character."""


def behind(stream: TextIO) -> TextIO:
    """Return the stream that is written to: while a bar is up, rich stands before it and is no terminal."""
    found: TextIO = getattr(stream, "rich_proxied_file", stream)
    return found


def width_of(stream: TextIO) -> int | None:
    """Return how many columns a person sees of a stream; None where a program reads it."""
    stream = behind(stream)
    if not stream.isatty():
        return None
    if not os.environ.get("COLUMNS"):
        try:
            # Of this very stream: the other one may go into a file.
            return os.get_terminal_size(stream.fileno()).columns or None
        except (OSError, ValueError):
            pass
    return shutil.get_terminal_size().columns


def folded(text: str, width: int | None, *, indent: int = 2) -> str:
    """Break a text's lines at words.

    Paths, words and commands are never broken: one that is longer than a line has a line of its own, and the terminal
    goes on below, so that it can be copied.

    Parameters
    ----------
    text : str
        Safe for a terminal.
    width : int or None
        Columns; None leaves all as it is.
    indent : int
        Spaces before what goes on, more than the line itself has.
    """
    if width is None:
        return text
    return "\n".join(_folded(line, max(_NARROWEST, width), indent) for line in text.split("\n"))


def _folded(line: str, width: int, indent: int) -> str:
    if len(line) <= width:
        return line
    glued = _COMMAND.sub(lambda found: found[0].replace(" ", _GLUE), line)
    before = " " * (len(line) - len(line.lstrip(" ")) + indent)
    parts = textwrap.wrap(
        glued,
        width,
        subsequent_indent=before,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
    return "\n".join(parts).replace(_GLUE, " ")
