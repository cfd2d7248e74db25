"""``danmax-sync verify``."""

from pathlib import Path
from typing import Annotated

import typer

from danmax_sync.cli.options import JsonOption


def verify(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY… or DIR]",
            help="Scans, or a folder. Without one: every scan on this disk.",
            show_default=False,
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also read and decompress every frame.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check sets on this disk.

    Every link must open its own sibling, and nothing may be cut short.
    """
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.progress import emit, listening
    from danmax_sync.errors import ExitCode
    from danmax_sync.events import Event
    from danmax_sync.query.search import search_some
    from danmax_sync.transfer.verify import sets_in, sets_of, verify_sets

    text = " ".join(words or ())
    if words and len(words) == 1 and _is_folder(text):
        sets = sets_in(Path(text))
    else:
        with open_catalogue() as catalogue:
            sets = sets_of(search_some(catalogue, text))
    with listening(as_json=as_json) as tell:
        summary = verify_sets(sets, deep=deep, tell=tell)
    if as_json:
        emit(Event("summary", summary.to_json()))
    else:
        for fault in summary.faults:
            complain(fault.message)
        say(f"{count(summary.sets, 'set')}: {summary.ok} ok, {summary.sets - summary.ok} failed")
    if summary.faults:
        raise typer.Exit(int(ExitCode.VERIFICATION))


def _is_folder(text: str) -> bool:
    return Path(text).exists() or "/" in text or "\\" in text
