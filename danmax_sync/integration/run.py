"""Integrate scans that are on this disk: find calibration, check, integrate, write under ``process/azint/``."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.catalogue.values import CataloguedScan, Link
from danmax_sync.errors import DanmaxSyncError, ExitCode, RefusalError, SourceError, UsageError
from danmax_sync.events import Event, Listener, ignore, progress, warning
from danmax_sync.integration.calibration import Calibration, find_calibration
from danmax_sync.integration.engine import Integrator
from danmax_sync.integration.nxazint import PatternFile, PerFrame, Provenance
from danmax_sync.integration.patterns import Patterns, file_key, read_patterns
from danmax_sync.integration.recipe import Recipe, fingerprint
from danmax_sync.scanfile.frames import Frames, open_frames, read_columns
from danmax_sync.visits import TreePath, integrated_path

I0_CHANNEL = "albaem-xrd_ch2"
TIME_CHANNEL = "pcap_trigts"
_UNIX_S = (1e9, 1e10)
"""What a time since 1970 looks like; others are relative to something nobody knows."""
_PREFERRED_DETECTORS = ("pilatus", "pilatus4", "eiger")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user named; the rest is found."""

    recipe: Recipe = field(default_factory=Recipe)
    poni: Path | None = None
    mask: Path | None = None
    detector: str | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """One scan: where its patterns are, or why there are none."""

    label: str
    output: Path | None = None
    frames: int = 0
    skipped_frames: int = 0
    poni: str = ""
    mask: str = ""
    message: str = ""
    hint: str = ""
    exit_code: ExitCode = ExitCode.DONE

    def to_json(self) -> dict[str, object]:
        """Return the fields of a ``scan`` event."""
        return {
            "scan": self.label,
            "output": str(self.output) if self.output else None,
            "frames": self.frames,
            "skipped_frames": self.skipped_frames,
            "poni": self.poni,
            "mask": self.mask,
            "message": self.message,
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
        raise SourceError(
            f"{scan.label} is not on this disk", hint=f"danmax-sync get {scan.number or 'QUERY'} --from NAME --to DIR"
        )

    def output(self, target: TreePath) -> Path:
        """Return where the patterns of one of the scan's detector files belong."""
        return integrated_path(target).below(self.visit_root)


def integrate_scans(scans: Iterable[CataloguedScan], choices: Choices, *, tell: Listener = ignore) -> IntegrateSummary:
    """Integrate scans one after the other; one that fails does not stop the others.

    Parameters
    ----------
    scans : iterable of CataloguedScan
        With at least one place on this disk each.
    choices : Choices
        Recipe, and what was named instead of found.
    tell : Listener
        Hears ``progress`` and ``scan`` events.
    """
    wanted = list(scans)
    run = _Run(choices, tell)
    started = time.monotonic()
    summary = IntegrateSummary()
    for done, scan in enumerate(wanted):
        progress(tell, "scans", done, len(wanted), unit="scans", item=scan.label)
        try:
            outcome = run.integrate(LocalScan.find(scan))
        except DanmaxSyncError as problem:
            outcome = ScanOutcome(scan.label, message=problem.message, hint=problem.hint, exit_code=problem.exit_code)
        summary.outcomes.append(outcome)
        tell(Event("scan", outcome.to_json()))
    progress(tell, "scans", len(wanted), len(wanted), unit="scans")
    summary.seconds = time.monotonic() - started
    return summary


class _Run:
    """Keeps the integrator while scans share geometry, mask and shape: making its matrix takes a second."""

    def __init__(self, choices: Choices, tell: Listener) -> None:
        self.choices, self.tell = choices, tell
        self._integrator: tuple[object, Integrator] | None = None

    def integrate(self, local: LocalScan) -> ScanOutcome:
        link, target = _detector_file(local, self.choices.detector)
        output = local.output(target)
        path = target.below(local.visit_root)
        with open_frames(path, link.inner_path) as frames:
            _check_frames(local.scan, frames)
            energy = local.scan.energy_kev
            calibration = find_calibration(
                local.visit_root / "process",
                energy=energy,
                frame_shape=frames.shape,
                poni=self.choices.poni,
                mask=self.choices.mask,
            )
            provenance = _provenance(local, target, calibration, self.choices.recipe)
            outcome = ScanOutcome(
                local.scan.label,
                output,
                poni=calibration.poni.name,
                mask=calibration.mask.name if calibration.mask else "",
            )
            if _is_done(output, provenance.key, overwrite=self.choices.overwrite):
                return replace(outcome, skipped_frames=frames.count)
            integrator = self._ready(calibration, frames.shape)
            try:
                self._write(output, integrator, frames, local, provenance)
            except OSError as problem:
                raise UsageError(
                    f"{output} cannot be written: {problem.strerror or problem}",
                    hint="make space or get the right to write there, then run again",
                ) from problem
            return replace(outcome, frames=frames.count)

    def _write(
        self, output: Path, integrator: Integrator, frames: Frames, local: LocalScan, provenance: Provenance
    ) -> None:
        with PatternFile(output, integrator, frames.count) as file:
            file.describe(local.scan.sample, provenance, _per_frame(local, frames.count))
            for index, frame in enumerate(frames):
                pattern = integrator.integrate(frame)
                if not np.isfinite(pattern.intensity).any():
                    raise RefusalError(
                        f"no pixel of frame {index} of {local.scan.label} falls into any bin",
                        hint="look at the geometry (poni1 and poni2 are in metres) and at the mask",
                    )
                file.write(index, pattern)
                progress(self.tell, "integrate", index + 1, frames.count, unit="frames", item=local.scan.label)

    def _ready(self, calibration: Calibration, shape: tuple[int, ...]) -> Integrator:
        key = (calibration.poni_text, calibration.mask_sha256, shape)
        if self._integrator is None or self._integrator[0] != key:
            self._integrator = (key, Integrator(calibration, self.choices.recipe, shape))
        return self._integrator[1]


def _detector_file(local: LocalScan, named: str | None) -> tuple[Link, TreePath]:
    links = {link.detector: link for link in local.scan.links}
    order = [named] if named else [name for name in _PREFERRED_DETECTORS if name in links] or list(links)
    link = links.get(order[0]) if order else None
    if link is None:
        known = ", ".join(links) or "none"
        raise SourceError(f"there are no frames of {named or 'a detector'} in it; there are: {known}")
    if link.target is None:
        raise SourceError(link.problem)
    path = link.target.below(local.visit_root)
    if not path.is_file():
        raise SourceError(
            f"{path} is missing; {local.master.name} links to it", hint="fetch the whole set: danmax-sync get …"
        )
    return link, link.target


def _check_frames(scan: CataloguedScan, frames: Frames) -> None:
    if len(frames.shape) != 2:
        raise SourceError(
            f"{frames.path} holds arrays of shape {frames.shape}, not frames", hint="name another: --detector"
        )
    if scan.points and frames.count != scan.points:
        raise RefusalError(
            f"{frames.path} holds {frames.count} frames for {scan.points} points of {scan.label}: "
            "nobody can tell which frame belongs to which point",
            hint="if the scan is still running, wait for its end and index again",
        )


def _provenance(local: LocalScan, target: TreePath, calibration: Calibration, recipe: Recipe) -> Provenance:
    stat = target.below(local.visit_root).stat()
    source: dict[str, str | int] = {
        "source_master": str(local.scan.path),
        "source_entry": local.scan.entry,
        "source_file": str(target),
        "source_size": stat.st_size,
        "source_mtime_ns": stat.st_mtime_ns,
    }
    key = fingerprint(source, calibration.poni_text, calibration.mask_sha256, recipe.to_json())
    energy = local.scan.energy_kev or calibration.energy_kev
    return Provenance(key, calibration, recipe, energy, source)


def _is_done(output: Path, key: str, *, overwrite: bool) -> bool:
    """Say whether the very same patterns exist. Others' files are never replaced, ours only when told to."""
    if not output.exists():
        return False
    try:
        theirs = file_key(output)
    except SourceError:
        theirs = None
    if theirs == key:
        return True
    if theirs is None:
        raise UsageError(f"{output} was not written by danmax-sync and is kept", hint="move it away, then run again")
    if not overwrite:
        raise UsageError(f"{output} was made with other settings or from another file", hint="replace it: --overwrite")
    return False


def _per_frame(local: LocalScan, count: int) -> PerFrame:
    scan = local.scan
    names = [name for name in (scan.temperature_origin, TIME_CHANNEL, I0_CHANNEL) if name]
    columns = {
        name: column for name, column in read_columns(local.master, scan.entry, names).items() if len(column) == count
    }
    temperature = columns.get(scan.temperature_origin or "")
    if temperature is None and scan.temperature_k is not None:
        temperature = np.full(count, scan.temperature_k)
    time_s, start = _times(columns.get(TIME_CHANNEL), scan.start_time or "")
    return PerFrame(temperature, time_s, start, columns.get(I0_CHANNEL))


def _times(stamps: NDArray[np.float64] | None, scan_start: str) -> tuple[NDArray[np.float64] | None, str]:
    """Count from the first trigger, which comes a moment after the scan's start."""
    known = np.zeros(0) if stamps is None else stamps[np.isfinite(stamps)]
    if stamps is None or not known.size:
        return None, scan_start
    first = float(known[0])
    is_unix = _UNIX_S[0] < first < _UNIX_S[1]
    return stamps - first, datetime.fromtimestamp(first, UTC).isoformat() if is_unix else scan_start


def on_this_disk(scans: Sequence[CataloguedScan], *, tell: Listener = ignore) -> list[CataloguedScan]:
    """Return the scans that are here; say how many are not.

    Raises
    ------
    SourceError
        If none of them is.
    """
    here = [scan for scan in scans if any(at.root.folder and at.state != "missing" for at in scan.locations)]
    hint = "fetch them: danmax-sync get QUERY --from NAME --to DIR"
    if not here:
        raise SourceError(f"none of the {len(scans)} scans found is on this disk", hint=hint)
    if len(here) < len(scans):
        warning(
            tell, f"{len(scans) - len(here)} of {len(scans)} scans are not on this disk and are left out", hint=hint
        )
    return here


def patterns_of(scans: Sequence[CataloguedScan]) -> list[tuple[str, Patterns]]:
    """Return the patterns of all scans that have been integrated, labelled with their scans.

    Raises
    ------
    SourceError
        If none has been.
    """
    found = [(scan.label, path) for scan in on_this_disk(scans) for path in _outputs_of(scan)[:1]]
    if not found:
        raise SourceError(
            f"none of the {len(scans)} scans found has been integrated", hint="danmax-sync integrate QUERY"
        )
    return [(label, read_patterns(path)) for label, path in found]


def _outputs_of(scan: CataloguedScan) -> list[Path]:
    try:
        local = LocalScan.find(scan)
    except SourceError:
        # Deleted since it was indexed: the others can still be shown.
        return []
    places = [local.output(link.target) for link in local.scan.links if link.target is not None]
    return [path for path in places if path.is_file()]
