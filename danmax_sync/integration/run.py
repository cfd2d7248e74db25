"""Integrate scans that are on this disk: find calibration, check, integrate, write under ``process/azint/``."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import DanmaxSyncError, ExitCode, RefusalError, UsageError
from danmax_sync.events import Event, Listener, ignore, progress
from danmax_sync.integration.agreeing import patterns_of
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.choices import Choices
from danmax_sync.integration.compiling import is_compiled
from danmax_sync.integration.engine import Integrator, Pattern
from danmax_sync.integration.job import Job, job_of
from danmax_sync.integration.journal import Journal, Packed
from danmax_sync.integration.localscan import LocalScan, on_this_disk
from danmax_sync.integration.newfile import NewFile, journal_parts
from danmax_sync.integration.norms import Norms
from danmax_sync.integration.nxazint import Large, pack
from danmax_sync.integration.outcome import IntegrateSummary, ScanOutcome
from danmax_sync.integration.present import Present, adopt, look_at
from danmax_sync.integration.recipe import FINEST_BIN, USUAL_BINS
from danmax_sync.integration.renewing import renew
from danmax_sync.integration.store import is_stored
from danmax_sync.integration.stream import Bad, Unit, integrate_units
from danmax_sync.quantities import count as spelled
from danmax_sync.scanfile.frames import open_frames
from danmax_sync.scanfile.hdf5 import first_line

__all__ = [
    "Choices",
    "Glimpse",
    "IntegrateSummary",
    "LocalScan",
    "Run",
    "ScanOutcome",
    "integrate_scans",
    "on_this_disk",
    "patterns_of",
]


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """The newest pattern, for whoever looks on.

    Attributes
    ----------
    label : str
        Of the scan.
    index, patterns : int
        Which pattern, of how many.
    radial, intensity : ndarray, (bins,)
        NaN where a bin has no pixel.
    unit : str
        ``2th`` or ``q``.
    temperature_k : float or None
        Where it was recorded.
    """

    label: str
    index: int
    patterns: int
    radial: NDArray[np.float64]
    intensity: NDArray[np.float32]
    unit: str
    temperature_k: float | None


Onlooker = Callable[[Glimpse], None]


def integrate_scans(
    scans: Iterable[CataloguedScan], choices: Choices, *, tell: Listener = ignore, look: Onlooker | None = None
) -> IntegrateSummary:
    """Integrate scans one after the other; one that fails does not stop the others.

    Parameters
    ----------
    scans : iterable of CataloguedScan
        With at least one place on this disk each.
    choices : Choices
        Recipe, and what was named instead of found.
    tell : Listener
        Hears ``progress`` and ``scan`` events.
    look : callable, optional
        Sees each new pattern; the integration waits for it.
    """
    wanted = list(scans)
    run = Run(choices, tell, look)
    summary = IntegrateSummary()
    started = time.monotonic()
    for done, scan in enumerate(wanted):
        progress(tell, "scans", done, len(wanted), unit="scans", item=scan.label, scan=scan.label)
        outcome = run.outcome_of(scan)
        summary.outcomes.append(outcome)
        tell(Event("scan", outcome.to_json()))
    progress(tell, "scans", len(wanted), len(wanted), unit="scans")
    summary.seconds = time.monotonic() - started - run.preparing
    return summary


class Run:
    """Keeps the integrator while scans share geometry, mask and shape: making its matrix takes a second."""

    def __init__(self, choices: Choices, tell: Listener, look: Onlooker | None = None) -> None:
        self.choices, self.tell, self.look = choices, tell, look
        self.preparing = 0.0
        self._integrator: tuple[object, Integrator] | None = None

    def outcome_of(self, scan: CataloguedScan) -> ScanOutcome:
        """Integrate one scan; what keeps it from being integrated is in the outcome."""
        try:
            return self._integrated(LocalScan.find(scan))
        except DanmaxSyncError as problem:
            return ScanOutcome(scan.label, message=problem.message, hint=problem.hint, exit_code=problem.exit_code)

    def _integrated(self, local: LocalScan) -> ScanOutcome:
        link, target = local.detector_file(self.choices.detector)
        with open_frames(target.below(local.visit_root), link.inner_path) as frames:
            job = job_of(local, frames, target, self.choices)
            calibration = job.provenance.calibration
            outcome = ScanOutcome(
                local.scan.label,
                job.output,
                poni=calibration.poni.name,
                mask=", ".join(path.name for path in calibration.masks),
                notes=job.notes(self.choices),
            )
            present = look_at(job.output, job.provenance.key, overwrite=self.choices.overwrite)
            kept = self._kept(present, job)
            if present and len(kept) == len(job.units) == present.patterns and present.is_final >= job.count.is_final:
                with _written(job.output):
                    renewed = renew(job.output, local.scan.sample, job.provenance.energy_kev, job.per_frame)
                return self._ended(replace(outcome, skipped_frames=len(kept) * self._each, renewed=renewed), job, [])
            integrator = self._ready(calibration, frames.shape, local.scan.label)
            if self.choices.recipe.bins is None and self.choices.recipe.edges is None:
                bins = len(integrator.radial)
                why = "as usual" if bins == USUAL_BINS else "as many as the pixels resolve"
                outcome = replace(outcome, notes=(*outcome.notes, f"{bins} bins, {why}"))
            with _written(job.output):
                return self._make(job, integrator, kept, outcome)

    @property
    def _each(self) -> int:
        return self.choices.recipe.average

    def _kept(self, present: Present | None, job: Job) -> dict[int, tuple[int, int]]:
        """Return the patterns in an earlier file that are of the frames that are there now.

        Raises
        ------
        UsageError
            If that file is of another measurement, and may not be replaced.
        """
        if present is None:
            return {}
        stat = job.frames.path.stat()
        same_file = present.source == (stat.st_size, stat.st_mtime_ns)
        kept = {}
        for unit in job.units:
            there = present.done.get(unit.index)
            if there is None:
                continue
            here = job.source(unit)
            if here == (0, 0) and not same_file and not present.is_final:
                # It has grown, and which of its frames are the same cannot be told: all are taken anew.
                return {}
            if there != here or (here == (0, 0) and not same_file):
                if self.choices.overwrite:
                    return {}
                raise UsageError(
                    f"{job.output} was made with other settings or from another file", hint="replace it: --overwrite"
                )
            kept[unit.index] = there
        if present.is_final and not same_file:
            # Frames have no sums of their own: a file that was damaged and fetched again looks as it did before.
            kept = {}
        if present.patterns > len(job.units) and not self.choices.overwrite:
            raise UsageError(
                f"{job.output} holds {spelled(present.patterns, 'pattern')}, now there would be {len(job.units)}",
                hint="replace it: --overwrite",
            )
        return kept

    def _make(
        self, job: Job, integrator: Integrator, kept: dict[int, tuple[int, int]], outcome: ScanOutcome
    ) -> ScanOutcome:
        path = job.output.with_name(f".{job.output.name}.danmax-part")
        with Journal(path, job.journal_key(), journal_parts(integrator)) as journal:
            if any(journal.done.get(unit.index, job.source(unit)) != job.source(unit) for unit in job.units):
                journal.forget()
            norms = Norms(integrator, journal)
            with NewFile(job.output, integrator, journal, len(job.units)) as new:
                if kept:
                    adopt(job.output, integrator, journal, new, kept)
                before = [unit for unit in job.units if unit.index in journal.done]
                todo = [unit for unit in job.units if unit.index not in journal.done]
                bad, empty = self._integrate(job, integrator, new, todo, norms)
                new.finish(
                    norms=norms.values,
                    sample=job.local.scan.sample,
                    provenance=job.provenance,
                    per_frame=job.per_frame,
                    is_final=job.count.is_final,
                )
            journal.remove()
        made = (len(todo) - len(bad)) * self._each
        if empty:
            outcome = replace(outcome, notes=(*outcome.notes, job.without_numbers(empty)))
        return self._ended(replace(outcome, frames=made, skipped_frames=len(before) * self._each), job, bad)

    def _integrate(
        self, job: Job, integrator: Integrator, new: NewFile, todo: Sequence[Unit], norms: Norms
    ) -> tuple[list[Bad], list[int]]:
        """Make patterns; return those that could not be made, and those that hold no number."""
        sources = {unit.index: job.source(unit) for unit in todo}
        bad, empty = [], []

        def make(pattern: Pattern) -> tuple[Packed, list[Large], Pattern]:
            return *pack(integrator, pattern, sources[pattern.index]), pattern

        done = len(job.units) - len(todo)
        for each in integrate_units(
            integrator,
            job.frames,
            todo,
            make=make,
            threads=self.choices.threads,
            plain=self.choices.plain,
            pack_cake=True,
        ):
            if isinstance(each, Bad):
                bad.append(each)
            else:
                packed, large, pattern = each.made
                norms.add(pattern)
                new.add(packed, large)
                if not np.isfinite(pattern.intensity).any():
                    empty.append(pattern.index)
                if self.look is not None:
                    self.look(_glimpse(job, integrator, pattern))
            done += 1
            label = job.local.scan.label
            progress(self.tell, "integrate", done, len(job.units), unit="frames", item=label, scan=label)
        return bad, empty

    def _ended(self, outcome: ScanOutcome, job: Job, bad: Sequence[Bad]) -> ScanOutcome:
        """Say what is missing of a scan."""
        if bad:
            named = ", ".join(str(each.frame) for each in bad[:10]) + (", …" if len(bad) > 10 else "")
            return replace(
                outcome,
                bad_frames=tuple(each.frame for each in bad),
                message=f"{bad[0].message}; patterns of frames {named} are NaN, the others are kept"
                if len(bad) > 1
                else f"{bad[0].message}; its pattern is NaN, the others are kept",
                hint="fetch the set again: danmax-sync verify --deep, then get; or leave it so",
                exit_code=ExitCode.SOURCE,
            )
        if not job.count.is_final:
            return replace(
                outcome,
                message=f"{spelled(job.count.frames, 'frame')} so far, the scan has not ended",
                hint="index it and run again to go on, also when it was aborted and nothing more will come",
                exit_code=ExitCode.UNFINISHED,
            )
        return outcome

    @contextmanager
    def _step(self, stage: str, label: str, item: str, *, begun: bool = True) -> Iterator[Callable[[], None]]:
        """Tell of a step that nobody can measure, and when it is over; gives what tells that it is still under way.

        Whoever hears of it may end it: a thread beside a fetching hears of no Ctrl-C.
        """
        told = False

        def waiting() -> None:
            nonlocal told
            told = True
            progress(self.tell, stage, 0, 1, unit="", item=item, scan=label)

        if begun:
            waiting()
        try:
            yield waiting
        finally:
            if told:
                progress(self.tell, stage, 1, 1, unit="", item=item, scan=label)

    def _ready(self, calibration: Calibration, shape: tuple[int, ...], label: str) -> Integrator:
        recipe = self.choices.recipe
        key = (calibration.poni_text, calibration.hashes(), shape)
        if self._integrator is not None and self._integrator[0] == key:
            return self._integrator[1]
        started = time.monotonic()
        if not is_compiled():
            # Seen once on each machine; later starts load what was compiled.
            with self._step("compile", label, "once on this machine"):
                from danmax_sync.integration.machine import functions

                functions()
        with self._step("prepare geometry", label, calibration.poni.name, begun=False) as waiting:
            if not is_stored(calibration, recipe, shape):
                waiting()
            integrator = Integrator(calibration, recipe, shape, waiting=waiting)
        check_axis(integrator, allowed="bins" in calibration.allowed)
        self._integrator = (key, integrator)
        self.preparing += time.monotonic() - started
        return integrator


@contextmanager
def _written(output: Path) -> Iterator[None]:
    """Say in the user's words why a file cannot be written."""
    try:
        yield
    except OSError as problem:
        # HDF5's own words are lines long, with places in memory.
        why = os.strerror(problem.errno) if problem.errno else first_line(problem)
        raise UsageError(
            f"{output} cannot be written: {why}",
            hint="make space or get the right to write there, then run again",
        ) from problem


def _glimpse(job: Job, integrator: Integrator, pattern: Pattern) -> Glimpse:
    kelvin = None if job.per_frame.temperature_k is None else float(job.per_frame.temperature_k[pattern.index])
    unit = job.provenance.recipe.unit.value
    patterns = len(job.units)
    label = job.local.scan.label
    return Glimpse(label, pattern.index, patterns, integrator.radial, pattern.intensity, unit, kelvin)


def check_axis(integrator: Integrator, *, allowed: bool) -> None:
    """Check that bins see pixels, and that pixels resolve the bins.

    Raises
    ------
    RefusalError
        If none of them sees any, or they are too fine and that is not allowed.
    """
    if not integrator.geometry.matrix.entries.any():
        raise RefusalError(
            f"no pixel of {integrator.frame_shape} frames falls into any bin",
            hint="look at the geometry (poni1 and poni2 are in metres) and the mask; or at --range and --azimuth",
        )
    finest = float(np.diff(integrator.radial_edges).min())
    width = integrator.geometry.pixel_width
    if finest < FINEST_BIN * width * (1 - 1e-9) and not allowed:
        most = int((integrator.radial_edges[-1] - integrator.radial_edges[0]) / (FINEST_BIN * width))
        raise RefusalError(
            f"bins of {finest:.3g} are finer than a third of a pixel, which is {width:.3g} wide: "
            "they would show the splitting and no detail",
            hint=f"--bins {most} or fewer; or --allow bins",
        )
