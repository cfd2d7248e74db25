"""The service itself: one HTTP server on loopback for Transfer, Auth and the files of collections."""

import base64
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from danmax_sync.testing.globus import documents
from danmax_sync.testing.globus.auth import CLIENT_ID, CLIENT_SECRET, GlobusAuth, RefusedError
from danmax_sync.testing.globus.collections import Collection
from danmax_sync.testing.globus.faults import Answer, Fault, LostAnswerError, Request
from danmax_sync.testing.globus.https_access import PREFIX, NotServedError, asked_range, open_file
from danmax_sync.testing.globus.tasks import Task, TransferTasks
from danmax_sync.testing.globus.transfer_api import TransferApi

HOST = "127.0.0.1"
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Served:
    """One request that was answered, or not (status 0)."""

    time: float
    method: str
    path: str
    status: int


class GlobusService:
    """Globus on loopback.

    Parameters
    ----------
    collections : iterable of Collection
        What there is; more can be added to `collections` later.
    faults : iterable of Fault
        Asked in turn; more can be added to `faults` later.

    Attributes
    ----------
    auth : GlobusAuth
        Logins, tokens and consents.
    tasks : TransferTasks
        All transfers, and what can happen to them.
    log : list of Served
        Every request, in order.
    """

    def __init__(self, collections: Iterable[Collection], *, faults: Iterable[Fault] = ()) -> None:
        self.collections = {each.id: each for each in collections}
        self.faults = list(faults)
        self.auth = GlobusAuth(self.collections)
        self.tasks = TransferTasks(self.faults)
        self.transfer = TransferApi(self.auth, self.collections, self.tasks)
        self.log: list[Served] = []
        self._server = _Server((HOST, 0), _Handler)
        self._server.service = self
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        self.auth.url = self.url
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="globus", daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What sends the SDK, and us, to this service instead of the real one."""
        return {
            "GLOBUS_SDK_SERVICE_URL_TRANSFER": f"{self.url}/",
            "GLOBUS_SDK_SERVICE_URL_AUTH": f"{self.url}/",
            "DANMAX_SYNC_GLOBUS_CLIENT_ID": CLIENT_ID,
        }

    @property
    def unattended(self) -> dict[str, str]:
        """The same, for a client that logs in by itself."""
        return {**self.environment, "DANMAX_SYNC_GLOBUS_CLIENT_SECRET": CLIENT_SECRET}

    def calls(self, ending: str = "", method: str = "") -> int:
        """Count the requests to Transfer whose path ends so."""
        return sum(
            served.path.startswith(documents.API) and served.path.endswith(ending) and method in {"", served.method}
            for served in list(self.log)
        )

    @property
    def newest(self) -> Task:
        """The task that was accepted last."""
        return list(self.tasks.all.values())[-1]

    def close(self) -> None:
        """End the service and its tasks."""
        self._server.shutdown()
        self._server.server_close()
        self.tasks.close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, request: Request) -> Answer:
        """Answer a request, as the faults allow."""
        answer = next((it for it in (fault.before(request) for fault in self.faults) if it is not None), None)
        if answer is None:
            is_transfer = request.path.startswith(documents.API)
            answer = self.transfer.answer(request) if is_transfer else self._auth(request)
        for fault in self.faults:
            answer = fault.after(request, answer)
        return answer

    def _auth(self, request: Request) -> Answer:
        asked = (request.method, request.path)
        try:
            if asked == ("POST", "/v2/oauth2/token"):
                return Answer(200, self.auth.exchange(request.body))
            if asked == ("POST", "/v2/oauth2/token/revoke"):
                return Answer(200, self.auth.revoke(request.body))
            if asked == ("GET", "/.well-known/openid-configuration"):
                return Answer(200, self.auth.openid_configuration())
            if asked == ("GET", "/jwk.json"):
                return Answer(200, self.auth.keys())
            if asked == ("GET", f"/v2/api/identities/{self.auth.identity}/consents"):
                return Answer(200, {"consents": self.auth.consent_documents()})
        except RefusedError as refused:
            return Answer(401, {"error": str(refused)})
        return Answer(404, {"error": "not_found"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    service: GlobusService

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may hang up at any moment: they are killed on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer."""
        self._serve()

    def do_POST(self) -> None:
        """Answer."""
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        authorization = self.headers.get("Authorization", "")
        token = authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else ""
        body = self._body()
        if authorization.startswith("Basic "):
            client, _, _secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
            body.setdefault("client_id", client)
        if path.startswith(PREFIX) and self.command == "GET":
            self._download(path, token)
        else:
            self._answer(Request(self.command, path, dict(parse_qsl(parts.query)), body, token))

    def _note(self, status: int) -> None:
        # Before the answer: whoever has it finds it in the log.
        path = unquote(urlsplit(self.path).path)
        self.server.service.log.append(Served(time.monotonic(), self.command, path, status))

    def _body(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        if "json" in self.headers.get("Content-Type", "") and raw:
            document = json.loads(raw)
            return document if isinstance(document, dict) else {}
        return dict(parse_qsl(raw.decode("utf-8", "replace")))

    def _answer(self, request: Request) -> None:
        try:
            answer = self.server.service.answer(request)
        except LostAnswerError:
            self._note(0)
            self.close_connection = True
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self._note(answer.status)
        is_page = isinstance(answer.document, str)
        content = (answer.document if is_page else json.dumps(answer.document)).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "text/html" if is_page else "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _download(self, path: str, token: str) -> None:
        it = self.server.service
        try:
            file = open_file(path, token, collections=it.collections, auth=it.auth, faults=it.faults)
        except NotServedError as refused:
            self._send(Answer(refused.status, refused.page))
            return
        with file:
            size = file.seek(0, 2)
            first, last = asked_range(self.headers.get("Range", ""), size)
            file.seek(first)
            partial = "Range" in self.headers
            self._note(206 if partial else 200)
            self.send_response(206 if partial else 200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(last - first))
            if partial:
                self.send_header("Content-Range", f"bytes {first}-{last - 1}/{size}")
            self.end_headers()
            while first < last and (block := file.read(min(_BLOCK, last - first))):
                self.wfile.write(block)
                first += len(block)
            if first < last:  # it became shorter meanwhile
                self.close_connection = True
