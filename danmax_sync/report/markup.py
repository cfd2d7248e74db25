"""Build HTML and SVG so that nothing but this room's own tags is ever markup.

Titles, samples, names of files and links were written by somebody else. Whatever is not `Markup` is escaped when it is
put into a tag, so that forgetting it is not possible.
"""

from collections.abc import Iterable, Sequence
from html import escape

from danmax_sync.scanfile.text import clean_text


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Content = str | int | float | None | Iterable["Content"]
_EMPTY = frozenset({"br", "meta", "hr", "line", "path", "rect", "circle"})


def text(value: object) -> Markup:
    """Return a value as it may stand in a page: escaped, without control characters and turns of direction."""
    return value if isinstance(value, Markup) else Markup(escape(clean_text(value), quote=True))


def joined(content: Content) -> Markup:
    """Return content as one piece of markup; what is None is left out."""
    if content is None:
        return Markup()
    if isinstance(content, str | int | float):
        return text(content)
    return Markup("".join(map(joined, content)))


def tag(name: str, /, *content: Content, **attributes: str | float | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
        Its name, spelled in this room's code.
    *content : str, number, or iterable of these
        Escaped unless it is `Markup`; None is left out.
    **attributes : str or number
        ``class_`` and the like end with a line to be no keywords; other lines are dashes. None: not there.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY and not content:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{joined(content)}</{name}>")


def table(
    head: Sequence[Content], rows: Iterable[Sequence[Content]], kinds: str = "", *, can_sort: bool = False
) -> Markup:
    """Return a table.

    Parameters
    ----------
    head, rows
        Cells; a head without any word is left out.
    kinds : str
        A letter a column: ``n`` a number, to the right; ``t`` text that is kept in one line; ``l`` such text that says
        little without its heading; ``w`` text that takes the room there is; ``.`` any other.
    can_sort : bool
        Whether the page's script may sort it.
    """
    kinds = kinds.ljust(len(head), ".")
    classes = [{"l": "t"}.get(kind, kind) if kind in "nltw" else None for kind in kinds]
    # On a narrow screen a row is a few lines, and its numbers say what they are.
    named = [
        title if kind in "nl" and isinstance(title, str) else None for title, kind in zip(head, kinds, strict=True)
    ]

    def cells(row: Sequence[Content]) -> list[Markup]:
        parts = zip(row, classes, named, strict=True)
        return [tag("td", cell, class_=class_, data_of=title) for cell, class_, title in parts]

    body = tag("tbody", [tag("tr", cells(row)) for row in rows])
    titles = [tag("th", title, class_=class_) for title, class_ in zip(head, classes, strict=True)]
    head_row = tag("thead", tag("tr", titles)) if any(head) else None
    return tag("div", tag("table", head_row, body, class_="sort" if can_sort else None), class_="wide")
