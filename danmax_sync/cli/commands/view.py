"""``danmax-sync open``."""

from enum import StrEnum
from typing import Annotated

import typer

from danmax_sync.cli.options import ScanArgument

_MOST = 20


class What(StrEnum):
    """What of a scan is opened."""

    ANY = "any"
    MASTER = "master"
    PATTERNS = "patterns"


def view(
    words: ScanArgument,
    what: Annotated[
        What, typer.Option(help="The patterns where there are any, else the master; or just one.")
    ] = What.ANY,
) -> None:
    """Open scans in silx view.

    Their patterns where there are any, else the master with its frames.

    \b
    Examples:
      danmax-sync open 42
      danmax-sync open 42 --what master
      danmax-sync open latest sample:CeO2
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.complaint import told_as_warning
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.speech import say
    from danmax_sync.companions.viewing import Part
    from danmax_sync.companions.viewing import view as open_in_silx
    from danmax_sync.errors import UsageError
    from danmax_sync.integration.localscan import on_this_disk
    from danmax_sync.query.search import search_some

    with open_catalogue() as catalogue:
        scans = on_this_disk(search_some(catalogue, " ".join(words)), tell=told_as_warning)
    if len(scans) > _MOST:
        raise UsageError(f"that is {len(scans)} scans, too many for one window", hint="narrow it, or list them: search")
    for path in open_in_silx(scans, Part(what.value)):
        say(f"silx view → {path}")
