"""Transfer tasks: accepted once for each submission id, worked on three at a time, in the order they came."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from danmax_sync.testing.globus.collections import Collection
from danmax_sync.testing.globus.faults import Fault

AT_ONCE = 3
"""Tasks of one user that Globus works on."""
_LIFETIME_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a task."""

    code: str
    details: str
    is_error: bool
    time: float


@dataclass(slots=True)
class Counts:
    """How far a task is; `same` are files that the sync level found in place."""

    bytes: int = 0
    checksummed: int = 0
    files: int = 0
    same: int = 0
    faults: int = 0
    failed: int = 0
    canceled: int = 0
    expired: int = 0

    def pending(self, total: int) -> int:
        """Return how many files are still to come."""
        return max(0, total - self.files - self.same - self.failed - self.canceled - self.expired)


@dataclass
class Task:
    """A transfer; its fields are read by whoever asks, and written by its worker."""

    document: dict[str, Any]
    source: Collection
    destination: Collection
    owner: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    requested: float = field(default_factory=time.time)
    status: str = "ACTIVE"
    nice: tuple[str | None, str | None] = ("Queued", None)
    completed: float | None = None
    fatal: dict[str, str] | None = None
    forgotten: bool = False
    paused: bool = False
    counts: Counts = field(default_factory=Counts)
    events: list[Event] = field(default_factory=list)
    moved: list[dict[str, str]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)

    @property
    def items(self) -> list[dict[str, Any]]:
        """What is asked for, in order."""
        return list(self.document["DATA"])

    @property
    def deadline(self) -> float:
        """When it is given up."""
        named = self.document.get("deadline")
        if not named:
            return self.requested + _LIFETIME_S
        moment = datetime.fromisoformat(named)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return (self.completed or time.time()) - self.requested

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in {"SUCCEEDED", "FAILED"}

    def tell(self, code: str, details: str = "", *, is_error: bool = False) -> None:
        """Add an event; an error is a fault too."""
        self.counts.faults += is_error
        self.events.append(Event(code, details, is_error, time.time()))

    def end(self, status: str, code: str, details: str = "") -> None:
        """End it, once."""
        if self.is_over:
            return
        self.tell(code, details, is_error=False)
        self.nice = (None, None)
        self.completed = time.time()
        self.status = status


class TransferTasks:
    """All tasks of the service.

    Parameters
    ----------
    faults : list of Fault
        Asked at every block that is written.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.all: dict[str, Task] = {}
        self.issued: set[str] = set()
        self.by_submission: dict[str, str] = {}
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="globus-task")

    def submission_id(self) -> str:
        """Issue a submission id."""
        issued = str(uuid.uuid4())
        self.issued.add(issued)
        return issued

    def submit(self, task: Task) -> tuple[Task, bool]:
        """Accept a task, or return the one that was accepted under its submission id before."""
        from danmax_sync.testing.globus.copying import work_on

        with self._lock:
            key = task.document["submission_id"]
            if key in self.by_submission:
                return self.all[self.by_submission[key]], True
            self.by_submission[key] = task.id
            self.all[task.id] = task
            self._workers.submit(work_on, self, task)
        return task, False

    def cancel(self, task: Task) -> bool:
        """Cancel a task; False where it was over already."""
        with self._lock:
            if task.is_over:
                return False
            task.counts.canceled = task.counts.pending(len(task.items))
            task.end("FAILED", "CANCELED", "canceled by its owner")
            return True

    def pause(self, task: Task, *, code: str = "PAUSED_BY_ADMIN", message: str = "maintenance until noon") -> None:
        """Let a task become INACTIVE, as an administrator's pause rule does."""
        task.paused, task.status, task.nice = True, "INACTIVE", (code, message)
        task.tell("PAUSED", message)

    def expire(self, task: Task) -> None:
        """Let a task become INACTIVE because the login at one end has run out."""
        task.status, task.nice = "INACTIVE", ("CREDENTIALS_EXPIRED", "the credentials of the source have expired")
        task.tell("CREDENTIALS_EXPIRED", is_error=True)

    def resume(self, task: Task) -> None:
        """Go on with an INACTIVE task."""
        task.paused, task.status, task.nice = False, "ACTIVE", ("OK", None)
        task.tell("UNPAUSED")

    def fail(self, task: Task, code: str, description: str) -> None:
        """Let a task fail for good, with some of its files there."""
        with self._lock:
            task.fatal = {"code": code, "description": description}
            task.counts.failed = task.counts.pending(len(task.items))
            task.end("FAILED", code, description)

    def forget(self, task: Task) -> None:
        """Delete what a task remembers of its files, as Globus does after some weeks."""
        task.forgotten = True
        task.events, task.moved, task.skipped = [], [], []

    def close(self) -> None:
        """End all work."""
        self.closing.set()
        self._workers.shutdown(wait=True, cancel_futures=True)
