"""Faithful copies: what is known of a master holds for its copy, without reading that once more.

::

    origin's file ── the same size, time and reader ──▶ its locations and links, repeated for the copy's row
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from danmax_sync.catalogue.rows import batched, prefix_of
from danmax_sync.catalogue.schema import file, link, location, problem, root
from danmax_sync.scanfile.record import ScanState
from danmax_sync.visits import ScanPlace, TreePath


@dataclass(frozen=True, slots=True)
class Original:
    """The version of a file that was copied, where it came from."""

    path: TreePath
    size: int
    mtime_ns: int


class Copy(NamedTuple):
    """A copy of a master, byte by byte: its file's row, its place here, and what it is a copy of."""

    file_id: int
    where: ScanPlace
    original: Original


def repeat_places(connection: Connection, origin_uri: str, copies: Sequence[Copy], extractor: int) -> set[int]:
    """Let copies stand for the scans that their originals stand for.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    origin_uri : str
        The root the originals are in.
    copies : sequence of Copy
        Of whose files no scan is known.
    extractor : int
        The reader the originals must have been read by.

    Returns
    -------
    set of int
        The rows of the files for which that could be done. The others have to be read: their originals have changed
        since, could not be read, had something noted about them, or stand in another place of their visit.
    """
    done: set[int] = set()
    for some in batched(copies):
        done |= _repeat(connection, origin_uri, some, extractor)
    return done


def _repeat(connection: Connection, origin_uri: str, copies: Sequence[Copy], extractor: int) -> set[int]:
    originals = _known(connection, origin_uri, copies, extractor)
    by_original = {originals[copy.original]: copy for copy in copies if copy.original in originals}
    columns = (location.c.file_id, location.c.scan_id, location.c.prefix, location.c.state, file.c.path)
    placed = select(*columns).join(file, file.c.id == location.c.file_id).where(location.c.file_id.in_(by_original))
    places: dict[int, list[int]] = {}
    unfit: set[int] = set()
    for row in connection.execute(placed):
        copy = by_original[row.file_id]
        same_place = row.path == f"{row.prefix}{copy.where.path}"
        if not same_place or row.state == ScanState.UNREADABLE.value:
            unfit.add(row.file_id)
        places.setdefault(row.file_id, []).append(row.scan_id)
    fit = {id_: by_original[id_] for id_ in places if id_ not in unfit}
    if not fit:
        return set()
    links = [
        {**row, "file_id": fit[row["file_id"]].file_id}
        for row in connection.execute(select(link).where(link.c.file_id.in_(fit))).mappings()
    ]
    rows = [
        {
            "scan_id": scan_id,
            "file_id": copy.file_id,
            "prefix": prefix_of(copy.where),
            "state": ScanState.COMPLETE.value,
        }
        for id_, copy in fit.items()
        for scan_id in places[id_]
    ]
    connection.execute(insert(location), rows)
    if links:
        connection.execute(insert(link), links)
    read = update(file).where(file.c.id == bindparam("_id")).values(extractor=extractor)
    connection.execute(read, [{"_id": copy.file_id} for copy in fit.values()])
    return {copy.file_id for copy in fit.values()}


def _known(connection: Connection, origin_uri: str, copies: Sequence[Copy], extractor: int) -> dict[Original, int]:
    """Return the rows of the originals that are known as they were copied, with nothing noted about them."""
    paths = {str(copy.original.path): copy.original for copy in copies}
    noted = select(problem.c.path).where(problem.c.root_id == file.c.root_id, problem.c.path == file.c.path)
    statement = (
        select(file.c.id, file.c.path, file.c.size, file.c.mtime_ns)
        .join(root, root.c.id == file.c.root_id)
        .where(
            root.c.uri == origin_uri,
            file.c.path.in_(paths),
            file.c.state == "present",
            file.c.provisional == 0,
            file.c.extractor == extractor,
            ~noted.exists(),
        )
    )
    found = {}
    for row in connection.execute(statement):
        original = paths[row.path]
        if (row.size, row.mtime_ns) == (original.size, original.mtime_ns):
            found[original] = int(row.id)
    return found
