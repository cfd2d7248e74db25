"""``danmax-sync show``."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from danmax_sync.cli.options import Format, PortraitFormatOption, ScanArgument

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import Link
    from danmax_sync.cli.portrait import Portrait

_MOST = 20


def show(words: ScanArgument, form: PortraitFormatOption = Format.TABLE) -> None:
    """Show everything about a scan.

    Its command, your notes, the logbook, places, links, files, patterns and the snapshot.

    \b
    Examples:
      danmax-sync show 42
      danmax-sync show latest sample:LaB6
      danmax-sync show 42 -f json
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.portrait import Portrait
    from danmax_sync.errors import UsageError
    from danmax_sync.query.search import search_some

    if form not in {Format.TABLE, Format.JSON}:
        raise UsageError(f"show has no format {form.value}", hint="-f table or -f json")
    with open_catalogue() as catalogue:
        scans = search_some(catalogue, " ".join(words))
        if len(scans) > _MOST:
            raise UsageError(f"that is {len(scans)} scans, too many to show", hint="narrow it, or list them: search")
        shown = [
            Portrait(
                scan,
                catalogue.values(scan.id),
                catalogue.detector_files(scan.id),
                catalogue.pattern_files(scan.id),
                catalogue.log_entries(scan.id),
            )
            for scan in scans
        ]
    if form is Format.JSON:
        import json

        typer.echo(json.dumps([_to_json(portrait) for portrait in shown], ensure_ascii=False, indent=1))
        return
    for at, portrait in enumerate(shown):
        if at:
            typer.echo()
        portrait.draw()


def _to_json(portrait: "Portrait") -> dict[str, object]:
    scan, values = portrait.scan, portrait.values
    return {
        **scan.to_json(),
        "locations": [{**at.to_json(), "links": [_link(link) for link in at.links]} for at in scan.locations],
        "exposure_s": scan.exposure_s,
        "energy_origin": scan.energy_origin,
        "temperature_origin": scan.temperature_origin,
        "links": [_link(link) for link in scan.links],
        "detector_files": [asdict(each) for each in portrait.detector_files],
        "integrated": [asdict(each) for each in portrait.pattern_files],
        "snapshot": {value.name: value.to_json() for value in values if value.origin == "snapshot"},
        "columns": {value.name: value.to_json() for value in values if value.origin != "snapshot"},
        "folder": scan.folder,
        "tags": list(scan.tags),
        "notes": [{"text": m.text, "made_at": m.made_at} for m in scan.marks if m.kind == "note"],
        "log": [asdict(entry) for entry in portrait.log],
    }


def _link(link: "Link") -> dict[str, object]:
    return {
        "detector": link.detector,
        "filename": link.filename,
        "path": link.inner_path,
        "target": str(link.target) if link.target is not None else None,
        "state": link.state.value,
        "problem": link.problem,
    }
