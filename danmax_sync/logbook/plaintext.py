"""Entries as people wrote them, without markup: HTML from a browser's editor becomes lines of text.

What comes from a server is hostile. Nothing is fetched or followed, scripts and styles are left out, control characters
go, and whatever is longer than a person writes is cut. The standard library's parser takes minutes for some texts of
100 kB, and raises on others; here every character is looked at a few times, whatever it is.
"""

import html
import re
from collections.abc import Iterator

from danmax_sync.scanfile.text import clean_text

LONGEST_HTML = 1 << 19
"""Characters; pictures that were pasted in are files of their own."""
_SILENT = frozenset(("script", "style", "head", "template", "svg", "math", "iframe", "object", "noscript", "title"))
_LINES = frozenset(
    (
        *("p", "div", "br", "tr", "ul", "ol", "dl", "dt", "dd", "table", "pre", "blockquote", "hr", "section"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "footer", "article", "figure", "figcaption"),
    )
)
_NAME = re.compile(r"</?([a-z][a-z0-9]{0,30})", re.IGNORECASE)
_QUOTE_OR_END = re.compile(r"[\"'>]")
_ALT = re.compile(r"\salt\s{0,3}=\s{0,3}(?:\"([^\"]{0,200})\"|'([^']{0,200})')", re.IGNORECASE)
_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
"""As a browser compares names; other letters may become two."""


def plain_text(content: str, content_type: str = "text/html") -> str:
    """Return what a person reads.

    Parameters
    ----------
    content : str
        HTML, or plain text where the type says so.
    content_type : str
        As the logbook gives it.
    """
    if content_type and "html" not in content_type.lower():
        return clean_text(content).strip()
    kept: list[str] = []
    for line in "".join(_pieces(content[:LONGEST_HTML])).split("\n"):
        words = " ".join(line.split())
        # One empty line is as good as many.
        if words or (kept and kept[-1]):
            kept.append(words)
    return clean_text("\n".join(kept)).strip()


def _pieces(text: str) -> Iterator[str]:
    """Yield the text between tags, and what stands for a tag."""
    lower = text.translate(_TO_LOWER)
    tags = _Tags(text)
    at = 0
    while (start := text.find("<", at)) >= 0:
        # A line break of the source is a space.
        yield _said(text[at:start])
        if text.startswith("<!--", start):
            at = _behind(text, "-->", start + 4)
            continue
        name = _NAME.match(lower, start)
        end = tags.end(start) if name or text.startswith(("<!", "<?", "</"), start) else -1
        if end < 0:
            # `T < 300 K`: no tag.
            yield "<"
            at = start + 1
            continue
        at = end
        if name is None:
            continue
        if name[1] in _SILENT and text[start + 1] != "/" and text[end - 2] != "/":
            at = tags.end(_before(lower, f"</{name[1]}", end))
            if at < 0:
                return
        else:
            yield _instead(name[1], text[start:end])
    yield _said(text[at:])


class _Tags:
    """Finds where tags end; what was not found once is not looked for again."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._endless: set[str] = set()

    def end(self, start: int) -> int:
        """Return what follows the ``>`` of a tag, one in quotes aside; -1 where there is none."""
        at = start if ">" not in self._endless else -1
        while at >= 0:
            found = _QUOTE_OR_END.search(self._text, at)
            if found is None:
                self._endless.add(">")
                return -1
            at = found.end()
            if found[0] == ">":
                return at
            # A quote begins a value only behind `=`; and one that is never closed is a letter.
            if found[0] not in self._endless and self._text[found.start() - 1] == "=":
                close = self._text.find(found[0], at)
                if close < 0:
                    self._endless.add(found[0])
                else:
                    at = close + 1
        return -1


def _said(text: str) -> str:
    return html.unescape(text).replace("\n", " ").replace("\r", " ")


def _instead(name: str, tag: str) -> str:
    """Return what stands in the text for a tag."""
    opens = tag[1] != "/"
    if name == "img" and opens:
        alt = _ALT.search(tag[:2000])
        return f" [{_said((alt[1] or alt[2] or '').strip()) if alt else ''}] ".replace("[]", "[picture]")
    if name == "li" and opens:
        return "\n- "
    if name in {"td", "th"}:
        return " "
    return "\n" if name in _LINES else ""


def _behind(text: str, what: str, start: int) -> int:
    at = text.find(what, start)
    return at + len(what) if at >= 0 else len(text)


def _before(text: str, what: str, start: int) -> int:
    at = text.find(what, start)
    return at if at >= 0 else len(text)
