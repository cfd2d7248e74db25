"""Find out from where and whereto, where the user need not say it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.errors import NothingMatchedError, UsageError

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.sources.remotes import Remote
    from danmax_sync.transfer.plan import Choice

_WHICH = "say which: --from NAME (danmax-sync remote list)"


def scans_to_get(catalogue: "Catalogue", text: str, choice: "Choice") -> "list[CataloguedScan]":
    """Return the scans of a query.

    Raises
    ------
    NothingMatchedError
        If there is none; before anything was indexed, with the very command that does it.
    UsageError
        If the choice names a detector that none of them has.
    """
    from danmax_sync.query.search import search_some
    from danmax_sync.sources.remotes import load_remotes

    try:
        scans = search_some(catalogue, text)
    except NothingMatchedError as problem:
        remotes = load_remotes()
        if catalogue.count() or not remotes:
            raise
        named = next(iter(remotes)) if len(remotes) == 1 else "NAME"
        raise NothingMatchedError(problem.message, hint=f"see what is there: danmax-sync index {named}") from None
    choice.check(scans)
    return scans


def remote_of(scans: "Sequence[CataloguedScan]") -> "Remote":
    """Return the remote that has the scans, when there is no doubt.

    Raises
    ------
    UsageError
        If there is.
    """
    from danmax_sync.catalogue.values import REMOTE
    from danmax_sync.sources.remotes import load_remotes

    remotes = load_remotes()
    if not remotes:
        raise UsageError("there is no remote to fetch from", hint="add it: danmax-sync remote add NAME URI")
    having = {
        (at.root.name, at.root.uri)
        for scan in scans
        for at in scan.locations
        if at.root.kind == REMOTE and at.state != "missing"
    }
    # A remote that was forgotten may have had another visit under the same name; a folder has many spellings.
    names = sorted(
        {name for name, uri in having if name in remotes and (remotes[name].uri == uri or uri.startswith("file:"))}
    )
    if len(names) == 1:
        return remotes[names[0]]
    if names:
        raise UsageError(f"several remotes have these scans: {', '.join(names)}", hint=_WHICH)
    index = f"danmax-sync index {next(iter(remotes))}" if len(remotes) == 1 else "danmax-sync index NAME"
    raise UsageError("no remote has these scans, as far as the catalogue knows", hint=f"look again: {index}")


def remote_to_follow(catalogue: "Catalogue", text: str) -> "Remote":
    """Return the remote to keep up with: the only one, or the one that has what is asked for.

    Raises
    ------
    UsageError
        If that is not one.
    """
    from danmax_sync.query.search import search
    from danmax_sync.sources.remotes import load_remotes

    remotes = load_remotes()
    if len(remotes) == 1:
        return next(iter(remotes.values()))
    if not remotes:
        raise UsageError("there is no remote to follow", hint="add it: danmax-sync remote add NAME URI")
    try:
        return remote_of(search(catalogue, text))
    except (UsageError, NothingMatchedError):
        raise UsageError(f"there are several remotes to follow: {', '.join(sorted(remotes))}", hint=_WHICH) from None


def destination_of(remote: "Remote", named: str | None, text: str) -> Path:
    """Return where a remote's visit goes: as named, as the last time, or as the settings say.

    Raises
    ------
    UsageError
        If nothing says it.
    """
    from danmax_sync.sources.destinations import last_destination, usual_destination, visit_named_by

    if named is not None:
        return Path(named).expanduser().absolute()
    found = last_destination(remote) or usual_destination(remote)
    if found is not None:
        return found
    query = f"{text} " if text and len(text) < 40 else ""
    raise UsageError(
        f"where to? {remote.name} was never fetched before",
        hint=f"say it once: danmax-sync get {query}--to {visit_named_by(remote)[1] or 'DIR'}",
    )


def usual_rate() -> int | None:
    """Return the highest rate that the settings allow."""
    from danmax_sync.cli.sizes import parse_size
    from danmax_sync.settings import text_setting

    found = text_setting("get", "limit_rate")
    return parse_size(found, option="limit_rate in [get] of the settings:") if found else None
