"""Bring the catalogue up to date with a source: list, fetch changed masters, read, remember.

Only masters travel. Detector files are known by name and size from the listing, which is enough to tell a complete
set from a partial one. Work is committed in batches, so Ctrl-C keeps what is done.
"""

import time
from collections.abc import Iterable
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import LOCAL, REMOTE
from danmax_sync.events import Listener, ignore
from danmax_sync.indexing.listing import Listing, list_source, needs_reading, save_listing, sort_in
from danmax_sync.indexing.reading import read_and_save
from danmax_sync.indexing.summary import IndexSummary
from danmax_sync.quantities import DEFAULT_PREFERENCES, Preferences
from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource, whole_path
from danmax_sync.visits import ROOT, TreePath, visit_folder


def index_folder(catalogue: Catalogue, folder: Path, *, tell: Listener = ignore) -> IndexSummary:
    """Index a local folder.

    A folder inside a visit's ``raw`` is indexed as that part of the visit, because links and integrated files live in
    the visit's folder; a folder inside one that is indexed already, as part of that one.

    Raises
    ------
    UsageError
        If it is not a folder.
    """
    asked = FolderSource(folder)
    root = _local_root(catalogue, asked.folder)
    below = TreePath(asked.folder.relative_to(root).parts)
    return index_source(catalogue, FolderSource(root), below=below, tell=tell)


def index_source(
    catalogue: Catalogue,
    source: Source,
    *,
    remote: bool = False,
    below: TreePath = ROOT,
    preferences: Preferences = DEFAULT_PREFERENCES,
    tell: Listener = ignore,
) -> IndexSummary:
    """Index a source.

    Parameters
    ----------
    catalogue : Catalogue
        What is brought up to date.
    source : Source
        An open source.
    remote : bool
        Whether it is shown by its remote's name, rather than as a local folder.
    below : TreePath
        Only this part of it.
    preferences : Preferences
        Which names mean energy and temperature.
    tell : Listener
        Hears ``progress`` and ``warning`` events.

    Raises
    ------
    ConnectionLostError
        If the line breaks; what was read until then is kept.
    """
    return _remember(
        catalogue,
        source,
        list_source(source, below, tell),
        kind=REMOTE if remote else LOCAL,
        below=below,
        preferences=preferences,
        tell=tell,
    )


def index_files(catalogue: Catalogue, folder: Path, paths: Iterable[TreePath]) -> None:
    """Remember some files of a local folder that have just arrived, without walking all of it.

    Parameters
    ----------
    catalogue : Catalogue
        What is brought up to date.
    folder : Path
        The folder `paths` start from.
    paths : iterable of TreePath
        Masters and detector files.
    """
    asked = whole_path(folder)
    source = FolderSource(_local_root(catalogue, asked))
    prefix = TreePath(asked.relative_to(source.folder).parts)
    listing = Listing()
    for path in paths:
        info = source.stat(TreePath((*prefix.parts, *path.parts)))
        if info is not None:
            sort_in(listing, info)
    _remember(catalogue, source, listing, kind=LOCAL, below=None, preferences=DEFAULT_PREFERENCES, tell=ignore)


def _local_root(catalogue: Catalogue, folder: Path) -> Path:
    # A sample may be called raw again: then `raw` itself looks like a visit.
    is_visit = (folder / "raw").is_dir() and folder.name != "raw"
    own = folder if is_visit else Path(visit_folder(folder.as_posix()))
    known = [at.folder for at in catalogue.roots() if at.folder and folder.is_relative_to(at.folder)]
    return min([*known, own], key=lambda path: len(path.parts))


def _remember(
    catalogue: Catalogue,
    source: Source,
    listing: Listing,
    *,
    kind: str,
    below: TreePath | None,
    preferences: Preferences,
    tell: Listener,
) -> IndexSummary:
    """Save a listing and what its masters say; `below` is None when the listing is not of a whole folder."""
    started = time.monotonic()
    with catalogue.writer() as writer:
        at = writer.root(source.uri, source.name, kind)
        known = {
            path: file for path, file in writer.known_files(at).items() if TreePath.parse(path).is_below(below or ROOT)
        }
        save_listing(writer, at, listing, known, below=below)
    changed = [info for info in listing.masters if needs_reading(info, known.get(str(info.path)))]
    try:
        new, updated = read_and_save(catalogue, source, at, changed, known=known, preferences=preferences, tell=tell)
    finally:
        with catalogue.writer() as writer:
            writer.refresh_states(at)
    present, missing = catalogue.count_at(at, below or ROOT)
    return IndexSummary(
        scans=present,
        new=new,
        changed=updated,
        unchanged=present - new - updated,
        missing=missing,
        problems=len(catalogue.problems_at(at)),
        seconds=round(time.monotonic() - started, 3),
    )
