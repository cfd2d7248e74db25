"""What would be fetched, decided before a byte moves.

The unit is the scan set: a master with every file its links name. A set is planned as a whole, against what the source
shows now, and left out as a whole when the source does not have all of it.
"""

import errno
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

from danmax_sync.catalogue.values import CataloguedScan, Link, Location
from danmax_sync.errors import ExitCode, NothingMatchedError, UnfinishedError, UsageError
from danmax_sync.scanfile.record import ScanState
from danmax_sync.sources.base import FileInfo, Source, stat_all
from danmax_sync.transfer.arrival import IN_THE_WAY
from danmax_sync.transfer.nameable import NameLimits
from danmax_sync.visits import ScanPlace, TreePath, place

CALIBRATION_SUFFIXES = (".poni", ".npy")
LARGEST_CALIBRATION = 64 << 20
COARSEST_TIMES_NS = 2_000_000_000
"""SFTP tells whole seconds, FAT keeps even ones."""
_NO_NAMES = {errno.ENAMETOOLONG, errno.EINVAL}
"""How systems answer to a name that is too long or holds what they do not allow."""
_FEW = 256
"""Files that are looked at one by one: with so many questions at once a line takes one round trip, a listing two."""


class FileState(Enum):
    """Where a file of a plan is."""

    FETCH = "fetch"
    HERE = "here"
    MISSING = "missing at the source"
    DIFFERS = "here, but different"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of a set; `path` is the same below the source's root and below the destination.

    Attributes
    ----------
    size, mtime_ns : int
        At the source; 0 where it is missing.
    """

    path: TreePath
    size: int
    mtime_ns: int
    state: FileState

    def to_json(self) -> dict[str, object]:
        """Return what ``get --dry-run --json`` prints."""
        return {"path": str(self.path), "size": self.size, "state": self.state.value}


@dataclass(frozen=True, slots=True)
class ScanSet:
    """A master and the files its links name.

    Attributes
    ----------
    label : str
        How people call it.
    place : ScanPlace
        Where the master stands.
    obstacle : str
        Why it is left out; empty when it can be fetched.
    obstacle_code : ExitCode
        What that ends with: ``SOURCE`` for something at the source, ``VERIFICATION`` for a file of the destination
        that is in the way, ``UNFINISHED`` for what the destination cannot hold, ``DONE`` for what was not wanted.
    left_out : tuple of TreePath
        Files the master links to that do not come along.
    lacks : tuple of TreePath
        Those among them that are missing at the source, and not unwanted.
    is_running : bool
        Whether it is left out because the scan has not ended: it will come of itself.
    """

    label: str
    place: ScanPlace
    master: PlannedFile
    detectors: tuple[PlannedFile, ...]
    obstacle: str = ""
    obstacle_code: ExitCode = ExitCode.SOURCE
    left_out: tuple[TreePath, ...] = ()
    lacks: tuple[TreePath, ...] = ()
    is_running: bool = False

    @property
    def files(self) -> tuple[PlannedFile, ...]:
        """All files, the master last."""
        return (*self.detectors, self.master)

    @property
    def to_fetch(self) -> tuple[PlannedFile, ...]:
        """Those that are not here yet."""
        return tuple(file for file in self.files if file.state is FileState.FETCH)

    @property
    def bytes_to_fetch(self) -> int:
        """Their size."""
        return sum(file.size for file in self.to_fetch)


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """All that a ``get`` would do.

    Attributes
    ----------
    source, source_uri : str
        The remote's name and where it is.
    calibration : tuple of PlannedFile
        ``process/*.poni`` and masks, without which the patterns cannot be had.
    """

    source: str
    source_uri: str
    destination: Path
    sets: tuple[ScanSet, ...]
    calibration: tuple[PlannedFile, ...]

    @property
    def files(self) -> tuple[PlannedFile, ...]:
        """All files, the calibration's too."""
        return (*(file for each in self.sets for file in each.files), *self.calibration)

    @property
    def to_fetch(self) -> tuple[PlannedFile, ...]:
        """Files that would travel, each once: two masters may link to the same one."""
        of_sets = [file for each in self.sets if not each.obstacle for file in each.to_fetch]
        calibration = [file for file in self.calibration if file.state is FileState.FETCH]
        return tuple({file.path: file for file in [*of_sets, *calibration]}.values())

    @property
    def bytes_to_fetch(self) -> int:
        """Bytes that would travel."""
        return sum(file.size for file in self.to_fetch)

    @property
    def files_to_fetch(self) -> int:
        """Files that would travel."""
        return len(self.to_fetch)


@dataclass(frozen=True, slots=True)
class Choice:
    """What to take of what was found.

    Attributes
    ----------
    detectors, not_detectors : tuple of str
        Globs of detectors' names: only these, and not those.
    partial : bool
        Whether a set that lacks files at the source comes without them.
    largest_set, largest_total : int or None
        Bytes of one set, and of all that travels; what is beyond is left out and named.
    """

    detectors: tuple[str, ...] = ()
    not_detectors: tuple[str, ...] = ()
    partial: bool = False
    largest_set: int | None = None
    largest_total: int | None = None

    def __post_init__(self) -> None:
        # One name is a sequence, too: of its letters.
        for name in ("detectors", "not_detectors"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))

    def takes(self, detector: str) -> bool:
        """Say whether a detector's files are wanted."""
        wanted = not self.detectors or any(fnmatchcase(detector, glob) for glob in self.detectors)
        return wanted and not any(fnmatchcase(detector, glob) for glob in self.not_detectors)

    def check(self, scans: Iterable[CataloguedScan]) -> None:
        """Check that each glob of `detectors` means one of some scan: with a typo, masters would come alone.

        Raises
        ------
        UsageError
            If one means none.
        """
        known = sorted({link.detector for scan in scans for link in scan.links})
        for glob in self.detectors:
            if known and not any(fnmatchcase(name, glob) for name in known):
                raise UsageError(f"no detector of these scans is called {glob!r}", hint=f"they have {', '.join(known)}")

    def limited(self, scan_set: ScanSet) -> ScanSet:
        """Leave a set out that is too large."""
        size = sum(file.size for file in scan_set.files)
        if self.largest_set is None or size <= self.largest_set:
            return scan_set
        return _unwanted(scan_set, f"its {size:,} bytes are more than the {self.largest_set:,} that a set may have")

    def within_total(self, sets: Iterable[ScanSet]) -> Iterator[ScanSet]:
        """Leave sets out from where all of them would be too much."""
        total = 0
        for each in sets:
            wanted = 0 if each.obstacle else each.bytes_to_fetch
            if self.largest_total is not None and wanted and total + wanted > self.largest_total:
                yield _unwanted(each, f"with it, more than {self.largest_total:,} bytes would travel")
            else:
                total += wanted
                yield each


def _unwanted(scan_set: ScanSet, why: str) -> ScanSet:
    return replace(scan_set, obstacle=why, obstacle_code=ExitCode.DONE)


def make_plan(
    source: Source,
    scans: Sequence[CataloguedScan],
    destination: Path,
    *,
    choice: Choice | None = None,
    with_calibration: bool = True,
    on_this_disk: bool = True,
) -> TransferPlan:
    """Plan the sets of some scans.

    Parameters
    ----------
    source : Source
        Open; it is asked for the present size and time of every file.
    scans : sequence of CataloguedScan
        What is wanted, all entries of a master (`plan_scans` sees to it); those that the source does not hold are
        passed over.
    destination : Path
        The folder below which the source's tree is kept.
    choice : Choice, optional
        What to take of each set, and how much in all.
    with_calibration : bool
        Whether ``process/*.poni`` and masks come along.
    on_this_disk : bool
        Whether names must fit on the destination's disk; not where it only stands for a place elsewhere.

    Raises
    ------
    NothingMatchedError
        If the source holds none of the scans.
    UnfinishedError
        If the destination cannot be looked at.
    """
    look, choice = _Look(source), choice or Choice()
    by_master: dict[TreePath, tuple[Location, list[CataloguedScan]]] = {}
    for scan in scans:
        for location in scan.locations:
            if location.root.uri == source.uri:
                by_master.setdefault(location.path, (location, []))[1].append(scan)
    if not by_master:
        raise NothingMatchedError(
            f"none of the {len(scans)} scans found is known to be at {source.name}",
            hint=f"bring the catalogue up to date: danmax-sync index {source.name}",
        )
    held = [each for _, each in sorted(by_master.items(), key=lambda item: item[0])]
    look.ahead({path for at, of_it in held for path in (at.path, *_wanted(at, of_it, choice)[0])})
    limits = NameLimits.of(destination) if on_this_disk else None
    sets = [_plan_set(look, at, of_it, destination=destination, choice=choice, limits=limits) for at, of_it in held]
    prefixes = {location.prefix for location, _ in by_master.values()}
    calibration = _calibration(look, sorted(prefixes), destination) if with_calibration else ()
    return TransferPlan(source.name, source.uri, destination, tuple(choice.within_total(sets)), tuple(calibration))


class _Look:
    """What the source shows: of a few files all at once, of many folder by folder."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._folders: dict[TreePath, dict[str, FileInfo]] = {}
        self._files: dict[TreePath, FileInfo] = {}

    def ahead(self, paths: Collection[TreePath]) -> None:
        """Look at some files, where that is quicker than listing their folders."""
        if len(paths) <= _FEW and not getattr(self.source, "looks_by_listing", False):
            for path, info in zip(paths, stat_all(self.source, list(paths)), strict=True):
                # Why one is not there, or not for us, its folder's listing tells.
                if info is not None:
                    self._files[path] = info

    def files_in(self, folder: TreePath) -> dict[str, FileInfo]:
        if folder not in self._folders:
            self._folders[folder] = {info.path.name: info for info in self.source.files_in(folder)}
        return self._folders[folder]

    def file(self, path: TreePath) -> FileInfo | None:
        return self._files.get(path) or self.files_in(path.parent).get(path.name)


def _plan_set(
    look: _Look,
    at: Location,
    scans: list[CataloguedScan],
    *,
    destination: Path,
    choice: Choice,
    limits: NameLimits | None,
) -> ScanSet:
    path = at.path
    wanted, unwanted = _wanted(at, scans, choice)
    master = _planned(look, path, destination)
    found = [_planned(look, target, destination) for target in sorted(wanted)]
    lacks = [file.path for file in found if file.state is FileState.MISSING] if choice.partial else []
    planned = ScanSet(
        scans[0].label,
        place(path, root=look.source.base),
        master,
        tuple(file for file in found if file.path not in lacks),
        left_out=tuple(sorted([*unwanted, *lacks])),
        lacks=tuple(lacks),
    )
    local = [file for file in planned.files if file.state is FileState.DIFFERS]
    if local:
        where = local[0].path.below(destination)
        return replace(
            planned,
            obstacle=f"{where}{IN_THE_WAY}{_shown(where)}, {local[0].size} at the source; it is not overwritten",
            obstacle_code=ExitCode.VERIFICATION,
        )
    states = {scan.state for scan in scans}
    planned = replace(planned, is_running=ScanState.RUNNING in states and ScanState.UNREADABLE not in states)
    planned = replace(planned, obstacle=_obstacle(planned, scans, at))
    if not planned.obstacle and limits is not None:
        too_long = next(filter(None, (limits.problem(file.path) for file in planned.to_fetch)), "")
        planned = replace(planned, obstacle=too_long, obstacle_code=ExitCode.UNFINISHED) if too_long else planned
    return planned if planned.obstacle else choice.limited(planned)


def _wanted(at: Location, scans: list[CataloguedScan], choice: Choice) -> tuple[set[TreePath], set[TreePath]]:
    """Return the files that the links of a master lead to: those that are wanted, and those that are not."""
    # A file with several entries is one set: its links are those of all of them.
    links = {link.target or link.filename: link for scan in scans for link in _links_at(scan, at)}
    targets = {TreePath((*at.prefix.parts, *link.target.parts)): link for link in links.values() if link.target}
    unwanted = {target for target, link in targets.items() if not choice.takes(link.detector)}
    return targets.keys() - unwanted, unwanted


def _links_at(scan: CataloguedScan, at: Location) -> tuple[Link, ...]:
    """Return a scan's links as they are seen from one place: another copy may stand in other folders."""
    same = (here.links for here in scan.locations if (here.root.id, here.path) == (at.root.id, at.path))
    return next(same, scan.links)


def _obstacle(planned: ScanSet, scans: list[CataloguedScan], at: Location) -> str:
    """Say why the source does not have the whole set."""
    if any(scan.state is ScanState.UNREADABLE for scan in scans):
        return f"{planned.master.path} cannot be read, so nobody knows which files belong to it"
    if planned.is_running:
        return f"{planned.master.path} is still running: it has no end time and was written to within the hour"
    missing = [file for file in planned.files if file.state is FileState.MISSING]
    if missing:
        return f"incomplete at the source: {', '.join(str(file.path) for file in missing)} is missing or empty"
    unsafe = [link.problem for scan in scans for link in _links_at(scan, at) if link.target is None]
    return unsafe[0] if unsafe else ""


def _planned(look: _Look, path: TreePath, destination: Path) -> PlannedFile:
    info = look.file(path)
    if info is None or info.size == 0:
        return PlannedFile(path, 0, 0, FileState.MISSING)
    return PlannedFile(path, info.size, info.mtime_ns, _state_here(info, path.below(destination)))


def _state_here(info: FileInfo, local: Path) -> FileState:
    try:
        here = local.stat()
    except (FileNotFoundError, NotADirectoryError):
        # A link that leads nowhere has the name, all the same.
        return FileState.DIFFERS if local.is_symlink() else FileState.FETCH
    except OSError as problem:
        if problem.errno in _NO_NAMES:
            # Nothing can be there under such a name; that nothing can be put there either is found out later.
            return FileState.FETCH
        raise UnfinishedError(
            f"{local} cannot be looked at: {problem.strerror}", hint="mend that, or name another folder with --to DIR"
        ) from problem
    if here.st_size != info.size:
        return FileState.DIFFERS
    same = abs(here.st_mtime_ns - info.mtime_ns) <= COARSEST_TIMES_NS
    # The same size at another time may be the same file, copied by a tool that kept no times: fetched, then compared.
    return FileState.HERE if same else FileState.FETCH


def _shown(where: Path) -> str:
    try:
        return f"{where.stat().st_size} bytes here"
    except OSError:
        return "a link that leads nowhere here"


def _calibration(look: _Look, prefixes: Iterable[TreePath], destination: Path) -> Iterable[PlannedFile]:
    for prefix in prefixes:
        for name, info in sorted(look.files_in(prefix / "process").items()):
            if name.endswith(CALIBRATION_SUFFIXES) and 0 < info.size <= LARGEST_CALIBRATION:
                yield _planned(look, info.path, destination)
