"""Docstrings in NumPy's style become Markdown."""

import inspect
import re
import textwrap

from reference.text import code, prose, table


def rendered(doc: str) -> str:
    """Return a docstring: paragraphs, then a table or list for each section."""
    title = ""
    parts: list[str] = []
    body: list[str] = []
    lines = inspect.cleandoc(doc).splitlines()
    at = 0
    while at < len(lines):
        if at + 1 < len(lines) and lines[at].strip() and re.fullmatch(r"-{3,}", lines[at + 1].strip()):
            parts.append(_section(title, "\n".join(body)))
            title, body = lines[at].strip(), []
            at += 2
        else:
            body.append(lines[at])
            at += 1
    parts.append(_section(title, "\n".join(body)))
    return "\n".join(part for part in parts if part)


def _section(title: str, body: str) -> str:
    if not title:
        return _paragraphs(body)
    if title == "Examples":
        return f"```pycon\n{body.strip()}\n```\n"
    entries = list(_entries(body))
    rows = [(code(names) if title != "Returns" or kind else prose(names), kind, told) for names, kind, told in entries]
    if not rows:
        return ""
    if any(kind for _, kind, _ in rows):
        return table((title.lower(), "type", ""), [(name, prose(kind), prose(told)) for name, kind, told in rows])
    return table((title.lower(), ""), [(name, prose(told)) for name, _, told in rows])


def _entries(body: str) -> list[tuple[str, str, str]]:
    """Return names, type and explanation of each entry: a line at the margin, and what is indented below."""
    found: list[tuple[str, str, list[str]]] = []
    for line in body.splitlines():
        if line.strip() and not line.startswith(" "):
            names, _, kind = line.partition(" : ")
            found.append((names.strip(), kind.strip(), []))
        elif found:
            found[-1][2].append(line)
    return [(names, kind, " ".join(textwrap.dedent("\n".join(told)).split())) for names, kind, told in found]


def _paragraphs(text: str) -> str:
    """Return paragraphs; one that is indented, after a double colon, is code."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if block.startswith("    "):
            parts.append(f"```text\n{textwrap.dedent(block)}\n```\n")
        elif block.strip() and block.strip() != "::":
            parts.append(prose(re.sub(r"::$", ":", block.strip())) + "\n")
    return "\n".join(parts)
