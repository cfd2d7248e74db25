"""``danmax-sync tag``: words to find scans by."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from danmax_sync.cli.exclusions import NamingCommand
from danmax_sync.cli.marking import ScansArgument, YesOption
from danmax_sync.cli.options import (
    ColumnsOption,
    Format,
    LimitOption,
    NamesFormatOption,
    NulOption,
    SortOption,
    layout_of,
)

app = typer.Typer(help="Words to find scans by: add, remove, list.", no_args_is_help=True)
TagArgument = Annotated[str, typer.Argument(metavar="TAG", help="One word.", show_default=False)]


@contextmanager
def _of_one_word(words: "list[str]", tag: str) -> "Iterator[None]":
    """Say that a tag is one word, where the words before it find nothing."""
    from danmax_sync.errors import NothingMatchedError

    try:
        yield
    except NothingMatchedError as problem:
        if len(words) < 2 or not words[-1].isalpha():
            raise
        hint = f"a tag is one word: danmax-sync tag add {' '.join(words[:-1])} {words[-1]}_{tag}"
        raise NothingMatchedError(problem.message.splitlines()[0], hint=hint) from None


@app.command(cls=NamingCommand)
def add(words: ScansArgument, tag: TagArgument, yes: YesOption = False) -> None:
    """Give scans a tag; `tag:TAG` finds them.

    \b
    Examples:
      danmax-sync tag add 42 good
      danmax-sync tag add 50-52 sample:CeO2 heating --yes
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.marks import checked_mark
    from danmax_sync.catalogue.values import MarkKind
    from danmax_sync.cli.marking import agree, chosen, undo, whom
    from danmax_sync.cli.speech import count, say

    tag = checked_mark(MarkKind.TAG, tag)
    with _of_one_word(words, tag), chosen(words) as (catalogue, scans):
        fresh = [scan for scan in scans if tag.lower() not in {each.lower() for each in scan.tags}]
        if len(fresh) > 1:
            agree(f"{count(len(fresh), 'scan')} would get the tag {tag}", yes=yes)
        changed = catalogue.tag(scans, tag)
    if not changed:
        say(f"{whom(scans)}: tagged {tag} already")
        return
    had = f"; {len(scans) - changed} had it already" if changed < len(scans) else ""
    say(f"{whom(fresh)}: tagged {tag}{had}{undo('tag remove', fresh, tag)}")


@app.command(cls=NamingCommand)
def remove(words: ScansArgument, tag: TagArgument, yes: YesOption = False) -> None:
    """Take a tag away from scans.

    \b
    Examples:
      danmax-sync tag remove 42 good
      danmax-sync tag remove tag:good good --yes
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.values import MarkKind
    from danmax_sync.cli.marking import agree, chosen, undo, whom
    from danmax_sync.cli.speech import count, say
    from danmax_sync.errors import NothingMatchedError

    with chosen(words) as (catalogue, scans):
        # As it is spelled there.
        having = {scan.id: [each for each in scan.tags if each.lower() == tag.lower()] for scan in scans}
        tagged = [scan for scan in scans if having[scan.id]]
        if not tagged:
            raise NothingMatchedError(
                f"{whom(scans)}: not tagged {tag}", hint="the tags there are: danmax-sync tag list"
            )
        if len(tagged) > 1:
            agree(f"{count(len(tagged), 'scan')} would lose the tag {tag}", yes=yes)
        for spelled in sorted({each for texts in having.values() for each in texts}):
            catalogue.unmark(tagged, MarkKind.TAG, spelled)
    say(f"{whom(tagged)}: no longer tagged {tag}{undo('tag add', tagged, tag)}")


@app.command("list")
def list_tags(
    form: NamesFormatOption = Format.TABLE,
    columns: ColumnsOption = None,
    sort: SortOption = "",
    limit: LimitOption = None,
    nul: NulOption = False,
) -> None:
    """List the tags there are, and how many scans have each.

    \b
    Examples:
      danmax-sync tag list
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import Column, display, say

    with open_catalogue() as catalogue:
        found = catalogue.tags()
    if not found and form is Format.TABLE:
        say("no scan has a tag yet\n  → danmax-sync tag add QUERY TAG")
        return
    shown: tuple[Column[tuple[str, int]], ...] = (
        Column("tag", lambda pair: pair[0]),
        Column("scans", lambda pair: str(pair[1]), right=True),
    )
    display(
        found,
        columns=shown,
        as_json=lambda pair: {"tag": pair[0], "scans": pair[1]},
        layout=layout_of(form, columns, sort, limit, nul=nul),
        identity=lambda pair: pair[0],
    )
