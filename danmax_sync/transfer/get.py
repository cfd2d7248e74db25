"""Fetch complete sets: plan → move → verify → publish, set by set, the master last.

The invariant, after any crash or kill: a master that can be seen has its complete, verified set beside it.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, ExitCode, SourceError, UnfinishedError
from danmax_sync.events import Event, Listener, ignore, progress, warning
from danmax_sync.sources.base import Source
from danmax_sync.transfer.arrival import DiskFullError, InTheWayError, discard, fetch_part, part_of, publish, sweep
from danmax_sync.transfer.checking import check_arrived, check_published, check_still
from danmax_sync.transfer.lock import only_one
from danmax_sync.transfer.outcome import GetSummary, SetOutcome, SetState
from danmax_sync.transfer.plan import FileState, PlannedFile, ScanSet, TransferPlan

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
        sweep({file.path.below(plan.destination).parent for file in plan.files})
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
            f"{plan.destination} has {free / 1e6:,.1f} MB free, the plan needs {needed / 1e6:,.1f} MB",
            hint="make space or name another disk with --to DIR; a narrower query needs less",
        )


class _Worker:
    def __init__(self, source: Source, plan: TransferPlan, tell: Listener) -> None:
        self.source, self.plan, self.tell = source, plan, tell
        self.summary = GetSummary()
        self._bytes_done = 0
        self._bytes_total = plan.bytes_to_fetch
        self._over: DanmaxSyncError | None = None
        """Why nothing more can be fetched: the line is dead, or the disk full."""

    def get(self, scan_set: ScanSet) -> SetOutcome:
        """Bring one set home, or say why not."""

        def ended(state: SetState, message: str, hint: str, code: ExitCode) -> SetOutcome:
            return SetOutcome(scan_set.label, str(scan_set.master.path), state, 0, 0, message, hint, code)

        if scan_set.in_the_way:
            hint = "move it away and run again"
            return ended(SetState.FAILED, scan_set.obstacle, hint, ExitCode.VERIFICATION)
        if scan_set.obstacle:
            hint = f"once that is mended at the source: danmax-sync index {self.plan.source}, then get again"
            return ended(SetState.SKIPPED, scan_set.obstacle, hint, ExitCode.SOURCE)
        if self._over and scan_set.to_fetch:
            return ended(SetState.FAILED, self._over.message, self._over.hint, ExitCode.UNFINISHED)
        try:
            self._bring(scan_set)
        except (ConnectionLostError, DiskFullError) as problem:
            self._over = problem
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
        """Fetch all parts, check them and that the source stood still, publish the master last."""
        if not scan_set.to_fetch:
            return
        destination = self.plan.destination
        try:
            for file in scan_set.to_fetch:
                self._fetch(file)
            check_still(self.source, scan_set)
            check_arrived(scan_set, destination, source=self.plan.source)
            for file in scan_set.detectors:
                self._publish(file)
            # Now its links open what a user's program will open.
            check_published(scan_set, destination)
            self._publish(scan_set.master)
        except BaseException:
            for file in scan_set.to_fetch:
                discard(part_of(file.path.below(destination)))
            raise

    def _fetch(self, file: PlannedFile) -> None:
        def advance(count: int) -> None:
            self._bytes_done += count
            progress(self.tell, "get", self._bytes_done, self._bytes_total, unit="bytes", item=str(file.path))

        fetch_part(self.source, file, self.plan.destination, advance)

    def _publish(self, file: PlannedFile) -> None:
        if file.state is FileState.FETCH:
            final = file.path.below(self.plan.destination)
            publish(part_of(final), final)

    def get_calibration(self) -> None:
        """Bring the calibration; an own file of the same name stays."""
        for file in self.plan.calibration:
            final = file.path.below(self.plan.destination)
            if file.state is FileState.DIFFERS:
                self._keep(final)
            if file.state is not FileState.FETCH:
                continue
            if self._over:
                self.summary.calibration_code = ExitCode.UNFINISHED
                continue
            try:
                self._fetch(file)
                self._publish(file)
            except InTheWayError:
                discard(part_of(final))
                self._keep(final)
            except DanmaxSyncError as problem:
                if isinstance(problem, ConnectionLostError | DiskFullError):
                    self._over = problem
                self.summary.calibration_code = problem.exit_code
                warning(self.tell, problem.message, path=str(final), hint=problem.hint)
            else:
                self.summary.calibration_files += 1
                self.summary.calibration_bytes += file.size

    def _keep(self, final: Path) -> None:
        warning(self.tell, f"{final} differs from the source's; yours is kept", path=str(final))
