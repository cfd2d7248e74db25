"""Check sets that are on this disk."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import NothingMatchedError, SourceError
from danmax_sync.events import Event, Listener, ignore, progress
from danmax_sync.scanfile.master import read_master
from danmax_sync.scanfile.structure import SetFault, check_set
from danmax_sync.sources.folder import FolderSource
from danmax_sync.transfer.expected import Sizes, differing
from danmax_sync.visits import FileKind, ScanPlace, kind_of, place


@dataclass(frozen=True, slots=True)
class LocalSet:
    """A master on this disk: the visit's folder, and its place in there."""

    visit_root: Path
    place: ScanPlace


@dataclass(frozen=True, slots=True)
class VerifySummary:
    """What was checked, and what is wrong."""

    sets: int
    ok: int
    faults: tuple[SetFault, ...]
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return the ``summary`` event's fields, a contract."""
        return {"sets": self.sets, "ok": self.ok, "failed": self.sets - self.ok, "seconds": round(self.seconds, 3)}


def sets_in(folder: Path) -> list[LocalSet]:
    """Return every master below a folder.

    Raises
    ------
    UsageError
        If it is not a folder.
    NothingMatchedError
        If there is no master in it.
    """
    source = FolderSource(folder)
    found = []
    for info in source.walk(lambda _path, _why: None):
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
    sets: Iterable[LocalSet], *, expected: Sizes | None = None, deep: bool = False, tell: Listener = ignore
) -> VerifySummary:
    """Check that each master opens, and that each of its links opens its own, whole sibling.

    Parameters
    ----------
    sets : iterable of LocalSet
        What to check.
    expected : Sizes, optional
        The sizes at the source, where they are known.
    deep : bool
        Also read and decompress every frame.
    tell : Listener
        Hears ``progress`` and ``set`` events.
    """
    started = time.monotonic()
    wanted = list(sets)
    faults: list[SetFault] = []
    ok = 0
    for done, (each, wrong) in enumerate(_checked(wanted, expected or {}, deep=deep), start=1):
        faults += wrong
        ok += not wrong
        path = str(each.place.path)
        tell(Event("set", {"path": path, "ok": not wrong, "faults": [fault.message for fault in wrong]}))
        progress(tell, "verify", done, len(wanted), unit="sets", item=path)
    return VerifySummary(len(wanted), ok, tuple(faults), time.monotonic() - started)


def _checked(sets: Iterable[LocalSet], expected: Sizes, *, deep: bool) -> Iterator[tuple[LocalSet, list[SetFault]]]:
    for each in sets:
        faults = check_set(each.visit_root, each.place, deep=deep)
        yield each, faults or differing(each.place.path.below(each.visit_root), expected)
