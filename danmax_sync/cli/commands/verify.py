"""``danmax-sync verify``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.completion import query_or_folder
from danmax_sync.cli.options import JsonOption

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.errors import NothingMatchedError
    from danmax_sync.sources.base import Source
    from danmax_sync.transfer.expected import Originals
    from danmax_sync.transfer.verify import LocalSet

_FEW = 6
_LEVELS = {
    "size": "by size",
    "structure": "by size and structure",
    "hash": "by structure and the source's SHA-256",
    "deep": "read back and decompressed",
}


def verify(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY… or DIR]…",
            help="Scans, a folder, or scans in a folder. Without one: every scan on this disk.",
            show_default=False,
            autocompletion=query_or_folder,
        ),
    ] = None,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Also read all back from the disk, compare it with what came, decompress every frame."
        ),
    ] = False,
    hashes: Annotated[
        bool, typer.Option("--hash", help="Also compare SHA-256 with what the source computes, if it has a shell.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check sets on this disk.

    Every link must open its own sibling, nothing may be cut short, and what was indexed at its source must have the
    size it had there.

    \b
    Examples:
      danmax-sync verify visit
      danmax-sync verify sample:LaB6 --deep
      danmax-sync verify visit sample:Si
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.progress import emit, listening
    from danmax_sync.errors import ExitCode, UsageError
    from danmax_sync.events import Event
    from danmax_sync.transfer.expected import hashes_at_source
    from danmax_sync.transfer.journal import Journal
    from danmax_sync.transfer.records import Records
    from danmax_sync.transfer.verify import sets_in, verify_sets

    text = " ".join(words or ())
    if text.startswith("globus://"):
        raise UsageError(
            "files of a collection cannot be opened from here: sets are checked as they arrive there",
            hint="danmax-sync get QUERY --from NAME --to globus://… looks whether any is missing or differs",
        )
    if words and len(words) == 1 and _is_folder(text):
        with listening(as_json=as_json) as tell:
            sets = sets_in(Path(text).absolute(), tell=tell)
        originals = _known_originals()
    else:
        sets, originals = _found(words or [])
    masters = [each.place.path.below(each.visit_root) for each in sets]
    digests = hashes_at_source(originals, masters, _source_of) if hashes else {}
    with listening(as_json=as_json) as tell, Journal.open(tell=tell) as journal:
        summary = verify_sets(sets, originals=originals, hashes=digests, records=Records(journal), deep=deep, tell=tell)
    if as_json:
        emit(Event("summary", summary.to_json()))
    else:
        for fault in summary.faults:
            complain(fault.message)
        if summary.faults:
            if not deep and any("changed since it was fetched" in fault.message for fault in summary.faults):
                say("  → danmax-sync verify --deep tells whether their content did change, where it was seen to come")
            say("  → move what is damaged away, then fetch it again: danmax-sync get")
        levels = ", ".join(f"{amount} {_LEVELS[level]}" for level, amount in summary.levels.items())
        say(
            f"{count(summary.sets, 'set')}: {summary.ok} ok, {summary.sets - summary.ok} failed"
            + (f"\nchecked: {levels}" if levels else "")
        )
    if summary.faults:
        raise typer.Exit(int(ExitCode.VERIFICATION))


def _found(words: "list[str]") -> "tuple[list[LocalSet], Originals]":
    """Return the sets of a query on this disk, or in one of its folders, and what is known of their sources."""
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.errors import NothingMatchedError
    from danmax_sync.query.search import search_some
    from danmax_sync.transfer.expected import originals_of
    from danmax_sync.transfer.verify import sets_of

    folder, query = _folder_and_query(words or [])
    with open_catalogue() as catalogue:
        try:
            scans = search_some(catalogue, query)
        except NothingMatchedError as problem:
            raise _nor_a_folder(problem, query) from None
        try:
            sets, originals = sets_of(scans), originals_of(catalogue, scans)
        except NothingMatchedError as problem:
            raise NothingMatchedError(problem.message, hint=f"fetch them: {_get(scans)}") from None
    if folder is not None:
        sets = [each for each in sets if each.place.path.below(each.visit_root).is_relative_to(folder)]
        if not sets:
            raise NothingMatchedError(
                f"none of these scans is in {folder}", hint=f"wherever they are: danmax-sync verify {query}"
            )
    return sets, originals


def _known_originals() -> "Originals":
    """Return what the catalogue knows of sources; a folder can be checked without a catalogue, too."""
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.errors import CatalogueError
    from danmax_sync.transfer.expected import originals_of

    try:
        with open_catalogue() as catalogue:
            return originals_of(catalogue, catalogue.scans())
    except CatalogueError:
        return {}


def _source_of(uri: str) -> "Source":
    from danmax_sync.cli.context import prompter
    from danmax_sync.sources.opening import open_source
    from danmax_sync.sources.remotes import remote_at

    return open_source(remote_at(uri), prompter())


def _is_folder(text: str) -> bool:
    return Path(text).exists() or "/" in text or "\\" in text


def _folder_and_query(words: "list[str]") -> "tuple[Path | None, str]":
    """Tell a folder among the words of a query: it narrows the query to what is in there."""
    folders = [word for word in words if len(words) > 1 and ":" not in word and Path(word).is_dir()]
    if len(folders) != 1:
        return None, " ".join(words)
    rest = list(words)
    rest.remove(folders[0])
    return Path(folders[0]).absolute(), " ".join(rest)


def _nor_a_folder(problem: "NothingMatchedError", query: str) -> "NothingMatchedError":
    """Say of a single word that it is no folder either."""
    from danmax_sync.cli.folders import meant_folder
    from danmax_sync.errors import NothingMatchedError

    if not query or any(sign in query for sign in ' :"()@') or query.lstrip("-!").isdigit():
        return problem
    meant = meant_folder(query)
    hint = f"did you mean that folder? danmax-sync verify {meant}" if meant else problem.hint
    return NothingMatchedError(f"{problem.message.splitlines()[0]}; nor is there a folder {query!r}", hint=hint)


def _get(scans: "list[CataloguedScan]") -> str:
    """Return the command that fetches some scans."""
    numbers = [str(scan.number) for scan in scans if scan.number is not None]
    visits = {scan.visit for scan in scans}
    few = len(numbers) == len(scans) <= _FEW
    query = " ".join(dict.fromkeys(numbers)) if few else "QUERY"
    visit = f" visit:{next(iter(visits))}" if few and len(visits) == 1 and next(iter(visits)) else ""
    return f"danmax-sync get {query}{visit}"
