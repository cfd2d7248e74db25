"""``danmax-sync search``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.options import (
    EnergyOption,
    Format,
    FormatOption,
    QueryArgument,
    SampleOption,
    TemperatureOption,
    query_text,
)

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.cli.display import Column


def search(
    words: QueryArgument = None,
    energy: EnergyOption = None,
    temperature: TemperatureOption = None,
    sample: SampleOption = None,
    form: FormatOption = Format.TABLE,
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="At most so many.")] = None,
    only_count: Annotated[bool, typer.Option("-c", "--count", help="Print only how many there are.")] = False,
) -> None:
    """List scans.

    \b
    Examples:
      danmax-sync search LaB6 energy:35 temperature:300..400
      danmax-sync search 'macro:ascan*' -state:partial
      danmax-sync search 'sample:Si OR sample:CeO2' hdcm_energy:34..36
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import display
    from danmax_sync.query.search import search_some

    text = query_text(words, energy=energy, temperature=temperature, sample=sample)
    with open_catalogue() as catalogue:
        scans = search_some(catalogue, text)
    if only_count:
        typer.echo(len(scans))
        return
    display(
        scans[:limit],
        columns=scan_columns(),
        as_json=lambda scan: scan.to_json(),
        form=form,
        paths=_paths,
        identity=lambda scan: str(scan.number if scan.number is not None else scan.path),
    )


def _paths(scan: "CataloguedScan") -> Sequence[str]:
    """Return where the master is: on this disk where it is here, else as a URI."""
    there = [each for each in scan.locations if each.state != "missing"]
    local = [str(each.path.below(each.root.folder)) for each in there if each.root.folder]
    return local[:1] or [f"{each.root.uri}/{each.path}" for each in there[:1]]


def scan_columns() -> "Sequence[Column[CataloguedScan]]":
    """Return the columns a list of scans has."""
    from danmax_sync.cli.display import Column, number

    return (
        Column("scan", lambda s: str(s.number) if s.number is not None else str(s.path.name), right=True),
        Column("sample", lambda s: s.sample, cut=True),
        Column("title", lambda s: s.title, cut=True),
        Column("start", lambda s: (s.start_time or "")[:16].replace("T", " ")),
        Column("keV", lambda s: number(s.energy_kev, 3), right=True),
        Column("K", _temperature, right=True),
        Column("points", lambda s: str(s.points), right=True, spare=2),
        Column("state", lambda s: s.state.value),
        Column("where", _where, cut=True, spare=1),
    )


def _where(scan: "CataloguedScan") -> str:
    there = [each.root for each in scan.locations if each.state != "missing"]
    return ", ".join(dict.fromkeys("here" if root.folder else root.name for root in there))


def _temperature(scan: "CataloguedScan") -> str:
    low, high = scan.temperature_min_k, scan.temperature_max_k
    if low is None or high is None:
        return ""
    return f"{low:.1f}" if high - low < 0.05 else f"{low:.1f}–{high:.1f}"
