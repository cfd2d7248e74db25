"""One scan, with all that is known before its first frame is read: what is refused is refused here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import UsageError
from danmax_sync.integration.calibration import Calibration, find_calibration
from danmax_sync.integration.choices import Choices
from danmax_sync.integration.localscan import FrameCount, LocalScan, count_frames
from danmax_sync.integration.nxazint import Provenance
from danmax_sync.integration.perframe import PerFrame, frame_groups, monitor_scales, read_per_frame
from danmax_sync.integration.recipe import Recipe, fingerprint, frame_slice
from danmax_sync.integration.stream import Unit
from danmax_sync.quantities import count as spelled
from danmax_sync.scanfile.frames import Frames
from danmax_sync.visits import TreePath

_ENGINE = 4
"""Raised whenever the same frames and settings would give other numbers."""
_LARGE_MASK = 0.5
"""What a mask leaves out without being asked about: more than that are mostly the wrong way round."""


@dataclass(frozen=True, slots=True)
class Job:
    """One scan, with all that is known before its first frame is read."""

    local: LocalScan
    frames: Frames
    count: FrameCount
    output: Path
    provenance: Provenance
    per_frame: PerFrame
    units: Sequence[Unit]

    def source(self, unit: Unit) -> tuple[int, int]:
        """Return by what the frames of a unit are known again."""
        places = [self.frames.whereabouts(frame, self.provenance.recipe.threshold) for frame in unit.frames]
        if len(places) == 1:
            return places[0]
        return sum(place[0] for place in places), sum(place[1] for place in places)

    def journal_key(self) -> str:
        """Return what patterns are kept for: this very file, but while it grows and frames can be told apart."""
        key = self.provenance.key
        if not self.count.is_final and all(self.source(unit) != (0, 0) for unit in self.units):
            return key
        return fingerprint(key, self.provenance.source)

    def notes(self, choices: Choices) -> tuple[str, ...]:
        """Say what the user should know before the first frame."""
        notes = list(choices.said)
        chosen = len(range(self.count.frames)[frame_slice(choices.recipe.frames)])
        left = chosen - len(self.units) * choices.recipe.average
        if left:
            what = f"{left} frames do" if left > 1 else "frame does"
            average = choices.recipe.average
            notes.append(f"the last {what} not fill an average of {average} and {'are' if left > 1 else 'is'} left out")
        points = self.local.scan.points
        if self.count.is_final and points and self.count.frames != points * self.count.each:
            found = f"{spelled(self.count.frames, 'frame')} for {spelled(points, 'point')}"
            notes.append(f"{found}: frame by frame from the first point on")
        masked = self.provenance.calibration.masked
        if masked is not None and float(masked.mean()) > _LARGE_MASK:
            share = int(100 * float(masked.mean()))
            notes.append(f"the mask leaves out {share} % of all pixels (in a mask, 1 means left out)")
        if self.frames.thresholds > 1:
            notes.append(f"threshold {choices.recipe.threshold} of {self.frames.thresholds}")
        return tuple(notes)

    def without_numbers(self, empty: Sequence[int]) -> str:
        """Say that patterns are NaN all along, and why: a file without a number must not look like one with some."""
        unscaled = [index for index in empty if not np.isfinite(self.units[index].scales).all()]
        why = (
            f"the monitor {self.per_frame.monitor_name!r} is not positive there"
            if len(unscaled) == len(empty)
            else "their frames mark every pixel that the mask leaves as bad"
        )
        which = ", ".join(map(str, empty[:10])) + (", …" if len(empty) > 10 else "")
        if len(empty) == len(self.units):
            return f"none of its patterns holds a number: {why}"
        return f"pattern{'s' if len(empty) > 1 else ''} {which} of {len(self.units)} without any number: {why}"


def job_of(local: LocalScan, frames: Frames, target: TreePath, choices: Choices) -> Job:
    """Find out all that is needed, and refuse what would give wrong numbers.

    Raises
    ------
    RefusalError
        If the numbers would be wrong.
    SourceError
        If something is missing.
    UsageError
        If what was named cannot be used.
    """
    recipe, allowed = choices.recipe, choices.named.allowed
    count = count_frames(local.scan, frames, threshold=recipe.threshold, allowed="frames" in allowed)
    calibration = find_calibration(
        local.visit_root / "process",
        energy=local.scan.energy_kev,
        frame_shape=frames.shape,
        named=choices.named,
    )
    per_frame = read_per_frame(
        local.scan, local.master, frames=count.frames, points=count.points, monitor=recipe.monitor, each=count.each
    )
    scales = monitor_scales(per_frame, recipe.monitor, count.frames, recipe.frames, allowed="monitor" in allowed)
    units = units_of(recipe, count, scales)
    provenance = _provenance(local, target, calibration, recipe)
    chosen = per_frame.of([unit.frames for unit in units])
    return Job(local, frames, count, local.output(target), provenance, chosen, units)


def units_of(recipe: Recipe, count: FrameCount, scales: NDArray[np.float64]) -> list[Unit]:
    """Return the patterns that are to be made of a scan's frames."""
    chosen = range(count.frames)[frame_slice(recipe.frames)]
    if not chosen:
        raise UsageError(f"{recipe.frames!r} chooses none of {count.frames} frames", hint="they are counted from 0")
    whole = len(chosen) // recipe.average
    if not whole:
        raise UsageError(f"there are {len(chosen)} frames, fewer than the {recipe.average} of one average")
    groups = frame_groups(count.frames, recipe.frames, recipe.average)
    return [Unit(n, group, tuple(float(scales[frame]) for frame in group)) for n, group in enumerate(groups)]


def _provenance(local: LocalScan, target: TreePath, calibration: Calibration, recipe: Recipe) -> Provenance:
    stat = target.below(local.visit_root).stat()
    identity = {
        "source_master": str(local.scan.path),
        "source_entry": local.scan.entry,
        "source_file": str(target),
    }
    source: dict[str, str | int] = {**identity, "source_size": stat.st_size, "source_mtime_ns": stat.st_mtime_ns}
    allowed = sorted(calibration.allowed & {"detector", "monitor"})
    key = fingerprint(_ENGINE, identity, calibration.poni_text, calibration.hashes(), allowed, recipe.to_json())
    energy = local.scan.energy_kev or calibration.energy_kev
    return Provenance(key, calibration, recipe, energy, source)
