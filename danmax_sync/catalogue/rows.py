"""Records as rows of the tables; no database is touched here."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from danmax_sync.catalogue.prepared import Prepared
from danmax_sync.catalogue.values import Root
from danmax_sync.scanfile.record import DetectorLink, LinkState, ScanRecord, ScanState
from danmax_sync.visits import ScanPlace, TreePath, integrated_path

_T = TypeVar("_T")
Row = dict[str, Any]
_MANY = 500
"""Values in one statement: SQLite's oldest limit on variables is 999."""


class SeenFile(NamedTuple):
    """A file as it was seen in a listing."""

    path: TreePath
    kind: str
    size: int
    mtime_ns: int
    ctime_ns: int | None
    inode: str | None
    provisional: bool

    def row(self) -> Row:
        """Return the columns that change when the file does."""
        return {
            "kind": self.kind,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "ctime_ns": self.ctime_ns,
            "inode": self.inode,
            "state": "present",
            "provisional": int(self.provisional),
        }


class ReadMaster(NamedTuple):
    """A master that was read: its file's row, its place, all scans in it, and whether one without an end goes on."""

    file_id: int
    where: ScanPlace
    records: tuple[Prepared, ...]
    running: bool


def batched(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield as many items at a time as one statement can name."""
    for start in range(0, len(items), _MANY):
        yield items[start : start + _MANY]


def iso_utc(moment: datetime | None) -> str | None:
    """Spell a time so that it sorts as text: UTC, microseconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


def scan_row(at: Root, where: ScanPlace, record: ScanRecord, *, running: bool) -> Row:
    """Return the row of a scan as one place tells it."""
    start = iso_utc(record.start_time)
    # Without a start time only the place is left to tell two scans apart.
    identity = start or f"{at.uri} {where.visit_root} {where.path}"
    energy, temperature = record.energy, record.temperature
    return {
        "key": f"{record.number if record.number is not None else '-'} {record.entry} {identity}",
        "proposal": where.proposal or record.proposal or "",
        "visit": where.visit or "",
        "number": record.number,
        "entry": record.entry,
        "path": str(where.path),
        "sample": where.sample,
        "folder": where.sample,
        "title": record.title,
        "macro": record.macro,
        "start_time": start,
        "end_time": iso_utc(record.end_time),
        "points": record.points,
        "energy_kev": energy.mean if energy else None,
        "energy_origin": energy.origin if energy else None,
        "temperature_k": temperature.mean if temperature else None,
        "temperature_min_k": temperature.minimum if temperature else None,
        "temperature_max_k": temperature.maximum if temperature else None,
        "temperature_origin": temperature.origin if temperature else None,
        "running": int(running and record.end_time is None),
        "state": ScanState.COMPLETE.value,
    }


def link_row(scan_id: int, file_id: int, each: DetectorLink) -> Row:
    """Return the row of a link as the master in `file_id` holds it."""
    return {
        "scan_id": scan_id,
        "file_id": file_id,
        "detector": each.detector,
        "filename": each.filename,
        "inner_path": each.inner_path,
        "target": str(each.target) if each.target else None,
        "integrated": str(integrated_path(each.target)) if each.target else None,
        "state": (LinkState.MISSING if each.target else LinkState.OUTSIDE).value,
        "problem": each.problem,
    }


def prefix_of(where: ScanPlace) -> str:
    """Return the way from the root to the visit's folder, empty or ending in /."""
    return "".join(f"{part}/" for part in where.visit_root.parts)
