"""Bring files over Globus: a few tasks at once, watched, judged, landed; whatever is killed is picked up again.

::

    wanted ─▶ picked up from the log, or put into batches ─▶ PREPARED ─▶ SUBMITTED ─▶ watched ─▶ over
                                                                ▲                                  │
                                                                └──── what is not whole, again ◀───┤
                                                                                  what is whole ───┴─▶ part files
"""

import secrets
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, LoginError
from danmax_sync.events import Listener, ignore, warning
from danmax_sync.sources.base import FileInfo, SourceChangedError
from danmax_sync.sources.globus.complaints import MissingError, RefusedError
from danmax_sync.sources.globus.source import GlobusSource
from danmax_sync.sources.globus.taskstate import TaskPhase, TaskState
from danmax_sync.transfer.globus.batches import AT_ONCE, DEADLINE, Batch, Item, numbered, options, split
from danmax_sync.transfer.globus.grounds import Ground
from danmax_sync.transfer.globus.tasklog import KeptBatch, TaskLog
from danmax_sync.transfer.globus.verdict import Verdict, final_problem, given_up, judge
from danmax_sync.transfer.mover import Landed, Moved, Wanted
from danmax_sync.transfer.plan import PlannedFile

ATTEMPTS = 3
FIRST_POLL_S = 0.5
LONGEST_POLL_S = 5.0
STUCK_S = 900.0
"""A task that meets only errors for so long is left to itself; the next run looks after it."""
UNANSWERED = 20
"""So many questions in a row that Globus did not answer, each tried several times, end the run, not the tasks."""
_PICK_UP = "then run the same command again: it picks the task up"
_WAITING = "stop it if you like (Ctrl-C); the same command picks the task up again"
_REMEDIES = {
    "PAUSED_BY_ADMIN": "wait until they go on, or ask them",
    "GC_PAUSED": "let Globus Connect Personal go on",
    "GC_NOT_CONNECTED": "start Globus Connect Personal",
    "CREDENTIALS_EXPIRED": "open the transfer at https://app.globus.org/activity and log in where it asks",
}
_REMEDY = "mend that; https://app.globus.org/activity shows more"


@dataclass(slots=True)
class _Task:
    """A task that is watched."""

    batch: Batch
    wanted: dict[Item, Wanted]
    others: tuple[Item, ...] = ()
    """Files of the batch that this run does not want; a wider run may."""
    state: TaskState | None = None
    progress: tuple[int, int] = (-1, -1)
    progressed: float = field(default_factory=time.monotonic)
    told: str = ""
    tries: int = 0
    """Attempts of this run."""
    is_stale: bool = False
    """Whether it was over before this run looked: whoever runs again has mended what was in its way."""

    @property
    def bytes(self) -> int:
        """How much of it has come."""
        return min(self.state.bytes, self.batch.bytes) if self.state else 0


class GlobusMover:
    """Brings files to a ground, with tasks; see `danmax_sync.transfer.mover.Mover`.

    Parameters
    ----------
    source : GlobusSource
        Open.
    ground : Ground
        Where they land.
    log : TaskLog
        Open.
    tell : Listener
        Hears ``warning`` events, when a task meets trouble.
    """

    def __init__(self, source: GlobusSource, ground: Ground, log: TaskLog, *, tell: Listener = ignore) -> None:
        self._source, self._ground, self._log, self._tell = source, ground, log, tell
        self._waiting: deque[_Task] = deque()
        self._running: list[_Task] = []
        self._over: list[tuple[Batch, tuple[Item, ...]]] = []
        """With the files that nobody has asked for in this run."""
        self._landed_bytes = 0
        self._unanswered = 0

    def move(self, wanted: Sequence[Wanted], *, moved: Moved) -> Iterator[Landed | None]:
        """Bring files; each is yielded once, those of a task together when it is over.

        A caller that stops early leaves the tasks running; the next run picks them up.

        Raises
        ------
        UsageError
            If Globus may not write to the destination.
        """
        if not wanted:
            # What was killed between naming and forgetting is forgotten now.
            self._picked_up(wanted)
            return
        self.check()
        rest = self._picked_up(wanted)
        files = {each.file.path: each for each in rest}
        for group in split([each.file for each in rest]):
            items = numbered(group)
            batch = Batch("", secrets.token_hex(8), items)
            self._waiting.append(_Task(batch, {item: files[item.path] for item in items}))
        self._source.remember_listings()
        pause = FIRST_POLL_S
        while self._waiting or self._running:
            while self._waiting and len(self._running) < AT_ONCE:
                yield from self._begin(self._waiting.popleft())
            for task in list(self._running):
                yield from self._watch(task)
            self._report(moved)
            yield None
            if self._running:
                time.sleep(pause)
                pause = min(pause * 1.3, LONGEST_POLL_S)

    def check(self) -> None:
        """Check that Globus may write to the destination; see `Mover.check`."""
        self._ground.check()

    def staged_bytes(self, files: Sequence[PlannedFile]) -> int:
        """Return how much of some files stands in the staging of earlier runs."""
        planned = {file.path for file in files}
        kept = self._log.batches(source=self._source.uri, destination=self._ground.key)
        mine = [replace(it.batch, items=tuple(i for i in it.batch.items if i.path in planned)) for it in kept]
        return sum(self._ground.bytes_here(batch) for batch in mine)

    def settle(self) -> None:
        """Forget the batches that are over, and their staging; to be called when sets have their names.

        A batch with files that have arrived and that this run did not want is kept: a wider run names them.
        """
        done = [batch for batch, others in self._over if not self._has_arrived(batch, others)]
        for batch in done:
            self._ground.remove(batch)
        self._log.forget(done)
        self._over.clear()

    def _has_arrived(self, batch: Batch, others: Sequence[Item]) -> bool:
        """Say whether some files stand in staging, and nowhere else."""
        waiting = self._not_in_place(others)
        if not waiting:
            return False
        try:
            is_whole = self._ground.wholeness(batch)
        except DanmaxSyncError:
            return True
        return any(map(is_whole, waiting))

    def _not_in_place(self, items: Sequence[Item]) -> list[Item]:
        try:
            return [item for item in items if not self._ground.is_taken(item.path)]
        except DanmaxSyncError:
            # Nobody can say now: the next run looks again.
            return list(items)

    def _picked_up(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Take up the batches of earlier runs; return what is in none of them."""
        rest = {each.file.path: each for each in wanted}
        asked = set(rest)
        for kept in self._log.batches(source=self._source.uri, destination=self._ground.key):
            batch = kept.batch
            mine = {
                item: rest.pop(item.path)
                for item in batch.items
                if item.path in rest and item.is_version_of(rest[item.path].file)
            }
            others = tuple(item for item in batch.items if item.path not in asked)
            if mine and batch.task_id:
                self._running.append(_Task(batch, mine, others, is_stale=True))
            elif mine:
                # Nobody knows whether Globus has accepted it: the same submission id once more tells.
                self._waiting.append(_Task(batch, mine, others))
            elif batch.task_id:
                if self._is_over(kept):
                    self._over.append((batch, others))
            elif not self._not_in_place(others):
                # Else it may be under way, and forgetting it would make a second task for the same files.
                self._over.append((batch, ()))
        return list(rest.values())

    def _is_over(self, kept: KeptBatch) -> bool:
        try:
            return TaskState.of(self._source.api.task(kept.batch.task_id)).is_over
        except MissingError:
            return True
        except DanmaxSyncError:
            return False

    def _begin(self, task: _Task) -> Iterator[Landed]:
        """Submit a batch: its submission id is kept before it is used."""
        try:
            task.tries += 1
            if not task.batch.submission_id:
                self._prepare(task, None)
            task_id = self._submitted(task.batch)
        except RefusedError as problem:
            self._over.append((task.batch, ()))
            yield from self._without(task, problem)
        except DanmaxSyncError as problem:
            yield from self._without(task, problem)
        else:
            self._log.submitted(task.batch, task_id)
            task.batch = replace(task.batch, task_id=task_id)
            self._running.append(task)

    def _prepare(self, task: _Task, instead_of: Batch | None) -> None:
        batch = task.batch
        if not batch.submission_id:
            batch = task.batch = replace(batch, submission_id=self._source.api.submission_id())
        self._log.keep(
            batch,
            source=self._source.uri,
            remote=self._source.name,
            destination=self._ground.key,
            instead_of=instead_of,
        )

    def _submitted(self, batch: Batch) -> str:
        from globus_sdk import TransferData

        self._ground.prepare(batch)
        document = TransferData(
            self._source.it.id,
            self._ground.collection,
            deadline=datetime.now(UTC) + DEADLINE,
            **options(batch, f"danmax-sync {self._source.name}"),
        )
        for item in batch.items:
            document.add_item(self._source.absolute(item.path), self._ground.staged(batch, item))
        return self._source.api.submit(document, self._source.it)

    def _watch(self, task: _Task) -> Iterator[Landed]:
        """Look at a task, and act on what has become of it."""
        try:
            task.state = state = TaskState.of(self._source.api.task(task.batch.task_id))
            self._unanswered = 0
        except MissingError:
            yield from self._end(task, _UNKNOWN)
            return
        except ConnectionLostError as problem:
            self._unanswered += 1
            if self._unanswered == 1:
                warning(self._tell, f"{problem.message}; the transfer goes on, and this waits", hint=_WAITING)
            if self._unanswered >= UNANSWERED:
                yield from self._leave(task, problem)
            return
        except LoginError as problem:
            yield from self._leave(task, problem)
            return
        if state.is_over:
            yield from self._end(task, state)
        elif state.phase is TaskPhase.HELD:
            yield from self._leave(task, self._hindered(state))
        else:
            task.is_stale = False
            self._note_progress(task, state)
            if state.phase is TaskPhase.TROUBLED and time.monotonic() - task.progressed > STUCK_S:
                yield from self._leave(task, self._hindered(state))

    def _note_progress(self, task: _Task, state: TaskState) -> None:
        if task.progress != (state.bytes, state.files) or state.phase is TaskPhase.QUEUED:
            task.progress, task.progressed = (state.bytes, state.files), time.monotonic()
        if state.trouble and state.code != task.told:
            task.told = state.code
            warning(self._tell, f"Globus meets trouble and goes on trying: {state.trouble}")

    def _hindered(self, state: TaskState) -> ConnectionLostError:
        return ConnectionLostError(
            f"Globus cannot go on: {state.trouble}; what has arrived is kept",
            hint=f"{_REMEDIES.get(state.code, _REMEDY)}, {_PICK_UP}",
        )

    def _end(self, task: _Task, state: TaskState) -> Iterator[Landed]:
        """Land what is good, ask for the rest once more, say what cannot be had."""
        batch = task.batch
        try:
            # Listings from before the end of the task do not show whether the source stood still.
            self._source.remember_listings()
            verdict = self._judged(task, state)
            again = self._unchanged(verdict, [item for item in verdict.open if item in task.wanted])
            problem = final_problem(state) if again and not task.is_stale else None
            if again and problem is None and task.tries >= ATTEMPTS:
                problem = given_up(state, task.tries)
            next_id = self._source.api.submission_id() if again and problem is None else ""
        except DanmaxSyncError as broken:
            # Globus does not answer now: the task is over and will be judged by the next run.
            yield from self._leave(task, broken)
            return
        self._running.remove(task)
        yield from self._landed(task, verdict)
        if next_id:
            # What came for a wider run stays with its batch: it is found in place, and does not travel again.
            self._try_again(task, [*again, *(item for item in verdict.good if item in task.others)], next_id)
            return
        self._over.append((batch, task.others))
        for item in again:
            if problem is not None:
                yield Landed(task.wanted.pop(item), problem)

    def _judged(self, task: _Task, state: TaskState) -> Verdict:
        task_id, api = task.batch.task_id, self._source.api
        items = {self._source.absolute(item.path): item for item in task.batch.items}
        moved, skipped = partial(api.moved, task_id), partial(api.skipped, task_id)
        return judge(items, state, is_whole=self._ground.wholeness(task.batch), moved=moved, skipped=skipped)

    def _unchanged(self, verdict: Verdict, items: Sequence[Item]) -> list[Item]:
        """Return the files that the source still has as they were planned; asking for others again would be in vain."""
        seen = self._source.stat_all([item.path for item in items])
        for item, now in zip(items, seen, strict=True):
            if now is None or not now.same_version(FileInfo(item.path, item.size, item.mtime_ns)):
                verdict.lost[item] = SourceChangedError(
                    f"{item.path} changed at the source while it travelled: {item.size} bytes planned, "
                    f"{now.size if now else 'none'} there now",
                    hint="run again when the scan has ended: it is planned anew",
                )
        return [item for item in items if item not in verdict.lost]

    def _landed(self, task: _Task, verdict: Verdict) -> Iterator[Landed]:
        for item in verdict.good:
            wanted = task.wanted.pop(item, None)
            if wanted is None:
                continue
            try:
                self._ground.land(task.batch, item, wanted)
            except DanmaxSyncError as against:
                yield Landed(wanted, against)
            else:
                self._landed_bytes += item.size
                yield Landed(wanted, fetched=item.size)
        for item, problem in verdict.lost.items():
            wanted = task.wanted.pop(item, None)
            if wanted is not None:
                yield Landed(wanted, problem)

    def _try_again(self, task: _Task, again: Sequence[Item], submission_id: str) -> None:
        """Put another attempt in a task's place: with checksum sync, the only level that is safe after a failure."""
        before = task.batch
        task.batch = before.again(submission_id, again)
        task.others = tuple(item for item in task.others if item in again)
        task.state, task.progress, task.told, task.is_stale = None, (-1, -1), "", False
        self._prepare(task, before)
        self._waiting.appendleft(task)

    def _without(self, task: _Task, problem: DanmaxSyncError) -> Iterator[Landed]:
        for wanted in task.wanted.values():
            yield Landed(wanted, problem)

    def _leave(self, task: _Task, problem: DanmaxSyncError) -> Iterator[Landed]:
        """Watch a task no longer; it stays in the log, and goes on by itself where it can."""
        self._running.remove(task)
        yield from self._without(task, problem)

    def _report(self, moved: Moved) -> None:
        under_way = [task for task in self._running if task.state is not None]
        item = str(under_way[0].batch.items[0].path.parent) if under_way else ""
        moved(self._landed_bytes + sum(task.bytes for task in under_way), item)


_UNKNOWN = TaskState(TaskPhase.FAILED, "UNKNOWN", "Globus does not know the task any more", 0, 0, 0, 0, forgotten=True)
