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
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="PNG, SVG or PDF; an earlier picture there is replaced. Without it: a sketch here.",
        ),
    ] = None,
    kind: Annotated[Kind, typer.Option("--as", help="How.")] = Kind.WATERFALL,
    against: Annotated[
        str, typer.Option(metavar="NAME", help="Of a heat map: temperature, time, frame, or a motor.")
    ] = "temperature",
) -> None:
    """Plot integrated patterns, into a file or here in the terminal.

    One scan, or several as a waterfall against temperature, an overlay, or a heat map; the cake of one.

    \b
    Examples:
      danmax-sync plot 42
      danmax-sync plot sample:CeO2 -o CeO2.svg
      danmax-sync plot sample:CeO2 --as heatmap --against time
      danmax-sync plot 42 --as cake -o cake.png
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import say
    from danmax_sync.cli.reasons import warn_without_patterns
    from danmax_sync.integration.agreeing import patterns_of
    from danmax_sync.query.search import search_some

    with open_catalogue() as catalogue:
        scans = search_some(catalogue, query_text(words, energy=energy, temperature=temperature, sample=sample))
    if output is not None:
        from danmax_sync.integration.picturefile import check_picture

        check_picture(output)
    labelled = patterns_of(scans)
    warn_without_patterns(scans, (label for label, _ in labelled))
    if output is not None:
        from danmax_sync.integration.figure import save_figure

        what = save_figure(labelled, output, kind=kind.value, against=against)
        say(f"{what} → {output}")
        return
    from danmax_sync.cli.terminal import marks, print_picture, screen
    from danmax_sync.integration.sketch import draw

    width, lines = screen()
    print_picture(draw(labelled, kind=kind.value, against=against, width=width, lines=lines, marks=marks()))
