"""Draw a table: for a person it fits the terminal, for a program it is plain and whole."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from danmax_sync.cli.speech import say
from danmax_sync.visits import visible

Item = TypeVar("Item")
_GAP = 2
_NARROWEST = 12
_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Column(Generic[Item]):
    """A column of a list.

    Attributes
    ----------
    title : str
        Its head, and its name for ``-c`` and ``--sort``.
    text : callable
        What is in it.
    right : bool
        Whether it is a number.
    wraps : bool
        Whether it goes on in the next line where the terminal is narrow.
    cut : bool
        Whether it may end with ``…`` there.
    spare : int
        Whether it may be left out there: the highest goes first, 0 never.
    key : str
        The key of the item's JSON that holds it, where that is not the title.
    value : callable, optional
        What programs get and lists are sorted by, where JSON has no such key.
    hidden : bool
        Whether only those see it who ask for it.
    note : str
        Said below a table that has it.
    """

    title: str
    text: Callable[[Item], str]
    right: bool = False
    wraps: bool = False
    cut: bool = False
    spare: int = 0
    key: str = ""
    value: Callable[[Item], Any] | None = None
    hidden: bool = False
    note: str = ""

    def names(self) -> set[str]:
        """Return what people may call it."""
        return {self.title.lower(), self.key.lower()} - {""}

    def plain(self, item: Item, as_json: Mapping[str, Any]) -> Any:
        """Return what programs get."""
        if self.value is not None:
            return self.value(item)
        key = self.key or self.title
        return as_json[key] if key in as_json else self.text(item)


def plain_lines(items: Sequence[Item], columns: Sequence[Column[Item]]) -> Iterator[str]:
    """Yield the lines of a table for a program or a pager: nothing is cut and nothing is drawn."""
    yield "\t".join(column.title for column in columns)
    for item in items:
        yield "\t".join(_one_line(column.text(item)) for column in columns)


def draw_table(items: Sequence[Item], columns: Sequence[Column[Item]]) -> None:
    """Draw a table on the terminal, as wide as that is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    cells = {column.title: [Text(_one_line(column.text(item))) for item in items] for column in columns}
    natural = {column: max([len(column.title), *(text.cell_len for text in cells[column.title])]) for column in columns}
    widths = _fitted(natural, console.width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for column, width in widths.items():
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            width=width,
            no_wrap=not column.wraps,
            overflow="fold" if column.wraps else "ellipsis",
        )
    for row in zip(*(cells[column.title] for column in widths), strict=True):
        table.add_row(*row)
    console.print(table)
    left_out = [column.title for column in columns if column not in widths]
    if left_out:
        more = f" and {len(left_out) - _MOST_NAMED} more" if len(left_out) > _MOST_NAMED else ""
        say(f"not shown at this width: {', '.join(left_out[:_MOST_NAMED])}{more}; -c chooses")
    for note in dict.fromkeys(column.note for column in widths if column.note):
        say(note)


def _fitted(natural: Mapping[Column[Item], int], room: int) -> dict[Column[Item], int]:
    """Fit columns into a terminal: what wraps or may be cut is narrowed, what can be spared is left out."""
    widths = dict(natural)

    def excess() -> int:
        return sum(widths.values()) + _GAP * (len(widths) - 1) - room

    while excess() > 0:
        narrowable = [column for column in widths if (column.wraps or column.cut) and widths[column] > _NARROWEST]
        spare = max(widths, key=lambda column: column.spare)
        if narrowable:
            widths[max(narrowable, key=widths.__getitem__)] -= 1
        elif spare.spare:
            del widths[spare]
            # What was narrowed for its sake may spread again.
            widths = {column: natural[column] for column in widths}
        elif len(widths) > 1:
            # More was asked for than there is room for: the first of it whole, rather than two letters of each.
            widths = {column: natural[column] for column in list(widths)[:-1]}
        else:
            break
    return widths


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))
