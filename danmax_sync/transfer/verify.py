"""Check sets that are on this disk."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.clock import clock
from danmax_sync.errors import NothingMatchedError, SourceError
from danmax_sync.events import Event, Listener, ignore, progress, warning
from danmax_sync.scanfile.master import read_master
from danmax_sync.scanfile.structure import SetFault, check_set
from danmax_sync.sources.folder import FolderSource
from danmax_sync.transfer.expected import Originals, differing
from danmax_sync.transfer.journal import CheckedFile
from danmax_sync.transfer.levels import Level
from danmax_sync.transfer.readback import check_arrival, check_hash, drop_cache, version_of
from danmax_sync.transfer.records import Records
from danmax_sync.visits import FileKind, ScanPlace, kind_of, place


@dataclass(frozen=True, slots=True)
class LocalSet:
    """A master on this disk: the visit's folder, and its place in there."""

    visit_root: Path
    place: ScanPlace

    @property
    def label(self) -> str:
        """How people call its scan: its number, or its file where it has none."""
        return str(self.place.path) if self.place.number is None else f"scan {self.place.number}"


@dataclass(frozen=True, slots=True)
class VerifySummary:
    """What was checked, and what is wrong.

    Attributes
    ----------
    levels : mapping
        How many good sets reached which `Level`, by its value.
    """

    sets: int
    ok: int
    faults: tuple[SetFault, ...]
    levels: Mapping[str, int]
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return the ``summary`` event's fields, a contract."""
        return {
            "sets": self.sets,
            "ok": self.ok,
            "failed": self.sets - self.ok,
            "levels": dict(self.levels),
            "seconds": round(self.seconds, 3),
        }


def sets_in(folder: Path, *, tell: Listener = ignore) -> list[LocalSet]:
    """Return every master below a folder, linked folders included: people put what is large on another disk.

    Parameters
    ----------
    folder : Path
        Where to look.
    tell : Listener
        Hears a ``warning`` for what cannot be looked at.

    Raises
    ------
    UsageError
        If it is not a folder.
    NothingMatchedError
        If there is no master in it.
    """
    source = FolderSource(folder, all_links=True)
    found = []
    for info in source.walk(lambda path, why: warning(tell, f"{source.folder / path} {why}")):
        kind, where = kind_of(info.path.name), place(info.path, root=source.base)
        candidate = kind is FileKind.CANDIDATE and _holds_scans(info.path.below(source.folder), where)
        if candidate or kind is FileKind.MASTER:
            found.append(LocalSet(where.visit_root.below(source.folder), where))
    if not found:
        raise NothingMatchedError(f"{folder} holds no scan-####.h5", hint="name the folder of a visit")
    return found


def _holds_scans(file: Path, where: ScanPlace) -> bool:
    """Say whether an ``.h5`` of another name is a master too, as those of in-situ runs are."""
    try:
        return bool(read_master(file, where))
    except SourceError:
        return False


def sets_of(scans: Iterable[CataloguedScan]) -> list[LocalSet]:
    """Return the masters of some scans that the catalogue knows on this disk.

    Raises
    ------
    NothingMatchedError
        If none of them is here.
    """
    found: dict[tuple[Path, ScanPlace], LocalSet] = {}
    for scan in scans:
        for location in scan.locations:
            if location.root.folder is not None and location.state != "missing":
                where = place(location.path, root=location.root.base)
                root = location.prefix.below(location.root.folder)
                found[root, where] = LocalSet(root, where)
    if not found:
        raise NothingMatchedError(
            "none of these scans is on this disk", hint="fetch them: danmax-sync get QUERY --from NAME --to DIR"
        )
    return list(found.values())


def verify_sets(
    sets: Iterable[LocalSet],
    *,
    originals: Originals | None = None,
    hashes: Mapping[Path, str] | None = None,
    records: Records | None = None,
    deep: bool = False,
    tell: Listener = ignore,
) -> VerifySummary:
    """Check that each master opens, and that each of its links opens its own, whole sibling.

    Parameters
    ----------
    sets : iterable of LocalSet
        What to check.
    originals : Originals, optional
        The files at their sources, where they are known: the sizes must agree.
    hashes : mapping, optional
        The SHA-256 of files as their sources compute it, by local path.
    records : Records, optional
        What the journal knows: files left out on purpose are not missed, and the levels reached are kept.
    deep : bool
        Also read everything back from the disk, compare it with what came over the line, and decompress every frame.
    tell : Listener
        Hears ``progress`` and ``set`` events.
    """
    started = time.monotonic()
    wanted = list(sets)
    check = _Check(originals or {}, hashes or {}, records, deep=deep)
    faults: list[SetFault] = []
    levels: Counter[str] = Counter()
    for done, each in enumerate(wanted, start=1):
        wrong, level = check.one(each)
        faults += wrong
        levels.update(() if wrong else (level.value,))
        path = str(each.place.path)
        fields = {"scan": each.label, "path": path, "ok": not wrong, "level": "" if wrong else level.value}
        tell(Event("set", {**fields, "faults": [fault.message for fault in wrong]}))
        progress(tell, "verify", done, len(wanted), unit="sets", item=path)
    if records is not None:
        records.save()
    return VerifySummary(len(wanted), levels.total(), tuple(faults), dict(levels), time.monotonic() - started)


def _changed(path: Path, known: CheckedFile) -> str:
    """Say in what a file differs from the version of it that came."""
    size, mtime_ns = version_of(path)
    if size != known.size:
        return f"{path} changed since it was fetched: it holds {size:,} bytes, {known.size:,} came"
    written, theirs = (clock(each / 1e9) for each in (mtime_ns, known.mtime_ns))
    return f"{path} changed since it was fetched: written {written}, at the source {theirs}"


class _Check:
    def __init__(
        self, originals: Originals, hashes: Mapping[Path, str], records: Records | None, *, deep: bool
    ) -> None:
        self._originals, self._hashes, self._records, self._deep = originals, hashes, records, deep

    def one(self, each: LocalSet) -> tuple[list[SetFault], Level]:
        """Return what is wrong with a set, and the level that all its files have reached."""
        master = each.place.path.below(each.visit_root)
        if self._deep:
            self._forget(master, each)
        faults = [
            fault
            for fault in check_set(each.visit_root, each.place, deep=self._deep)
            if not (self._records and not fault.path.exists() and self._records.is_left_out(fault.path))
        ]
        faults = faults or differing(master, self._originals)
        if faults:
            return faults, Level.SIZE
        files = [path for path in self._files(master, each) if path.is_file()]
        for path in files:
            try:
                self._compare(path)
            except SourceError as problem:
                faults.append(SetFault(path, problem.message))
        if self._deep:
            level = Level.DEEP
        else:
            level = Level.HASH if files and all(path in self._hashes for path in files) else Level.STRUCTURE
        if self._records is not None and not faults:
            self._records.reached(files, level)
        return faults, level

    def _compare(self, path: Path) -> None:
        if path in self._hashes:
            check_hash(path, self._hashes[path])
        known = self._records.once(path) if self._records is not None else None
        if self._records is None or known is None:
            return
        changed = self._records.of(path) is None
        same_size = version_of(path)[0] == known.size
        if same_size and self._deep and known.segment_bytes > 0 and known.checksums:
            check_arrival(path, known)
        elif changed and not (same_size and path in self._hashes):
            raise SourceError(_changed(path, known))
        self._records.is_the_same(path)

    def _forget(self, master: Path, each: LocalSet) -> None:
        for path in self._files(master, each):
            if path.is_file():
                drop_cache(path)

    def _files(self, master: Path, each: LocalSet) -> list[Path]:
        try:
            records = read_master(master, each.place)
        except SourceError:
            return [master]
        targets = {link.target for record in records for link in record.links if link.target is not None}
        return [master, *(target.below(each.visit_root) for target in sorted(targets))]
