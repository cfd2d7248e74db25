"""What one scan says about itself, as values. No file handle, no path of a disk."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from danmax_sync.errors import UnsafePathError
from danmax_sync.quantities import Preferences
from danmax_sync.visits import TreePath, link_target

EXTRACTOR_VERSION = 3
"""Grows when reading improves, so that the catalogue knows which rows to read again."""


def extractor_of(preferences: Preferences) -> int:
    """Return the version under which rows are kept that were read with some preferences: others are read again."""
    return EXTRACTOR_VERSION + 1_000_000 * preferences.fingerprint


class ScanState(Enum):
    """How whole a scan is. The values are a contract (``search -f json``)."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    RUNNING = "running"
    UNREADABLE = "unreadable"


class LinkState(Enum):
    """What became of a file that a link names."""

    OK = "ok"
    MISSING = "missing"
    OUTSIDE = "outside"
    """Absolute, climbing out of the visit, or otherwise not to be followed."""
    WRONG_SHAPE = "wrong shape"
    """Fewer frames than the scan has points."""
    UNREADABLE = "unreadable"


class SnapshotValue(NamedTuple):
    """One scalar of ``start_positioners``; `value` is None where it could not be read."""

    name: str
    value: float | int | str | None


class ColumnKind(Enum):
    """A column of the scan: what was moved, or what was read."""

    MOTOR = "motor"
    CHANNEL = "channel"


class ColumnStatistics(NamedTuple):
    """A motor or channel with a value a point, reduced.

    NaN and infinities are counted together, in `nan_count`, and left out of the others; all of them are None when
    nothing finite was read.
    """

    name: str
    kind: ColumnKind
    points: int
    nan_count: int
    first: float | None
    minimum: float | None
    maximum: float | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A quantity of the scan with the name it was read from.

    Attributes
    ----------
    mean, minimum, maximum : float
        keV for energies, K for temperatures; all the same for a snapshot value.
    origin : str
        The channel or snapshot parameter that won.
    """

    mean: float
    minimum: float
    maximum: float
    origin: str


@dataclass(frozen=True, slots=True)
class DetectorLink:
    """An external link of a master to a detector file.

    Attributes
    ----------
    detector : str
        The link's name in ``/entry/instrument``.
    filename, inner_path : str
        As written in the link.
    target : TreePath or None
        The file from the visit's folder; None when the link may not be followed.
    problem : str
        Why it may not be followed.
    """

    detector: str
    filename: str
    inner_path: str
    target: TreePath | None
    problem: str = ""


def resolved(link: DetectorLink, master: TreePath) -> DetectorLink:
    """Return a link with its target worked out for a master, given from the visit's folder."""
    try:
        return replace(link, target=link_target(master, link.filename), problem="")
    except UnsafePathError as unsafe:
        return replace(link, target=None, problem=unsafe.message)


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """One entry of one master.

    Attributes
    ----------
    entry : str
        The HDF5 group, ``entry`` or ``entry3218``.
    number : int or None
        From the file's name, or from the entry's where a file holds several.
    title, macro : str
        The command, and its first word.
    start_time, end_time : datetime or None
        UTC.
    points : int
        Values in the scan's columns, never computed from the command.
    energy, temperature : Reading or None
        In keV and K.
    """

    entry: str
    number: int | None
    title: str
    macro: str
    start_time: datetime | None
    end_time: datetime | None
    points: int
    energy: Reading | None
    temperature: Reading | None
    snapshot: tuple[SnapshotValue, ...] = ()
    columns: tuple[ColumnStatistics, ...] = ()
    links: tuple[DetectorLink, ...] = ()
    proposal: str | None = None
    notes: tuple[str, ...] = field(default=())
    """What could not be read, in words; the rest stands."""


@dataclass(frozen=True, slots=True)
class DetectorFacts:
    """What a detector file holds, without its pixels.

    Attributes
    ----------
    frames : int
        Length of the first axis of ``data``.
    frame_shape : tuple of int
        Without the first axis.
    dtype, compression : str
        As numpy and HDF5 name them; compression is empty for raw data.
    energy_ev, threshold_ev : float or None
        The detector's own settings.
    exposure_s : float or None
        Of one frame.
    """

    frames: int
    frame_shape: tuple[int, ...]
    dtype: str
    compression: str
    chunks: tuple[int, ...] | None
    energy_ev: float | None
    threshold_ev: float | None
    exposure_s: float | None = None


@dataclass(frozen=True, slots=True)
class PatternFacts:
    """What a file of integrated patterns holds.

    Attributes
    ----------
    generation : str
        ``A`` (to about 2022, arrays at the root), ``B`` (2022 to 2024, ``data1d``), ``C`` (NXazint1d, NXazint2d).
    unit : str
        ``q`` (1/Å) or ``2th`` (degrees).
    patterns, bins : int
        Frames, and radial bins.
    sectors : int
        Azimuthal bins of a cake, 0 without one.
    """

    generation: str
    unit: str
    patterns: int
    bins: int
    sectors: int
