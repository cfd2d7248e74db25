"""What became of each set, and of all of them."""

from dataclasses import dataclass, field
from enum import Enum

from danmax_sync.errors import DanmaxSyncError, ExitCode

HINT_RUNNING = "get it again when it has ended, or keep fetching what ends: danmax-sync get --follow"
"""What to do about a scan that has not ended."""


class SetState(Enum):
    """How a set ended. ``complete`` counts those that were here already."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """One set.

    Attributes
    ----------
    files, bytes : int
        That travelled.
    message, hint : str
        Why it is not complete, and what to do.
    exit_code : ExitCode
        What this set alone would end with.
    """

    label: str
    master: str
    state: SetState
    files: int = 0
    bytes: int = 0
    message: str = ""
    hint: str = ""
    exit_code: ExitCode = ExitCode.DONE

    def to_json(self) -> dict[str, object]:
        """Return the fields of a ``set`` event."""
        return {
            "scan": self.label,
            "path": self.master,
            "state": self.state.value,
            "files": self.files,
            "bytes": self.bytes,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(slots=True)
class GetSummary:
    """All sets of a ``get``.

    Attributes
    ----------
    calibration_code : ExitCode
        What the calibration alone would end with.
    stopped_by : DanmaxSyncError or None
        What kept all the rest from coming: the line, or a full disk.
    """

    outcomes: list[SetOutcome] = field(default_factory=list)
    calibration_files: int = 0
    calibration_bytes: int = 0
    calibration_code: ExitCode = ExitCode.DONE
    seconds: float = 0.0
    stopped_by: DanmaxSyncError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The one code that says most: unfinished work first, because running again helps there."""
        codes = {outcome.exit_code for outcome in self.outcomes} | {self.calibration_code}
        order = (ExitCode.UNFINISHED, ExitCode.VERIFICATION, ExitCode.SOURCE)
        return next((code for code in order if code in codes), max(codes))

    @property
    def files(self) -> int:
        """Files that travelled."""
        return sum(outcome.files for outcome in self.outcomes) + self.calibration_files

    @property
    def bytes(self) -> int:
        """Bytes that travelled."""
        return sum(outcome.bytes for outcome in self.outcomes) + self.calibration_bytes

    @property
    def already_here(self) -> int:
        """Complete sets of which nothing had to travel."""
        return sum(outcome.state is SetState.COMPLETE and not outcome.files for outcome in self.outcomes)

    def to_json(self) -> dict[str, object]:
        """Return the ``summary`` event's fields, a contract."""
        states = [outcome.state for outcome in self.outcomes]
        return {
            "sets": {state.value: states.count(state) for state in SetState},
            "already_here": self.already_here,
            "files": self.files,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
        }
