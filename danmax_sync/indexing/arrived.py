"""Files that have just arrived in a local folder: the catalogue learns of them without walking all of it.

::

    arrived ─▶ the original is known as it was copied? ─▶ its places are repeated
                                       no ─▶ the master is read
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.copies import Copy, Original
from danmax_sync.catalogue.values import LOCAL, KnownFile, Root
from danmax_sync.catalogue.writer import Writer
from danmax_sync.events import ignore
from danmax_sync.indexing.facts import read_facts
from danmax_sync.indexing.listing import Listing, needs_reading, save_listing, seen_file, sort_in
from danmax_sync.indexing.pool import reader_pool
from danmax_sync.indexing.reading import read_and_save
from danmax_sync.indexing.roots import local_root
from danmax_sync.quantities import user_preferences
from danmax_sync.scanfile.record import extractor_of
from danmax_sync.sources.base import FileInfo
from danmax_sync.sources.folder import FolderSource, whole_path
from danmax_sync.visits import TreePath


@dataclass(frozen=True, slots=True)
class Origin:
    """Where files came from.

    Attributes
    ----------
    uri : str
        Of the source.
    originals : mapping
        What was copied, by the path below the folder it arrived in.
    """

    uri: str = ""
    originals: Mapping[TreePath, Original] = field(default_factory=dict)


def index_arrived(catalogue: Catalogue, folder: Path, paths: Iterable[TreePath], origin: Origin | None = None) -> None:
    """Remember some files of a local folder.

    How whole other scans of the folder have become by them is worked out by `settle`, or by the next index.

    Parameters
    ----------
    catalogue : Catalogue
        What is brought up to date.
    folder : Path
        The folder `paths` start from.
    paths : iterable of TreePath
        Masters and detector files.
    origin : Origin, optional
        Of files that are verified copies.
    """
    source, prefix = _inside(catalogue, folder)
    origin = origin or Origin()
    listing, originals = Listing(), {}
    for path in paths:
        here = TreePath((*prefix.parts, *path.parts))
        info = source.stat(here)
        if info is not None:
            sort_in(listing, info)
            if path in origin.originals:
                originals[here] = origin.originals[path]
    preferences = user_preferences()
    extractor = extractor_of(preferences)
    with catalogue.writer(extractor=extractor) as writer:
        at = writer.root(source.uri, source.name, LOCAL)
        known = writer.known_files(at, [info.path for info in (*listing.masters, *listing.others, *listing.patterns)])
        save_listing(writer, at, listing, known, below=None)
        if listing.masters or listing.others:
            writer.unsettle(at)
        fresh = [info for info in listing.masters if needs_reading(info, known.get(str(info.path)), extractor)]
        unread = _not_repeated(writer, source, at, fresh, known=known, origin_uri=origin.uri, originals=originals)
    # They have just been verified, so this process has opened them before.
    with reader_pool(0) as readers:
        read_and_save(catalogue, source, at, unread, readers=readers, known=known, preferences=preferences, tell=ignore)
        with catalogue.writer() as writer:
            masters = [each.id for each in writer.known_files(at, [info.path for info in listing.masters]).values()]
        read_facts(catalogue, source, at, below=TreePath(()), readers=readers, tell=ignore, masters=masters)
    with catalogue.writer() as writer:
        writer.refresh_states(at, masters)


def index_patterns(catalogue: Catalogue, outputs: Iterable[Path]) -> None:
    """Remember files of patterns that have just been written; those outside every known folder are passed over."""
    folders = [at.folder for at in catalogue.roots() if at.folder is not None]
    found: dict[Path, list[TreePath]] = {}
    for output in map(whole_path, outputs):
        around = [folder for folder in folders if output.is_relative_to(folder)]
        if around:
            folder = min(around, key=lambda path: len(path.parts))
            found.setdefault(folder, []).append(TreePath(output.relative_to(folder).parts))
    for folder, paths in found.items():
        index_arrived(catalogue, folder, paths)


def settle(catalogue: Catalogue, folder: Path) -> None:
    """Work out how whole the scans of a local folder are, where something has arrived since that was done."""
    source, _ = _inside(catalogue, folder)
    with catalogue.writer() as writer:
        at = writer.root(source.uri, source.name, LOCAL)
        if writer.is_unsettled(at):
            writer.refresh_states(at)


def _inside(catalogue: Catalogue, folder: Path) -> tuple[FolderSource, TreePath]:
    """Return the indexed folder that one belongs to, and the way there."""
    asked = whole_path(folder)
    source = FolderSource(local_root(catalogue, asked))
    return source, TreePath(asked.relative_to(source.folder).parts)


def _not_repeated(
    writer: Writer,
    source: FolderSource,
    at: Root,
    masters: Sequence[FileInfo],
    *,
    known: Mapping[str, KnownFile],
    origin_uri: str,
    originals: Mapping[TreePath, Original],
) -> list[FileInfo]:
    """Repeat the places of the originals of masters that were not here before; return the masters to be read."""
    new = [info for info in masters if info.path in originals and str(info.path) not in known]
    if not new:
        return list(masters)
    ids = dict(zip(writer.save_files(at, [seen_file(info, "master") for info in new]), new, strict=True))
    copies = [Copy(id_, source.place(info.path), originals[info.path]) for id_, info in ids.items()]
    done = {ids[id_].path for id_ in writer.repeat_places(origin_uri, copies)}
    return [info for info in masters if info.path not in done]
