"""What has become of each set of a plan: told, noted in the journal, and added up."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, ExitCode, SourceError, UnfinishedError
from danmax_sync.events import Event, Listener, warning
from danmax_sync.transfer.arrival import DiskFullError
from danmax_sync.transfer.journal import CheckedFile, Journal, UnfinishedSet
from danmax_sync.transfer.levels import Level
from danmax_sync.transfer.mover import Landed
from danmax_sync.transfer.outcome import HINT_RUNNING, SetOutcome, SetState
from danmax_sync.transfer.plan import PlannedFile, ScanSet, TransferPlan
from danmax_sync.visits import TreePath

Arrived = Callable[[ScanSet], None]
UNDER_WAY = "under way"


class Ledger:
    """The outcomes of a plan.

    Attributes
    ----------
    landed : dict
        The files that have landed, or cannot, by path.
    """

    def __init__(self, plan: TransferPlan, *, arrived: Arrived, tell: Listener, journal: Journal) -> None:
        self._plan, self._arrived, self._tell, self._journal = plan, arrived, tell, journal
        self._outcomes: dict[TreePath, SetOutcome] = {}
        self._warned = False
        self._labels = {file.path: each.label for each in plan.sets for file in each.files}
        self.landed: dict[TreePath, Landed] = {}

    @property
    def outcomes(self) -> list[SetOutcome]:
        """The outcomes there are, in the order of the plan."""
        masters = (each.master.path for each in self._plan.sets)
        return [self._outcomes[master] for master in masters if master in self._outcomes]

    def begin(self, sets: Iterable[ScanSet]) -> None:
        """Note sets that are to be fetched: if the run is killed, they are known to be unfinished."""
        begun = [self._unfinished(each, UNDER_WAY, "", "") for each in sets]
        self.note(partial(self._journal.keep_unfinished, begun))

    def land(self, landed: Landed) -> None:
        """Note a file that has landed, or cannot."""
        file, problem = landed.wanted.file, landed.problem
        self.landed[file.path] = landed
        fields = {
            "scan": self._labels.get(file.path, ""),
            "path": str(file.path),
            "bytes": landed.fetched,
            "size": file.size,
            "state": "failed" if problem else "fetched",
            "message": problem.message if problem else "",
        }
        self._tell(Event("file", fields))

    def complete(self, sets: Sequence[ScanSet]) -> None:
        """Note sets that can be seen at the destination, whole."""
        paths = [str(each.master.path) for each in sets]
        self.note(
            partial(
                self._journal.settle,
                self._plan.destination,
                checked=self._checked((file for each in sets for file in each.files), Level.STRUCTURE),
                left_out=zip(paths, (tuple(map(str, each.left_out)) for each in sets), strict=True),
                finished=paths,
            )
        )
        for each in sets:
            fetched = [self.landed[file.path] for file in each.to_fetch if file.path in self.landed]
            size = sum(landed.fetched for landed in fetched)
            state = SetState.PARTIAL if each.lacks else SetState.COMPLETE
            path = str(each.master.path)
            outcome = SetOutcome(each.label, path, state, len(fetched), size, _left_out(each))
            self._outcomes[each.master.path] = outcome
            self._tell(Event("set", outcome.to_json()))
            self._arrived(each)

    def fail(self, scan_set: ScanSet, problem: DanmaxSyncError) -> None:
        """Note a set that cannot be completed now."""
        over = isinstance(problem, ConnectionLostError | DiskFullError)
        code = ExitCode.UNFINISHED if over else problem.exit_code
        skipped = isinstance(problem, SourceError) and not over
        state = SetState.SKIPPED if skipped else SetState.FAILED
        self._end(scan_set, state, problem.message, problem.hint, code)

    def leave_out(self, scan_set: ScanSet) -> None:
        """Note a set that the plan leaves out."""
        code = scan_set.obstacle_code
        if code is ExitCode.VERIFICATION:
            self._end(scan_set, SetState.FAILED, scan_set.obstacle, "move it away and run again", code)
            return
        if scan_set.is_running:
            self._end(scan_set, SetState.SKIPPED, scan_set.obstacle, HINT_RUNNING, code)
            return
        hint = {
            ExitCode.DONE: "",
            ExitCode.UNFINISHED: "mend that, or name another folder for it, on another disk or less deep: --to DIR",
        }.get(code, f"once that is mended at the source: danmax-sync index {self._plan.source}, then get again")
        self._end(scan_set, SetState.SKIPPED, scan_set.obstacle, hint, code)

    def check_calibration(self, file: PlannedFile) -> None:
        """Note a file of the calibration that can be seen at the destination."""
        checked = self._checked([file], Level.SIZE)
        self.note(partial(self._journal.settle, self._plan.destination, checked=checked, left_out=(), finished=()))

    def note(self, act: Callable[[], None]) -> None:
        """Let the journal note something. It can be done without: one that fails is a warning, not the end of a run."""
        try:
            act()
        except UnfinishedError as problem:
            if not self._warned:
                self._warned = True
                warning(self._tell, f"{problem.message}; files are fetched all the same", hint=problem.hint)

    def is_unfinished(self, master: TreePath) -> bool:
        """Say whether running again helps a set, or the run was stopped in the middle of it."""
        outcome = self._outcomes.get(master)
        return outcome is None or outcome.exit_code is ExitCode.UNFINISHED

    def _end(self, scan_set: ScanSet, state: SetState, message: str, hint: str, code: ExitCode) -> None:
        master = scan_set.master.path
        if master in self._outcomes:
            return
        self._outcomes[master] = outcome = SetOutcome(scan_set.label, str(master), state, 0, 0, message, hint, code)
        if code is not ExitCode.DONE:
            unfinished = self._unfinished(scan_set, state.value, message, hint)
            self.note(partial(self._journal.keep_unfinished, [unfinished]))
        self._tell(Event("set", outcome.to_json()))

    def _checked(self, files: Iterable[PlannedFile], level: Level) -> Iterable[tuple[str, CheckedFile]]:
        """Yield what came over the line, and how well it was checked."""
        for file in files:
            landed = self.landed.get(file.path)
            if landed is not None and landed.problem is None:
                segment = landed.segment_bytes or max(1, file.size)
                checked = CheckedFile(file.size, file.mtime_ns, level.value, segment, landed.checksums)
                yield str(file.path), checked

    def _unfinished(self, scan_set: ScanSet, state: str, message: str, hint: str) -> UnfinishedSet:
        where, master = str(self._plan.destination), str(scan_set.master.path)
        size = scan_set.bytes_to_fetch
        return UnfinishedSet(where, master, self._plan.source, scan_set.label, state, message, hint, size)


def _left_out(scan_set: ScanSet) -> str:
    if scan_set.lacks:
        return f"without what its source lacks: {', '.join(map(str, scan_set.lacks))}"
    return f"without {', '.join(map(str, scan_set.left_out))}, as asked" if scan_set.left_out else ""
