"""Read masters of a source and save what they say, batch by batch."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import KnownFile, Root
from danmax_sync.catalogue.writer import Writer
from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.events import Listener, progress, warning
from danmax_sync.indexing.listing import has_changed, save_file
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
        How many scans are in new files, and how many in files that have changed.
    """
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    batch: list[_Reading] = []

    def save() -> None:
        if not batch:
            return
        with catalogue.writer() as writer:
            for each in batch:
                counts[_novelty(each.info, known.get(str(each.info.path)))] += _save(writer, at, each)
        batch.clear()

    try:
        for done, reading in enumerate(_readings(source, changed, preferences), start=1):
            batch.append(reading)
            progress(tell, "index", done, len(changed), unit="masters", item=str(reading.info.path))
            if reading.problem:
                warning(tell, reading.problem, path=str(reading.info.path))
            if len(batch) >= _BATCH:
                save()
    finally:
        # Also when the line broke, or Ctrl-C: what was read is kept.
        save()
    return counts["new"], counts["changed"]


def _novelty(info: FileInfo, known: KnownFile | None) -> str:
    """Say what a file that was read is; one that was only read again, because it was young or bad, has not changed."""
    if known is None:
        return "new"
    return "changed" if has_changed(info, known) else "unchanged"


def _readings(source: Source, changed: Sequence[FileInfo], preferences: Preferences) -> Iterator[_Reading]:
    for info in changed:
        where = place(info.path, root=source.base)
        records: list[ScanRecord] = []
        problem, local = None, Path(str(info.path))
        try:
            with on_disk(source, info) as local:
                records = read_master(local, where, preferences)
        except ConnectionLostError:
            raise
        except SourceError as error:
            # A copy in a temporary folder is nothing the user could look at.
            problem = error.message.replace(str(local), str(info.path))
        if not records and problem is None and kind_of(info.path.name) is FileKind.MASTER:
            problem = f"{info.path} is HDF5 but holds no scan"
        yield _Reading(info, where, records, problem)


def _save(writer: Writer, at: Root, reading: _Reading) -> int:
    """Save one master; return how many scans it stands for."""
    path = str(reading.info.path)
    file_id = save_file(writer, at, reading.info, "master" if reading.is_master else "data")
    writer.clear_problems_of(at, path)
    writer.set_problem(at, path, _READING_STAGE, reading.problem)
    if reading.problem:
        return writer.save_unreadable(at, file_id, reading.where, is_master=reading.is_master)
    running = reading.info.mtime_ns >= (time.time() - RUNNING_SECONDS) * 1e9
    writer.save_scans(at, file_id, reading.where, reading.records, running=running)
    for record in reading.records:
        notes = [*record.notes, *(link.problem for link in record.links if link.problem)]
        writer.set_problem(at, path, record.entry, "; ".join(notes[:5]) or None)
    return len(reading.records)
