"""Scans whose files are on this disk, and where their detector files and patterns are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from danmax_sync.catalogue.given import none_given
from danmax_sync.catalogue.values import CataloguedScan, Link
from danmax_sync.errors import RefusalError, SourceError
from danmax_sync.events import Listener, ignore, warning
from danmax_sync.quantities import count as spelled
from danmax_sync.quantities import of_which
from danmax_sync.scanfile.frames import Frames
from danmax_sync.visits import TreePath, integrated_path

_PREFERRED_DETECTORS = ("pilatus", "pilatus4", "eiger")
SEVERAL_A_POINT = ("burstscan",)
"""Commands that take several frames at each point."""


@dataclass(frozen=True, slots=True)
class LocalScan:
    """A scan with its files on this disk."""

    scan: CataloguedScan
    visit_root: Path
    master: Path

    @classmethod
    def find(cls, scan: CataloguedScan) -> "LocalScan":
        """Return the best local place of a scan.

        Raises
        ------
        SourceError
            If it is not on this disk.
        """
        places = [at for at in scan.locations if at.root.folder is not None and at.state != "missing"]
        places.sort(key=lambda at: at.state != "complete")
        for at in places:
            folder = at.root.folder
            if folder is not None and at.path.below(folder).is_file():
                return cls(replace(scan, links=at.links), at.prefix.below(folder), at.path.below(folder))
        raise not_here(scan)

    def output(self, target: TreePath) -> Path:
        """Return where the patterns of one of the scan's detector files belong."""
        return integrated_path(target).below(self.visit_root)

    def detector_file(self, named: str | None) -> tuple[Link, TreePath]:
        """Return the link to the frames of a detector, the usual one where none is named, and their file.

        Raises
        ------
        SourceError
            If there is none, or its file is not here.
        """
        links = {link.detector: link for link in self.scan.links}
        order = [named] if named else [name for name in _PREFERRED_DETECTORS if name in links] or list(links)
        link = links.get(order[0]) if order else None
        if link is None:
            if not links:
                raise SourceError(f"{self.scan.label} has no frames: no detector took part in it")
            raise SourceError(f"{self.scan.label} has no frames of {named}; it has those of {', '.join(links)}")
        if link.target is None:
            raise SourceError(link.problem)
        path = link.target.below(self.visit_root)
        if not path.is_file():
            raise SourceError(
                f"{path} is missing; {self.master.name} links to it",
                hint=f"fetch the whole set: danmax-sync get {query_of(self.scan)}",
            )
        return link, link.target

    def patterns(self) -> list[Path]:
        """Return the files of patterns of this scan that are here."""
        places = [self.output(link.target) for link in self.scan.links if link.target is not None]
        return [path for path in places if path.is_file()]


def not_here(scan: CataloguedScan) -> SourceError:
    """Return what says that a scan is not on this disk."""
    return SourceError(f"{scan.label} is not on this disk", hint=f"danmax-sync get {query_of(scan)}")


def query_of(scan: CataloguedScan) -> str:
    """Return a query for a scan, short enough to be typed."""
    return str(scan.number) if scan.number is not None else "QUERY"


@dataclass(frozen=True, slots=True)
class FrameCount:
    """How many frames of a scan can be used.

    Attributes
    ----------
    frames : int
        From the first on.
    points : int
        That they belong to.
    expected : int
        How many there will be, as far as is known.
    is_final : bool
        Whether the scan has ended, with all of them.
    each : int
        How many each point has: of bursts several.
    """

    frames: int
    points: int
    expected: int
    is_final: bool
    each: int = 1


def count_frames(scan: CataloguedScan, frames: Frames, *, threshold: int, allowed: bool) -> FrameCount:
    """Compare frames with points.

    A scan that has not ended may have any number of either, for its files are still being written; those that both have
    are used. A burst takes the same number of frames at each point.

    Raises
    ------
    SourceError
        If there are no frames at all.
    RefusalError
        If the numbers differ in any other way, unless that is allowed.
    """
    if len(frames.shape) != 2 or min(frames.shape) < 2:
        raise SourceError(
            f"{frames.path} holds arrays of shape {frames.shape}, not frames", hint="name another: --detector NAME"
        )
    if threshold >= frames.thresholds:
        raise SourceError(
            f"{frames.path} has {frames.thresholds} thresholds, no threshold {threshold}",
            hint="they are counted from 0",
        )
    count, points = frames.count, scan.points
    if scan.end_time is None and points and count != points:
        used = min(count, points)
        if not used:
            raise SourceError(f"{frames.path} holds no frames yet", hint="run again when there are some")
        return FrameCount(used, used, max(count, points), is_final=False)
    if not count:
        raise SourceError(f"{frames.path} holds no frames", hint="the detector did not save any")
    if not points or count == points:
        return FrameCount(count, points or count, count, is_final=True)
    if scan.macro in SEVERAL_A_POINT and count % points == 0:
        return FrameCount(count, points, count, is_final=True, each=count // points)
    if allowed:
        return FrameCount(count, min(points, count), count, is_final=True)
    raise RefusalError(
        f"{frames.path} holds {spelled(count, 'frame')} for {spelled(points, 'point')} of {scan.label}: "
        "nobody can tell which frame belongs to which point",
        hint="if the scan is still running, wait for its end and index again; or take them as they are: --allow frames",
    )


def on_this_disk(scans: Sequence[CataloguedScan], *, tell: Listener = ignore) -> list[CataloguedScan]:
    """Return the scans that are here; say how many are not.

    Raises
    ------
    NothingMatchedError
        If there are no scans.
    SourceError
        If none of them is.
    """
    if not scans:
        raise none_given()
    here = [scan for scan in scans if any(at.root.folder and at.state != "missing" for at in scan.locations)]
    hint = "fetch them: danmax-sync get QUERY"
    if not here:
        if len(scans) == 1:
            raise not_here(scans[0])
        raise SourceError(f"none of the {len(scans)} scans found is on this disk", hint=hint)
    if len(here) < len(scans):
        away = of_which(len(scans) - len(here), len(scans), "scan", one="is", several="are")
        warning(tell, f"{away} not on this disk and left out", hint=hint)
    return here
