"""Options and arguments that several commands share, so that every verb takes the same query."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from danmax_sync.cli.completion import column_names, query_words, sample_names

QueryArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="QUERY…",
        help="Scan numbers (42 or 40-50), words, or name:value, name:low..high; -word leaves out "
        "('!w' where -w is one letter or begins with an option, or put -- before the query). Without one: all scans.",
        show_default=False,
        autocompletion=query_words,
    ),
]
ScanArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SCAN…",
        help="A scan number, or any query for few scans.",
        show_default=False,
        autocompletion=query_words,
    ),
]
EnergyOption = Annotated[str | None, typer.Option(metavar="A..B", help="Short for energy:A..B (keV).")]
TemperatureOption = Annotated[str | None, typer.Option(metavar="A..B", help="Short for temperature:A..B (K).")]
SampleOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Short for sample:NAME.", autocompletion=sample_names)
]
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


class Errors(StrEnum):
    """Where errors come from."""

    POISSON = "poisson"
    AZIMUTHAL = "azimuthal"
    NONE = "none"


class Refusable(StrEnum):
    """What integration refuses, and does all the same when told by name."""

    ENERGY = "energy"
    DETECTOR = "detector"
    MASK = "mask"
    ORIENTATION = "orientation"
    MONITOR = "monitor"
    FRAMES = "frames"
    BINS = "bins"


FormatOption = Annotated[Format, typer.Option("-f", "--format", help="How to print.")]
NamesFormatOption = Annotated[
    Format, typer.Option("-f", "--format", metavar="[table|json|jsonl|csv|tsv|ids]", help="How to print.")
]
"""Of lists whose items are no files."""
PortraitFormatOption = Annotated[Format, typer.Option("-f", "--format", metavar="[table|json]", help="How to print.")]
LimitOption = Annotated[int | None, typer.Option("-n", "--limit", min=1, metavar="N", help="At most so many.")]
NulOption = Annotated[bool, typer.Option("-0", help="End paths and ids with NUL, for xargs -0.")]
SortOption = Annotated[
    str, typer.Option(metavar="NAME,…", help="By these columns; -NAME: greatest first.", autocompletion=column_names)
]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "-c", "--columns", metavar="NAME,…", help="These columns; +NAME: one more.", autocompletion=column_names
    ),
]
ToleranceOption = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        metavar="PART",
        help="Numbers this close, relative to the larger, are the same: 1e-6 for encoders.",
    ),
]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a list is printed.

    Attributes
    ----------
    columns : tuple of str
        What ``-c`` names; ``+name`` adds.
    sort : str
        Names between commas; ``-name`` from the greatest down.
    limit : int, optional
        At most so many.
    nul : bool
        Whether paths and ids end with NUL.
    """

    form: Format = Format.TABLE
    columns: tuple[str, ...] = ()
    sort: str = ""
    limit: int | None = None
    nul: bool = False

    @property
    def adds_columns(self) -> bool:
        """Whether the columns that are always there stay."""
        return all(name.startswith("+") for name in self.columns)


def layout_of(form: Format, columns: Sequence[str] | None, sort: str, limit: int | None, *, nul: bool) -> Layout:
    """Put the options of a list together: ``-c a,b -c +c`` names three columns, ``-c +a,b`` adds two.

    Raises
    ------
    UsageError
        If the options do not go together.
    """
    if nul and form not in {Format.PATHS, Format.IDS}:
        from danmax_sync.errors import UsageError

        raise UsageError("-0 ends paths and ids", hint="-0 -f paths, or -0 -f ids")
    names: list[str] = []
    for option in columns or ():
        sign = "+" if option.startswith("+") else ""
        names += [sign + name.strip().removeprefix("+") for name in option.split(",") if name.strip(" +")]
    return Layout(form, tuple(names), sort, limit, nul)


def query_text(
    words: list[str] | None, *, energy: str | None = None, temperature: str | None = None, sample: str | None = None
) -> str:
    """Join the words of a query and the shortcuts into one text."""
    from danmax_sync.query.tree import quoted

    shortcuts = [f"{name}:{text}" for name, text in (("energy", energy), ("temperature", temperature)) if text]
    if sample:
        shortcuts.append(f"sample:{quoted(sample)}")
    return " ".join([*(words or ()), *shortcuts])
