"""What the options before the command say, and the objects commands share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.sources.ssh import Prompter


@dataclass(slots=True)
class _Options:
    catalogue: str | None = None
    debug: bool = False
    prompter: "Prompter | None" = None


_options = _Options()


def set_options(*, catalogue: str | None, debug: bool) -> None:
    """Remember the options before the command."""
    _options.catalogue, _options.debug = catalogue, debug


def answer_with(prompter: "Prompter | None") -> None:
    """Let someone else than the person at the terminal answer logins."""
    _options.prompter = prompter


def debugging() -> bool:
    """Say whether errors should come with their traceback."""
    return _options.debug


def open_catalogue(*, fills: bool = False) -> "Catalogue":
    """Open the catalogue the user means; one that was named but is not there is made only by commands that fill it.

    Raises
    ------
    CatalogueError
        If there is none of that name, or it cannot be used.
    """
    from danmax_sync.catalogue.catalogue import Catalogue

    if _options.catalogue is not None and not fills:
        _check_there(_options.catalogue)
    return Catalogue.open(_options.catalogue)


def _check_there(named: str) -> None:
    """Refuse a name that is spelled wrong, which must not become an empty catalogue, in which nothing is found."""
    from pathlib import Path

    from danmax_sync.errors import CatalogueError

    if "://" not in named and not Path(named).expanduser().exists():
        raise CatalogueError(
            f"there is no catalogue {Path(named).expanduser().absolute()}",
            hint=f"index makes one: danmax-sync --catalogue {named} index DIR or NAME; without --catalogue: your own",
        )


def prompter() -> "Prompter":
    """Return who answers a login: the person at the terminal, or nobody; in the demo, the demo."""
    import sys

    if _options.prompter is not None:
        return _options.prompter

    from danmax_sync.sources.ssh import NoTerminal, TerminalPrompter

    return TerminalPrompter() if sys.stdin.isatty() else NoTerminal()


def catalogue_engine() -> "Engine":
    """Return the database of the catalogue the user means, untouched."""
    from danmax_sync.catalogue.database import database_url, make_engine
    from danmax_sync.settings import catalogue_location

    return make_engine(database_url(_options.catalogue or catalogue_location()))


def named_catalogue() -> str | None:
    """Return where the catalogue is, if another one than the user's own was named; never a server's URL.

    Such a URL may hold a password, which must not get into a file.
    """
    import os
    from pathlib import Path

    from danmax_sync.settings import CATALOGUE_VARIABLE

    named = _options.catalogue or os.environ.get(CATALOGUE_VARIABLE)
    return str(Path(named).absolute()) if named and "://" not in named else None
