"""Forget a root: what is known of its files, and the scans that are known nowhere else. Marks wait for their return."""

from dataclasses import dataclass

from sqlalchemy import Connection, Select, delete, exists, func, select

from danmax_sync.catalogue.rows import batched
from danmax_sync.catalogue.schema import file, location, mark, root, scan
from danmax_sync.catalogue.states import refresh_states


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a root took along.

    Attributes
    ----------
    scans : int
        That were known nowhere else.
    marked : int
        Of these, such as the user said something of; that is kept.
    elsewhere : int
        Scans that stay, because they stand in other places too.
    """

    scans: int = 0
    marked: int = 0
    elsewhere: int = 0


def foreseen(connection: Connection, root_id: int) -> Forgotten:
    """Return what forgetting a root would take along."""
    here = _placed(root_id)
    other = location.alias("other")
    elsewhere = exists().where(other.c.scan_id == scan.c.id, other.c.file_id == file.c.id, file.c.root_id != root_id)
    of_it = scan.c.id.in_(here)
    alone, both = (
        connection.scalar(select(func.count()).select_from(scan).where(of_it, which)) or 0
        for which in (~elsewhere, elsewhere)
    )
    said = exists().where(mark.c.scan_id == scan.c.id)
    marked = connection.scalar(select(func.count()).select_from(scan).where(of_it, ~elsewhere, said)) or 0
    return Forgotten(alone, marked, both)


def forget_root(connection: Connection, root_id: int) -> Forgotten:
    """Forget a root, in a transaction; return what it took along."""
    taken = foreseen(connection, root_id)
    ids = list(connection.scalars(_placed(root_id)))
    # Files, places, links and problems go with it.
    connection.execute(delete(root).where(root.c.id == root_id))
    others: set[int] = set()
    for some in batched(ids):
        placed = exists().where(location.c.scan_id == scan.c.id)
        connection.execute(delete(scan).where(scan.c.id.in_(some), ~placed))
        there = select(file.c.root_id).join(location, location.c.file_id == file.c.id)
        others.update(connection.scalars(there.where(location.c.scan_id.in_(some)).distinct()))
    for other in sorted(others):
        refresh_states(connection, other)
    return taken


def _placed(root_id: int) -> Select[tuple[int]]:
    placed = select(location.c.scan_id).join(file, file.c.id == location.c.file_id)
    return placed.where(file.c.root_id == root_id).distinct()
