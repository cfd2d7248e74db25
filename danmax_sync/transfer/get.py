"""Fetch complete sets: plan → move → verify → publish, set by set, the master last.

The invariant, after any crash or kill: a master that can be seen has its complete, verified set beside it.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from danmax_sync.errors import (
    ConnectionLostError,
    DanmaxSyncError,
    ExitCode,
    SourceError,
    UnfinishedError,
    VerificationError,
)
from danmax_sync.events import Event, Listener, ignore, progress, warning
from danmax_sync.scanfile.master import read_master
from danmax_sync.scanfile.structure import check_set
from danmax_sync.sources.base import Source
from danmax_sync.transfer.arrival import fetch_part, part_of, publish
from danmax_sync.transfer.lock import only_one
from danmax_sync.transfer.outcome import GetSummary, SetOutcome, SetState
from danmax_sync.transfer.plan import FileState, PlannedFile, ScanSet, TransferPlan
from danmax_sync.visits import ScanPlace, TreePath

SPARE_BYTES = 64 << 20
"""Left free on the disk: the catalogue and the patterns want to be written too."""
Arrived = Callable[[ScanSet], None]


def get_sets(
    source: Source, plan: TransferPlan, *, arrived: Arrived = lambda _: None, tell: Listener = ignore
) -> GetSummary:
    """Carry out a plan.

    Parameters
    ----------
    source : Source
        Open.
    plan : TransferPlan
        Made against this source a moment ago.
    arrived : callable
        Told each set that is complete at the destination, so that the catalogue learns its new place.
    tell : Listener
        Hears ``progress``, ``set`` and ``warning`` events.

    Returns
    -------
    GetSummary
        An outcome for every set of the plan.

    Raises
    ------
    UnfinishedError
        If the disk cannot hold the plan, or another run works in the same destination.
    """
    started = time.monotonic()
    with only_one(plan.destination):
        _check_space(plan)
        worker = _Worker(source, plan, tell)
        for scan_set in plan.sets:
            outcome = worker.get(scan_set)
            worker.summary.outcomes.append(outcome)
            tell(Event("set", outcome.to_json()))
            if outcome.state is SetState.COMPLETE:
                arrived(scan_set)
        worker.get_calibration()
    worker.summary.seconds = time.monotonic() - started
    return worker.summary


def _check_space(plan: TransferPlan) -> None:
    free, needed = shutil.disk_usage(plan.destination).free, plan.bytes_to_fetch
    if needed and needed + SPARE_BYTES > free:
        raise UnfinishedError(
            f"{plan.destination} has {free / 1e9:.1f} GB free, the plan needs {needed / 1e9:.1f} GB",
            hint="make space or name another disk with --to DIR; a narrower query needs less",
        )


class _Worker:
    def __init__(self, source: Source, plan: TransferPlan, tell: Listener) -> None:
        self.source, self.plan, self.tell = source, plan, tell
        self.summary = GetSummary()
        self._bytes_done = 0
        self._bytes_total = plan.bytes_to_fetch
        self._line_is_dead = ""

    def get(self, scan_set: ScanSet) -> SetOutcome:
        """Bring one set home, or say why not."""

        def ended(state: SetState, message: str, hint: str, code: ExitCode) -> SetOutcome:
            return SetOutcome(scan_set.label, str(scan_set.master.path), state, 0, 0, message, hint, code)

        if scan_set.in_the_way:
            hint = "move it away and run again"
            return ended(SetState.FAILED, scan_set.obstacle, hint, ExitCode.VERIFICATION)
        if scan_set.obstacle:
            hint = f"when the source has it: danmax-sync index {self.plan.source}, then get again"
            return ended(SetState.SKIPPED, scan_set.obstacle, hint, ExitCode.SOURCE)
        if self._line_is_dead:
            return ended(SetState.FAILED, self._line_is_dead, "run again to go on", ExitCode.UNFINISHED)
        try:
            self._bring(scan_set)
        except ConnectionLostError as problem:
            self._line_is_dead = problem.message
            return ended(SetState.FAILED, problem.message, problem.hint, ExitCode.UNFINISHED)
        except SourceError as problem:
            return ended(SetState.SKIPPED, problem.message, problem.hint, ExitCode.SOURCE)
        except DanmaxSyncError as problem:
            return ended(SetState.FAILED, problem.message, problem.hint, problem.exit_code)
        fetched = scan_set.to_fetch
        return SetOutcome(
            scan_set.label, str(scan_set.master.path), SetState.COMPLETE, len(fetched), scan_set.bytes_to_fetch
        )

    def _bring(self, scan_set: ScanSet) -> None:
        """Fetch all parts, check that the source stood still, publish the detector files, check, publish the master."""
        if not scan_set.to_fetch:
            return
        for file in scan_set.to_fetch:
            self._fetch(file)
        self._check_source_stood_still(scan_set)
        destination = self.plan.destination
        master = scan_set.master.path.below(destination)
        fetched_master = scan_set.master in scan_set.to_fetch
        newest = part_of(master) if fetched_master else master
        self._check_links(scan_set, newest)
        for file in scan_set.detectors:
            if file.state is FileState.FETCH:
                final = file.path.below(destination)
                publish(part_of(final), final)
        # The detector files bear their names now and the master's part stands in its folder, so that its links open
        # exactly what a user's program will open.
        place = scan_set.place
        faults = check_set(_visit_root(destination, place), place, master=newest)
        if faults:
            raise SourceError(
                f"incomplete at the source: {faults[0].message}", hint="run again when the scan has ended"
            )
        if fetched_master:
            publish(newest, master)

    def _fetch(self, file: PlannedFile) -> None:
        def advance(count: int) -> None:
            self._bytes_done += count
            progress(self.tell, "get", self._bytes_done, self._bytes_total, unit="bytes", item=str(file.path))

        fetch_part(self.source, file, self.plan.destination, advance)

    def _check_source_stood_still(self, scan_set: ScanSet) -> None:
        for file in scan_set.files:
            now = self.source.stat(file.path)
            if now is None or now.size != file.size or abs(now.mtime_ns - file.mtime_ns) >= 1_000_000_000:
                raise SourceError(
                    f"{file.path} changed at the source while the set was fetched; the set is left out",
                    hint="run again when the scan has ended",
                )

    def _check_links(self, scan_set: ScanSet, master: Path) -> None:
        """Check that the master names just the files that were planned: it may have changed since it was indexed."""
        root = scan_set.place.visit_root
        linked = {
            TreePath((*root.parts, *link.target.parts))
            for record in read_master(master, scan_set.place)
            for link in record.links
            if link.target
        }
        planned = {file.path for file in scan_set.detectors}
        if linked != planned:
            new = ", ".join(str(path) for path in sorted(linked ^ planned))
            raise VerificationError(
                f"{scan_set.master.path} links to other files than when it was indexed: {new}",
                hint=f"danmax-sync index {self.plan.source}, then get again",
            )

    def get_calibration(self) -> None:
        """Bring the calibration; an own file of the same name stays."""
        for file in self.plan.calibration:
            final = file.path.below(self.plan.destination)
            if file.state is FileState.DIFFERS:
                warning(self.tell, f"{final} differs from the source's; yours is kept", path=str(final))
            if file.state is not FileState.FETCH or self._line_is_dead:
                continue
            try:
                self._fetch(file)
                publish(part_of(final), final)
            except ConnectionLostError as problem:
                self._line_is_dead = problem.message
            except DanmaxSyncError as problem:
                warning(self.tell, problem.message, path=str(final), hint=problem.hint)
            else:
                self.summary.calibration_files += 1
                self.summary.calibration_bytes += file.size


def _visit_root(destination: Path, place: ScanPlace) -> Path:
    return place.visit_root.below(destination)
