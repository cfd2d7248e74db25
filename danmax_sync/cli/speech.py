"""Lines for programs go to stdout, words for people to stderr."""

import sys

from danmax_sync.visits import visible


def line(text: str, end: str = "\n") -> None:
    """Print a line of data."""
    sys.stdout.write(text + end)


def say(text: str) -> None:
    """Tell the user something that is not data; names in it are shown, not obeyed."""
    sys.stderr.write(visible(text, keep="\n") + "\n")


def number(value: float | None, digits: int) -> str:
    """Spell a number, or nothing."""
    return "" if value is None else f"{value:.{digits}f}"


def count(amount: int, noun: str) -> str:
    """Spell a number of things: ``1 scan``, ``2 scans``."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def moment(text: str | None) -> str:
    """Spell a moment of the catalogue."""
    return f"{text[:19].replace('T', ' ')} UTC" if text else "not known"
