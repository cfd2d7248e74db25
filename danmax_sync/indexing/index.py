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
from danmax_sync.indexing.facts import read_facts
from danmax_sync.indexing.listing import Listing, list_source, needs_reading, save_listing, sort_in
from danmax_sync.indexing.pool import reader_pool, usual_workers
from danmax_sync.indexing.reading import read_and_save
from danmax_sync.indexing.summary import IndexSummary
from danmax_sync.quantities import Preferences, user_preferences
from danmax_sync.scanfile.record import extractor_of
from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource, whole_path
from danmax_sync.visits import ROOT, TreePath, visit_folder

_FEW = 16
"""Masters that are not worth a second process."""
_MANY = 1000
"""New scans that are worth writing the catalogue's file anew."""


def index_folder(
    catalogue: Catalogue,
    folder: Path,
    *,
    preferences: Preferences | None = None,
    workers: int | None = None,
    tell: Listener = ignore,
) -> IndexSummary:
    """Index a local folder; the options are those of `index_source`.

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
    return index_source(catalogue, FolderSource(root), below=below, preferences=preferences, workers=workers, tell=tell)


def index_source(
    catalogue: Catalogue,
    source: Source,
    *,
    remote: bool = False,
    below: TreePath = ROOT,
    preferences: Preferences | None = None,
    workers: int | None = None,
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
    preferences : Preferences, optional
        Which names mean energy and temperature; by default as the user's settings say.
    workers : int, optional
        Processes that read files; by default as suits the machine. 0 reads in this process, which a file that crashes
        the HDF5 library then takes with it.
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
        preferences=user_preferences() if preferences is None else preferences,
        workers=usual_workers() if workers is None else workers,
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
    # They have just been verified, so this process has opened them before.
    _remember(catalogue, source, listing, kind=LOCAL, below=None, preferences=user_preferences(), workers=0)


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
    workers: int,
    tell: Listener = ignore,
) -> IndexSummary:
    """Save a listing and what its masters say; `below` is None when the listing is not of a whole folder."""
    started = time.monotonic()
    part = below or ROOT
    extractor = extractor_of(preferences)
    with catalogue.writer() as writer:
        at = writer.root(source.uri, source.name, kind)
        known = writer.known_files(at)
        if part.parts:
            known = {path: file for path, file in known.items() if path.startswith(f"{part}/") or path == str(part)}
        differs = save_listing(writer, at, listing, known, below=below)
        changed = [info for info in listing.masters if needs_reading(info, known.get(str(info.path)), extractor)]
        if differs or changed:
            writer.unsettle(at)
        unsettled = writer.is_unsettled(at)
    new = updated = 0
    if unsettled:
        try:
            with reader_pool(min(workers, 1 + len(changed) // _FEW)) as readers:
                new, updated = read_and_save(
                    catalogue, source, at, changed, readers=readers, known=known, preferences=preferences, tell=tell
                )
                if isinstance(source, FolderSource):
                    read_facts(catalogue, source, at, below=part, readers=readers, tell=tell)
        finally:
            with catalogue.writer() as writer:
                writer.refresh_states(at)
        if new > _MANY:
            catalogue.compact()
    present, missing = catalogue.count_at(at, part)
    return IndexSummary(
        scans=present,
        new=new,
        changed=updated,
        unchanged=present - new - updated,
        missing=missing,
        problems=len(catalogue.problems_at(at)),
        seconds=round(time.monotonic() - started, 3),
    )
