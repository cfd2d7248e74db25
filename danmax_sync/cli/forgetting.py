"""Forget a remote, with what the catalogue and the journal know of it."""

import sys
from typing import TYPE_CHECKING

from danmax_sync.cli.speech import count, say

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.forgetting import Forgotten
    from danmax_sync.catalogue.values import Root
    from danmax_sync.sources.remotes import Remote


def forget_remote(name: str, *, keep: bool, yes: bool) -> None:
    """Forget it; a person is asked first where scans leave the catalogue.

    Raises
    ------
    UsageError
        If there is none of that name, nor anything in the catalogue of one that was removed earlier.
    """
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.errors import CatalogueError
    from danmax_sync.sources.remotes import load_remotes, remove_remote

    remote = load_remotes().get(name)
    if keep:
        say(f"forgot {name} ({remove_remote(name).uri}); what the catalogue knows of it stays")
        return
    try:
        with open_catalogue() as catalogue:
            roots = _roots_of(catalogue, name, remote)
            if remote is None and not roots:
                remove_remote(name)
            taken = _forget(catalogue, roots, name, yes=yes)
    except CatalogueError as problem:
        if remote is None:
            raise
        taken = None
        complain(f"{problem.message}: what it knows of {name} stays", hint=problem.hint, kind="warning")
    if remote is not None:
        remove_remote(name)
    _forget_unfinished(name)
    say(f"forgot {name}" + (f" ({remote.uri})" if remote else ""))
    if taken is not None and taken.scans:
        marked = f"; what you said of {taken.marked} is kept for their return" if taken.marked else ""
        say(f"  {count(taken.scans, 'scan')} known only there left the catalogue{marked}")
        if remote is not None:
            say(f"  → to have them back: danmax-sync remote add {name} {remote.uri}, then danmax-sync index {name}")


def _roots_of(catalogue: "Catalogue", name: str, remote: "Remote | None") -> "list[Root]":
    from danmax_sync.catalogue.values import REMOTE

    found = [at for at in catalogue.roots() if at.kind == REMOTE]
    if remote is None:
        return [at for at in found if at.name == name]
    # A folder has many spellings.
    return [at for at in found if at.uri == remote.uri or (at.name == name and at.uri.startswith("file:"))]


def _forget(catalogue: "Catalogue", roots: "list[Root]", name: str, *, yes: bool) -> "Forgotten":
    from danmax_sync.catalogue.forgetting import Forgotten
    from danmax_sync.cli.marking import agree

    alone = sum(catalogue.would_forget(at).scans for at in roots)
    if alone and sys.stdin.isatty():
        agree(f"{count(alone, 'scan')} known only at {name} would leave the catalogue (--keep keeps them)", yes=yes)
    taken = [catalogue.forget(at) for at in roots]
    return Forgotten(
        sum(one.scans for one in taken), sum(one.marked for one in taken), sum(one.elsewhere for one in taken)
    )


def _forget_unfinished(name: str) -> None:
    from danmax_sync.settings import home
    from danmax_sync.transfer.journal import Journal

    if (home() / "transfers.db").exists():
        with Journal.open() as journal:
            journal.forget_source(name)
