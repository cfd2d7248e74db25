"""Read masters of a source and save what they say, batch by batch."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.prepared import Prepared
from danmax_sync.catalogue.rows import ReadMaster as ReadFrom
from danmax_sync.catalogue.values import KnownFile, Root
from danmax_sync.catalogue.writer import Writer
from danmax_sync.errors import SourceError
from danmax_sync.events import Listener, progress, warning
from danmax_sync.indexing.jobs import Answer, ReadMaster
from danmax_sync.indexing.listing import has_changed, seen_file
from danmax_sync.indexing.pool import Readers
from danmax_sync.indexing.staging import contents
from danmax_sync.quantities import Preferences
from danmax_sync.scanfile.record import extractor_of
from danmax_sync.sources.base import FileInfo, Source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.visits import FileKind, ScanPlace, kind_of, place

RUNNING_SECONDS = 3600
"""A scan without an end whose master was touched this recently is still going on; an older one was aborted."""
_BATCH = 150
_BATCH_SECONDS = 3.0
"""What is read is kept after so many masters, or so long."""
_READING_STAGE = "read"
_MOST_NOTES = 5
"""Of one scan: a file with hundreds of bad links has one cause."""


@dataclass(frozen=True, slots=True)
class _Reading:
    info: FileInfo
    where: ScanPlace
    records: list[Prepared]
    problem: str | None

    @property
    def is_master(self) -> bool:
        return kind_of(self.info.path.name) is FileKind.MASTER


@dataclass(slots=True)
class _Round:
    """What was asked of the readers, and what could not even be fetched for them."""

    asked: dict[int, FileInfo] = field(default_factory=dict)
    failed: list[_Reading] = field(default_factory=list)


def read_and_save(
    catalogue: Catalogue,
    source: Source,
    at: Root,
    changed: Sequence[FileInfo],
    *,
    readers: Readers,
    known: dict[str, KnownFile],
    preferences: Preferences,
    tell: Listener,
) -> tuple[int, int, int]:
    """Read masters and save them.

    Returns
    -------
    tuple of int
        How many scans are in new files, how many in files that have changed, and how many in files that are read
        otherwise now.
    """
    counts = {"new": 0, "changed": 0, "reread": 0, "unchanged": 0}
    extractor = extractor_of(preferences)
    batch: list[_Reading] = []
    saved = time.monotonic()

    def save() -> None:
        nonlocal saved
        saved = time.monotonic()
        if not batch:
            return
        with catalogue.writer(extractor=extractor) as writer:
            for reading, scans in zip(batch, _save(writer, at, batch, known), strict=True):
                counts[_novelty(reading.info, known.get(str(reading.info.path)), extractor)] += scans
        batch.clear()

    try:
        for done, reading in enumerate(_readings(source, changed, readers, preferences), start=1):
            batch.append(reading)
            progress(tell, "index", done, len(changed), unit="masters", item=str(reading.info.path))
            if reading.problem:
                warning(tell, reading.problem, path=str(reading.info.path))
            if len(batch) >= _BATCH or time.monotonic() - saved > _BATCH_SECONDS:
                save()
    finally:
        # Also when the line broke, or Ctrl-C: what was read is kept.
        save()
    return counts["new"], counts["changed"], counts["reread"]


def _novelty(info: FileInfo, known: KnownFile | None, extractor: int) -> str:
    """Say what a file that was read is; one that was only read again, because it was young or bad, has not changed."""
    if known is None:
        return "new"
    if has_changed(info, known):
        return "changed"
    # 0 is of files that could not be read.
    return "unchanged" if known.extractor in {0, extractor} else "reread"


def _readings(
    source: Source, changed: Sequence[FileInfo], readers: Readers, preferences: Preferences
) -> Iterator[_Reading]:
    this = _Round()
    for job, answer in readers.read(_jobs(source, changed, preferences, this)):
        yield from _failures(this)
        yield _understood(this.asked.pop(id(job)), job.where, answer, str(job.path))
    yield from _failures(this)


def _failures(this: _Round) -> Iterator[_Reading]:
    failed, this.failed = this.failed, []
    yield from failed


def _jobs(source: Source, changed: Sequence[FileInfo], preferences: Preferences, this: _Round) -> Iterator[ReadMaster]:
    if isinstance(source, FolderSource):
        for info in changed:
            where = source.place(info.path)
            job = ReadMaster(info.path.below(source.folder), where, preferences)
            this.asked[id(job)] = info
            yield job
        return
    for info, content in contents(source, changed):
        where = place(info.path, root=source.base)
        if isinstance(content, SourceError):
            this.failed.append(_Reading(info, where, [], content.message))
            continue
        job = ReadMaster(Path(str(info.path)), where, preferences, content)
        this.asked[id(job)] = info
        yield job


def _understood(info: FileInfo, where: ScanPlace, answer: Answer, path: str) -> _Reading:
    records: list[Prepared] = answer.result or []
    problem = answer.problem
    if problem is None and not records and kind_of(info.path.name) is FileKind.MASTER:
        problem = f"{path} is HDF5 but holds no scan"
    return _Reading(info, where, records, problem)


def _save(writer: Writer, at: Root, batch: Sequence[_Reading], known: dict[str, KnownFile]) -> list[int]:
    """Save some masters; return how many scans each stands for."""
    kinds = ["master" if reading.is_master else "data" for reading in batch]
    seen = [seen_file(reading.info, kind) for reading, kind in zip(batch, kinds, strict=True)]
    ids = writer.save_files(at, seen)
    scans = [len(reading.records) for reading in batch]
    well: list[ReadFrom] = []
    for index, (reading, file_id) in enumerate(zip(batch, ids, strict=True)):
        path = str(reading.info.path)
        if path in known:
            writer.clear_problems_of(at, path)
        if reading.problem:
            writer.set_problem(at, path, _READING_STAGE, reading.problem)
            scans[index] = writer.save_unreadable(at, file_id, reading.where, is_master=reading.is_master)
            continue
        running = reading.info.mtime_ns >= (time.time() - RUNNING_SECONDS) * 1e9
        well.append(ReadFrom(file_id, reading.where, tuple(reading.records), running))
        for record in (each.record for each in reading.records):
            notes = [*record.notes, *(link.problem for link in record.links if link.problem)]
            if notes:
                more = [f"and {len(notes) - _MOST_NOTES} more"] if len(notes) > _MOST_NOTES else []
                writer.set_problem(at, path, record.entry, "; ".join([*notes[:_MOST_NOTES], *more]))
    if well:
        writer.save_masters(at, well)
    return scans
