"""``danmax-sync show``."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.options import Format, FormatOption

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import CataloguedScan, RecordedValue


def show(
    words: Annotated[
        list[str],
        typer.Argument(metavar="SCAN…", help="A scan number, or any query for few scans.", show_default=False),
    ],
    form: FormatOption = Format.TABLE,
) -> None:
    """Show everything about a scan."""
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.errors import UsageError
    from danmax_sync.query.search import search_some

    if form not in {Format.TABLE, Format.JSON}:
        raise UsageError(f"show has no format {form.value}", hint="-f table or -f json")
    with open_catalogue() as catalogue:
        scans = search_some(catalogue, " ".join(words))
        if len(scans) > 20:
            raise UsageError(f"that is {len(scans)} scans, too many to show", hint="narrow it, or list them: search")
        shown = [(scan, catalogue.values(scan.id)) for scan in scans]
    if form is Format.JSON:
        import json

        typer.echo(json.dumps([_to_json(scan, values) for scan, values in shown], ensure_ascii=False, indent=1))
        return
    for scan, values in shown:
        _print(scan, values)


def _to_json(scan: "CataloguedScan", values: "list[RecordedValue]") -> dict[str, object]:
    return {
        **scan.to_json(),
        "energy_origin": scan.energy_origin,
        "temperature_origin": scan.temperature_origin,
        "links": [
            {"detector": link.detector, "filename": link.filename, "path": link.inner_path, "problem": link.problem}
            for link in scan.links
        ],
        "snapshot": {value.name: value.to_json() for value in values if value.origin == "snapshot"},
        "columns": {value.name: value.to_json() for value in values if value.origin != "snapshot"},
    }


def _print(scan: "CataloguedScan", values: "list[RecordedValue]") -> None:
    from danmax_sync.cli.display import number

    energy = f"{number(scan.energy_kev, 4)} keV ({scan.energy_origin})" if scan.energy_kev else "not recorded"
    temperature = (
        f"{number(scan.temperature_min_k, 2)} to {number(scan.temperature_max_k, 2)} K ({scan.temperature_origin})"
        if scan.temperature_k is not None
        else "not recorded"
    )
    rows = (
        ("command", scan.title),
        ("sample", scan.sample),
        ("proposal", scan.proposal or "not known"),
        ("visit", scan.visit or "not known"),
        ("file", f"{scan.path} : {scan.entry}"),
        ("time", f"{scan.start_time or '?'} to {scan.end_time or 'no end'}"),
        ("energy", energy),
        ("temperature", temperature),
        ("points", str(scan.points)),
        ("state", scan.state.value),
    )
    typer.echo(scan.label)
    for name, text in rows:
        typer.echo(f"  {name:<12} {text}")
    typer.echo("  detector files")
    for link in scan.links:
        typer.echo(f"    {link.detector:<22} {link.filename}{f'  ({link.problem})' if link.problem else ''}")
    typer.echo("  places")
    for place in scan.locations:
        typer.echo(f"    {place.state:<10} {place.root.name}: {place.path}")
    _print_values("motors and channels", [value for value in values if value.origin != "snapshot"])
    _print_values("snapshot", [value for value in values if value.origin == "snapshot"])


def _print_values(title: str, values: "list[RecordedValue]") -> None:
    from danmax_sync.quantities import meaning_of

    if not values:
        return
    typer.echo(f"  {title}")
    width = max(len(value.name) for value in values)
    for value in values:
        meaning = meaning_of(value.name)
        unit = f" {meaning.dimension.value}" if meaning and meaning.dimension.value else ""
        about = f"  — {meaning.description}" if meaning else ""
        typer.echo(f"    {value.name:<{width}}  {_spelled(value)}{unit}{about}")


def _spelled(value: "RecordedValue") -> str:
    if value.origin == "snapshot":
        if value.nan_count:
            return "NaN"
        return "unreadable" if value.value is None else _plain(value.value)
    if value.value is None:
        return f"{value.points} points, all NaN"
    nan = f", {value.nan_count} NaN" if value.nan_count else ""
    return f"{_plain(value.value)} … {_plain(value.maximum)}, mean {_plain(value.mean)}, {value.points} points{nan}"


def _plain(value: float | str | None) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if math.isfinite(value) and value == int(value) and abs(value) < 1e7 else f"{value:.7g}"
    return str(value)
