"""Bring complete sets to a collection elsewhere: planned, moved, checked by Globus, named by its API, masters last.

No file passes through this machine, so none can be opened: what is checked is Globus's checksum over every file, its
size at the destination, and that the source stood still.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from danmax_sync import settings
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, ExitCode, SourceError
from danmax_sync.events import Event, Listener, ignore, warning
from danmax_sync.sources.globus.source import GlobusSource
from danmax_sync.transfer.arrival import DiskFullError
from danmax_sync.transfer.checking import check_still
from danmax_sync.transfer.fetching import plan_scans
from danmax_sync.transfer.globus.far import FarFolder, FarGround
from danmax_sync.transfer.globus.mover import GlobusMover
from danmax_sync.transfer.globus.tasklog import TaskLog
from danmax_sync.transfer.lock import only_one
from danmax_sync.transfer.mover import Landed, Wanted
from danmax_sync.transfer.outcome import GetSummary, SetOutcome, SetState
from danmax_sync.transfer.pace import Pace
from danmax_sync.transfer.plan import Choice, FileState, PlannedFile, ScanSet, TransferPlan
from danmax_sync.visits import TreePath


def plan_sending(
    catalogue: Catalogue,
    source: GlobusSource,
    scans: Sequence[CataloguedScan],
    far: FarFolder,
    *,
    choice: Choice | None = None,
    with_calibration: bool = True,
) -> TransferPlan:
    """Plan the sets of some scans against what stands at the destination; see `make_plan`."""
    # Nothing of it is on this disk: a place where no file is.
    nowhere = settings.home() / "elsewhere" / far.it.id
    plan = plan_scans(
        catalogue, source, scans, nowhere, choice=choice, with_calibration=with_calibration, on_this_disk=False
    )

    def seen(file: PlannedFile) -> PlannedFile:
        there = far.files_in(file.path.parent).get(file.path.name)
        if file.state is not FileState.FETCH or there is None:
            return file
        same = there.size == file.size and abs(there.mtime_ns - file.mtime_ns) < 2_000_000_000
        return replace(file, state=FileState.HERE if same else FileState.DIFFERS)

    def planned(each: ScanSet) -> ScanSet:
        if each.obstacle:
            return each
        one = replace(each, master=seen(each.master), detectors=tuple(map(seen, each.detectors)))
        differing = [file for file in one.files if file.state is FileState.DIFFERS]
        if not differing:
            return one
        where = f"{far.it.name}:{far.path(differing[0].path)}"
        why = f"{where} is in the way: it is not the file of the source, and it is not overwritten"
        return replace(one, obstacle=why, obstacle_code=ExitCode.VERIFICATION)

    return replace(plan, sets=tuple(map(planned, plan.sets)), calibration=tuple(map(seen, plan.calibration)))


def send_sets(source: GlobusSource, plan: TransferPlan, far: FarFolder, *, tell: Listener = ignore) -> GetSummary:
    """Carry such a plan out.

    Returns
    -------
    GetSummary
        An outcome for every set of the plan.
    """
    started = time.monotonic()
    # One at a time from here: two would rename each other's files.
    with only_one(plan.destination, shown=far.uri), TaskLog.open() as log:
        if plan.to_fetch:
            far.make_base()
        ground = FarGround(far)
        mover = GlobusMover(source, ground, log, tell=tell)
        sending = _Sending(source, plan, ground, tell)
        pace = Pace(tell, plan.bytes_to_fetch)
        wanted = [Wanted(file, file.path.below(plan.destination)) for file in plan.to_fetch]
        for landed in mover.move(wanted, moved=pace.moved):
            if landed is not None:
                sending.take(landed)
            else:
                sending.publish()
        sending.publish()
        sending.name_calibration()
        if sending.summary.exit_code is not ExitCode.UNFINISHED:
            mover.settle()
    sending.summary.seconds = time.monotonic() - started
    return sending.summary


class _Sending:
    def __init__(self, source: GlobusSource, plan: TransferPlan, ground: FarGround, tell: Listener) -> None:
        self._source, self._plan, self._ground, self._tell = source, plan, ground, tell
        self.summary = GetSummary()
        self._problems: dict[TreePath, DanmaxSyncError] = {}
        self._waiting: list[ScanSet] = []
        for each in plan.sets:
            if each.obstacle:
                skipped = each.obstacle_code is not ExitCode.VERIFICATION
                state = SetState.SKIPPED if skipped else SetState.FAILED
                self._end(each, state, message=each.obstacle, code=each.obstacle_code)
            elif each.to_fetch:
                self._waiting.append(each)
            else:
                self._end(each, SetState.COMPLETE)

    def take(self, landed: Landed) -> None:
        """Hear of a file."""
        if landed.problem is not None:
            self._problems[landed.wanted.file.path] = landed.problem

    def publish(self) -> None:
        """Name the sets whose files have all landed; give up those that lack one for good."""
        ready = self._ready()
        if not ready:
            return
        try:
            changed = check_still(self._source, ready)
            # A rename there may replace what stands in its way, so it is looked at right before.
            for folder in dict.fromkeys(file.path.parent for each in ready for file in each.to_fetch):
                self._ground.far.files_in(folder, anew=True)
        except DanmaxSyncError as problem:
            for each in ready:
                self._fail(each, problem)
            return
        for each in ready:
            try:
                if each.place in changed:
                    raise changed[each.place]
                # The master is the last of them.
                for file in each.to_fetch:
                    self._name(file)
            except DanmaxSyncError as problem:
                self._fail(each, problem)
            else:
                self._end(each, SetState.PARTIAL if each.lacks else SetState.COMPLETE, travelled=True)

    def _ready(self) -> list[ScanSet]:
        ready = []
        for each in list(self._waiting):
            problem = next((self._problems[file.path] for file in each.to_fetch if file.path in self._problems), None)
            if problem is not None:
                self._waiting.remove(each)
                self._fail(each, problem)
            elif all(file.path in self._ground.landed for file in each.to_fetch):
                self._waiting.remove(each)
                ready.append(each)
        return ready

    def name_calibration(self) -> None:
        """Name the calibration; a file of the same name stays."""
        told = ""
        for file in self._plan.calibration:
            where = self._ground.far.path(file.path)
            if file.state is FileState.DIFFERS:
                warning(self._tell, f"{where} differs from the source's; the one there is kept", path=where)
            if file.state is not FileState.FETCH:
                continue
            try:
                if file.path in self._problems:
                    raise self._problems[file.path]
                self._name(file)
            except DanmaxSyncError as problem:
                self.summary.calibration_code = problem.exit_code
                if problem.message != told:
                    told = problem.message
                    warning(self._tell, problem.message, path=where, hint=problem.hint)
            else:
                self.summary.calibration_files += 1
                self.summary.calibration_bytes += file.size

    def _name(self, file: PlannedFile) -> None:
        staged = self._ground.landed.get(file.path)
        # Another set that links to the same file may have named it.
        if staged is not None:
            self._ground.far.give_name(staged, file.path, size=file.size)
            del self._ground.landed[file.path]

    def _fail(self, each: ScanSet, problem: DanmaxSyncError) -> None:
        over = isinstance(problem, ConnectionLostError | DiskFullError)
        state = SetState.SKIPPED if isinstance(problem, SourceError) and not over else SetState.FAILED
        code = ExitCode.UNFINISHED if over else problem.exit_code
        self._end(each, state, message=problem.message, hint=problem.hint, code=code)

    def _end(
        self,
        each: ScanSet,
        state: SetState,
        *,
        travelled: bool = False,
        message: str = "",
        hint: str = "",
        code: ExitCode = ExitCode.DONE,
    ) -> None:
        files, size = (len(each.to_fetch), each.bytes_to_fetch) if travelled else (0, 0)
        outcome = SetOutcome(each.label, str(each.master.path), state, files, size, message, hint, code)
        self.summary.outcomes.append(outcome)
        self._tell(Event("set", outcome.to_json()))
