"""Where a visit stands: what is at its source, here, unfinished and in flight; for ``status``."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.catalogue.values import REMOTE, CataloguedScan
from danmax_sync.transfer.arrival import IN_THE_WAY, part_of
from danmax_sync.transfer.beacon import InFlight, all_in_flight
from danmax_sync.transfer.journal import Journal, UnfinishedSet
from danmax_sync.transfer.lock import is_busy
from danmax_sync.transfer.segments import MISSING
from danmax_sync.visits import TreePath


@dataclass(frozen=True, slots=True)
class BegunFile:
    """A part file that can be gone on with.

    Attributes
    ----------
    done, size : int
        Bytes that are here, and of the whole.
    """

    destination: Path
    path: str
    done: int
    size: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of scans, and what is unfinished.

    Attributes
    ----------
    scans, at_sources, here, partial, running, unreadable : int
        Scans in the catalogue; at some remote; complete on this disk; whose set lacks files everywhere; still running;
        that cannot be read.
    unfinished : tuple of UnfinishedSet
        Sets that a ``get`` could not complete, with the reason.
    begun : tuple of BegunFile
        Parts that the next ``get`` goes on with.
    busy : tuple of Path
        Destinations that something is fetched into right now.
    in_flight : tuple of InFlight
        How far those are that say so.
    """

    scans: int
    at_sources: int
    here: int
    partial: int
    running: int
    unreadable: int
    unfinished: tuple[UnfinishedSet, ...]
    begun: tuple[BegunFile, ...]
    busy: tuple[Path, ...]
    in_flight: tuple[InFlight, ...] = ()

    @property
    def blocked(self) -> tuple[UnfinishedSet, ...]:
        """The sets that a ``get`` cannot bring: something stands where one of their files goes, still."""
        return tuple(one for one in self.unfinished if _is_blocked(one))

    def to_json(self) -> dict[str, object]:
        """Return what ``status --json`` prints."""
        return {
            "scans": self.scans,
            "at_sources": self.at_sources,
            "here": self.here,
            "partial": self.partial,
            "running": self.running,
            "unreadable": self.unreadable,
            "unfinished": [
                {
                    "scan": one.label,
                    "path": one.master,
                    "source": one.source,
                    "destination": one.destination,
                    "state": one.state,
                    "message": one.message,
                    "hint": one.hint,
                    "bytes": one.bytes,
                }
                for one in self.unfinished
            ],
            "begun": [
                {"destination": str(one.destination), "path": one.path, "done": one.done, "size": one.size}
                for one in self.begun
            ],
            "busy": [str(path) for path in self.busy],
            "in_flight": [one.to_json() for one in self.in_flight],
        }


def standing(scans: Sequence[CataloguedScan], journal: Journal) -> Standing:
    """Add up what the catalogue and the journal know.

    Parameters
    ----------
    scans : sequence of CataloguedScan
        Those that are asked about.
    journal : Journal
        Asked about all destinations that are there.
    """
    begun = [part for name in journal.destinations() for part in _begun(Path(name), journal)]
    unfinished = [one for one in journal.unfinished() if Path(one.destination).is_dir()]
    in_flight = tuple(one for one in all_in_flight() if is_busy(one.destination))
    places = (
        {one.destination for one in in_flight}
        | {Path(one.destination) for one in unfinished}
        | {part.destination for part in begun}
    )
    states = [scan.state.value for scan in scans]
    return Standing(
        scans=len(scans),
        at_sources=sum(
            any(at.root.kind == REMOTE and at.state != "missing" for at in scan.locations) for scan in scans
        ),
        here=sum(any(at.root.folder and at.state == "complete" for at in scan.locations) for scan in scans),
        partial=states.count("partial"),
        running=states.count("running"),
        unreadable=states.count("unreadable"),
        unfinished=tuple(unfinished),
        begun=tuple(begun),
        busy=tuple(sorted(place for place in places if is_busy(place))),
        in_flight=in_flight,
    )


def _is_blocked(one: UnfinishedSet) -> bool:
    name, found, _ = one.message.partition(IN_THE_WAY)
    try:
        return bool(found) and os.path.lexists(name)
    except (OSError, ValueError):
        return False


def _begun(destination: Path, journal: Journal) -> list[BegunFile]:
    found = []
    for path, part in journal.begun(destination).items():
        if part_of(TreePath.parse(path).below(destination)).exists():
            done = sum(one != MISSING for one in part.checksums) * part.segment_bytes
            found.append(BegunFile(destination, path, min(done, part.size), part.size))
    return found
