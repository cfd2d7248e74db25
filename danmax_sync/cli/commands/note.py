"""``danmax-sync note``: sentences about scans."""

from typing import Annotated

import typer

from danmax_sync.cli.exclusions import NamingCommand, QueryCommand
from danmax_sync.cli.marking import ScansArgument, YesOption

app = typer.Typer(help="Sentences about scans: add, clear; `show` shows them.", no_args_is_help=True)


@app.command(cls=NamingCommand)
def add(
    words: ScansArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A sentence, in quotes.", show_default=False)],
    yes: YesOption = False,
) -> None:
    """Add a note to scans; `note:WORD` finds them, `show` shows it.

    \b
    Examples:
      danmax-sync note add 42 'beam lost at point 30'
      danmax-sync note add 50-52 'capillary moved between these' --yes
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.marks import checked_mark
    from danmax_sync.catalogue.values import MarkKind
    from danmax_sync.cli.marking import agree, chosen, undo, whom
    from danmax_sync.cli.speech import count, say

    text = checked_mark(MarkKind.NOTE, text)
    with chosen(words) as (catalogue, scans):
        if len(scans) > 1:
            agree(f"{count(len(scans), 'scan')} would get this note", yes=yes)
        changed = catalogue.note(scans, text)
    if not changed:
        say(f"{whom(scans)}: noted already")
        return
    fresh = [scan for scan in scans if text not in scan.notes]
    say(f"{whom(fresh)}: noted{undo('note clear', fresh, text, option='--only')}")


@app.command(cls=QueryCommand)
def clear(
    words: ScansArgument,
    only: Annotated[
        str | None, typer.Option("--only", metavar="TEXT", help="Only the note that reads so.", show_default=False)
    ] = None,
    yes: YesOption = False,
) -> None:
    """Take the notes away from scans; they are printed once more.

    \b
    Examples:
      danmax-sync note clear 42
      danmax-sync note clear 50-52 --only 'capillary moved between these' --yes
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.values import MarkKind
    from danmax_sync.cli.marking import agree, chosen, whom
    from danmax_sync.cli.speech import count, say
    from danmax_sync.errors import NothingMatchedError

    with chosen(words) as (catalogue, scans):
        noted = [scan for scan in scans if scan.notes and (only is None or only in scan.notes)]
        if not noted:
            which = "no such note" if only is not None else "no notes"
            raise NothingMatchedError(f"{whom(scans)}: {which}", hint="see them: danmax-sync search note:* -c +note")
        if len(noted) > 1:
            agree(f"{count(len(noted), 'scan')} would lose notes", yes=yes)
        catalogue.unmark(noted, MarkKind.NOTE, only)
    for scan in noted:
        for text in scan.notes if only is None else [only]:
            say(f"{scan.label}, was: {text}")
