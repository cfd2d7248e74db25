"""What is not as it should be with a scan, in words that may leave this machine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan, DetectorFile, Location
from danmax_sync.report.words import where
from danmax_sync.scanfile.record import LinkState, ScanState

_MASTER = "master"
_UNREADABLE = "unreadable"
_MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it should be.

    Attributes
    ----------
    where : str
        At which places, as `danmax_sync.report.words.where` names them.
    what : str
        A detector, the master, the patterns, or the scan itself.
    """

    where: str
    what: str
    state: str
    why: str


class KnownProblems:
    """Why masters could not be read, as the catalogue has it; asked once for each place."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._of_root: dict[int, dict[str, str]] = {}

    def why(self, place: Location) -> str:
        """Return what was said when the master at a place was read; nothing where that is not known."""
        if place.root.id not in self._of_root:
            found = self._catalogue.problems_at(place.root)
            self._of_root[place.root.id] = {each.path: each.message for each in found}
        return within(self._of_root[place.root.id].get(str(place.path), ""), *folders_of(place))


def faults_of(scan: CataloguedScan, known: KnownProblems, found: Sequence[tuple[str, str]]) -> list[Fault]:
    """Return what is wrong with a scan, the same at several places once.

    Parameters
    ----------
    found : sequence of (str, str)
        What, and why: of the files that were opened on this disk just now.
    """
    places = [place for place in scan.locations if place.state != _MISSING]
    faults = [Fault(where(at), _MASTER, _UNREADABLE, known.why(at)) for at in places if at.state == _UNREADABLE]
    faults += [
        Fault(where(at), link.detector, link.state.value, link.problem or link.filename)
        for at in places
        for link in at.links
        if link.state is not LinkState.OK
    ]
    said = {(each.where, each.what) for each in faults}
    faults += [Fault("here", what, _UNREADABLE, why) for what, why in found if ("here", what) not in said]
    if scan.state is ScanState.RUNNING:
        at = ", ".join(dict.fromkeys(map(where, places)))
        faults.append(Fault(at, "scan", scan.state.value, "had not ended when it was indexed"))
    return _joined(faults)


def _joined(faults: Sequence[Fault]) -> list[Fault]:
    places: dict[tuple[str, str, str], list[str]] = {}
    for each in faults:
        places.setdefault((each.what, each.state, each.why), []).append(each.where)
    return [Fault(", ".join(dict.fromkeys(at)), *rest) for rest, at in places.items()]


def within(message: str, *folders: str) -> str:
    """Return a message that names files from the visit's folder on: a page travels, and tells nothing of a disk."""
    for folder in folders:
        for end in "/\\":
            message = message.replace(f"{folder}{end}", "")
    return message


def folders_of(place: Location) -> tuple[str, ...]:
    """Return the folders that messages about files of a place may begin with, the longer one first."""
    if place.root.folder is not None:
        return str(place.prefix.below(place.root.folder)), str(place.root.folder)
    base = place.root.base.rstrip("/")
    return ("/".join((base, *place.prefix.parts)), base) if base else ()


def known_files(scan: CataloguedScan, files: Sequence[DetectorFile]) -> list[DetectorFile]:
    """Return detector files whose problems may leave this machine, too."""
    places = {place.root.name: place for place in scan.locations}
    return [
        replace(file, problem=within(file.problem, *folders_of(places[file.root])))
        if file.problem and file.root in places
        else file
        for file in files
    ]
