"""A task's document, read: has it ended, does it go on by itself, and what is in its way, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from danmax_sync.sources.ssh.prompts import printable


class TaskPhase(Enum):
    """Where a task is.

    ::

        QUEUED → MOVING ⇄ TROUBLED → SUCCEEDED
                   ⇅         ⇅     ↘ FAILED
                       HELD ────────↗
    """

    QUEUED = "queued"
    MOVING = "moving"
    TROUBLED = "troubled"
    """It meets errors and tries again, until its deadline."""
    HELD = "held"
    """Somebody has to do something before it goes on."""
    SUCCEEDED = "succeeded"
    """It has ended; files may have been skipped."""
    FAILED = "failed"


_PLAIN = {
    "PERMISSION_DENIED": "a file may not be read there, or not be written here",
    "FILE_NOT_FOUND": "a file is not there any more",
    "GC_NOT_CONNECTED": "Globus Connect Personal is not running, or the laptop sleeps",
    "CONNECT_FAILED": "one end cannot be reached",
    "CREDENTIALS_EXPIRED": "the login at one of the collections has run out",
    "QUOTA_EXCEEDED": "the disk or the quota at the destination is full",
    "ENDPOINT_ERROR": "one end reports an error",
    "ENDPOINT_TOO_BUSY": "one end is too busy",
    "VERIFY_CHECKSUM": "a file arrived with another checksum, and is sent again",
    "GC_PAUSED": "Globus Connect Personal is paused",
    "PAUSED_BY_ADMIN": "an administrator has paused it",
    "CANCELED": "it was cancelled",
    "TIMEOUT": "its deadline has passed",
}


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task as it is now.

    Attributes
    ----------
    trouble : str
        What is in its way, empty where nothing is.
    code : str
        Globus's word for that.
    files, same : int
        Files that were moved; that the sync level found in place.
    skipped : int
        Files left out for errors at the source; a success can hide them.
    """

    phase: TaskPhase
    code: str
    trouble: str
    bytes: int
    files: int
    same: int
    skipped: int
    forgotten: bool

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "TaskState":
        """Read a document; what it lacks counts as nothing."""
        code, trouble = _trouble(document)
        return cls(
            _phase(document, code),
            code,
            trouble,
            _count(document, "bytes_transferred"),
            _count(document, "files_transferred"),
            _count(document, "files_skipped"),
            _count(document, "subtasks_skipped_errors"),
            bool(document.get("history_deleted")),
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in {TaskPhase.SUCCEEDED, TaskPhase.FAILED}

    def is_clean(self, planned: int) -> bool:
        """Say whether it ended with every planned file moved or found in place, as far as Globus counts."""
        return self.phase is TaskPhase.SUCCEEDED and not self.skipped and self.files + self.same == planned


def _phase(document: Mapping[str, Any], code: str) -> TaskPhase:
    status = document.get("status")
    if status in {"SUCCEEDED", "FAILED"}:
        return TaskPhase[str(status)]
    if status == "INACTIVE" or document.get("is_paused"):
        return TaskPhase.HELD
    if document.get("nice_status") == "Queued":
        return TaskPhase.QUEUED
    return TaskPhase.TROUBLED if code else TaskPhase.MOVING


def _trouble(document: Mapping[str, Any]) -> tuple[str, str]:
    fatal = document.get("fatal_error")
    if isinstance(fatal, dict):
        return _worded(str(fatal.get("code") or "FAILED"), str(fatal.get("description") or ""))
    status = document.get("status")
    if status == "FAILED":
        if _count(document, "subtasks_expired"):
            return _worded("TIMEOUT", "")
        return _worded("CANCELED" if _count(document, "subtasks_canceled") else "FAILED", "")
    nice = document.get("nice_status")
    if status == "SUCCEEDED" or nice in {None, "OK", "Queued"}:
        return ("PAUSED_BY_ADMIN", _PLAIN["PAUSED_BY_ADMIN"]) if document.get("is_paused") else ("", "")
    return _worded(str(nice), str(document.get("nice_status_details") or ""))


def _worded(code: str, details: str) -> tuple[str, str]:
    said = printable(details).replace("\n", " ").strip()[:200]
    plain = _PLAIN.get(code, "")
    if not plain:
        return code, f"{said or 'it gives no reason'} ({printable(code)})"
    return code, f"{plain} ({said})" if said else plain


def _count(document: Mapping[str, Any], key: str) -> int:
    value = document.get(key)
    return value if isinstance(value, int) and value > 0 else 0
