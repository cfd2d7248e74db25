"""What an index run came to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """Counts of scans at one or more roots, after the run.

    Attributes
    ----------
    scans : int
        All that are there: ``new + changed + unchanged``.
    missing : int
        Known from before, gone now; they stay searchable.
    problems : int
        Files or folders that could not be read.
    seconds : float
        Wall time.
    reread : int
        Of those that are unchanged, read anew all the same: settings, or this tool, read them otherwise now.
    """

    scans: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    missing: int = 0
    problems: int = 0
    seconds: float = 0.0
    reread: int = 0

    def __add__(self, other: "IndexSummary") -> "IndexSummary":
        return IndexSummary(
            self.scans + other.scans,
            self.new + other.new,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.missing + other.missing,
            self.problems + other.problems,
            self.seconds + other.seconds,
            self.reread + other.reread,
        )
