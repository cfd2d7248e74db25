"""What a task that is over came to, file by file: Globus's word and the disk's have to agree.

A success can hide skipped files, and a failed task leaves parts under the names it was given. So a file is good only
when Globus has moved and verified it *and* it stands here with its planned size.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from danmax_sync.errors import DanmaxSyncError, SourceError, UnfinishedError
from danmax_sync.sources.globus.taskstate import TaskPhase, TaskState
from danmax_sync.transfer.arrival import DiskFullError
from danmax_sync.transfer.globus.batches import Item

Documents = Sequence[Mapping[str, Any]]
_SKIPPED = {
    "FILE_NOT_FOUND": "is not there any more",
    "PERMISSION_DENIED": "may not be read",
    "IS_A_DIRECTORY": "is a folder now",
}
_AGAIN = "run the same command again to go on"


@dataclass(slots=True)
class Verdict:
    """The files of a task.

    Attributes
    ----------
    good : list of Item
        Whole, and verified.
    lost : dict
        Files that cannot be had, and why.
    open : list of Item
        Files to be asked for once more.
    """

    good: list[Item] = field(default_factory=list)
    lost: dict[Item, DanmaxSyncError] = field(default_factory=dict)
    open: list[Item] = field(default_factory=list)


def judge(
    items: Mapping[str, Item],
    state: TaskState,
    *,
    is_whole: Callable[[Item], bool],
    moved: Callable[[], Documents],
    skipped: Callable[[], Documents],
) -> Verdict:
    """Judge every file of a task that is over.

    Parameters
    ----------
    items : mapping
        By path at the source.
    state : TaskState
        As Globus last told it.
    is_whole : callable
        Whether a file stands at the destination with its planned size.
    moved, skipped : callable
        Ask for Globus's own lists; only called where the counts alone leave doubt.
    """
    verdict = Verdict()
    if state.forgotten:
        verdict.open = list(items.values())
        return verdict
    out = _left_out(items, skipped()) if state.skipped else {}
    verdict.lost = {item: problem for item, problem in out.items() if problem is not None}
    counted = state.files + state.same + len(out) == len(items)
    trusted: set[str] | None = None
    if state.phase is not TaskPhase.SUCCEEDED or not counted:
        trusted = {str(entry.get("source_path")) for entry in moved()}
    for path, item in items.items():
        if item in out:
            continue
        believed = trusted is None or path in trusted
        (verdict.good if believed and is_whole(item) else verdict.open).append(item)
    return verdict


def _left_out(items: Mapping[str, Item], skipped: Documents) -> dict[Item, DanmaxSyncError]:
    found: dict[Item, DanmaxSyncError] = {}
    for entry in skipped:
        item = items.get(str(entry.get("source_path")))
        if item is not None:
            code = str(entry.get("error_code"))
            what = _SKIPPED.get(code, f"could not be read ({code})")
            found[item] = SourceError(f"{item.path} {what} at the source", hint="run again later")
    return found


def final_problem(state: TaskState) -> DanmaxSyncError | None:
    """Return why another attempt would be in vain; None where it may help."""
    if state.code == "QUOTA_EXCEEDED":
        return DiskFullError(f"Globus stopped: {state.trouble}", hint="make space, then run again to go on")
    if state.code == "CANCELED":
        return UnfinishedError("the Globus task was cancelled; what had arrived is kept", hint=_AGAIN)
    return None


def given_up(state: TaskState, attempts: int) -> DanmaxSyncError:
    """Return what to say of files that did not come in several attempts."""
    why = state.trouble or "Globus says that it moved them, and they are not here"
    return UnfinishedError(f"Globus did not bring it in {attempts} attempts: {why}", hint=_AGAIN)
