"""How many bytes the sets of scans are, visit by visit and place by place."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import reading
from danmax_sync.catalogue.schema import file, link, location, root, scan
from danmax_sync.catalogue.values import LOCAL
from danmax_sync.scanfile.record import ScanState


@dataclass(frozen=True, slots=True)
class Place:
    """A visit at a root."""

    proposal: str
    visit: str
    root: int


def bytes_of_sets(catalogue: Catalogue, where: ColumnElement[bool] | None = None) -> Mapping[Place, int]:
    """Return the bytes of masters and detector files that are there, each file counted once.

    Parameters
    ----------
    catalogue : Catalogue
        Where to look.
    where : condition, optional
        Of the table of scans; without one all scans count.
    """
    data = file.alias("data")
    masters = (
        select(scan.c.proposal, scan.c.visit, file.c.root_id, file.c.id, file.c.size)
        .join(location, location.c.scan_id == scan.c.id)
        .join(file, file.c.id == location.c.file_id)
        .where(file.c.state == "present")
    )
    details = (
        select(scan.c.proposal, scan.c.visit, data.c.root_id, data.c.id, data.c.size)
        .join(location, location.c.scan_id == scan.c.id)
        .join(file, file.c.id == location.c.file_id)
        .join(link, and_(link.c.scan_id == scan.c.id, link.c.file_id == file.c.id))
        .join(data, and_(data.c.root_id == file.c.root_id, data.c.path == location.c.prefix + link.c.target))
        .where(file.c.state == "present", data.c.state == "present")
    )
    if where is not None:
        masters, details = masters.where(where), details.where(where)
    # UNION leaves out what several scans share.
    each = masters.union(details).subquery()
    keys = (each.c.proposal, each.c.visit, each.c.root_id)
    statement = select(*keys, func.sum(each.c.size)).group_by(*keys)
    with reading(catalogue.engine) as connection:
        return {Place(row[0], row[1], row[2]): int(row[3]) for row in connection.execute(statement)}


def complete_elsewhere(left_out: Collection[int] = ()) -> ColumnElement[bool]:
    """Return the condition that a scan is complete, in no folder of this machine, and not among those left out."""
    here = (
        select(location.c.scan_id)
        .join(file, file.c.id == location.c.file_id)
        .join(root, root.c.id == file.c.root_id)
        .where(location.c.scan_id == scan.c.id, location.c.state == "complete", root.c.kind == LOCAL)
        .correlate(scan)
    )
    return and_(~here.exists(), scan.c.state == ScanState.COMPLETE.value, scan.c.id.not_in(left_out))
