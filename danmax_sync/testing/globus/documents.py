"""The documents of the Transfer API, with the fields the SDK's own testing data shows."""

import itertools
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danmax_sync.testing.globus.collections import PERSONAL, Collection

if TYPE_CHECKING:
    from danmax_sync.testing.globus.tasks import Event, Task

API = "/v0.10"
_numbers = itertools.count(1)
Document = dict[str, Any]


def time_text(moment: float | None) -> str | None:
    """Return a time as the API writes it: UTC, whole seconds."""
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def request_id() -> str:
    """Return a new one."""
    return f"req{next(_numbers):06d}"


def error(code: str, message: str, resource: str, **more: Any) -> Document:
    """Return an error's body."""
    return {"code": code, "message": message, "request_id": request_id(), "resource": resource, **more}


def result(data_type: str, code: str, message: str, resource: str) -> Document:
    """Return the body of an operation that was done."""
    done = {"code": code, "message": message, "request_id": request_id(), "resource": resource}
    return {"DATA_TYPE": data_type, **done}


def file_document(path: Path, name: str) -> Document | None:
    """Describe a file or folder; None where it has gone."""
    try:
        own = path.lstat()
        is_link = stat.S_ISLNK(own.st_mode)
        target = path.stat() if is_link else own
    except OSError:
        return None if not path.is_symlink() else _entry(name, own, "invalid_symlink") | _link(path)
    kind = _kind(target.st_mode)
    return _entry(name, target, kind) | (_link(path) if is_link else {})


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "dir", stat.S_IFREG: "file", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "other")


def _entry(name: str, info: Any, kind: str) -> Document:
    return {
        "DATA_TYPE": "file",
        "group": "visitors",
        "last_modified": datetime.fromtimestamp(int(info.st_mtime), UTC).isoformat(sep=" "),
        "link_group": None,
        "link_last_modified": None,
        "link_size": None,
        "link_target": None,
        "link_user": None,
        "name": name,
        "permissions": f"{stat.S_IMODE(info.st_mode):04o}",
        "size": info.st_size,
        "type": kind,
        "user": "visitor",
    }


def _link(path: Path) -> Document:
    own = path.lstat()
    when = datetime.fromtimestamp(int(own.st_mtime), UTC).isoformat(sep=" ")
    about = {"link_group": "visitors", "link_last_modified": when, "link_size": own.st_size, "link_user": "visitor"}
    return about | {"link_target": str(path.readlink())}


def listing(collection: Collection, path: str, entries: list[Document], total: int) -> Document:
    """Describe a folder's content."""
    return {
        "DATA": entries,
        "DATA_TYPE": "file_list",
        "absolute_path": path,
        "endpoint": collection.id,
        "length": len(entries),
        "path": path,
        "rename_supported": True,
        "symlink_supported": False,
        "total": total,
    }


def endpoint(collection: Collection, https_server: str | None) -> Document:
    """Describe a collection."""
    personal = collection.kind == PERSONAL
    nothing = dict.fromkeys(
        (
            *("globus_connect_setup_key", "s3_url", "host_endpoint_id", "host_path", "myproxy_server", "myproxy_dn"),
            *("non_functional_endpoint_display_name", "non_functional_endpoint_id", "oauth_server"),
            *("default_directory", "subscription_id", "mapped_collection_id", "authentication_timeout_mins"),
        )
    )
    off = dict.fromkeys(
        (
            *("french_english_bilingual", "s3_owner_activated", "disable_verify", "disable_anonymous_writes"),
            *("force_verify", "force_encryption", "mfa_required", "non_functional", "activated", "shareable"),
            *("acl_available", "acl_editable", "in_use"),
        ),
        False,
    )
    return {
        "DATA_TYPE": "endpoint",
        "id": collection.id,
        "display_name": collection.name,
        "canonical_name": f"simulated#{collection.id}",
        "organization": "Simulated",
        "username": "simulated",
        "description": f"{collection.name}, simulated by danmax-sync",
        "entity_type": collection.kind,
        "public": False,
        "is_globus_connect": personal,
        "gcp_connected": collection.connected if personal else None,
        "gcp_paused": False if personal else None,
        "high_assurance": collection.high_assurance,
        "https_server": https_server,
        "tlsftp_server": None,
        "expires_in": -1,
        "expire_time": None,
        "DATA": [],
        **nothing,
        **off,
    }


def accepted(task_id: str, submission_id: str, *, duplicate: bool) -> Document:
    """Describe the answer to a submission."""
    text = "The transfer has been accepted and a task has been created and queued for execution"
    if duplicate:
        text = "A transfer with this submission id was accepted before"
    return {
        **result("transfer_result", "Duplicate" if duplicate else "Accepted", text, f"{API}/transfer"),
        "submission_id": submission_id,
        "task_id": task_id,
        "task_link": {
            "DATA_TYPE": "link",
            "href": f"{API}/task/{task_id}?format=json",
            "rel": "related",
            "resource": "task",
            "title": "related task",
        },
    }


def task(it: "Task") -> Document:
    """Describe a task as it is now."""
    options = it.document
    counts = it.counts
    nice, details = it.nice
    return {
        "DATA_TYPE": "task",
        "bytes_checksummed": counts.checksummed,
        "bytes_transferred": counts.bytes,
        "canceled_by_admin": None,
        "canceled_by_admin_message": None,
        "command": "API 0.10",
        "completion_time": time_text(it.completed),
        "deadline": time_text(it.deadline),
        "delete_destination_extra": False,
        "destination_endpoint": f"simulated#{it.destination.id}",
        "destination_endpoint_display_name": it.destination.name,
        "destination_endpoint_id": it.destination.id,
        "directories": 0,
        "effective_bytes_per_second": int(counts.bytes / max(it.seconds, 1.0)),
        "encrypt_data": bool(options.get("encrypt_data", False)),
        "fail_on_quota_errors": bool(options.get("fail_on_quota_errors", False)),
        "fatal_error": it.fatal,
        "faults": counts.faults,
        "files": len(it.items),
        "files_skipped": counts.same,
        "files_transferred": counts.files,
        "filter_rules": None,
        "history_deleted": it.forgotten,
        "is_ok": nice == "OK" if it.status == "ACTIVE" else None,
        "is_paused": it.paused,
        "label": options.get("label"),
        "nice_status": nice,
        "nice_status_details": details,
        "nice_status_expires_in": None,
        "nice_status_short_description": nice,
        "owner_id": it.owner,
        "preserve_timestamp": bool(options.get("preserve_timestamp", False)),
        "recursive_symlinks": "ignore",
        "request_time": time_text(it.requested),
        "skip_source_errors": bool(options.get("skip_source_errors", False)),
        "source_endpoint": f"simulated#{it.source.id}",
        "source_endpoint_display_name": it.source.name,
        "source_endpoint_id": it.source.id,
        "status": it.status,
        "subtasks_canceled": counts.canceled,
        "subtasks_expired": counts.expired,
        "subtasks_failed": counts.failed,
        "subtasks_pending": counts.pending(len(it.items)),
        "subtasks_retrying": 0,
        "subtasks_skipped_errors": len(it.skipped),
        "subtasks_succeeded": counts.files + counts.same,
        "subtasks_total": len(it.items),
        "symlinks": 0,
        "sync_level": options.get("sync_level"),
        "task_id": it.id,
        "type": "TRANSFER",
        "username": "u_simulated",
        "verify_checksum": bool(options.get("verify_checksum", False)),
    }


def event(it: "Event") -> Document:
    """Describe one of a task's events."""
    return {
        "DATA_TYPE": "event",
        "code": it.code,
        "description": it.code.replace("_", " ").lower(),
        "details": it.details,
        "is_error": it.is_error,
        "parent_task_id": None,
        "time": time_text(it.time),
    }
