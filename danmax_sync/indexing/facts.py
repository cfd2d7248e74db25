"""Look into detector files and files of patterns, where they are on this machine."""

from collections.abc import Collection, Iterator

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.facts import (
    Unread,
    save_detector_facts,
    save_pattern_facts,
    unread_detector_files,
    unread_pattern_files,
)
from danmax_sync.catalogue.values import Root
from danmax_sync.events import Listener, progress
from danmax_sync.indexing.jobs import Answer, Job, ReadDetector, ReadPatterns
from danmax_sync.indexing.pool import Readers
from danmax_sync.sources.folder import FolderSource
from danmax_sync.visits import TreePath

_BATCH = 200
LOOKING_STAGE = "look"


def read_facts(
    catalogue: Catalogue,
    source: FolderSource,
    at: Root,
    *,
    below: TreePath,
    readers: Readers,
    tell: Listener,
    masters: Collection[int] | None = None,
) -> None:
    """Look into every file whose content is not known as it is now, below a folder of the source.

    With the rows of some `masters`, of the detector files only into those that these link to.
    """
    with catalogue.writer() as writer:
        detectors = [
            each for each in unread_detector_files(writer.connection, at, masters) if each.path.is_below(below)
        ]
        patterns = [each for each in unread_pattern_files(writer.connection, at) if each.path.is_below(below)]
    asked: dict[int, Unread] = {}

    def jobs() -> Iterator[Job]:
        for each in detectors:
            job: Job = ReadDetector(each.path.below(source.folder), each.inner_path)
            asked[id(job)] = each
            yield job
        for each in patterns:
            job = ReadPatterns(each.path.below(source.folder))
            asked[id(job)] = each
            yield job

    batch: list[tuple[Unread, Job, Answer]] = []

    def save() -> None:
        with catalogue.writer() as writer:
            for each, job, answer in batch:
                keep = save_detector_facts if isinstance(job, ReadDetector) else save_pattern_facts
                keep(writer.connection, each, answer.result, answer.problem or "")
            writer.clear_problems_of_files(at, LOOKING_STAGE, [str(each.path) for each, _, _ in batch])
            # One of several places in a file says enough.
            bad = {str(each.path): answer.problem for each, _, answer in batch if answer.problem}
            for path, message in bad.items():
                writer.set_problem(at, path, LOOKING_STAGE, message)
        batch.clear()

    total = len(detectors) + len(patterns)
    try:
        for done, (job, answer) in enumerate(readers.read(jobs()), start=1):
            each = asked.pop(id(job))
            batch.append((each, job, answer))
            progress(tell, "look", done, total, unit="files", item=str(each.path))
            if len(batch) >= _BATCH:
                save()
    finally:
        if batch:
            save()
