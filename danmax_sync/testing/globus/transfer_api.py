"""The Transfer API's paths, as functions from a request to an answer."""

import re
import threading
from collections.abc import Callable
from typing import Any

from danmax_sync.testing.globus import documents
from danmax_sync.testing.globus.auth import TRANSFER, TRANSFER_ALL, GlobusAuth
from danmax_sync.testing.globus.collections import Collection, NotAllowedError
from danmax_sync.testing.globus.faults import Answer, Request
from danmax_sync.testing.globus.tasks import Task, TransferTasks

LARGEST_LISTING = 100_000
PAGE = 100
"""Entries of a marked page, whatever is asked for."""


class TransferApi:
    """Answers requests below ``/v0.10``."""

    def __init__(self, auth: GlobusAuth, collections: dict[str, Collection], tasks: TransferTasks) -> None:
        self.auth, self.collections, self.tasks = auth, collections, tasks
        self.https_url: Callable[[Collection], str] = lambda it: f"{auth.url}/https/{it.id}"
        self._changing = threading.Lock()
        part = r"(?P<id>[0-9a-fA-F-]{36})"
        self._routes: list[tuple[str, re.Pattern[str], Callable[[Request, str], Answer]]] = [
            ("GET", re.compile(r"/submission_id"), self._submission_id),
            ("POST", re.compile(r"/transfer"), self._transfer),
            ("GET", re.compile(r"/task_list"), self._task_list),
            ("GET", re.compile(r"/endpoint_search"), self._search),
            ("GET", re.compile(rf"/endpoint/{part}"), self._endpoint),
            ("GET", re.compile(rf"/operation/endpoint/{part}/ls"), self._ls),
            ("GET", re.compile(rf"/operation/endpoint/{part}/stat"), self._stat),
            ("POST", re.compile(rf"/operation/endpoint/{part}/mkdir"), self._mkdir),
            ("POST", re.compile(rf"/operation/endpoint/{part}/rename"), self._rename),
            ("GET", re.compile(rf"/task/{part}"), self._task),
            ("POST", re.compile(rf"/task/{part}/cancel"), self._cancel),
            ("GET", re.compile(rf"/task/{part}/event_list"), self._events),
            ("GET", re.compile(rf"/task/{part}/successful_transfers"), self._moved),
            ("GET", re.compile(rf"/task/{part}/skipped_errors"), self._skipped),
            ("GET", re.compile(rf"/task/{part}/pause_info"), self._pause_info),
        ]

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        grant = self.auth.grant_of(request.token)
        if grant is None or grant.server != TRANSFER:
            return self._error(request, 401, "AuthenticationFailed", "Token is not active")
        path = request.path.removeprefix(documents.API)
        for method, pattern, act in self._routes:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                return act(request, match.groupdict().get("id", "").lower())
        return self._error(request, 404, "ClientError.NotFound", "No such resource")

    def _error(self, request: Request, status: int, code: str, message: str, **more: Any) -> Answer:
        return Answer(status, documents.error(code, message, request.path, **more))

    def _submission_id(self, _: Request, __: str) -> Answer:
        return Answer(200, {"value": self.tasks.submission_id()})

    def _transfer(self, request: Request, _: str) -> Answer:
        body = request.body
        ends = [self.collections.get(str(body.get(key))) for key in ("source_endpoint", "destination_endpoint")]
        source, destination = ends
        if source is None or destination is None:
            return self._error(request, 400, "EndpointNotFound", "No such endpoint")
        if not body.get("DATA"):
            message = "A transfer requires at least one item"
            return self._error(request, 400, "ClientError.BadRequest.NoTransferItems", message)
        if body.get("submission_id") not in self.tasks.issued:
            return self._error(request, 400, "ClientError.BadRequest", "The submission id was not issued")
        if any(item.get("recursive") for item in body["DATA"]):
            return self._error(request, 400, "ClientError.BadRequest", "Folders are not simulated")
        for each in (source, destination):
            refusal = self._refused(request, each, needs_connection=False)
            if refusal:
                return refusal
        task, duplicate = self.tasks.submit(Task(body, source, destination, self.auth.identity))
        answer = documents.accepted(task.id, body["submission_id"], duplicate=duplicate)
        return Answer(200 if duplicate else 202, answer)

    def _refused(self, request: Request, it: Collection, *, needs_connection: bool = True) -> Answer | None:
        """Say what stands between the user and a collection."""
        scope = it.data_access_scope
        if scope and not self.auth.has_consent(TRANSFER_ALL, scope):
            needed = [f"{TRANSFER_ALL}[*{scope}]"]
            return self._error(request, 403, "ConsentRequired", "Missing required data_access", required_scopes=needed)
        if it.session_domain and it.session_domain != self.auth.domain:
            wanted = {
                "session_message": f"{it.name} wants a login of {it.session_domain}",
                "session_required_single_domain": [it.session_domain],
            }
            message = "A login of another identity is required"
            return self._error(request, 403, "AuthorizationRequired", message, authorization_parameters=wanted)
        if needs_connection and not it.connected:
            code = "ExternalError.DirListingFailed.GCDisconnected"
            return self._error(request, 502, code, f"The endpoint {it.name} is not connected to Globus")
        return None

    def _on(self, request: Request, key: str) -> Collection | Answer:
        it = self.collections.get(key)
        if it is None:
            return self._error(request, 404, "EndpointNotFound", f"No such endpoint '{key}'")
        return self._refused(request, it) or it

    def _ls(self, request: Request, key: str) -> Answer:
        it = self._on(request, key)
        if isinstance(it, Answer):
            return it
        path = request.query.get("path", "/")
        try:
            folder = it.local(path)
            if folder.exists() and not folder.is_dir():
                code = "ExternalError.DirListingFailed.NotDirectory"
                return self._error(request, 502, code, f"{path} is not a directory")
            found = [documents.file_document(each, each.name) for each in sorted(folder.iterdir())]
        except (FileNotFoundError, NotADirectoryError):
            return self._error(request, 404, "ClientError.NotFound", f"Directory '{path}' not found on endpoint")
        except (NotAllowedError, PermissionError):
            return self._error(request, 403, "EndpointPermissionDenied", f"Denied by endpoint: {path}")
        entries = [entry for entry in found if entry is not None]
        if len(entries) > LARGEST_LISTING:
            return self._error(request, 502, "ExternalError.DirListingFailed.SizeLimit", "too many entries")
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", LARGEST_LISTING))
        return Answer(200, documents.listing(it, path, entries[offset : offset + limit], len(entries)))

    def _stat(self, request: Request, key: str) -> Answer:
        it = self._on(request, key)
        if isinstance(it, Answer):
            return it
        path = request.query.get("path", "/")
        try:
            local = it.local(path)
            entry = documents.file_document(local, local.name)
        except (NotAllowedError, PermissionError):
            return self._error(request, 403, "EndpointPermissionDenied", f"Denied by endpoint: {path}")
        if entry is None:
            return self._error(request, 404, "NotFound", f"Path not found: {path}")
        return Answer(200, entry)

    def _mkdir(self, request: Request, key: str) -> Answer:
        it = self._on(request, key)
        if isinstance(it, Answer):
            return it
        path = str(request.body.get("path", ""))
        with self._changing:
            try:
                it.local(path, writing=True).mkdir(parents=True)
            except FileExistsError:
                return self._error(request, 502, "ExternalError.MkdirFailed.Exists", f"{path} already exists")
            except (NotAllowedError, OSError):
                return self._error(request, 403, "EndpointPermissionDenied", f"Denied by endpoint: {path}")
        message = "The directory was created successfully"
        return Answer(202, documents.result("mkdir_result", "DirectoryCreated", message, request.path))

    def _rename(self, request: Request, key: str) -> Answer:
        it = self._on(request, key)
        if isinstance(it, Answer):
            return it
        old, new = (str(request.body.get(key, "")) for key in ("old_path", "new_path"))
        with self._changing:
            try:
                source, target = (it.local(each, writing=True) for each in (old, new))
                if target.exists():
                    return self._error(request, 502, "ExternalError.RenameFailed.Exists", f"{new} already exists")
                source.rename(target)
            except FileNotFoundError:
                return self._error(request, 404, "ClientError.NotFound", f"{old} not found")
            except (NotAllowedError, OSError):
                return self._error(request, 403, "EndpointPermissionDenied", f"Denied by endpoint: {old}")
        message = "File or directory renamed successfully"
        return Answer(200, documents.result("result", "FileRenamed", message, request.path))

    def _endpoint(self, request: Request, key: str) -> Answer:
        it = self.collections.get(key)
        if it is None:
            return self._error(request, 404, "EndpointNotFound", f"No such endpoint '{key}'")
        return Answer(200, documents.endpoint(it, self.https_url(it) if it.https else None))

    def _search(self, request: Request, _: str) -> Answer:
        words = request.query.get("filter_fulltext", "").lower()
        found = [
            self._endpoint(request, it.id).document for it in self.collections.values() if words in it.name.lower()
        ]
        return Answer(200, {"DATA_TYPE": "endpoint_list", "DATA": found, "has_next_page": False, "offset": 0})

    def _task_list(self, request: Request, _: str) -> Answer:
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 10))
        everything = sorted(self.tasks.all.values(), key=lambda task: -task.requested)
        shown = [documents.task(task) for task in everything[offset : offset + limit]]
        for entry in shown:
            del entry["DATA_TYPE"]
        numbers = {"length": len(shown), "limit": limit, "offset": offset, "total": len(everything)}
        return Answer(200, {"DATA": shown, "DATA_TYPE": "task_list", **numbers})

    def _known_task(self, request: Request, key: str) -> Task | Answer:
        return self.tasks.all.get(key) or self._error(request, 404, "ClientError.NotFound", f"No task {key}")

    def _task(self, request: Request, key: str) -> Answer:
        task = self._known_task(request, key)
        return task if isinstance(task, Answer) else Answer(200, documents.task(task))

    def _cancel(self, request: Request, key: str) -> Answer:
        task = self._known_task(request, key)
        if isinstance(task, Answer):
            return task
        if self.tasks.cancel(task):
            message = "The task has been cancelled successfully."
            return Answer(200, documents.result("result", "Canceled", message, request.path))
        message = "The task completed before the cancel request was processed."
        return Answer(200, documents.result("result", "TaskComplete", message, request.path))

    def _events(self, request: Request, key: str) -> Answer:
        task = self._known_task(request, key)
        if isinstance(task, Answer):
            return task
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 10))
        newest = list(reversed(task.events))
        if request.query.get("filter") == "is_error:1":
            newest = [event for event in newest if event.is_error]
        shown = [documents.event(event) for event in newest[offset : offset + limit]]
        numbers = {"length": len(shown), "limit": limit, "offset": offset, "total": len(newest)}
        return Answer(200, {"DATA_TYPE": "event_list", "DATA": shown, **numbers})

    def _moved(self, request: Request, key: str) -> Answer:
        task = self._known_task(request, key)
        return task if isinstance(task, Answer) else self._page(request, "successful_transfers", task.moved)

    def _skipped(self, request: Request, key: str) -> Answer:
        task = self._known_task(request, key)
        return task if isinstance(task, Answer) else self._page(request, "skipped_errors", task.skipped)

    def _page(self, request: Request, kind: str, entries: list[Any]) -> Answer:
        marker = int(request.query.get("marker") or 0)
        following = marker + PAGE if marker + PAGE < len(entries) else None
        page = {"marker": marker, "next_marker": following, "DATA": entries[marker : marker + PAGE]}
        return Answer(200, {"DATA_TYPE": kind, **page})

    def _pause_info(self, request: Request, key: str) -> Answer:
        task = self._known_task(request, key)
        if isinstance(task, Answer):
            return task
        reason = task.nice[1] if task.paused else None
        rules = [{"DATA_TYPE": "pause_rule_limited", "message": reason}] if reason else []
        info = {"pause_rules": rules, "source_pause_message": reason, "destination_pause_message": None}
        return Answer(200, {"DATA_TYPE": "pause_info_limited", **info})
