"""The calls of the Transfer API that are used, each with its errors in plain words."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from globus_sdk import GlobusAPIError, GlobusError, TransferClient
from globus_sdk.authorizers import GlobusAuthorizer
from globus_sdk.transport import RetryConfig, RetryContext

from danmax_sync.sources.globus import pace
from danmax_sync.sources.globus.complaints import MissingError, explained
from danmax_sync.sources.globus.facts import TRANSFER_SERVER, CollectionFacts

if TYPE_CHECKING:
    from globus_sdk import GlobusApp

FIRST_PAUSE_S = 0.4
RETRIES = 5
"""Of the SDK, each after twice the pause before it: 12 s in all, unless Globus says how long to wait."""
_LONGEST_PAUSE_S = 60.0
_OWN_TRIES = 3
"""Errors of an endpoint are not tried again by the SDK; those that may pass are, here."""
_LASTING = ("NotDirectory", "SizeLimit", "PermissionDenied", "LoginFailed", "GCDisconnected", "Exists")
_T = TypeVar("_T")
Document = Mapping[str, Any]


class GlobusApi:
    """Transfer for one login; may be used by several threads.

    Parameters
    ----------
    app : GlobusApp
        Logged in.
    remote : str
        The remote's name, for hints.

    Raises
    ------
    LoginWantedError
        If nobody is logged in.
    """

    def __init__(self, app: "GlobusApp", remote: str) -> None:
        self._app, self._remote = app, remote
        self._lock = threading.Lock()
        retry = RetryConfig(max_retries=RETRIES, max_sleep=_LONGEST_PAUSE_S, backoff=_pause)
        self._client = TransferClient(authorizer=self.authorizer(TRANSFER_SERVER), retry_config=retry)
        pace.keep_pace(self._client.transport.session)

    def authorizer(self, server: str) -> "OneAtATime":
        """Return what gives the token for a server, and renews it.

        Raises
        ------
        LoginWantedError
            If there is none.
        """
        return self._asked(lambda: OneAtATime(self._app.get_authorizer(server), self._lock), "the login", "Globus")

    def collection(self, key: str) -> CollectionFacts:
        """Return what Globus says about a collection."""
        return CollectionFacts.of(self._asked(lambda: self._client.get_endpoint(key).data, key, key))

    def entries(self, it: CollectionFacts, path: str) -> list[Any]:
        """List a folder.

        Raises
        ------
        MissingError, NotAFolderError
            If it is none.
        """
        document = self._asked(lambda: self._client.operation_ls(it.id, path).data, f"{it.name}:{path}", it.name)
        found = document.get("DATA")
        return found if isinstance(found, list) else []

    def entry(self, it: CollectionFacts, path: str) -> Document | None:
        """Look at one path; None where nothing is."""
        try:
            found: Document = self._asked(
                lambda: self._client.operation_stat(it.id, path).data, f"{it.name}:{path}", it.name
            )
        except MissingError:
            return None
        return found

    def make_folder(self, it: CollectionFacts, path: str) -> None:
        """Make a folder; one that is there already is as good."""
        try:
            self._client.operation_mkdir(it.id, path)
        except GlobusAPIError as problem:
            if (problem.code or "").endswith("Exists"):
                return
            raise explained(
                problem, where=f"{it.name}:{path}", collection=it.name, remote=self._remote, writing=True
            ) from problem
        except GlobusError as problem:
            raise explained(
                problem, where=f"{it.name}:{path}", collection=it.name, remote=self._remote, writing=True
            ) from problem

    def rename(self, it: CollectionFacts, old: str, new: str) -> None:
        """Rename a file; nothing is ever replaced.

        Raises
        ------
        SourceError
            If something stands there, or the collection refuses.
        """
        self._asked(lambda: self._client.operation_rename(it.id, old, new), f"{it.name}:{new}", it.name, writing=True)

    def submission_id(self) -> str:
        """Return a new one: to be kept before it is used."""
        return str(self._asked(lambda: self._client.get_submission_id()["value"], "a submission", "Globus"))

    def submit(self, document: dict[str, Any], it: CollectionFacts) -> str:
        """Submit a transfer and return its task's id; the same submission id always means the same task."""
        return str(self._asked(lambda: self._client.submit_transfer(document)["task_id"], "the transfer", it.name))

    def task(self, task_id: str) -> Document:
        """Return a task as it is now.

        Raises
        ------
        MissingError
            If Globus does not know it any more.
        """
        return self._asked(lambda: self._client.get_task(task_id).data, f"task {task_id}", "Globus")

    def cancel(self, task_id: str) -> None:
        """End a task; one that has ended already is as good."""
        self._asked(lambda: self._client.cancel_task(task_id), f"task {task_id}", "Globus")

    def moved(self, task_id: str) -> list[Document]:
        """Return which files a task has moved."""
        return list(self._asked(lambda: list(self._client.task_successful_transfers(task_id)), task_id, "Globus"))

    def skipped(self, task_id: str) -> list[Document]:
        """Return which files a task has left out, and why."""
        return list(self._asked(lambda: list(self._client.task_skipped_errors(task_id)), task_id, "Globus"))

    def errors_of(self, task_id: str, *, most: int = 3) -> Sequence[Document]:
        """Return a task's last errors, the newest first."""
        asked = self._asked(
            lambda: self._client.task_event_list(task_id, limit=most, query_params={"filter": "is_error:1"}),
            task_id,
            "Globus",
        )
        return list(asked["DATA"])

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _asked(self, act: Callable[[], _T], where: str, collection: str, *, writing: bool = False) -> _T:
        for attempt in range(1, _OWN_TRIES + 1):
            try:
                return act()
            except GlobusError as problem:
                if attempt < _OWN_TRIES and _may_pass(problem):
                    time.sleep(FIRST_PAUSE_S * 2**attempt)
                    continue
                raise explained(
                    problem, where=where, collection=collection, remote=self._remote, writing=writing
                ) from problem
        raise AssertionError("the last try returns or raises")


class OneAtATime(GlobusAuthorizer):
    """An authorizer for several threads: of the SDK's own, two would renew the same token at once."""

    def __init__(self, inner: GlobusAuthorizer, lock: threading.Lock) -> None:
        self._inner, self._lock = inner, lock

    def get_authorization_header(self) -> str | None:
        """Return the header, with a token that has not expired."""
        with self._lock:
            return self._inner.get_authorization_header()

    def handle_missing_authorization(self) -> bool:
        """Renew the token; say whether that may help."""
        with self._lock:
            return self._inner.handle_missing_authorization()


def _pause(context: RetryContext) -> float:
    return context.backoff if context.backoff is not None else FIRST_PAUSE_S * 2.0**context.attempt


def _may_pass(problem: GlobusError) -> bool:
    if not isinstance(problem, GlobusAPIError) or problem.http_status < 500:
        return False
    code = problem.code or ""
    return ("ExternalError" in code or "EndpointError" in code) and not code.endswith(_LASTING)
