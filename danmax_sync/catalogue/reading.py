"""Rows of the catalogue as the values it hands out."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from danmax_sync.catalogue.schema import (
    detector_file,
    field,
    file,
    link,
    location,
    pattern_file,
    root,
    series,
    value,
)
from danmax_sync.catalogue.values import (
    CataloguedScan,
    DetectorFile,
    Link,
    Location,
    Mark,
    PatternFile,
    RecordedValue,
    Root,
)
from danmax_sync.scanfile.record import LinkState, ScanState
from danmax_sync.visits import ROOT, TreePath

_MANY = 500
"""Ids in one statement: SQLite's oldest limit on variables is 999."""


def places_of(connection: Connection, scan_ids: Sequence[int]) -> dict[int, tuple[Location, ...]]:
    """Return the locations of scans, each with the links as they are seen from there."""
    roots = {row.id: Root(*row) for row in connection.execute(select(root.c.id, root.c.uri, root.c.name, root.c.kind))}
    places: dict[int, list[Location]] = {}
    for start in range(0, len(scan_ids), _MANY):
        ids = scan_ids[start : start + _MANY]
        links: dict[tuple[int, int], list[Link]] = {}
        for row in connection.execute(select(link).where(link.c.scan_id.in_(ids)).order_by(link.c.detector)):
            links.setdefault((row.scan_id, row.file_id), []).append(_link(row))
        statement = (
            select(location, file.c.path, file.c.root_id)
            .join(file, file.c.id == location.c.file_id)
            .join(root, root.c.id == file.c.root_id)
            .where(location.c.scan_id.in_(ids))
            .order_by(root.c.kind, root.c.name, file.c.path)
        )
        for row in connection.execute(statement):
            prefix = _path(row.prefix[:-1]) if row.prefix else ROOT
            seen = tuple(links.get((row.scan_id, row.file_id), ()))
            place = Location(roots[row.root_id], _path(row.path), prefix, row.state, seen)
            places.setdefault(row.scan_id, []).append(place)
    return {scan_id: tuple(found) for scan_id, found in places.items()}


def scan_of(row: Row[Any], locations: Sequence[Location], marks: Sequence[Mark] = ()) -> CataloguedScan:
    """Return a scan from its row, its locations and what the user says of it."""
    return CataloguedScan(
        id=row.id,
        number=row.number,
        entry=row.entry,
        proposal=row.proposal or None,
        visit=row.visit or None,
        sample=row.sample,
        folder=row.folder or "",
        path=_path(row.path),
        title=row.title,
        macro=row.macro,
        start_time=row.start_time,
        end_time=row.end_time,
        energy_kev=row.energy_kev,
        energy_origin=row.energy_origin,
        temperature_k=row.temperature_k,
        temperature_min_k=row.temperature_min_k,
        temperature_max_k=row.temperature_max_k,
        temperature_origin=row.temperature_origin,
        points=row.points,
        exposure_s=row.exposure_s,
        state=ScanState(row.state),
        links=_best_links(row.path, locations),
        locations=tuple(locations),
        marks=tuple(marks),
    )


def _best_links(path: str, locations: Sequence[Location]) -> tuple[Link, ...]:
    """Return the links as seen from the place that the scan's path was taken from, else from any that is there."""

    def rank(at: Location) -> tuple[bool, bool, int]:
        own = str(at.path).endswith(path) and len(at.prefix.parts) + path.count("/") + 1 == len(at.path.parts)
        wholeness = ("complete", "partial", "unreadable", "missing").index(at.state)
        return at.state == "missing", not own, wholeness

    (*_, best) = (None, *locations)
    if best is not None and len(locations) > 1:
        best = min(locations, key=rank)
    return best.links if best else ()


def recorded_values(connection: Connection, scan_id: int) -> list[RecordedValue]:
    """Return the snapshot, motors and channels of one scan, ordered by origin and name."""
    scalars = (
        select(field.c.name, value.c.number, value.c.text, value.c.nan)
        .join(field, field.c.id == value.c.field_id)
        .where(value.c.scan_id == scan_id)
    )
    columns = (
        select(field.c.name, field.c.origin, series)
        .join(field, field.c.id == series.c.field_id)
        .where(series.c.scan_id == scan_id)
    )
    found = []
    for row in connection.execute(scalars):
        plain = row.text if row.text is not None else row.number
        found.append(RecordedValue(row.name, "snapshot", plain, row.number, None, None, None, row.nan))
    for row in connection.execute(columns):
        ends = (row.minimum, row.maximum, row.first, row.mean)
        found.append(RecordedValue(row.name, row.origin, *ends, row.points, row.nan_count))
    return sorted(found, key=lambda each: (each.origin, each.name))


def detector_files_of(connection: Connection, scan_id: int) -> list[DetectorFile]:
    """Return what is known of the content of a scan's detector files."""
    target = file.alias("target")
    c = detector_file.c
    facts = (c.frames, c.frame_shape, c.dtype, c.chunks, c.compression, c.energy_ev, c.threshold_ev, c.exposure_s)
    statement = (
        select(root.c.name, target.c.path, link.c.detector, target.c.size, *facts, c.problem)
        .select_from(link)
        .join(location, and_(location.c.scan_id == link.c.scan_id, location.c.file_id == link.c.file_id))
        .join(file, file.c.id == link.c.file_id)
        .join(root, root.c.id == file.c.root_id)
        .join(target, (target.c.root_id == root.c.id) & (target.c.path == location.c.prefix + link.c.target))
        .join(detector_file, (c.file_id == target.c.id) & (c.inner_path == link.c.inner_path))
        .where(link.c.scan_id == scan_id, target.c.state == "present")
        .order_by(root.c.name, target.c.path)
    )
    return [DetectorFile(*tuple(row)) for row in connection.execute(statement)]


def pattern_files_of(connection: Connection, scan_id: int) -> list[PatternFile]:
    """Return the files of integrated patterns of a scan, where their names say they belong to it."""
    patterns = file.alias("patterns")
    c = pattern_file.c
    facts = (c.generation, c.unit, c.patterns, c.bins, c.sectors, func.coalesce(c.problem, ""))
    statement = (
        select(root.c.name, patterns.c.path, link.c.detector, *facts)
        .select_from(link)
        .join(location, and_(location.c.scan_id == link.c.scan_id, location.c.file_id == link.c.file_id))
        .join(file, file.c.id == link.c.file_id)
        .join(root, root.c.id == file.c.root_id)
        .join(patterns, (patterns.c.root_id == root.c.id) & (patterns.c.path == location.c.prefix + link.c.integrated))
        .outerjoin(pattern_file, c.file_id == patterns.c.id)
        .where(link.c.scan_id == scan_id, patterns.c.state == "present")
        .order_by(root.c.name, patterns.c.path)
    )
    return [PatternFile(*tuple(row)) for row in connection.execute(statement)]


def _link(row: Row[Any]) -> Link:
    target, integrated = (_path(text) if text is not None else None for text in (row.target, row.integrated))
    return Link(row.detector, row.filename, row.inner_path, target, row.problem, integrated, LinkState(row.state))


def _path(text: str) -> TreePath:
    # Checked before it was stored.
    return TreePath(tuple(text.split("/")))
