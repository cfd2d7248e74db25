"""What is under way over Globus, for people; and how to end it."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from danmax_sync.errors import DanmaxSyncError
from danmax_sync.sources.globus.account import account
from danmax_sync.sources.globus.complaints import MissingError
from danmax_sync.sources.globus.login import make_app
from danmax_sync.sources.globus.taskstate import TaskPhase, TaskState
from danmax_sync.transfer.globus.tasklog import KeptBatch, TaskLog, log_file

if TYPE_CHECKING:
    from danmax_sync.sources.globus.api import GlobusApi

_PHASES = {
    TaskPhase.QUEUED: "waits for its turn at Globus",
    TaskPhase.MOVING: "is moving",
    TaskPhase.TROUBLED: "meets trouble and goes on trying",
    TaskPhase.HELD: "is held",
    TaskPhase.SUCCEEDED: "has arrived, and is not put in its place yet",
    TaskPhase.FAILED: "has ended before all of it came",
}


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A batch that an earlier run has begun.

    Attributes
    ----------
    state : TaskState or None
        None where nobody knows.
    why : str
        Why Globus could not be asked.
    """

    kept: KeptBatch
    state: TaskState | None
    why: str = ""

    @property
    def sentence(self) -> str:
        """How it is, for people."""
        if self.state is None:
            return self.why or "was handed to Globus, or not: the next get finds out"
        trouble = f": {self.state.trouble}" if self.state.trouble else ""
        return f"{_PHASES[self.state.phase]}{trouble}"

    def to_json(self) -> dict[str, object]:
        """Return it for programs."""
        batch, state = self.kept.batch, self.state
        return {
            "remote": self.kept.remote,
            "destination": self.kept.destination,
            "task": batch.task_id,
            "files": len(batch.items),
            "bytes": batch.bytes,
            "bytes_done": state.bytes if state else None,
            "state": state.phase.value if state else "unknown",
            "message": self.sentence,
        }


def under_way() -> list[UnderWay]:
    """Return every batch that is not settled; asks Globus only where there are some."""
    if not log_file().exists():
        return []
    with TaskLog.open() as log:
        kept = log.batches()
    if not kept:
        return []
    try:
        with _api(kept[0].remote) as api:
            return [UnderWay(each, _state(api, each)) for each in kept]
    except DanmaxSyncError as problem:
        return [UnderWay(each, None, f"Globus cannot be asked: {problem.message}") for each in kept]


def cancel_tasks(remote: str) -> Sequence[KeptBatch]:
    """End the tasks that were begun for a remote; what has arrived is kept, and `get` goes on from there.

    Returns
    -------
    sequence of KeptBatch
        Those whose task has ended by this.

    Raises
    ------
    LoginError, ConnectionLostError
        If Globus cannot be asked.
    """
    if not log_file().exists():
        return []
    with TaskLog.open() as log:
        kept = [each for each in log.batches() if each.remote == remote and each.batch.task_id]
    if not kept:
        return []
    ended = []
    with _api(remote) as api:
        for each in kept:
            state = _state(api, each)
            if state is not None and not state.is_over:
                api.cancel(each.batch.task_id)
                ended.append(each)
    return ended


def _state(api: "GlobusApi", kept: KeptBatch) -> TaskState | None:
    if not kept.batch.task_id:
        return None
    try:
        return TaskState.of(api.task(kept.batch.task_id))
    except MissingError:
        return None


@contextmanager
def _api(remote: str) -> "Iterator[GlobusApi]":
    from danmax_sync.sources.globus.api import GlobusApi

    with closing(make_app(account(), None)) as app, closing(GlobusApi(app, remote)) as api:
        yield api
