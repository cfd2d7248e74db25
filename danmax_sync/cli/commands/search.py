"""``danmax-sync search``."""

import sys
from dataclasses import replace
from typing import Annotated

import typer

from danmax_sync.cli.completion import saved_query_names
from danmax_sync.cli.options import (
    ColumnsOption,
    EnergyOption,
    Format,
    FormatOption,
    LimitOption,
    NulOption,
    QueryArgument,
    SampleOption,
    SortOption,
    TemperatureOption,
    layout_of,
    query_text,
)


def search(
    words: QueryArgument = None,
    energy: EnergyOption = None,
    temperature: TemperatureOption = None,
    sample: SampleOption = None,
    form: FormatOption = Format.TABLE,
    columns: ColumnsOption = None,
    sort: SortOption = "",
    limit: LimitOption = None,
    nul: NulOption = False,
    only_count: Annotated[bool, typer.Option("--count", help="Print only how many there are.")] = False,
    save_as: Annotated[
        str | None, typer.Option("--save", metavar="NAME", help="Keep the query; @NAME stands for it in others.")
    ] = None,
    saved: Annotated[bool, typer.Option("--saved", help="List the saved queries.")] = False,
    forget: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Forget a saved query.", autocompletion=saved_query_names),
    ] = None,
) -> None:
    """List scans.

    \b
    Examples:
      danmax-sync search LaB6 energy:35 temperature:300..400
      danmax-sync search 'macro:ascan*' -state:partial --sort -energy,start
      danmax-sync search 'sample:Si OR sample:CeO2' -c +ea_ppm3_1,hex_*
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli import saved as saved_queries
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import display
    from danmax_sync.cli.echo import echo_question
    from danmax_sync.cli.scans import master_paths, recorded_columns, scan_columns
    from danmax_sync.query.ordering import order_of
    from danmax_sync.query.search import nothing_matched, understand

    layout = layout_of(form, columns, sort, limit, nul=nul)
    text = query_text(words, energy=energy, temperature=temperature, sample=sample)
    with open_catalogue() as catalogue:
        if saved:
            saved_queries.list_saved(catalogue, layout)
            return
        if forget is not None:
            saved_queries.forget(catalogue, forget)
            return
        if save_as is not None:
            saved_queries.keep(catalogue, save_as, text)
        question = understand(catalogue, text)
        found = catalogue.count(question.where)
        if not found:
            raise nothing_matched(catalogue, question)
        if only_count:
            typer.echo(found)
            return
        names, others = catalogue.field_names(), frozenset(column.title.lower() for column in scan_columns())
        order = order_of(sort, names, others=others)
        if order is None:  # every scan has to be looked at
            scans = catalogue.find(question.where)
        else:
            scans = catalogue.find(question.where, order_by=order, limit=limit)
            layout = replace(layout, sort="")
        # Programs have it anyway, and asking takes as long as finding.
        shown = layout.form is Format.TABLE and layout.adds_columns
        display(
            scans,
            columns=scan_columns(several_visits=shown and catalogue.spans_visits(question.where)),
            as_json=lambda scan: scan.to_json(),
            layout=layout,
            paths=master_paths,
            identity=lambda scan: str(scan.number if scan.number is not None else scan.path),
            more=recorded_columns(catalogue, scans.ids),
        )
        if sys.stdout.isatty():
            echo_question(catalogue, question, found=found, shown=min(found, limit or found))
