"""Print lists: columns are declared as data, one function decides how they look."""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from danmax_sync.cli.options import Format

Item = TypeVar("Item")
_GAP = 2
_NARROWEST = 12


@dataclass(frozen=True, slots=True)
class Column(Generic[Item]):
    """A column of a table.

    Attributes
    ----------
    title : str
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
    """

    title: str
    text: Callable[[Item], str]
    right: bool = False
    wraps: bool = False
    cut: bool = False
    spare: int = 0


def display(
    items: Sequence[Item],
    *,
    columns: Sequence[Column[Item]],
    as_json: Callable[[Item], Mapping[str, Any]],
    form: Format,
    paths: Callable[[Item], Sequence[str]] | None = None,
    identity: Callable[[Item], str] | None = None,
) -> None:
    """Print items on stdout.

    Parameters
    ----------
    items : sequence
        What to print.
    columns : sequence of Column
        For tables; CSV and TSV take the keys of `as_json`.
    as_json : callable
        Item to JSON-ready mapping.
    form : Format
        How.
    paths, identity : callable, optional
        For the formats of those names.
    """
    match form:
        case Format.JSON:
            _line(json.dumps([as_json(item) for item in items], ensure_ascii=False, indent=1))
        case Format.JSONL:
            for item in items:
                _line(json.dumps(as_json(item), ensure_ascii=False))
        case Format.CSV | Format.TSV:
            _separated([as_json(item) for item in items], "," if form is Format.CSV else "\t")
        case Format.PATHS:
            for item in items:
                for path in paths(item) if paths else ():
                    _line(path)
        case Format.IDS:
            for item in items:
                _line(identity(item) if identity else "")
        case Format.TABLE:
            _table(items, columns)


def _table(items: Sequence[Item], columns: Sequence[Column[Item]]) -> None:
    if not sys.stdout.isatty():
        # Read by a program or a pager: nothing is cut and nothing is drawn.
        _line("\t".join(column.title for column in columns))
        for item in items:
            _line("\t".join(_one_line(column.text(item)) for column in columns))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    cells = {column.title: [Text(_one_line(column.text(item))) for item in items] for column in columns}
    natural = {column: max(len(column.title), *(text.cell_len for text in cells[column.title])) for column in columns}
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
    left_out = ", ".join(column.title for column in columns if column not in widths)
    if left_out:
        say(f"for want of room without {left_out}")


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
        else:
            break
    return widths


def _separated(rows: Sequence[Mapping[str, Any]], delimiter: str) -> None:
    if not rows:
        return
    writer = csv.writer(sys.stdout, delimiter=delimiter, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])


def _cell(value: object) -> object:
    if isinstance(value, list):
        if all(isinstance(each, str) for each in value):
            return ";".join(value)
        return json.dumps(value, ensure_ascii=False)
    return value


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Tell the user something that is not data."""
    sys.stderr.write(text + "\n")


def number(value: float | None, digits: int) -> str:
    """Spell a number, or nothing."""
    return "" if value is None else f"{value:.{digits}f}"


def count(amount: int, noun: str) -> str:
    """Spell a number of things: ``1 scan``, ``2 scans``."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"
