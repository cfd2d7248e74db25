"""From the text of help and docstrings to Markdown."""

import re
from collections.abc import Iterable, Sequence


def prose(text: str) -> str:
    """Return text whose only markup is code between backticks, single or double; all else is shown as it is."""
    parts = re.split(r"(``.+?``|`[^`]+`)", " ".join(text.split()))
    return "".join(f"`{part.strip('`')}`" if part.startswith("`") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_\[\]<>#|])", r"\\\1", text)


def code(text: str) -> str:
    """Return text as code within a sentence or a table."""
    return f"`{text}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [" ".join(f"| {' | '.join(row)} |".splitlines()) for row in rows]
    return "\n".join(lines) + "\n"
