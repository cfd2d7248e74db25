"""What the catalogue hands out: rows as values, ready for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, NamedTuple
from urllib.parse import unquote, urlsplit

from danmax_sync.scanfile.record import LinkState, ScanState
from danmax_sync.visits import ScanPlace, TreePath


@dataclass(frozen=True, slots=True)
class Root:
    """Where files are: a remote, shown by its name, or a local folder, shown by its path."""

    id: int
    uri: str
    name: str
    kind: str

    @property
    def folder(self) -> Path | None:
        """The local folder; None for a remote."""
        return Path(self.name) if self.kind == LOCAL else None

    @property
    def base(self) -> str:
        """The root's own path, which may tell proposal and visit."""
        return unquote(urlsplit(self.uri).path)


LOCAL = "folder"
REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was when last looked at."""

    id: int
    size: int
    mtime_ns: int
    ctime_ns: int | None
    inode: str | None
    state: str
    provisional: int
    extractor: int


@dataclass(frozen=True, slots=True)
class Location:
    """A place of a scan.

    Attributes
    ----------
    path : TreePath
        The master from the root.
    prefix : TreePath
        From the root to the visit's folder.
    state : str
        ``complete``, ``partial``, ``missing`` or ``unreadable`` there.
    """

    root: Root
    path: TreePath
    prefix: TreePath
    state: str
    links: "tuple[Link, ...]" = ()
    """As seen from here: two copies of a master may stand in different folders."""

    def to_json(self) -> dict[str, object]:
        """Return the keys of the contract."""
        return {"root": self.root.name, "path": str(self.path), "state": self.state}


@dataclass(frozen=True, slots=True)
class Link:
    """A detector file a scan needs.

    Attributes
    ----------
    filename, inner_path : str
        As written in the master.
    target, integrated : TreePath or None
        The file, and where patterns of it belong, from the visit's folder; None where it must not be followed.
    problem : str
        Why not.
    state : LinkState
    """

    detector: str
    filename: str
    inner_path: str
    target: TreePath | None
    problem: str
    integrated: TreePath | None = None
    state: LinkState = LinkState.MISSING


class MarkKind(StrEnum):
    """What a user says of a scan."""

    SAMPLE = "sample"
    """Its name, in place of the folder's; a scan has one at most."""
    TAG = "tag"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something a user said of a scan, and when (ISO-8601, UTC)."""

    kind: MarkKind
    text: str
    made_at: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a logbook that speaks of a scan.

    Attributes
    ----------
    number : int
        The logbook's own.
    text : str
        Without markup.
    created_at : str or None
        ISO-8601 in UTC.
    how : str
        What makes it speak of the scan: its ``number``, its ``file``, the entry that it is an ``answer`` to, or the
        ``time`` it was written at.
    """

    logbook: str
    number: int
    title: str
    text: str
    authors: str
    created_at: str | None
    how: str


@dataclass(frozen=True, slots=True)
class CataloguedScan:
    """One scan with its places. Times are ISO-8601 in UTC, energies keV, temperatures K."""

    id: int
    number: int | None
    entry: str
    proposal: str | None
    visit: str | None
    sample: str
    path: TreePath
    title: str
    macro: str
    start_time: str | None
    end_time: str | None
    energy_kev: float | None
    energy_origin: str | None
    temperature_k: float | None
    temperature_min_k: float | None
    temperature_max_k: float | None
    temperature_origin: str | None
    points: int
    exposure_s: float | None
    state: ScanState
    links: tuple[Link, ...] = ()
    """As seen from its best location."""
    locations: tuple[Location, ...] = ()
    marks: tuple[Mark, ...] = ()
    """What the user says of it, in the order it was said."""
    folder: str = ""
    """The sample as its folder calls it; `sample` is what the user calls it, where that was said."""

    @property
    def own_sample(self) -> str | None:
        """The name the user gave its sample; None while it is the folder's."""
        return next((mark.text for mark in self.marks if mark.kind is MarkKind.SAMPLE), None)

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, in their alphabet."""
        return tuple(sorted(mark.text for mark in self.marks if mark.kind is MarkKind.TAG))

    @property
    def notes(self) -> tuple[str, ...]:
        """Its notes, the oldest first."""
        return tuple(mark.text for mark in self.marks if mark.kind is MarkKind.NOTE)

    @property
    def label(self) -> str:
        """How people call it: its number, or its file where it has none."""
        return f"scan {self.number}" if self.number is not None else str(self.path)

    def place(self) -> ScanPlace:
        """Return its place in its visit, as seen from the visit's folder."""
        return ScanPlace(self.proposal, self.visit, TreePath(()), self.path, self.folder)

    JSON_KEYS: ClassVar[tuple[str, ...]] = (
        *("scan", "entry", "proposal", "visit", "sample", "path", "title", "macro", "start_time", "end_time"),
        *("energy_kev", "temperature_k", "temperature_min_k", "temperature_max_k", "points", "detectors", "state"),
        "locations",
    )
    """The keys of `to_json`, in its order."""

    def to_json(self) -> dict[str, object]:
        """Return the keys of ``search -f json``, a contract."""
        return {
            "scan": self.number,
            "entry": self.entry,
            "proposal": self.proposal,
            "visit": self.visit,
            "sample": self.sample,
            "path": str(self.path),
            "title": self.title,
            "macro": self.macro,
            "start_time": self.start_time,
            "end_time": self.end_time,
            "energy_kev": self.energy_kev,
            "temperature_k": self.temperature_k,
            "temperature_min_k": self.temperature_min_k,
            "temperature_max_k": self.temperature_max_k,
            "points": self.points,
            "detectors": [link.detector for link in self.links],
            "state": self.state.value,
            "locations": [location.to_json() for location in self.locations],
        }


@dataclass(frozen=True, slots=True)
class RecordedValue:
    """A snapshot value, or a motor's or channel's statistics, of one scan.

    Attributes
    ----------
    origin : str
        ``snapshot``, ``motor`` or ``channel``.
    value : float, str or None
        Of the snapshot; of a motor or channel the least.
    maximum, first, mean : float or None
        Of a motor or channel.
    points : int or None
        How many values a motor or channel has.
    nan_count : int
        How many of them are NaN or infinite.
    """

    name: str
    origin: str
    value: float | str | None
    maximum: float | None
    first: float | None
    mean: float | None
    points: int | None
    nan_count: int

    def to_json(self) -> Mapping[str, object]:
        """Return what ``show -f json`` prints for it."""
        if self.origin == "snapshot":
            return {"value": self.value, "nan": self.nan_count > 0}
        return {
            "origin": self.origin,
            "points": self.points,
            "first": self.first,
            "min": self.value,
            "max": self.maximum,
            "mean": self.mean,
            "nan_count": self.nan_count,
        }


class Field(NamedTuple):
    """A name of the snapshot, of a motor or of a channel."""

    id: int
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class DetectorFile:
    """What is known of the content of a detector file at one root; all None and a `problem` where it is unreadable.

    Attributes
    ----------
    frame_shape, chunks : str or None
        As ``1679×1475``.
    energy_ev, threshold_ev, exposure_s : float or None
        The detector's own settings.
    root, path : str
        Where: the name of a remote or a folder, and the file below it.
    """

    root: str
    path: str
    detector: str
    size: int
    frames: int | None
    frame_shape: str | None
    dtype: str | None
    chunks: str | None
    compression: str | None
    energy_ev: float | None
    threshold_ev: float | None
    exposure_s: float | None
    problem: str


@dataclass(frozen=True, slots=True)
class PatternFile:
    """A file of integrated patterns at one root; what is in it is None where it was not opened.

    Attributes
    ----------
    root, path : str
        Where: the name of a remote or a folder, and the file below it.
    generation : str or None
        Who wrote it in which way: this tool, or one of the beamline's.
    problem : str
        Why it could not be read.
    """

    root: str
    path: str
    detector: str
    generation: str | None
    unit: str | None
    patterns: int | None
    bins: int | None
    sectors: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read.

    Attributes
    ----------
    root, path : str
        Where: the name of a remote or a folder, and the file below it.
    stage : str
        What was tried: to list, to read, to look into it, or the entry that was read.
    message : str
        Why it failed.
    """

    root: str
    path: str
    stage: str
    message: str
