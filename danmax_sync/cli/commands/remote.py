"""``danmax-sync remote``: the places to fetch from."""

from typing import Annotated

import typer

from danmax_sync.cli.completion import remote_names
from danmax_sync.cli.options import (
    ColumnsOption,
    Format,
    FormatOption,
    LimitOption,
    NulOption,
    SortOption,
    layout_of,
)

app = typer.Typer(help="The places to fetch from: add, list, test, remove.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What you call it.", show_default=False)]
KnownArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="What you call it.", show_default=False, autocompletion=remote_names),
]


@app.command()
def add(
    name: NameArgument,
    uri: Annotated[
        str,
        typer.Argument(
            metavar="URI",
            help="sftp://[user@]host[:port]/data/visitors/danmax/<proposal>/<visit>; "
            "the host may be an alias of your ssh_config. Or globus://COLLECTION/path, or a folder.",
            show_default=False,
        ),
    ],
) -> None:
    """Remember a place under a name.

    \b
    Examples:
      danmax-sync remote add danmax sftp://you@sftp.maxiv.lu.se/data/visitors/danmax/20251234/2025110208
      danmax-sync remote add usb ./visit
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.display import say
    from danmax_sync.sources.remotes import add_remote, checked_remote, overlapping

    remote = checked_remote(name, uri)
    add_remote(remote)
    twice = overlapping(remote)
    if twice:
        complain(twice, hint=f"if that is not meant: danmax-sync remote remove {remote.name}", kind="warning")
    name = remote.name
    say(f"{name} is {remote.uri}\n  → danmax-sync remote test {name}, then danmax-sync index {name}")


@app.command("list")
def list_remotes(
    form: FormatOption = Format.TABLE,
    columns: ColumnsOption = None,
    sort: SortOption = "",
    limit: LimitOption = None,
    nul: NulOption = False,
) -> None:
    """List the places there are.

    \b
    Examples:
      danmax-sync remote list
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.display import Column, display, say
    from danmax_sync.sources.destinations import last_destination
    from danmax_sync.sources.remotes import Remote, load_remotes

    remotes = [remote for _, remote in sorted(load_remotes().items())]
    if not remotes and form is Format.TABLE:
        say("there are no remotes yet\n  → danmax-sync remote add NAME URI")
        return
    remote_columns: tuple[Column[Remote], ...] = (
        Column("name", lambda r: r.name),
        Column("uri", lambda r: r.uri, wraps=True),
        Column("to", lambda r: str(last_destination(r) or ""), wraps=True),
    )
    display(
        remotes,
        columns=remote_columns,
        as_json=lambda r: {"name": r.name, "uri": r.uri, "to": str(last_destination(r) or "") or None},
        layout=layout_of(form, columns, sort, limit, nul=nul),
        paths=lambda r: [r.uri],
        identity=lambda r: r.name,
    )


@app.command("test")
def look(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="What you call it; not needed where there is only one.",
            show_default=False,
            autocompletion=remote_names,
        ),
    ] = None,
) -> None:
    """Log in, look at the folder, and say what is there.

    \b
    Examples:
      danmax-sync remote test danmax
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.choosing import the_remote
    from danmax_sync.cli.context import prompter
    from danmax_sync.cli.display import say
    from danmax_sync.sources.opening import open_source
    from danmax_sync.sources.probing import probe

    with open_source(the_remote(name, "danmax-sync remote test"), prompter()) as source:
        say(probe(source))


@app.command()
def remove(
    name: KnownArgument,
    keep: Annotated[bool, typer.Option("--keep", help="Keep in the catalogue what is known of it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask where scans leave the catalogue.")] = False,
) -> None:
    """Forget a place, and the scans that are known nowhere else; no file is touched.

    What you said of scans is kept, and theirs again when they come back: add the place, and index it.

    \b
    Examples:
      danmax-sync remote remove usb
      danmax-sync remote remove danmax --keep
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.forgetting import forget_remote

    forget_remote(name, keep=keep, yes=yes)
