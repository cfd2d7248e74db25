"""What a reader is asked and what it answers: values that travel between processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danmax_sync.catalogue.prepared import Prepared, prepared
from danmax_sync.errors import DanmaxSyncError
from danmax_sync.quantities import Preferences
from danmax_sync.scanfile.record import DetectorFacts, PatternFacts
from danmax_sync.visits import ScanPlace


@dataclass(frozen=True, slots=True)
class ReadMaster:
    """Read the scans of a master, from the disk or, where it has just arrived, from its bytes."""

    path: Path
    where: ScanPlace
    preferences: Preferences
    content: bytes | None = None

    def __call__(self) -> list[Prepared]:
        """Read them."""
        from danmax_sync.scanfile.master import read_content, read_master

        if self.content is not None:
            records = read_content(self.content, str(self.where.path), self.where, self.preferences)
        else:
            records = read_master(self.path, self.where, self.preferences)
        return [prepared(record) for record in records]


@dataclass(frozen=True, slots=True)
class ReadDetector:
    """Look into a detector file."""

    path: Path
    inner_path: str

    def __call__(self) -> DetectorFacts:
        """Look."""
        from danmax_sync.scanfile.detector import read_detector

        return read_detector(self.path, self.inner_path)


@dataclass(frozen=True, slots=True)
class ReadPatterns:
    """Look into a file of integrated patterns."""

    path: Path

    def __call__(self) -> PatternFacts:
        """Look."""
        from danmax_sync.scanfile.patternfile import read_pattern_facts

        return read_pattern_facts(self.path)


Job = ReadMaster | ReadDetector | ReadPatterns


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a job: a `result`, or a `problem` in words; `bug` where it is ours and not the file's."""

    result: Any = None
    problem: str | None = None
    bug: str = ""


def done(job: Job) -> Answer:
    """Do a job here and now."""
    try:
        return Answer(job())
    except DanmaxSyncError as problem:
        return Answer(problem=problem.message)
