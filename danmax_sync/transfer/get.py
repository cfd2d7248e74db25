"""Fetch complete sets: plan → move → verify → publish, set by set, the master last.

The invariant, after any crash or kill: a master that can be seen has its complete, verified set beside it.
"""

import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, ExitCode, UnsafePathError
from danmax_sync.events import Listener, ignore, warning
from danmax_sync.sources.base import Source
from danmax_sync.transfer.arrival import DiskFullError, InTheWayError, discard, part_of, sweep, sync_folder
from danmax_sync.transfer.journal import BegunPart, Journal
from danmax_sync.transfer.ledger import Arrived, Ledger
from danmax_sync.transfer.lock import only_one
from danmax_sync.transfer.mover import Landed, Mover, Wanted, leaves_the_rest_good
from danmax_sync.transfer.obstructions import note_obstruction, without_obstructed
from danmax_sync.transfer.outcome import GetSummary
from danmax_sync.transfer.pace import Pace
from danmax_sync.transfer.plan import FileState, ScanSet, TransferPlan
from danmax_sync.transfer.preflight import check_destination
from danmax_sync.transfer.publishing import name, publish_sets
from danmax_sync.transfer.streams import StreamMover
from danmax_sync.visits import TreePath

_TOGETHER = 64
"""Sets that are published at once at most: the source is asked about all of them in one go."""
_WAIT_S = 0.3
"""How long a complete set may wait for others."""


def get_sets(
    source: Source,
    plan: TransferPlan,
    *,
    arrived: Arrived = lambda _: None,
    tell: Listener = ignore,
    journal: Journal | None = None,
    mover: Mover | None = None,
    bytes_per_s: float | None = None,
    summary: GetSummary | None = None,
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
        Hears ``progress``, ``file``, ``set`` and ``warning`` events.
    journal : Journal, optional
        By default the one in our home folder.
    mover : Mover, optional
        By default files come in streams from the source.
    bytes_per_s : float, optional
        The highest rate of those streams.
    summary : GetSummary, optional
        Filled, and returned: whoever is interrupted still has it.

    Returns
    -------
    GetSummary
        An outcome for every set of the plan.

    Raises
    ------
    UnfinishedError
        If the disk has no room for the plan, or another run works in the same destination.
    """
    started, summary = time.monotonic(), summary or GetSummary()
    if mover is not None and plan.to_fetch:
        # Before even a folder is made where nothing may come.
        mover.check()
    with ExitStack() as stack:
        # First of all: whoever comes second must not wait for the journal of the first.
        stack.enter_context(only_one(plan.destination))
        journal = journal or stack.enter_context(Journal.open(tell=tell))
        begun = _tidied(plan, journal)
        here = sum(_bytes_there(begun[str(file.path)]) for file in plan.to_fetch if str(file.path) in begun)
        mover = mover or StreamMover(source, plan.destination, journal, bytes_per_s=bytes_per_s)
        plan, wished = without_obstructed(plan, journal), plan.calibration
        plan = check_destination(plan, already_here=here + mover.staged_bytes(plan.to_fetch), tell=tell)
        ledger = Ledger(plan, arrived=arrived, tell=tell, journal=journal)
        run = _Run(source, plan, summary, ledger=ledger, tell=tell, journal=journal)
        run.go(mover)
        if not run.is_unfinished():
            # Under the lock still: a second run must not pick up what is being removed. What is unfinished is judged
            # once more by the next run, without travelling again.
            mover.settle()
        if len(plan.calibration) < len(wished):
            summary.calibration_code = ExitCode.UNFINISHED
    summary.seconds = time.monotonic() - started
    return summary


def _tidied(plan: TransferPlan, journal: Journal) -> dict[str, BegunPart]:
    """Remove the parts that nobody knows or needs, forget those that are gone, and return the others."""
    begun = journal.begun(plan.destination)
    parts = {}
    for path in begun:
        # One that leads elsewhere is none of ours, and is forgotten.
        with suppress(UnsafePathError):
            parts[path] = part_of(TreePath.parse(path).below(plan.destination))
    for file in plan.files:
        # A kill in the middle of publishing leaves one as a second name of the published file.
        if file.state is FileState.HERE and str(file.path) in parts:
            discard(parts[str(file.path)])
    gone = [path for path in begun if path not in parts or not parts[path].exists()]
    journal.forget_parts(plan.destination, gone)
    known = {part for path, part in parts.items() if path not in gone}
    sweep({file.path.below(plan.destination).parent for file in plan.files}, known=known)
    return {path: part for path, part in begun.items() if path not in gone}


def _bytes_there(begun: BegunPart) -> int:
    return sum(checksum >= 0 for checksum in begun.checksums) * begun.segment_bytes


class _Run:
    """One run: sets wait for their files, and are published when these have landed."""

    def __init__(
        self,
        source: Source,
        plan: TransferPlan,
        summary: GetSummary,
        *,
        ledger: Ledger,
        tell: Listener,
        journal: Journal,
    ) -> None:
        self.source, self.plan, self.summary = source, plan, summary
        self.ledger, self.tell, self.journal = ledger, tell, journal
        self._waiting: dict[TreePath, set[TreePath]] = {}
        """For each master, the files of its set that have not landed."""
        self._sets = {each.master.path: each for each in plan.sets}
        self._users: dict[TreePath, list[TreePath]] = {}
        """For each file, the masters that need it."""
        self._ready: list[ScanSet] = []
        self._ready_since = 0.0
        self._pace = Pace(tell, plan.bytes_to_fetch)

    def go(self, mover: Mover) -> None:
        """Bring all sets, and the calibration."""
        try:
            self._begin()
            wanted = [Wanted(file, file.path.below(self.plan.destination)) for file in self.plan.to_fetch]
            for landed in mover.move(wanted, moved=self._pace.moved):
                if landed is not None:
                    self._take(landed)
                waited = time.monotonic() - self._ready_since > _WAIT_S
                if self._ready and (landed is None or waited or len(self._ready) >= _TOGETHER):
                    self._publish_ready()
            self._publish_ready()
            self._get_calibration()
        except KeyboardInterrupt:
            # What is whole can be seen, even so, unless the line stands still or was cut.
            if hurry := getattr(self.source, "hurry", None):
                hurry()
            with suppress(DanmaxSyncError):
                self._publish_ready()
            raise
        finally:
            self._keep_or_discard()
            self.summary.outcomes += self.ledger.outcomes

    def is_unfinished(self) -> bool:
        """Say whether running again brings more; what the plan leaves out was not begun."""
        begun = (each.master.path for each in self.plan.sets if not each.obstacle)
        return any(map(self.ledger.is_unfinished, begun)) or self.summary.calibration_code is ExitCode.UNFINISHED

    def _begin(self) -> None:
        """Settle what needs no fetching, and note what does."""
        here = []
        for each in self.plan.sets:
            if each.obstacle:
                self.ledger.leave_out(each)
            elif each.to_fetch:
                self._waiting[each.master.path] = {file.path for file in each.to_fetch}
                for file in each.to_fetch:
                    self._users.setdefault(file.path, []).append(each.master.path)
            else:
                here.append(each)
        self.ledger.complete(here)
        self.ledger.begin(self._sets[master] for master in self._waiting)

    def _take(self, landed: Landed) -> None:
        """Bring the sets that need a file a step nearer, or let them fail."""
        path, problem = landed.wanted.file.path, landed.problem
        if isinstance(problem, ConnectionLostError | DiskFullError):
            self.summary.stopped_by = problem
        self.ledger.land(landed)
        for master in self._users.get(path, ()):
            waiting = self._waiting.get(master)
            if waiting is None:
                continue
            if problem is not None:
                self._fail(self._sets[master], problem)
                continue
            waiting.discard(path)
            if not waiting:
                del self._waiting[master]
                self._ready_since = self._ready_since if self._ready else time.monotonic()
                self._ready.append(self._sets[master])

    def _publish_ready(self) -> None:
        ready, self._ready = self._ready, []
        if not ready:
            return
        try:
            published = publish_sets(self.source, self.plan, ready, self._fail)
        except ConnectionLostError as problem:
            self.summary.stopped_by = problem
            for each in ready:
                self._fail(each, problem)
        else:
            self.ledger.complete(published)

    def _fail(self, scan_set: ScanSet, problem: DanmaxSyncError) -> None:
        """Give a set up; others may still need some of its files."""
        self._waiting.pop(scan_set.master.path, None)
        self._note(problem)
        self.ledger.fail(scan_set, problem)

    def _note(self, problem: DanmaxSyncError) -> None:
        """Spare the next run what this one has fetched in vain."""
        if isinstance(problem, InTheWayError) and problem.place is not None:
            self.ledger.note(partial(note_obstruction, self.plan, problem.place, self.journal))

    def _get_calibration(self) -> None:
        """Name the calibration; an own file of the same name stays."""
        told = ""
        for file in self.plan.calibration:
            final = file.path.below(self.plan.destination)
            if file.state is FileState.DIFFERS:
                self._keep(final)
            landed = self.ledger.landed.get(file.path)
            if file.state is not FileState.FETCH or landed is None:
                continue
            try:
                if landed.problem is not None:
                    raise landed.problem
                name(file, self.plan.destination)
            except InTheWayError as problem:
                self._note(problem)
                discard(part_of(final))
                self._keep(final)
            except DanmaxSyncError as problem:
                self.summary.calibration_code = problem.exit_code
                # What is in the way of all is one thing to say, not one for each file.
                if problem.message != told and (not told or problem is not self.summary.stopped_by):
                    told = problem.message
                    warning(self.tell, problem.message, path=str(final), hint=problem.hint)
            else:
                sync_folder(final.parent)
                self.ledger.check_calibration(file)
                self.summary.calibration_files += 1
                self.summary.calibration_bytes += landed.fetched

    def _keep(self, final: Path) -> None:
        warning(self.tell, f"{final} differs from the source's; yours is kept", path=str(final))

    def _is_to_come(self, master: TreePath) -> bool:
        """Say whether a set waits for something: another run, or a file that could not be read."""
        landed = (self.ledger.landed.get(file.path) for file in self._sets[master].to_fetch)
        return self.ledger.is_unfinished(master) or any(one and leaves_the_rest_good(one.problem) for one in landed)

    def _keep_or_discard(self) -> None:
        """Keep large parts of sets that the line, the disk or a file that cannot be read keeps from being whole.

        A set that has changed at the source, or came whole and is wrong, will come with other files.
        """
        destination = self.plan.destination
        for path, landed in self.ledger.landed.items():
            part = part_of(path.below(destination))
            if landed.problem is not None or not part.exists():
                continue
            if len(landed.checksums) > 1 and any(map(self._is_to_come, self._users.get(path, ()))):
                file = landed.wanted.file
                segment = landed.segment_bytes
                begun = BegunPart(self.plan.source_uri, file.size, file.mtime_ns, segment, landed.checksums)
                self.ledger.note(partial(self.journal.keep_part, destination, str(path), begun))
            else:
                discard(part)
                self.ledger.note(partial(self.journal.forget_parts, destination, [str(path)]))
