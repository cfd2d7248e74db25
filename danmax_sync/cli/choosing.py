"""Find out from where and whereto, where the user need not say it."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.errors import NothingMatchedError, UsageError

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.sources.remotes import Remote
    from danmax_sync.transfer.plan import Choice

WITH_LOGIN = frozenset(("sftp", "globus"))
_WHICH = "say which: --from NAME (danmax-sync remote list)"


def scans_to_get(catalogue: "Catalogue", text: str, choice: "Choice") -> "list[CataloguedScan]":
    """Return the scans of a query.

    Raises
    ------
    NothingMatchedError
        If there is none.
    UsageError
        If the choice names a detector that none of them has.
    """
    from danmax_sync.query.search import search_some

    scans = search_some(catalogue, text)
    choice.check(scans)
    return scans


def remotes_of(scans: "Sequence[CataloguedScan]", text: str = "") -> "list[tuple[Remote, list[CataloguedScan]]]":
    """Return the remotes that have the scans, when there is no doubt, each with its scans.

    Raises
    ------
    UsageError
        If no remote has any of them, or several have the same one.
    """
    from danmax_sync.sources.remotes import load_remotes

    remotes = load_remotes()
    if not remotes:
        raise UsageError("there is no remote to fetch from", hint="add it: danmax-sync remote add NAME URI")
    found: dict[str, list[CataloguedScan]] = {}
    doubtful: dict[tuple[str, ...], list[CataloguedScan]] = {}
    for scan in scans:
        names = _having(scan, remotes)
        if len(names) == 1:
            found.setdefault(names[0], []).append(scan)
        elif names:
            doubtful.setdefault(tuple(names), []).append(scan)
    if doubtful:
        having, same = next(iter(doubtful.items()))
        more = sum(map(len, doubtful.values())) - 1
        what = f"{same[0].label} and {more} more are" if more else f"{same[0].label} is"
        hint = f"say which: {typed('get', text)} --from {having[0]}"
        raise UsageError(f"{what} at several remotes: {', '.join(having)}", hint=hint)
    if found:
        return [(remotes[name], found[name]) for name in sorted(found)]
    index = f"danmax-sync index {next(iter(remotes))}" if len(remotes) == 1 else "danmax-sync index NAME"
    raise UsageError("no remote has these scans, as far as the catalogue knows", hint=f"look again: {index}")


def _having(scan: "CataloguedScan", remotes: "Mapping[str, Remote]") -> list[str]:
    """Return the names of the remotes that have a scan."""
    from danmax_sync.catalogue.values import REMOTE

    there = {at.root for at in scan.locations if at.root.kind == REMOTE and at.state != "missing"}
    # A remote that was forgotten may have had another visit under the same name; a folder has many spellings.
    return sorted(
        {
            root.name
            for root in there
            if root.name in remotes and (remotes[root.name].uri == root.uri or root.uri.startswith("file:"))
        }
    )


def typed(verb: str, text: str) -> str:
    """Return a command with its query as somebody would type it; a long query is left to them."""
    import shlex

    # Quoted as a whole where a shell would make something else of it.
    query = f" {text if shlex.join(text.split()) == text else shlex.quote(text)}" if text and len(text) < 40 else ""
    return f"danmax-sync {verb}{query}"


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
    with contextlib.suppress(UsageError, NothingMatchedError):
        having = remotes_of(search(catalogue, text), text)
        if len(having) == 1:
            return having[0][0]
    raise UsageError(f"there are several remotes to follow: {', '.join(sorted(remotes))}", hint=_WHICH)


def the_remote(name: str | None, command: str, *, with_login: bool = False) -> "Remote":
    """Return the remote of a name; without one, the only one that can be meant.

    Parameters
    ----------
    name : str, optional
        As typed.
    command : str
        What the name stands behind.
    with_login : bool
        Only one that is logged in at; several at the same server are one login.

    Raises
    ------
    UsageError
        If there is none of that name, or several can be meant.
    """
    from danmax_sync.sources.remotes import find_remote, load_remotes

    if name is not None:
        return find_remote(name)
    remotes = load_remotes()
    if not remotes:
        raise UsageError("there are no remotes yet", hint="danmax-sync remote add NAME URI")
    meant = [remote for remote in remotes.values() if not with_login or remote.scheme in WITH_LOGIN]
    if not meant:
        raise UsageError(
            f"none of the remotes needs a login: {', '.join(sorted(remotes))}",
            hint=f"danmax-sync index {min(remotes)}",
        )
    servers = {(remote.scheme, remote.address if remote.scheme == "sftp" else None) for remote in meant}
    if len(meant) == 1 or (with_login and len(servers) == 1):
        return meant[0]
    names = sorted(remote.name for remote in meant)
    raise UsageError(f"{command}: which one? There are {', '.join(names)}", hint=f"name one: {command} {names[0]}")


def destination_of(remote: "Remote", named: str | None, text: str, *, several: bool = False) -> Path:
    """Return where a remote's visit goes: as named, as the last time, or as the settings say.

    Raises
    ------
    UsageError
        If nothing says it.
    """
    from danmax_sync.sources.destinations import last_destination, usual_destination, visit_named_by

    if named is not None:
        target = Path(named).expanduser().absolute()
        _check_depth(remote, target, named)
        return target
    found = last_destination(remote) or usual_destination(remote)
    if found is not None:
        return found
    # With other remotes in play, a folder is for the one that is named.
    source = f" --from {remote.name}" if several else ""
    raise UsageError(
        f"where to? {remote.name} was never fetched before",
        hint=f"say it once: {typed('get', text)}{source} --to {visit_named_by(remote)[1] or 'DIR'}",
    )


def _check_depth(remote: "Remote", target: Path, named: str) -> None:
    """Warn of a destination one folder too deep: the source's tree has a ``raw`` of its own."""
    from danmax_sync.cli.complaint import complain

    if target.name == "raw" and not remote.path.rstrip("/").endswith("/raw"):
        complain(
            f"the source's tree is kept below --to, so files go to {Path(named, 'raw')}/…",
            hint=f"for them to go to {named}: --to {Path(named).parent}",
            kind="warning",
        )


def usual_rate() -> int | None:
    """Return the highest rate that the settings allow.

    Raises
    ------
    UsageError
        If they say it in no way that can be understood.
    """
    from danmax_sync.cli.sizes import parse_size
    from danmax_sync.settings import settings_file, text_setting

    found = text_setting("get", "limit_rate")
    try:
        return parse_size(found, option="limit_rate =") if found else None
    except UsageError as problem:
        hint = 'write limit_rate = "50M": danmax-sync settings edit'
        raise UsageError(f"{settings_file()}: {problem.message}", hint=hint) from None
