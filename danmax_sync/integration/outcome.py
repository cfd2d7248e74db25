"""What became of each scan that was to be integrated."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from danmax_sync.catalogue.labels import named
from danmax_sync.errors import ExitCode

_PATH = re.compile(r"\S*[/\\](?:.*[/\\])?\S+")
"""A path, also one with spaces."""
_OPTION = re.compile(r"(?<!\S)--[a-z]")


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """One scan: where its patterns are, or why there are none.

    Attributes
    ----------
    frames, skipped_frames : int
        Integrated now, and before.
    bad_frames : tuple of int
        That could not be read; they are NaN in the file.
    poni, mask : str
        Names of the files used.
    notes : tuple of str
        What else was found and should be known.
    renewed : tuple of str
        What a file that was whole said otherwise than the catalogue, and says now: sample, temperature, energy.
    """

    label: str
    output: Path | None = None
    frames: int = 0
    skipped_frames: int = 0
    bad_frames: tuple[int, ...] = ()
    poni: str = ""
    mask: str = ""
    message: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.DONE

    def to_json(self) -> dict[str, object]:
        """Return the fields of a ``scan`` event."""
        return {
            "scan": self.label,
            "output": str(self.output) if self.output else None,
            "frames": self.frames,
            "skipped_frames": self.skipped_frames,
            "bad_frames": list(self.bad_frames),
            "poni": self.poni,
            "mask": self.mask,
            "message": self.message,
            "notes": list(self.notes),
            "renewed": list(self.renewed),
        }


@dataclass(slots=True)
class IntegrateSummary:
    """All scans of a run; `seconds` are of reading, integrating and writing, without start-up."""

    outcomes: list[ScanOutcome] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """The most serious one: refused numbers before missing files."""
        codes = {outcome.exit_code for outcome in self.outcomes}
        order = (ExitCode.REFUSED, ExitCode.SOURCE, ExitCode.UNFINISHED, ExitCode.USAGE)
        return next((code for code in order if code in codes), ExitCode.DONE)

    def to_json(self) -> dict[str, object]:
        """Return the ``summary`` event's fields, a contract."""
        return {
            "scans": sum(outcome.output is not None for outcome in self.outcomes),
            "frames": sum(outcome.frames for outcome in self.outcomes),
            "skipped_frames": sum(outcome.skipped_frames for outcome in self.outcomes),
            "outputs": [str(outcome.output) for outcome in self.outcomes if outcome.output],
            "failed": sum(outcome.output is None for outcome in self.outcomes),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with scans, for one reason.

    Attributes
    ----------
    labels : tuple of str
        Of the scans.
    message, hint : str
        Of the first; what differs between them is the file.
    made : bool
        Whether there are patterns all the same.
    """

    labels: tuple[str, ...]
    message: str
    hint: str
    made: bool

    @property
    def sentence(self) -> str:
        """The message, with all that it is about."""
        others = "" if len(self.labels) == 1 or not _PATH.search(self.message) else "; the others likewise"
        return f"{named(self.labels)}{'' if self.made else ' not integrated'}: {self.message}{others}"


def troubles(outcomes: Iterable[ScanOutcome]) -> list[Trouble]:
    """Return what went wrong, each trouble once, in the order in which they came."""
    alike: dict[tuple[str, str, bool], list[ScanOutcome]] = {}
    for outcome in outcomes:
        if outcome.message:
            key = (_PATH.sub("", outcome.message), outcome.hint, outcome.output is not None)
            alike.setdefault(key, []).append(outcome)
    return [
        Trouble(tuple(one.label for one in same), same[0].message, hint, made)
        for (_, hint, made), same in alike.items()
    ]


def with_command(hint: str, command: str) -> str:
    """Name the command that takes the options of a hint, for who runs another one."""
    clauses = hint.split("; ")
    return "; ".join(
        clause if "danmax-sync" in clause else _OPTION.sub(lambda found: f"{command} {found[0]}", clause, count=1)
        for clause in clauses
    )
