"""Print lists: columns are declared as data, one function decides how they look."""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from danmax_sync.cli.options import Format, Layout
from danmax_sync.cli.speech import count, number, say
from danmax_sync.cli.table import Column, draw_table, plain_lines
from danmax_sync.errors import UsageError
from danmax_sync.visits import visible

__all__ = ["Column", "count", "display", "number", "say"]

Item = TypeVar("Item")
More = Callable[[str], Sequence[Column[Item]]]
EXTRA = "fields"
"""The key of JSON under which columns stand that the contract does not have."""


def display(
    items: Sequence[Item],
    *,
    columns: Sequence[Column[Item]],
    as_json: Callable[[Item], Mapping[str, Any]],
    layout: Layout,
    paths: Callable[[Item], Sequence[str]] | None = None,
    identity: Callable[[Item], str] | None = None,
    more: More[Item] | None = None,
) -> None:
    """Print items on stdout.

    Parameters
    ----------
    items : sequence
        What to print.
    columns : sequence of Column
        For tables, for ``-c`` and ``--sort``.
    as_json : callable
        Item to JSON-ready mapping; its keys are also the columns of CSV and TSV.
    layout : Layout
        How, which columns, in which order, and how many.
    paths, identity : callable, optional
        For the formats of those names.
    more : callable, optional
        The columns a name stands for that is not declared; raises UsageError where there is none.

    Raises
    ------
    UsageError
        If a column is unknown.
    """
    keys = frozenset(as_json(items[0])) if items else frozenset[str]()
    shown = _chosen(columns, layout.columns, more)
    items = _ordered(items, columns, as_json, layout, more)
    always = [column for column in columns if not column.hidden] if layout.adds_columns else []
    extra = [column for column in shown if column not in always and (column.key or column.title) not in keys]

    def whole(item: Item) -> Mapping[str, Any]:
        known = as_json(item)
        return {**known, EXTRA: {each.title: each.plain(item, known) for each in extra}} if extra else known

    def row(item: Item) -> Mapping[str, Any]:
        known = as_json(item)
        chosen = extra if layout.adds_columns else shown
        added = {each.key or each.title: each.plain(item, known) for each in chosen}
        return {**known, **added} if layout.adds_columns else added

    match layout.form:
        case Format.JSON:
            _json_list(map(whole, items))
        case Format.JSONL:
            for item in items:
                _line(_json(whole(item)))
        case Format.CSV:
            _separated(map(row, items), ",")
        case Format.TSV:
            _separated(map(row, items), "\t")
        case Format.PATHS:
            if paths is None:
                say("these are no files, so there are no paths; their names: -f ids")
                return
            _each((path for item in items for path in paths(item)), layout)
        case Format.IDS:
            _each(map(identity, items) if identity else (), layout)
        case Format.TABLE:
            _table(items, shown)


def _table(items: Sequence[Item], columns: Sequence[Column[Item]]) -> None:
    if sys.stdout.isatty():
        draw_table(items, columns)
        return
    for text in plain_lines(items, columns):
        _line(text)


def _json_list(items: Iterable[Mapping[str, Any]]) -> None:
    """Print a list as `json.dumps` would, but item by item: there may be more of them than fit into memory."""
    before = "[\n"
    for item in items:
        # Without the brackets of a list of one.
        _line(before + _json([item], indent=1)[2:-2], "")
        before = ",\n"
    _line("[]" if before == "[\n" else "\n]")


class _Data:
    """Data on their way out: to a program as they are, to a person's screen without orders to it."""

    def __init__(self) -> None:
        self._screen = sys.stdout.isatty()

    def write(self, text: str) -> int:
        return sys.stdout.write(visible(text, keep="\n\t") if self._screen else text)


def _line(text: str, end: str = "\n") -> None:
    _Data().write(text)
    sys.stdout.write(end)


def _json(value: object, indent: int | None = None) -> str:
    """Spell JSON that any program reads: what is no finite number is a text there, as in `diff`."""
    return json.dumps(_finite(value), ensure_ascii=False, indent=indent, allow_nan=False)


def _finite(value: object) -> object:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
    return value


def _each(texts: Iterable[str], layout: Layout) -> None:
    for text in texts:
        _line(text, "\0" if layout.nul else "\n")


def _chosen(columns: Sequence[Column[Item]], wanted: Sequence[str], more: More[Item] | None) -> Sequence[Column[Item]]:
    """Return the columns to show: ``+name`` adds, a bare name begins a list of its own."""
    shown = [] if any(not name.startswith("+") for name in wanted) else [each for each in columns if not each.hidden]
    for name in wanted:
        shown += [each for each in _named(columns, name.removeprefix("+"), more) if each not in shown]
    return shown


def _named(columns: Sequence[Column[Item]], name: str, more: More[Item] | None) -> Sequence[Column[Item]]:
    known = [column for column in columns if name.lower() in column.names()]
    if known:
        return known[:1]
    if more is not None:
        return more(name)
    titles = [column.title for column in columns]
    close = get_close_matches(name, titles, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(f"there is no column {name!r}{meant}", hint=f"columns: {', '.join(titles)}")


def _ordered(
    items: Sequence[Item],
    columns: Sequence[Column[Item]],
    as_json: Callable[[Item], Mapping[str, Any]],
    layout: Layout,
    more: More[Item] | None,
) -> Sequence[Item]:
    """Return the items in the order asked for, as many as asked for; left alone where nothing is asked."""
    ordered = _sorted(items, columns, as_json, layout.sort, more) if layout.sort else items
    return ordered if layout.limit is None else ordered[: layout.limit]


def _sorted(
    items: Sequence[Item],
    columns: Sequence[Column[Item]],
    as_json: Callable[[Item], Mapping[str, Any]],
    order: str,
    more: More[Item] | None,
) -> Sequence[Item]:
    """Sort by some columns, ``-name`` from the greatest down; what is missing stands last either way."""
    found = list(items)
    for word in reversed([word.strip() for word in order.split(",") if word.strip()]):
        name = word.removeprefix("-").removeprefix("+")
        (column, *others) = _named(columns, name, more)
        if others:
            raise UsageError(f"--sort {name} means {len(others) + 1} columns", hint="name one")
        ranks = [(_rank(column.plain(item, as_json(item))), item) for item in found]
        there = sorted(
            (pair for pair in ranks if pair[0] is not None), key=lambda pair: pair[0] or (), reverse=word[0] == "-"
        )
        found = [item for _, item in there] + [item for rank, item in ranks if rank is None]
    return found


def _rank(value: object) -> tuple[int, float, str] | None:
    """Return what sorts like a value: numbers before texts, spans by their least."""
    if isinstance(value, dict):
        value = value.get("min")
    if value is None or value == "":
        return None
    if isinstance(value, int | float):
        return (0, value, "")
    return (1, 0.0, str(value).lower())


def _separated(rows: Iterable[Mapping[str, Any]], delimiter: str) -> None:
    """Print a table that a spreadsheet may open: texts of files are none of its formulas."""
    from danmax_sync.query.spreadsheet import inert

    writer = csv.writer(_Data(), delimiter=delimiter, lineterminator="\n")
    for at, row in enumerate(rows):
        if at == 0:
            writer.writerow(map(inert, row))
        cells = [_cell(value) for value in row.values()]
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in cells])


def _cell(value: object) -> object:
    if isinstance(value, list):
        if all(isinstance(each, str) for each in value):
            return ";".join(value)
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict) and set(value) == {"min", "max"}:
        # As the query language spells a range.
        return f"{value['min']}..{value['max']}"
    return value
