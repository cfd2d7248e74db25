"""An elogy on loopback: the answers of its public code, in their shapes, from entries that a test writes.

>>> with ElogyService() as elogy:
...     first = elogy.write("LaB6", "<p>scans 42-45</p>")
...     elogy.write("", "<p>quench!</p>", follows=first)
...     sync_logbook(catalogue, logbook_address(elogy.address))
"""

import email.utils
import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
_PREVIEW = 200
_START_PAGE = "<!doctype html><title>Elogy</title><div id=root></div>"


@dataclass(slots=True)
class _Written:
    id: int
    title: str | None
    content: str | None
    authors: Sequence[str]
    created_at: datetime
    follows: int | None
    priority: int
    content_type: str
    last_changed_at: datetime | None = None
    revisions: int = 0
    archived: bool = False


@dataclass(frozen=True, slots=True)
class ElogyAnswer:
    """An answer that a test puts before the true one: a status, a body, a place to go."""

    status: int
    body: str = "{}"
    location: str = ""
    kind: str = "application/json"


@dataclass(slots=True)
class ElogyService:
    """One logbook, served on loopback.

    Attributes
    ----------
    number : int
        The logbook's.
    faults : list of ElogyAnswer
        Given first, one a request.
    asked : list of str
        Path and query of every request.
    """

    number: int = 12
    name: str = "DanMAX"
    faults: list[ElogyAnswer] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _entries: dict[int, _Written] = field(default_factory=dict)
    _server: ThreadingHTTPServer = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        service = self

        class Handler(_Handler):
            elogy = service

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        """The service."""
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def address(self) -> str:
        """The logbook, as a browser shows it."""
        return f"{self.base}/logbooks/{self.number}/"

    def write(
        self,
        title: str | None,
        content: str | None,
        *,
        at: datetime | None = None,
        authors: Sequence[str] = ("Ada Lovelace",),
        follows: int | None = None,
        priority: int = 0,
        content_type: str = "text/html; charset=UTF-8",
    ) -> int:
        """Write an entry, or an answer to one; return its number."""
        number = max(self._entries, default=100) + 1
        moment = at or datetime.now(UTC)
        self._entries[number] = _Written(number, title, content, authors, moment, follows, priority, content_type)
        return number

    def edit(self, number: int, *, content: str, at: datetime | None = None) -> None:
        """Change what an entry says."""
        entry = self._entries[number]
        entry.content, entry.last_changed_at = content, at or datetime.now(UTC)
        entry.revisions += 1

    def archive(self, number: int) -> None:
        """Hide an entry, which is how one is deleted."""
        self._entries[number].archived = True

    def answer(self, path: str, query: dict[str, list[str]]) -> ElogyAnswer:
        """Answer a request as elogy does."""
        listed = re.fullmatch(r"/api/logbooks/(\d+)/entries/", path)
        single = re.fullmatch(r"/api/entries/(\d+)/", path)
        if listed:
            if int(listed[1]) != self.number:
                return _missing("Logbook")
            return _json(self._list(int(query.get("n", ["50"])[0]), int(query.get("offset", ["0"])[0])))
        if single:
            entry = self._entries.get(int(single[1]))
            return _json({"entry": self._full(entry)}) if entry is not None else _missing("Entry")
        # For all other paths it has its start page, with a good status.
        return ElogyAnswer(200, _START_PAGE, kind="text/html")

    def close(self) -> None:
        """End the service."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _list(self, n: int, offset: int) -> dict[str, Any]:
        firsts = [each for each in self._entries.values() if each.follows is None and not each.archived]
        firsts.sort(key=lambda each: (each.priority, self._changed(each)), reverse=True)
        entries = [self._short(each) for each in firsts[offset : offset + n]]
        return {"logbook": self._book(), "entries": entries, "count": len(firsts)}

    def _answers(self, number: int) -> list[_Written]:
        return [each for each in self._entries.values() if each.follows == number]

    def _changed(self, entry: _Written) -> datetime:
        # Answers to answers do not count, in the true one either.
        return max(each.last_changed_at or each.created_at for each in [entry, *self._answers(entry.id)])

    def _book(self) -> dict[str, Any]:
        return {"id": self.number, "name": self.name, "description": "", "parent": None, "archived": False}

    def _short(self, entry: _Written) -> dict[str, Any]:
        text = re.sub(r"<[^>]*>", "", entry.content or "")[:_PREVIEW].strip().replace("\n", " ")
        return {
            "id": entry.id,
            "logbook": {"id": self.number, "name": self.name},
            "title": entry.title,
            "content": text or None,
            "priority": entry.priority,
            "created_at": _rfc822(entry.created_at),
            "last_changed_at": _rfc822(entry.last_changed_at),
            "timestamp": _rfc822(self._changed(entry)),
            "authors": list(entry.authors),
            "attributes": {},
            "followup_authors": [name for each in self._answers(entry.id) for name in each.authors],
            "attachment_preview": None,
            "n_attachments": 0,
            "n_followups": len(self._answers(entry.id)),
        }

    def _full(self, entry: _Written) -> dict[str, Any]:
        answers = [each for each in self._answers(entry.id) if not each.archived]
        return {
            "id": entry.id,
            "logbook": self._book(),
            "title": entry.title,
            "created_at": _rfc822(entry.created_at),
            "last_changed_at": _rfc822(entry.last_changed_at),
            "authors": [{"name": name, "login": None, "email": None} for name in entry.authors],
            "attributes": {},
            "attachments": [],
            "priority": entry.priority,
            "metadata": {},
            "content": entry.content,
            "content_type": entry.content_type,
            "follows": entry.follows,
            "n_followups": len(self._answers(entry.id)),
            "followups": [self._full(each) for each in answers],
            "revision_n": entry.revisions,
            "lock": None,
            "next": None,
            "previous": None,
            "archived": entry.archived,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    elogy: ElogyService

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer."""
        self.elogy.asked.append(self.path)
        parts = urlsplit(self.path)
        faults = self.elogy.faults
        answer = faults.pop(0) if faults else self.elogy.answer(parts.path, parse_qs(parts.query))
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(content)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(content)


def _json(document: dict[str, Any]) -> ElogyAnswer:
    return ElogyAnswer(200, json.dumps(document))


def _missing(what: str) -> ElogyAnswer:
    return ElogyAnswer(404, json.dumps({"message": f"{what} does not exist!", "status": 404}))


def _rfc822(moment: datetime | None) -> str | None:
    """Spell a time as the service does: in UTC, to the second, with a zone of ``-0000``."""
    return None if moment is None else email.utils.formatdate(int(moment.timestamp()))
