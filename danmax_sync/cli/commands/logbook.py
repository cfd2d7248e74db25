"""``danmax-sync logbook``: what people wrote while scans were measured."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.completion import logbook_addresses
from danmax_sync.cli.marking import YesOption
from danmax_sync.cli.options import (
    ColumnsOption,
    Format,
    FormatOption,
    JsonOption,
    LimitOption,
    NulOption,
    SortOption,
    layout_of,
)

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.logbooks import Logbook

app = typer.Typer(help="What people wrote meanwhile: sync, list, remove.", no_args_is_help=True)


@app.command()
def sync(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[URL]…",
            help="https://HOST/logbooks/NUMBER/, as the browser shows it. Without one: every logbook known.",
            show_default=False,
            autocompletion=logbook_addresses,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Read every entry again, not only what the list shows as changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read an elogy logbook, and link its entries to scans by number, file name or time.

    `show` shows them, `log:WORD` finds their scans. Only what is new or changed is read; stopped, it goes on next time.

    \b
    Examples:
      danmax-sync logbook sync https://elogy.example/logbooks/12/
      danmax-sync logbook sync
      danmax-sync search log:quench
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.progress import emit, listening
    from danmax_sync.cli.speech import count, say
    from danmax_sync.errors import DanmaxSyncError
    from danmax_sync.events import Event
    from danmax_sync.logbook.address import logbook_address
    from danmax_sync.logbook.sync import sync_logbook

    asked = [logbook_address(text) for text in addresses or ()]
    total = dict.fromkeys(("entries", "linked", "new", "changed", "unchanged"), 0)
    seconds = 0.0
    failed: list[DanmaxSyncError] = []
    with open_catalogue(fills=True) as catalogue:
        for address in asked or [logbook_address(book.url) for book in _known(catalogue)]:
            try:
                with listening(as_json=as_json) as tell:
                    summary = sync_logbook(catalogue, address, everything=everything, tell=tell)
            except DanmaxSyncError as problem:
                # One that is gone for good must not keep the others from being read.
                if failed:
                    complain(problem.message, hint=problem.hint)
                failed.append(problem)
                continue
            told = asdict(summary)
            total = {key: number + told[key] for key, number in total.items()}
            seconds += summary.seconds
            if as_json:
                emit(Event("logbook", {"url": address.url, **told}))
                continue
            entries = f"{summary.entries} entries" if summary.entries != 1 else "1 entry"
            say(
                f"{summary.name}: {entries} ({count(summary.new, 'new thread')}, {summary.changed} changed), "
                f"{summary.linked} of them about scans, in {summary.seconds:.1f} s"
            )
    if failed:
        raise failed[0]
    if as_json:
        emit(Event("summary", {**total, "seconds": round(seconds, 3)}))


@app.command("list")
def list_logbooks(
    form: FormatOption = Format.TABLE,
    columns: ColumnsOption = None,
    sort: SortOption = "",
    limit: LimitOption = None,
    nul: NulOption = False,
) -> None:
    """List the logbooks that were read.

    \b
    Examples:
      danmax-sync logbook list
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import Column, display, say
    from danmax_sync.cli.speech import moment

    with open_catalogue() as catalogue:
        found = catalogue.logbooks()
    if not found and form is Format.TABLE:
        say("no logbook was read yet\n  → danmax-sync logbook sync URL")
        return
    shown: tuple[Column[Logbook], ...] = (
        Column("name", lambda book: book.name, cut=True),
        Column("entries", lambda book: str(book.entries), right=True),
        Column("linked", lambda book: str(book.linked), right=True),
        Column("until", lambda book: moment(book.synced_to), key="synced_to", spare=1),
        Column("url", lambda book: book.url, wraps=True),
    )
    display(
        found,
        columns=shown,
        as_json=lambda book: {key: value for key, value in asdict(book).items() if key != "id"},
        layout=layout_of(form, columns, sort, limit, nul=nul),
        paths=lambda book: [book.url],
        identity=lambda book: book.url,
    )


@app.command()
def remove(
    url: Annotated[
        str,
        typer.Argument(metavar="URL", help="Its address.", show_default=False, autocompletion=logbook_addresses),
    ],
    yes: YesOption = False,
) -> None:
    """Forget a logbook with its entries; while its service has them, `sync` reads them again.

    \b
    Examples:
      danmax-sync logbook remove https://elogy.example/logbooks/12/ --yes
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.marking import agree
    from danmax_sync.cli.speech import say
    from danmax_sync.errors import UsageError
    from danmax_sync.logbook.address import logbook_address

    address = logbook_address(url)
    with open_catalogue() as catalogue:
        book = next((each for each in catalogue.logbooks() if each.url == address.url), None)
        if book is None:
            raise UsageError(f"{address.url} was never read", hint="those that were: danmax-sync logbook list")
        agree(f"{book.name} with {book.entries} entries would be forgotten here", yes=yes)
        catalogue.forget_logbook(book)
    say(f"forgot {book.name}\n  → to read it again: danmax-sync logbook sync {address.url}")


def _known(catalogue: "Catalogue") -> "list[Logbook]":
    from danmax_sync.errors import UsageError

    found = catalogue.logbooks()
    if not found:
        raise UsageError(
            "no logbook is known yet", hint="name one: danmax-sync logbook sync https://HOST/logbooks/NUMBER/"
        )
    return found
