"""Read masters of a source and save what they say, batch by batch."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import KnownFile, Root
from danmax_sync.catalogue.writer import Writer
from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.events import Listener, progress, warning
from danmax_sync.indexing.listing import save_file
from danmax_sync.indexing.staging import on_disk
from danmax_sync.quantities import Preferences
from danmax_sync.scanfile.master import read_master
from danmax_sync.scanfile.record import ScanRecord
from danmax_sync.sources.base import FileInfo, Source
from danmax_sync.visits import FileKind, ScanPlace, kind_of, place

RUNNING_SECONDS = 3600
"""A scan without an end whose master was touched this recently is still going on; an older one was aborted."""
_BATCH = 50
_READING_STAGE = "read"


@dataclass(frozen=True, slots=True)
class _Reading:
    info: FileInfo
    where: ScanPlace
    records: list[ScanRecord]
    problem: str | None

    @property
    def is_master(self) -> bool:
        return kind_of(self.info.path.name) is FileKind.MASTER


def read_and_save(
    catalogue: Catalogue,
    source: Source,
    at: Root,
    changed: Sequence[FileInfo],
    *,
    known: dict[str, KnownFile],
    preferences: Preferences,
    tell: Listener,
) -> tuple[int, int]:
    """Read masters and save them.

    Returns
    -------
    tuple of int
        How many scans are new, and how many were known before.
    """
    new = updated = 0
    batch: list[_Reading] = []
    for done, reading in enumerate(_readings(source, changed, preferences), start=1):
        batch.append(reading)
        progress(tell, "index", done, len(changed), unit="masters", item=str(reading.info.path))
        if reading.problem:
            warning(tell, reading.problem, path=str(reading.info.path))
        if len(batch) < _BATCH and done < len(changed):
            continue
        with catalogue.writer() as writer:
            for each in batch:
                scans = _save(writer, at, each)
                if str(each.info.path) in known:
                    updated += scans
                else:
                    new += scans
        batch = []
    return new, updated


def _readings(source: Source, changed: Sequence[FileInfo], preferences: Preferences) -> Iterator[_Reading]:
    for info in changed:
        where = place(info.path, root=source.base)
        records: list[ScanRecord] = []
        problem = None
        try:
            with on_disk(source, info) as local:
                records = read_master(local, where, preferences)
        except ConnectionLostError:
            raise
        except SourceError as error:
            problem = error.message
        if not records and problem is None and kind_of(info.path.name) is FileKind.MASTER:
            problem = f"{info.path} is HDF5 but holds no scan"
        yield _Reading(info, where, records, problem)


def _save(writer: Writer, at: Root, reading: _Reading) -> int:
    """Save one master; return how many scans it stands for."""
    path = str(reading.info.path)
    file_id = save_file(writer, at, reading.info, "master" if reading.is_master else "data")
    writer.set_problem(at, path, _READING_STAGE, reading.problem)
    if reading.problem and reading.is_master:
        writer.save_unreadable(at, file_id, reading.where)
        return 1
    running = reading.info.mtime_ns >= (time.time() - RUNNING_SECONDS) * 1e9
    writer.save_scans(at, file_id, reading.where, reading.records, running=running)
    for record in reading.records:
        notes = [*record.notes, *(link.problem for link in record.links if link.problem)]
        writer.set_problem(at, path, record.entry, "; ".join(notes[:5]) or None)
    return len(reading.records)
