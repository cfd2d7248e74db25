"""``danmax-sync diff``."""

from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.completion import query_words
from danmax_sync.cli.options import (
    ColumnsOption,
    Format,
    LimitOption,
    NamesFormatOption,
    NulOption,
    SortOption,
    ToleranceOption,
    layout_of,
)

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.comparison import Difference
    from danmax_sync.catalogue.values import CataloguedScan

OneScan = Annotated[
    str,
    typer.Argument(
        metavar="SCAN", help="A scan number, or a query for one scan.", show_default=False, autocompletion=query_words
    ),
]


def diff(
    left: OneScan,
    right: OneScan,
    tolerance: ToleranceOption = 0.0,
    form: NamesFormatOption = Format.TABLE,
    columns: ColumnsOption = None,
    sort: SortOption = "",
    limit: LimitOption = None,
    nul: NulOption = False,
) -> None:
    """List what differs between two scans.

    Facts, values of the snapshot, motors and channels.

    \b
    Examples:
      danmax-sync diff 42 44
      danmax-sync diff 42 'sample:LaB6 latest' --tolerance 1e-6
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.comparison import differences
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import Column, display, say
    from danmax_sync.cli.echo import echo_cut

    with open_catalogue() as catalogue:
        one, other = (_the_scan(catalogue, text) for text in (left, right))
        found = differences(catalogue, one, other, tolerance=tolerance)
    if not found:
        say(f"{one.label} and {other.label} do not differ")
        if form is Format.TABLE:
            return
    diff_columns: tuple[Column[Difference], ...] = (
        Column("name", lambda d: d.name),
        Column("origin", lambda d: d.origin, spare=1),
        Column(one.label, lambda d: _spelled(d, d.left), right=True, wraps=True, key="left"),
        Column(
            other.label if other.label != one.label else f"{other.label} (2)",
            lambda d: _spelled(d, d.right),
            right=True,
            wraps=True,
            key="right",
        ),
        Column("difference", lambda d: "" if d.difference is None else f"{d.difference:+.6g}", right=True),
        Column("unit", lambda d: d.unit),
    )
    display(
        found,
        columns=diff_columns,
        as_json=lambda each: each.to_json(),
        layout=layout_of(form, columns, sort, limit, nul=nul),
        identity=lambda each: each.name,
    )
    echo_cut(len(found), limit, "difference")


def _spelled(difference: "Difference", value: float | str | None) -> str:
    from danmax_sync.cli.numerals import plain
    from danmax_sync.clock import clock

    if difference.name == "start" and isinstance(value, str):
        return clock(value, "%Y-%m-%d %H:%M:%S %Z")
    return "" if value is None else plain(value)


def _the_scan(catalogue: "Catalogue", text: str) -> "CataloguedScan":
    """Return the one scan a query means."""
    from danmax_sync.cli.display import count
    from danmax_sync.cli.single import name_of, told
    from danmax_sync.errors import UsageError
    from danmax_sync.query.search import search_some

    found = search_some(catalogue, text)
    if len(found) > 1:
        raise UsageError(
            f"{text!r} means {count(len(found), 'scan')}, not one: {told(found)}",
            hint=f"narrow it, as in '{name_of(found[-1], found)}'",
        )
    return found[0]
