"""How a task moves its files: in place, under the final name, block by block, with faults and second tries."""

import errno
import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.testing.globus.collections import NotAllowedError

if TYPE_CHECKING:
    from danmax_sync.testing.globus.tasks import Task, TransferTasks

BLOCK = 1 << 18
_PAUSE_S = 0.02


class _ItemFault(Exception):  # noqa: N818 - it is what Globus calls a fault
    def __init__(self, code: str, details: str, *, at_source: bool = False) -> None:
        super().__init__(details)
        self.code, self.details, self.at_source = code, details, at_source


def work_on(tasks: "TransferTasks", task: "Task") -> None:
    """Carry a task out, until it has ended one way or the other."""
    if not task.is_over:
        task.tell("STARTED")
        task.nice = ("OK", None)
    for item in task.items:
        while not _wait_until_active(tasks, task):
            return
        if not _moved(tasks, task, item):
            return
    task.end("SUCCEEDED", "SUCCEEDED")


def _wait_until_active(tasks: "TransferTasks", task: "Task") -> bool:
    """Wait while a task is held; False when it is over."""
    while not task.is_over and not tasks.closing.is_set():
        if time.time() > task.deadline:
            task.counts.expired = task.counts.pending(len(task.items))
            task.end("FAILED", "TIMEOUT", "the deadline has passed")
        elif task.status == "INACTIVE":
            time.sleep(_PAUSE_S)
        elif not (task.source.connected and task.destination.connected):
            if task.nice[0] != "GC_NOT_CONNECTED":
                task.nice = ("GC_NOT_CONNECTED", "an endpoint is not connected")
                task.tell("GC_NOT_CONNECTED", "an endpoint is not connected", is_error=True)
            time.sleep(_PAUSE_S)
        else:
            if task.nice[0] == "GC_NOT_CONNECTED":
                task.nice = ("OK", None)
            return True
    return False


def _moved(tasks: "TransferTasks", task: "Task", item: dict[str, str]) -> bool:
    """Move one file, however often it takes; False when the task is over."""
    while _wait_until_active(tasks, task):
        try:
            _move(tasks, task, item)
        except _ItemFault as fault:
            if fault.at_source and task.document.get("skip_source_errors"):
                task.skipped.append(_skipped(item, fault))
                task.counts.failed += 1
                return True
            if fault.code == "QUOTA_EXCEEDED" and task.document.get("fail_on_quota_errors"):
                tasks.fail(task, fault.code, fault.details)
                return False
            if task.status == "ACTIVE":
                task.nice = (fault.code, fault.details)
            task.tell(fault.code, fault.details, is_error=True)
            time.sleep(_PAUSE_S)
        else:
            if task.status == "ACTIVE":
                task.nice = ("OK", None)
            return not task.is_over
    return False


def _skipped(item: dict[str, str], fault: _ItemFault) -> dict[str, object]:
    return {
        "DATA_TYPE": "skipped_error",
        "checksum_algorithm": None,
        "destination_path": item["destination_path"],
        "error_code": fault.code,
        "error_details": fault.details,
        "error_time": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "external_checksum": None,
        "is_delete_destination_extra": False,
        "is_directory": False,
        "is_symlink": False,
        "source_path": item["source_path"],
    }


def _move(tasks: "TransferTasks", task: "Task", item: dict[str, str]) -> None:
    source = _source(task, item["source_path"])
    destination = _destination(task, item["destination_path"])
    if _is_there(task, source, destination):
        task.counts.same += 1
        return
    before = task.counts.bytes
    try:
        _copy(tasks, task, source, destination)
        if task.is_over:
            return
        if task.document.get("verify_checksum"):
            task.counts.checksummed += destination.stat().st_size
            _verify(source, destination)
    except BaseException:
        task.counts.bytes = before
        raise
    if task.document.get("preserve_timestamp"):
        info = source.stat()
        os.utime(destination, (int(info.st_mtime), int(info.st_mtime)))
    task.counts.files += 1
    task.moved.append({
        "DATA_TYPE": "successful_transfer",
        "destination_path": item["destination_path"],
        "source_path": item["source_path"],
    })  # fmt: skip


def _source(task: "Task", path: str) -> Path:
    try:
        local = task.source.local(path)
        if not local.exists():
            raise _ItemFault("FILE_NOT_FOUND", f"{path} is not there", at_source=True)
        if not local.is_file():
            raise _ItemFault("IS_A_DIRECTORY", f"{path} is no file", at_source=True)
        local.open("rb").close()
    except (NotAllowedError, PermissionError):
        raise _ItemFault("PERMISSION_DENIED", f"{path} may not be read", at_source=True) from None
    return local


def _destination(task: "Task", path: str) -> Path:
    try:
        local = task.destination.local(path, writing=True)
        local.parent.mkdir(parents=True, exist_ok=True)
    except (NotAllowedError, PermissionError):
        raise _ItemFault("PERMISSION_DENIED", f"{path} may not be written") from None
    except OSError as problem:
        raise _ItemFault("ENDPOINT_ERROR", str(problem)) from None
    return local


def _is_there(task: "Task", source: Path, destination: Path) -> bool:
    level = task.document.get("sync_level")
    if level is None or not destination.is_file():
        return False
    ours, theirs = destination.stat(), source.stat()
    if level == 1:
        return ours.st_size == theirs.st_size
    if level == 2:
        return ours.st_size == theirs.st_size and int(theirs.st_mtime) <= int(ours.st_mtime)
    if level == 3:
        task.counts.checksummed += theirs.st_size
        return ours.st_size == theirs.st_size and _checksum(source) == _checksum(destination)
    return True


def _copy(tasks: "TransferTasks", task: "Task", source: Path, destination: Path) -> None:
    """Write over what stands there, as Globus does: a task that ends meanwhile leaves a part under the final name."""
    offset = 0
    try:
        with source.open("rb") as reading, destination.open("wb") as writing:
            while block := reading.read(BLOCK):
                if not _wait_until_active(tasks, task):
                    raise _ItemFault("CANCELED", "the task is over")
                for fault in list(tasks.faults):
                    block = fault.writing(str(destination), offset, block)
                if task.is_over:
                    raise _ItemFault("CANCELED", "the task is over")
                writing.write(block)
                writing.flush()
                offset += len(block)
                task.counts.bytes += len(block)
    except OSError as problem:
        code = "QUOTA_EXCEEDED" if problem.errno in {errno.ENOSPC, errno.EDQUOT} else "ENDPOINT_ERROR"
        raise _ItemFault(code, f"{destination.name}: {problem.strerror or problem}") from None


def _verify(source: Path, destination: Path) -> None:
    if _checksum(source) != _checksum(destination):
        raise _ItemFault("VERIFY_CHECKSUM", f"the checksums of {destination} differ")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
