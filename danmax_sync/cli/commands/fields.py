"""``danmax-sync fields``."""

from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.options import (
    ColumnsOption,
    EnergyOption,
    Format,
    LimitOption,
    NamesFormatOption,
    NulOption,
    QueryArgument,
    SampleOption,
    SortOption,
    TemperatureOption,
    ToleranceOption,
    layout_of,
    query_text,
)

if TYPE_CHECKING:
    from danmax_sync.catalogue.overview import FieldOverview


def fields(
    words: QueryArgument = None,
    energy: EnergyOption = None,
    temperature: TemperatureOption = None,
    sample: SampleOption = None,
    varying: Annotated[bool, typer.Option("--varying", help="Only those the scans differ in.")] = False,
    tolerance: ToleranceOption = 0.0,
    form: NamesFormatOption = Format.TABLE,
    columns: ColumnsOption = None,
    sort: SortOption = "",
    limit: LimitOption = None,
    nul: NulOption = False,
) -> None:
    """List the names that scans recorded, with their ranges.

    Of the snapshot, motors and channels.

    \b
    Examples:
      danmax-sync fields
      danmax-sync fields sample:LaB6 --varying --tolerance 1e-6
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.overview import field_overviews
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import Column, display, say
    from danmax_sync.cli.echo import echo_cut
    from danmax_sync.cli.numerals import plain
    from danmax_sync.query.search import nothing_matched, understand

    text = query_text(words, energy=energy, temperature=temperature, sample=sample)
    with open_catalogue() as catalogue:
        question = understand(catalogue, text)
        found = field_overviews(catalogue, question.where if text else None, tolerance=tolerance)
        if not found:
            raise nothing_matched(catalogue, question)
    if varying:
        found = [each for each in found if each.spread]
    if not found and form is Format.TABLE:
        say("these scans differ in nothing they recorded")
        return

    def range_of(overview: "FieldOverview") -> str:
        low, high = overview.least, overview.greatest
        if low is None or high is None:
            return "; ".join(overview.texts)
        numbers = plain(low) if low == high else f"{plain(low)} – {plain(high)}"
        return "; ".join([numbers, *overview.texts])

    field_columns: tuple[Column[FieldOverview], ...] = (
        Column("name", lambda f: f.name),
        Column("origin", lambda f: f.origin, spare=2),
        Column("scans", lambda f: str(f.scans), right=True),
        Column("values", range_of, wraps=True, value=range_of),
        Column("unit", lambda f: f.unit),
        Column("description", lambda f: f.description, wraps=True, spare=1),
        Column("least", lambda f: "" if f.least is None else plain(f.least), right=True, hidden=True),
        Column("greatest", lambda f: "" if f.greatest is None else plain(f.greatest), right=True, hidden=True),
    )
    display(
        found,
        columns=field_columns,
        as_json=lambda each: each.to_json(),
        layout=layout_of(form, columns, sort, limit, nul=nul),
        identity=lambda each: each.name,
    )
    echo_cut(len(found), limit, "name")
