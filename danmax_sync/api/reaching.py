"""Reach the places where scans are, and bring the catalogue up to date with them."""

import os
from pathlib import Path

from danmax_sync.api.checking import check_catalogue, check_source
from danmax_sync.catalogue.given import path_of, unexpected
from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, ignore
from danmax_sync.indexing.index import index_folder, index_source
from danmax_sync.indexing.summary import IndexSummary
from danmax_sync.query.api import Catalogue
from danmax_sync.sources import remotes
from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.sources.opening import open_source
from danmax_sync.sources.remotes import Remote, checked_remote, find_remote, load_remotes
from danmax_sync.sources.ssh.prompts import Prompter, TerminalPrompter


def add_remote(name: str, uri: str | Path) -> Remote:
    """Keep a place under a name, as ``danmax-sync remote add`` does.

    Parameters
    ----------
    name : str
        Letters, digits, ``.``, ``_`` and ``-``.
    uri : str, or Path of a folder
        ``sftp://[user@]host[:port]/path``, ``globus://COLLECTION/path``, ``file:///path`` or a folder.

    Raises
    ------
    UsageError
        If one of them cannot be used, or the name stands for another place.
    """
    if not isinstance(name, str):
        raise unexpected("a name", name)
    # A relative path is a folder whatever it looks like; a text may be a URI.
    where = str(path_of(uri).absolute()) if isinstance(uri, Path) else uri
    if not isinstance(where, str):
        raise unexpected("a URI, or the path of a folder", uri)
    remote = checked_remote(name, where)
    remotes.add_remote(remote)
    return remote


def connect(place: str | Path | Remote, *, prompter: Prompter | None = None) -> Source:
    """Log in at a remote, or open a folder; use it in a ``with`` statement.

    Parameters
    ----------
    place : str, Path or Remote
        A text is the name of a remote; a path is a folder of this disk.
    prompter : Prompter, optional
        Who answers the login's questions (password, one-time code) and looks at the key of a server that is seen for
        the first time. By default whoever sits at the terminal; where there is none, as in a notebook, log in before
        with ``danmax-sync login NAME``.

    Returns
    -------
    Source
        Open. One login serves all that is done with it.

    Raises
    ------
    LoginError
        If the server does not accept us, or nobody is there to answer.
    SourceError
        If it cannot be reached.
    UsageError
        If there is no such remote or folder.
    """
    if isinstance(place, Path):
        return FolderSource(place)
    remote = find_remote(place) if isinstance(place, str) else place
    if not isinstance(remote, Remote):
        raise unexpected("the name of a remote, or the path of a folder", place)
    return open_source(remote, prompter or TerminalPrompter())


def index(catalogue: Catalogue, place: str | Path | Source, *, progress: Listener = ignore) -> IndexSummary:
    """Bring the catalogue up to date with a place; of a remote only masters travel.

    Parameters
    ----------
    catalogue : Catalogue
        Open.
    place : str, Path or Source
        A folder of this disk, or what `connect` returned.
    progress : callable, optional
        Called with each `Event`: ``progress`` and ``warning``.

    Raises
    ------
    ConnectionLostError
        If the line breaks; what was read until then is kept.
    UsageError
        If it is not a folder.
    """
    check_catalogue(catalogue)
    if isinstance(place, str | os.PathLike):
        return index_folder(catalogue, _folder(place), tell=progress)
    check_source(place, "the path of a folder, or what connect(…) returned")
    if isinstance(place, FolderSource) and place.name == str(place.folder):
        return index_folder(catalogue, place.folder, tell=progress)
    return index_source(catalogue, place, remote=True, tell=progress)


def _folder(given: str | os.PathLike[str]) -> Path:
    folder = path_of(given)
    if isinstance(given, str) and not folder.exists() and given in load_remotes():
        raise UsageError(f"there is no folder {given} here; a remote is called so", hint=f"connect({given!r}) opens it")
    return folder
