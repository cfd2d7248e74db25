"""``danmax-sync report``."""

from pathlib import Path
from typing import Annotated

import typer

from danmax_sync.cli.options import EnergyOption, QueryArgument, SampleOption, TemperatureOption, query_text


def report(
    words: QueryArgument = None,
    energy: EnergyOption = None,
    temperature: TemperatureOption = None,
    sample: SampleOption = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The page; an earlier report there is replaced.")
    ] = Path("report.html"),
    title: Annotated[str, typer.Option(metavar="TEXT", help="By default samples and visit.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is no report.")] = False,
) -> None:
    """Write one page about scans, for a browser or a printer.

    Table, patterns, temperature and energy over time, links and their states, and where it all comes from, in one file
    that needs no network: send it, print it, put it into the logbook.

    \b
    Examples:
      danmax-sync report sample:CeO2 -o CeO2.html
      danmax-sync report latest --title "Last night"
      danmax-sync report visit:2025110208 -o visit.html
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.progress import human_bytes, listening
    from danmax_sync.cli.speech import count, say
    from danmax_sync.query.search import nothing_matched, understand
    from danmax_sync.report.writing import write_report

    text = query_text(words, energy=energy, temperature=temperature, sample=sample)
    with open_catalogue() as catalogue, listening(as_json=False) as tell:
        question = understand(catalogue, text)
        scans = catalogue.scans(question.where)
        if not scans:
            raise nothing_matched(catalogue, question)
        made = write_report(
            catalogue,
            scans,
            output,
            query=text,
            english=question.english,
            title=title,
            overwrite=overwrite,
            tell=tell,
        )
    without = "" if made.integrated == made.scans else f", {made.scans - made.integrated} of them without patterns here"
    say(f"{count(made.scans, 'scan')}{without}, {human_bytes(made.size)} → {made.path}")
