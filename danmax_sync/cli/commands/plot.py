"""``danmax-sync plot``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from danmax_sync.cli.options import EnergyOption, QueryArgument, SampleOption, TemperatureOption, query_text


class Kind(StrEnum):
    """How patterns are drawn."""

    WATERFALL = "waterfall"
    OVERLAY = "overlay"
    HEATMAP = "heatmap"
    CAKE = "cake"


def plot(
    words: QueryArgument = None,
    energy: EnergyOption = None,
    temperature: TemperatureOption = None,
    sample: SampleOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="PNG, SVG or PDF. Without it: a sketch here.")
    ] = None,
    kind: Annotated[Kind, typer.Option("--as", help="How, in a file.")] = Kind.WATERFALL,
    against: Annotated[
        str, typer.Option(metavar="NAME", help="Of a heat map: temperature, time, frame, or a motor.")
    ] = "temperature",
) -> None:
    """Plot integrated patterns.

    One scan, or several as a waterfall against temperature, an overlay, or a heat map; the cake of one.
    """
    import shutil

    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import say
    from danmax_sync.integration.figure import save_figure, sketch
    from danmax_sync.integration.run import patterns_of
    from danmax_sync.query.search import search_some

    with open_catalogue() as catalogue:
        scans = search_some(catalogue, query_text(words, energy=energy, temperature=temperature, sample=sample))
    labelled = patterns_of(scans)
    if len(labelled) < len(scans):
        complain(
            f"{len(scans) - len(labelled)} of {len(scans)} scans have no patterns here and are left out",
            hint="danmax-sync integrate QUERY",
            kind="warning",
        )
    if output is not None:
        what = save_figure(labelled, output, kind=kind.value, against=against)
        say(f"{what} → {output}")
        return
    width = min(shutil.get_terminal_size().columns, 160) - 1
    for label, patterns in labelled:
        typer.echo(f"{label}  {patterns.sample}")
        typer.echo(sketch(patterns, width=width))
