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


def open_catalogue() -> "Catalogue":
    """Open the catalogue the user means."""
    from danmax_sync.catalogue.catalogue import Catalogue

    return Catalogue.open(_options.catalogue)


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
