"""``danmax-sync index``."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.completion import place_names
from danmax_sync.cli.options import JsonOption

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.errors import UsageError
    from danmax_sync.indexing.summary import IndexSummary
    from danmax_sync.sources.opening import Opening

_CONNECT = "connect the disk or mount the share, then index again"


def index(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR or NAME]…",
            help="Folders or remotes. Without one: every place known.",
            show_default=False,
            autocompletion=place_names,
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Keep up with one place, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=1.0, metavar="SECONDS", help="With --follow: between two looks.")] = 15.0,
    as_json: JsonOption = False,
) -> None:
    """Bring the catalogue up to date.

    Of a remote only masters travel; detector files are known from the listing.

    \b
    Examples:
      danmax-sync index danmax
      danmax-sync index visit
      danmax-sync index --follow danmax --every 30
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.progress import emit
    from danmax_sync.events import Event
    from danmax_sync.indexing.summary import IndexSummary

    if follow:
        _follow(places or [], every_s=every, as_json=as_json)
        return
    with ExitStack() as stack:
        # The first login goes on while the catalogue is opened.
        openings = {name: stack.enter_context(each) for name, each in _begun((places or [])[:1])}
        catalogue = stack.enter_context(open_catalogue(fills=True))
        total = IndexSummary()
        for name in places or _known_places(catalogue):
            summary = _index_one(catalogue, name, openings.pop(name, None), as_json=as_json)
            total += summary
            if not as_json:
                say(
                    f"{name}: {count(summary.scans, 'scan')} ({summary.new} new, {summary.changed} changed, "
                    f"{summary.unchanged} unchanged, {summary.missing} missing) in {summary.seconds:.1f} s"
                )
                if summary.reread:
                    say(
                        f"  {count(summary.reread, 'scan')} read anew, as settings and this version do now"
                        " → for files of patterns: danmax-sync integrate QUERY"
                    )
                if summary.problems:
                    say(f"  {count(summary.problems, 'problem')} → danmax-sync problems")
    if as_json:
        emit(Event("summary", asdict(total)))


def _follow(places: "Sequence[str]", *, every_s: float, as_json: bool) -> None:
    """Keep up with one place; each look that finds something is told."""
    from danmax_sync.cli.context import open_catalogue, prompter
    from danmax_sync.cli.display import say
    from danmax_sync.cli.progress import emit, listening, without_bar
    from danmax_sync.errors import UsageError
    from danmax_sync.events import Event
    from danmax_sync.indexing.index import index_source
    from danmax_sync.sources.base import Source
    from danmax_sync.sources.folder import FolderSource
    from danmax_sync.sources.keeping_up import keep_up
    from danmax_sync.sources.opening import open_source
    from danmax_sync.sources.remotes import load_remotes

    if len(places) != 1:
        raise UsageError("--follow keeps up with one place", hint="danmax-sync index --follow NAME or DIR")
    (name,) = places
    remote = load_remotes().get(name)

    def opened() -> Source:
        # A login asks its questions, at first and when the line broke.
        with without_bar():
            return open_source(remote, prompter()) if remote else FolderSource(Path(name))

    with open_catalogue(fills=True) as catalogue, listening(as_json=as_json) as tell:

        def look(source: Source) -> None:
            summary = index_source(catalogue, source, remote=remote is not None, tell=tell)
            if as_json:
                emit(Event("index", asdict(summary)))
            elif summary.new or summary.changed or summary.missing:
                say(f"{name}: {summary.new} new, {summary.changed} changed, {summary.missing} missing")

        keep_up(opened, look, every_s=every_s, tell=tell)


def _begun(names: "Sequence[str]") -> "Iterator[tuple[str, Opening]]":
    """Begin to open those places that are remotes."""
    from danmax_sync.cli.context import prompter
    from danmax_sync.sources.opening import Opening
    from danmax_sync.sources.remotes import load_remotes

    remotes = load_remotes()
    for name in names:
        if name in remotes:
            yield name, Opening(remotes[name], prompter())
            from danmax_sync.indexing.pool import start_readers

            start_readers()


def _index_one(catalogue: "Catalogue", name: str, opening: "Opening | None", *, as_json: bool) -> "IndexSummary":
    from danmax_sync.cli.context import prompter
    from danmax_sync.cli.progress import listening
    from danmax_sync.errors import SourceError
    from danmax_sync.indexing.index import index_folder, index_source
    from danmax_sync.sources.folder import whole_path
    from danmax_sync.sources.opening import Opening
    from danmax_sync.sources.remotes import find_remote, load_remotes

    if name not in load_remotes() and (Path(name).exists() or "/" in name or "\\" in name):
        with listening(as_json=as_json) as tell:
            return index_folder(catalogue, Path(name), tell=tell)
    if name not in load_remotes() and whole_path(Path(name)) in {root.folder for root in catalogue.roots()}:
        raise SourceError(f"the folder {name} is not there now; what is known of it stays", hint=_CONNECT)
    if opening is None and name not in load_remotes():
        raise _neither(name, load_remotes())
    # The login asks its questions before there is a bar that would paint over them.
    with (
        opening or Opening(find_remote(name), prompter()) as begun,
        begun.source() as source,
        listening(as_json=as_json) as tell,
    ):
        return index_source(catalogue, source, remote=True, tell=tell)


def _neither(name: str, remotes: "Iterable[str]") -> "UsageError":
    from difflib import get_close_matches

    from danmax_sync.cli.folders import meant_folder
    from danmax_sync.errors import UsageError

    known = sorted(remotes)
    meant = [each for each in (*get_close_matches(name, known, n=1), meant_folder(name)) if each]
    question = f"; did you mean {' or '.join(meant)}?" if meant else ""
    there = f"remotes: {', '.join(known)}" if known else "there are no remotes yet"
    return UsageError(
        f"there is no remote {name!r}, and no such folder{question}",
        hint=f"{there}; add one: danmax-sync remote add NAME URI",
    )


def _known_places(catalogue: "Catalogue") -> list[str]:
    from danmax_sync.cli.display import say
    from danmax_sync.errors import SourceError, UsageError
    from danmax_sync.sources.remotes import load_remotes

    known = [root for root in catalogue.roots() if root.folder]
    folders = [root.name for root in known if root.folder and root.folder.is_dir()]
    away = [root.name for root in known if root.name not in folders]
    places = [*load_remotes(), *folders]
    if away and not places:
        raise SourceError(f"{', '.join(away)}: not there now; what is known of it stays", hint=_CONNECT)
    for name in away:
        say(f"{name}: not there now; what is known of it stays")
    if not places:
        raise UsageError(
            "there is nothing to index yet", hint="danmax-sync index DIR, or add a remote: danmax-sync remote add"
        )
    return places
