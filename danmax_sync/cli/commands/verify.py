"""``danmax-sync verify``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.completion import query_words
from danmax_sync.cli.options import JsonOption

if TYPE_CHECKING:
    from danmax_sync.transfer.expected import Sizes


def verify(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY… or DIR]",
            help="Scans, or a folder. Without one: every scan on this disk.",
            show_default=False,
            autocompletion=query_words,
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also read and decompress every frame.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check sets on this disk.

    Every link must open its own sibling, nothing may be cut short, and what was indexed at its source must have the
    size it had there.
    """
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.progress import emit, listening
    from danmax_sync.errors import ExitCode
    from danmax_sync.events import Event
    from danmax_sync.query.search import search_some
    from danmax_sync.transfer.expected import sizes_at_source
    from danmax_sync.transfer.verify import sets_in, sets_of, verify_sets

    text = " ".join(words or ())
    if words and len(words) == 1 and _is_folder(text):
        sets, expected = sets_in(Path(text).absolute()), _known_sizes()
    else:
        with open_catalogue() as catalogue:
            scans = search_some(catalogue, text)
            sets, expected = sets_of(scans), sizes_at_source(catalogue, scans)
    with listening(as_json=as_json) as tell:
        summary = verify_sets(sets, expected=expected, deep=deep, tell=tell)
    if as_json:
        emit(Event("summary", summary.to_json()))
    else:
        for fault in summary.faults:
            complain(fault.message)
        say(f"{count(summary.sets, 'set')}: {summary.ok} ok, {summary.sets - summary.ok} failed")
    if summary.faults:
        raise typer.Exit(int(ExitCode.VERIFICATION))


def _known_sizes() -> "Sizes":
    """Return what the catalogue knows of sources; a folder can be checked without a catalogue, too."""
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.errors import CatalogueError
    from danmax_sync.transfer.expected import sizes_at_source

    try:
        with open_catalogue() as catalogue:
            return sizes_at_source(catalogue, catalogue.scans())
    except CatalogueError:
        return {}


def _is_folder(text: str) -> bool:
    return Path(text).exists() or "/" in text or "\\" in text
