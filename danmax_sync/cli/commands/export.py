"""``danmax-sync export``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from danmax_sync.cli.options import (
    EnergyOption,
    QueryArgument,
    RadialUnit,
    SampleOption,
    TemperatureOption,
    query_text,
)


class TextFormat(StrEnum):
    """A format of refinement programs."""

    XYE = "xye"
    XY = "xy"
    FXYE = "fxye"
    CHI = "chi"


def export(
    words: QueryArgument = None,
    energy: EnergyOption = None,
    temperature: TemperatureOption = None,
    sample: SampleOption = None,
    form: Annotated[
        TextFormat, typer.Option("-f", "--format", help="xye and xy for most, fxye for GSAS, chi as Fit2D writes it.")
    ] = TextFormat.XYE,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where to; a folder a sample.")
    ] = Path(),
    average: Annotated[
        bool, typer.Option("--average", help="One file a scan, the mean of its frames, instead of one a frame.")
    ] = False,
    unit: Annotated[RadialUnit | None, typer.Option(help="Another axis than the patterns have.")] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="Numbers alone, for programs that know no comments.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files with other content.")] = False,
) -> None:
    """Write integrated patterns as text for Rietveld programs.

    For TOPAS, FullProf, GSAS and others. Bins without pixels are left out.

    \b
    Examples:
      danmax-sync export sample:LaB6 --format xye -o patterns
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.reasons import warn_without_patterns
    from danmax_sync.integration.agreeing import patterns_of
    from danmax_sync.integration.export import TextFormat as Form
    from danmax_sync.integration.export import export_patterns
    from danmax_sync.query.search import search_some

    with open_catalogue() as catalogue:
        scans = search_some(catalogue, query_text(words, energy=energy, temperature=temperature, sample=sample))
    labelled = patterns_of(scans)
    warn_without_patterns(scans, (label for label, _ in labelled))
    made = export_patterns(
        labelled,
        output,
        Form(form.value),
        average=average,
        unit=unit.value if unit else None,
        header=not no_header,
        overwrite=overwrite,
    )
    left_out = f", up to {made.empty_bins} empty bins left out of each" if made.empty_bins else ""
    say(f"{count(len(made.files), 'file')} of {form.value}{left_out}")
    if made.skipped:
        say(f"{count(made.skipped, 'pattern')} without any number left out")
    for folder in dict.fromkeys(path.parent for path in made.files):
        say(f"  → {folder}")
