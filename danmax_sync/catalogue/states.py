"""How whole links, locations and scans are, worked out from the files that are there.

::

    link       outside | missing | unreadable | wrong shape | ok     a master's link, where that master stands
    location   missing (no master) | unreadable | partial (a link is not ok) | complete
    scan       as whole as its best location that is there, or running

What is in a detector file is known only where it could be opened: at a remote its name and size have to do.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select, true, update

from danmax_sync.catalogue.schema import detector_file, file, link, location, root, scan
from danmax_sync.scanfile.record import LinkState, ScanState

_MISSING, _UNREADABLE = "missing", ScanState.UNREADABLE.value
_COMPLETE, _PARTIAL = ScanState.COMPLETE.value, ScanState.PARTIAL.value
_BY_WHOLENESS = (_COMPLETE, _PARTIAL, _UNREADABLE)


def refresh_states(connection: Connection, root_id: int, masters: Collection[int] | None = None) -> None:
    """Set the state of every link and location in a root, then of the scans there.

    A place that has vanished is forgotten where the same scan stands elsewhere in this root: its master was moved.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    root_id : int
        The root's row.
    masters : collection of int, optional
        The rows of some files: only for the scans in these, of which there are few. The root stays as unsettled as it
        was.
    """
    some: ColumnElement[bool] = true()
    if masters is not None:
        of_them = location.alias("of_them")
        some = location.c.scan_id.in_(select(of_them.c.scan_id).where(of_them.c.file_id.in_(masters)))
    broken = _refresh_links(connection, root_id, some)
    _forget_moved(connection, root_id, some)
    _refresh_locations(connection, root_id, broken, some)
    _refresh_scans(connection, root_id, some)
    if masters is not None:
        return
    connection.execute(update(root).where(root.c.id == root_id).values(unsettled=0))


def _refresh_links(connection: Connection, root_id: int, some: ColumnElement[bool]) -> set[tuple[int, int]]:
    """Return the locations, by scan and master, that lack something."""
    master, target = file.alias("master"), file.alias("target")
    here = (target.c.root_id == root_id) & (target.c.path == location.c.prefix + link.c.target)
    facts = (detector_file.c.file_id == target.c.id) & (detector_file.c.inner_path == link.c.inner_path)
    statement = (
        select(
            link.c.scan_id,
            link.c.file_id,
            link.c.detector,
            link.c.state,
            link.c.target,
            target.c.state.label("there"),
            target.c.size,
            detector_file.c.frames,
            detector_file.c.exposure_s,
            detector_file.c.problem,
            scan.c.points,
            scan.c.exposure_s.label("known_exposure_s"),
        )
        .join(master, master.c.id == link.c.file_id)
        .join(location, and_(location.c.scan_id == link.c.scan_id, location.c.file_id == link.c.file_id))
        .join(scan, scan.c.id == link.c.scan_id)
        .outerjoin(target, here)
        .outerjoin(detector_file, facts)
        .where(master.c.root_id == root_id, some)
    )
    broken, changes, exposures = set(), [], {}
    for row in connection.execute(statement):
        state = _link_state(row)
        if state is not LinkState.OK:
            broken.add((row.scan_id, row.file_id))
        elif row.exposure_s is not None and row.exposure_s != row.known_exposure_s:
            exposures[row.scan_id] = row.exposure_s
        if state.value != row.state:
            changes.append(
                {"_scan": row.scan_id, "_file": row.file_id, "_detector": row.detector, "_state": state.value}
            )
    same = (link.c.scan_id == bindparam("_scan")) & (link.c.file_id == bindparam("_file"))
    changed = update(link).where(same & (link.c.detector == bindparam("_detector"))).values(state=bindparam("_state"))
    _execute(connection, changed, changes)
    exposed = update(scan).where(scan.c.id == bindparam("_scan")).values(exposure_s=bindparam("_exposure"))
    _execute(connection, exposed, [{"_scan": id_, "_exposure": value} for id_, value in exposures.items()])
    return broken


def _link_state(row: Any) -> LinkState:
    if row.target is None:
        return LinkState.OUTSIDE
    if row.there != "present":
        return LinkState.MISSING
    if row.size == 0 or row.problem:
        return LinkState.UNREADABLE
    if row.frames is not None and row.frames < row.points:
        return LinkState.WRONG_SHAPE
    return LinkState.OK


def _forget_moved(connection: Connection, root_id: int, some: ColumnElement[bool]) -> None:
    statement = (
        select(location.c.scan_id, location.c.file_id, file.c.state)
        .join(file, file.c.id == location.c.file_id)
        .where(file.c.root_id == root_id, some)
    )
    rows = connection.execute(statement).all()
    if all(row.state == "present" for row in rows):
        return
    there = {row.scan_id for row in rows if row.state == "present"}
    gone = [
        {"_scan": row.scan_id, "_file": row.file_id} for row in rows if row.state != "present" and row.scan_id in there
    ]
    for table in (link, location):
        same = (table.c.scan_id == bindparam("_scan")) & (table.c.file_id == bindparam("_file"))
        _execute(connection, delete(table).where(same), gone)


def _refresh_locations(
    connection: Connection, root_id: int, broken: set[tuple[int, int]], some: ColumnElement[bool]
) -> None:
    statement = (
        select(location.c.scan_id, location.c.file_id, location.c.state, file.c.state.label("master"))
        .join(file, file.c.id == location.c.file_id)
        .where(file.c.root_id == root_id, some)
    )
    changes = []
    for row in connection.execute(statement):
        if row.master != "present":
            state = _MISSING
        elif row.state == _UNREADABLE:
            # Until its master is read again.
            continue
        else:
            state = _PARTIAL if (row.scan_id, row.file_id) in broken else _COMPLETE
        if state != row.state:
            changes.append({"_scan": row.scan_id, "_file": row.file_id, "_state": state})
    same = (location.c.scan_id == bindparam("_scan")) & (location.c.file_id == bindparam("_file"))
    _execute(connection, update(location).where(same).values(state=bindparam("_state")), changes)


def _refresh_scans(connection: Connection, root_id: int, some: ColumnElement[bool]) -> None:
    here = select(location.c.scan_id).join(file, file.c.id == location.c.file_id)
    here = here.where(file.c.root_id == root_id, some)
    statement = (
        select(scan.c.id, scan.c.state, scan.c.running, location.c.state.label("place"))
        .join(location, location.c.scan_id == scan.c.id)
        .where(scan.c.id.in_(here))
    )
    known: dict[int, tuple[str, bool]] = {}
    places: defaultdict[int, set[str]] = defaultdict(set)
    for row in connection.execute(statement):
        known[row.id] = row.state, bool(row.running)
        places[row.id].add(row.place)
    changes = []
    for scan_id, (before, running) in known.items():
        state = _scan_state(places[scan_id], before, running=running)
        if state != before:
            changes.append({"_scan": scan_id, "_state": state})
    _execute(connection, update(scan).where(scan.c.id == bindparam("_scan")).values(state=bindparam("_state")), changes)


def _scan_state(places: set[str], before: str, *, running: bool) -> str:
    best = next((state for state in _BY_WHOLENESS if state in places), None)
    if best is None:  # vanished everywhere: what it was last
        return before
    return ScanState.RUNNING.value if running and best != _UNREADABLE else best


def _execute(connection: Connection, statement: Any, rows: Iterable[dict[str, object]]) -> None:
    rows = list(rows)
    if rows:
        connection.execute(statement, rows)
