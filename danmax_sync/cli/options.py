"""Options and arguments that several commands share, so that every verb takes the same query."""

from enum import StrEnum
from typing import Annotated

import typer

QueryArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="QUERY…",
        help="Scan numbers (42 or 40-50), words, or name:value, name:low..high. Without one: all scans.",
        show_default=False,
    ),
]
EnergyOption = Annotated[str | None, typer.Option(metavar="A..B", help="Short for energy:A..B (keV).")]
TemperatureOption = Annotated[str | None, typer.Option(metavar="A..B", help="Short for temperature:A..B (K).")]
SampleOption = Annotated[str | None, typer.Option(metavar="NAME", help="Short for sample:NAME.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, the last a summary.")]


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    PATHS = "paths"
    IDS = "ids"


class RadialUnit(StrEnum):
    """The radial axis of patterns."""

    Q = "q"
    TWO_THETA = "2th"


class Splitting(StrEnum):
    """How a pixel is shared between bins."""

    NONE = "none"
    BBOX = "bbox"
    FULL = "full"


FormatOption = Annotated[Format, typer.Option("-f", "--format", help="How to print.")]


def query_text(
    words: list[str] | None, *, energy: str | None = None, temperature: str | None = None, sample: str | None = None
) -> str:
    """Join the words of a query and the shortcuts into one text."""
    from danmax_sync.query.tree import quoted

    shortcuts = [f"{name}:{text}" for name, text in (("energy", energy), ("temperature", temperature)) if text]
    if sample:
        shortcuts.append(f"sample:{quoted(sample)}")
    return " ".join([*(words or ()), *shortcuts])
