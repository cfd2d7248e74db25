"""``danmax-sync status``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.options import QueryArgument, query_text

if TYPE_CHECKING:
    from danmax_sync.transfer.globus.overview import UnderWay
    from danmax_sync.transfer.standing import Standing


def status(
    words: QueryArgument = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what is where, and what is unfinished and why.

    \b
    Examples:
      danmax-sync status
      danmax-sync status last:2y
      danmax-sync status --json
    """  # noqa: D301 - click wants the character itself
    import json

    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.speech import line
    from danmax_sync.query.search import search
    from danmax_sync.transfer.globus.overview import under_way
    from danmax_sync.transfer.journal import Journal
    from danmax_sync.transfer.standing import standing

    with open_catalogue() as catalogue, Journal.open() as journal:
        found = standing(search(catalogue, query_text(words)), journal)
    tasks = under_way()
    if as_json:
        line(json.dumps({**found.to_json(), "globus": [each.to_json() for each in tasks]}, ensure_ascii=False))
        return
    first, *others = _lines(found)
    for text in (first, *map(_task_line, tasks), *others):
        line(text)


def _task_line(task: "UnderWay") -> str:
    from danmax_sync.cli.display import count
    from danmax_sync.cli.progress import human_bytes

    kept, size = task.kept, task.kept.batch.bytes
    share = f", {min(task.state.bytes / size, 1.0):.0%}" if task.state and size else ""
    what = f"{count(len(kept.batch.items), 'file')}, {human_bytes(size)}{share}"
    return f"over Globus: {what} from {kept.remote} into {kept.destination}: {task.sentence}"


def _lines(found: "Standing") -> list[str]:
    from danmax_sync.cli.display import count
    from danmax_sync.cli.progress import human_bytes

    states = {"with files missing": found.partial, "still running": found.running, "unreadable": found.unreadable}
    others = "".join(f", {amount} {what}" for what, amount in states.items() if amount)
    lines = [f"{count(found.scans, 'scan')}: {found.at_sources} at remotes, {found.here} complete here{others}"]
    lines += [f"being fetched right now: into {place}" for place in found.busy]
    for one in found.unfinished:
        how = one.state if Path(one.destination) in found.busy else "interrupted"
        what = f"{one.label} from {one.source} in {one.destination}, {human_bytes(one.bytes)}"
        lines.append(f"unfinished: {what}: {one.message or how}")
    for part in found.begun:
        share = part.done / part.size if part.size else 1.0
        lines.append(f"begun: {part.path}, {share:.0%} of {human_bytes(part.size)} in {part.destination}")
    if found.unfinished and not found.busy:
        first = found.unfinished[0]
        lines.append(f"  → danmax-sync get QUERY --from {first.source} --to {first.destination}")
    elif found.at_sources > found.here:
        lines.append("  → danmax-sync get QUERY --from NAME --to DIR")
    elif not found.scans:
        lines.append("  → danmax-sync index NAME or DIR")
    return lines
