"""Bring the catalogue up to date with a source: list, fetch changed masters, read, remember.

Only masters travel. Detector files are known by name and size from the listing, which is enough to tell a complete
set from a partial one. Work is committed in batches, so Ctrl-C keeps what is done.
"""

import time
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import LOCAL, REMOTE
from danmax_sync.events import Listener, ignore, warning
from danmax_sync.indexing.facts import read_facts
from danmax_sync.indexing.listing import Listing, list_source, needs_reading, save_listing
from danmax_sync.indexing.pool import reader_pool, usual_workers
from danmax_sync.indexing.reading import read_and_save
from danmax_sync.indexing.roots import local_root
from danmax_sync.indexing.summary import IndexSummary
from danmax_sync.quantities import Preferences, user_preferences
from danmax_sync.scanfile.record import extractor_of
from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.sources.remotes import holds
from danmax_sync.visits import ROOT, TreePath

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
    root = local_root(catalogue, asked.folder)
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
    if remote:
        _notice_overlap(catalogue, source, tell)
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


def _notice_overlap(catalogue: Catalogue, source: Source, tell: Listener) -> None:
    """Say that a remote holds others: a folder too high in the tree makes every scan stand in two places."""
    inside = [at.name for at in catalogue.roots() if at.kind == REMOTE and holds(source.uri, at.uri)]
    if inside:
        warning(
            tell,
            f"{source.name} holds {', '.join(sorted(set(inside)))}, which was indexed before: scans stand in both",
            hint=f"keep one of them, else: danmax-sync remote remove {source.name}",
        )


def _remember(
    catalogue: Catalogue,
    source: Source,
    listing: Listing,
    *,
    kind: str,
    below: TreePath,
    preferences: Preferences,
    workers: int,
    tell: Listener,
) -> IndexSummary:
    """Save a listing of a source's part `below`, and what its masters say."""
    started = time.monotonic()
    extractor = extractor_of(preferences)
    with catalogue.writer() as writer:
        at = writer.root(source.uri, source.name, kind)
        known = writer.known_files(at)
        if below.parts:
            known = {path: file for path, file in known.items() if path.startswith(f"{below}/") or path == str(below)}
        differs = save_listing(writer, at, listing, known, below=below)
        changed = [info for info in listing.masters if needs_reading(info, known.get(str(info.path)), extractor)]
        if differs or changed:
            writer.unsettle(at)
        unsettled = writer.is_unsettled(at)
    new = updated = reread = 0
    if unsettled:
        try:
            with reader_pool(min(workers, 1 + len(changed) // _FEW)) as readers:
                new, updated, reread = read_and_save(
                    catalogue, source, at, changed, readers=readers, known=known, preferences=preferences, tell=tell
                )
                if isinstance(source, FolderSource):
                    read_facts(catalogue, source, at, below=below, readers=readers, tell=tell)
        finally:
            with catalogue.writer() as writer:
                writer.refresh_states(at)
        if new > _MANY:
            catalogue.compact()
    present, missing = catalogue.count_at(at, below)
    return IndexSummary(
        scans=present,
        new=new,
        changed=updated,
        unchanged=present - new - updated,
        missing=missing,
        problems=len(catalogue.problems_at(at)),
        seconds=round(time.monotonic() - started, 3),
        reread=reread,
    )
