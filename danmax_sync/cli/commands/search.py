"""``danmax-sync search``."""

import sys
from typing import Annotated

import typer

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
    forget: Annotated[str | None, typer.Option(metavar="NAME", help="Forget a saved query.")] = None,
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
        scans = catalogue.scans(question.where)
        if not scans:
            raise nothing_matched(catalogue, question)
        if only_count:
            typer.echo(len(scans))
            return
        display(
            scans,
            columns=scan_columns(),
            as_json=lambda scan: scan.to_json(),
            layout=layout,
            paths=master_paths,
            identity=lambda scan: str(scan.number if scan.number is not None else scan.path),
            more=recorded_columns(catalogue, scans),
        )
        if sys.stdout.isatty():
            echo_question(catalogue, question, found=len(scans), shown=min(len(scans), limit or len(scans)))
