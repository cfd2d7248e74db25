"""Records without a file, and a way to put them into a catalogue as if their masters had been read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import LOCAL, CataloguedScan, Root
from danmax_sync.scanfile.record import (
    ColumnKind,
    ColumnStatistics,
    DetectorLink,
    Reading,
    ScanRecord,
    SnapshotValue,
)
from danmax_sync.visits import ScanPlace, TreePath, link_target, place

FACILITY = "/data/visitors/danmax/20251234/2025110208"
FIRST_START = datetime(2025, 11, 2, 7, 42, 7, 482913, tzinfo=UTC)


def reading(origin: str, low: float, high: float | None = None) -> Reading:
    """Make an energy or a temperature."""
    most = low if high is None else high
    return Reading((low + most) / 2, low, most, origin)


def column(name: str, low: float | None, high: float | None, *, nan_count: int = 0) -> ColumnStatistics:
    """Make a channel of ten points."""
    mean = (low + high) / 2 if low is not None and high is not None else None
    return ColumnStatistics(name, ColumnKind.CHANNEL, 10, nan_count, low, low, high, mean)


def record(
    number: int | None = 42,
    *,
    start: datetime | None = FIRST_START,
    energy: float | None = 35.0,
    temperature: tuple[float, float] | None = None,
    snapshot: Mapping[str, float | str | None] | None = None,
    columns: Sequence[ColumnStatistics] = (),
    links: Mapping[str, str] | None = None,
    **more: Any,
) -> ScanRecord:
    """Make a record of a scan in ``raw/LaB6``; `links` maps a detector to a file name."""
    made = {
        "entry": "entry",
        "number": number,
        "title": "timescan 10 0.03 0.03",
        "macro": "timescan",
        "start_time": start + timedelta(seconds=number or 0) if start else None,
        "end_time": start + timedelta(seconds=(number or 0) + 20) if start else None,
        "points": 10,
        "energy": reading("hdcm_E", energy) if energy is not None else None,
        "temperature": reading("cryo_temp", *temperature) if temperature else None,
        "snapshot": tuple(SnapshotValue(name, value) for name, value in (snapshot or {}).items()),
        "columns": tuple(columns),
        "links": tuple(
            DetectorLink(name, filename, f"/entry/instrument/{name}", link_target(master_path(number), filename))
            for name, filename in (links or {}).items()
        ),
    }
    return ScanRecord(**{**made, **more})


def master_path(number: int | None, sample: str = "LaB6") -> TreePath:
    """Return where the master of a record stands."""
    name = f"scan-{number:04d}.h5" if number is not None else "insitu.h5"
    return TreePath(("raw", *sample.split("/"), name))


class Filler:
    """Puts records into a catalogue, each with its master at one root."""

    def __init__(self, catalogue: Catalogue, base: str = FACILITY, *, kind: str = LOCAL) -> None:
        self.catalogue, self.base, self.kind = catalogue, base, kind
        self.uri = f"file://{base}"

    @property
    def root(self) -> Root:
        """The root's row."""
        with self.catalogue.writer() as writer:
            return writer.root(self.uri, self.base, self.kind)

    def file(self, path: TreePath | str, *, size: int = 1000, kind: str = "data") -> int:
        """Note a file."""
        with self.catalogue.writer() as writer:
            at = writer.root(self.uri, self.base, self.kind)
            checked = TreePath.parse(str(path))
            return writer.save_file(at, checked, kind=kind, size=size, mtime_ns=1, provisional=False)

    def add(self, *records: ScanRecord, at: TreePath | str | None = None, running: bool = False) -> ScanPlace:
        """Save the scans of one master and work out their states."""
        path = TreePath.parse(str(at or master_path(records[0].number)))
        where = place(path, root=self.base)
        file_id = self.file(path, kind="master")
        with self.catalogue.writer() as writer:
            root = writer.root(self.uri, self.base, self.kind)
            writer.save_scans(root, file_id, where, records, running=running)
            writer.refresh_states(root)
        return where

    def unreadable(self, at: TreePath | str) -> None:
        """Save a master that cannot be read."""
        path = TreePath.parse(str(at))
        file_id = self.file(path, kind="master")
        with self.catalogue.writer() as writer:
            root = writer.root(self.uri, self.base, self.kind)
            writer.save_unreadable(root, file_id, place(path, root=self.base))
            writer.refresh_states(root)

    def vanish(self, *paths: TreePath | str) -> None:
        """Note that files are gone."""
        with self.catalogue.writer() as writer:
            root = writer.root(self.uri, self.base, self.kind)
            writer.mark_missing(root, [str(path) for path in paths])
            writer.refresh_states(root)


def states(scan: CataloguedScan) -> dict[str, str]:
    """Return the state of each place by its root's name."""
    return {each.root.name: each.state for each in scan.locations}
