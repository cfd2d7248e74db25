"""How whole a scan is, worked out from its files."""

from sqlalchemy import ColumnElement, Connection, and_, case, exists, or_, select, update

from danmax_sync.catalogue.schema import file, link, location, scan
from danmax_sync.scanfile.record import ScanState


def refresh_states(connection: Connection, root_id: int) -> None:
    """Set the state of every location in a root, then of the scans there.

    A location is ``missing`` without its master, ``partial`` when a file that a link names is absent, empty or not to
    be followed, else ``complete``; an ``unreadable`` one stays so until its master is read again. A scan is as whole
    as its best location, or ``running``.
    """
    here = select(file.c.id).where(file.c.root_id == root_id)
    connection.execute(
        update(location)
        .where(location.c.file_id.in_(here))
        .values(
            state=case(
                (_master_is("missing"), "missing"),
                (location.c.state == "unreadable", "unreadable"),
                (_lacks_a_file(root_id), ScanState.PARTIAL.value),
                else_=ScanState.COMPLETE.value,
            )
        )
    )
    scans_here = select(location.c.scan_id).where(location.c.file_id.in_(here))
    connection.execute(
        update(scan)
        .where(scan.c.id.in_(scans_here))
        .values(
            state=case(
                (_has_place(ScanState.COMPLETE.value), _running_or(ScanState.COMPLETE.value)),
                (_has_place(ScanState.PARTIAL.value), _running_or(ScanState.PARTIAL.value)),
                (_has_place(ScanState.UNREADABLE.value), ScanState.UNREADABLE.value),
                else_=scan.c.state,
            )
        )
    )


def _master_is(state: str) -> ColumnElement[bool]:
    return exists().where(and_(file.c.id == location.c.file_id, file.c.state == state))


def _lacks_a_file(root_id: int) -> ColumnElement[bool]:
    # Correlated by hand: two levels up, SQLAlchemy would put another `location` into the inner FROM.
    there = exists(
        select(file.c.id)
        .where(
            file.c.root_id == root_id,
            file.c.path == location.c.prefix + link.c.target,
            file.c.state == "present",
            file.c.size > 0,
        )
        .correlate(location, link)
    )
    return exists().where(and_(link.c.scan_id == location.c.scan_id, or_(link.c.target.is_(None), ~there)))


def _has_place(state: str) -> ColumnElement[bool]:
    return exists().where(and_(location.c.scan_id == scan.c.id, location.c.state == state))


def _running_or(state: str) -> ColumnElement[str]:
    return case((scan.c.running == 1, ScanState.RUNNING.value), else_=state)
