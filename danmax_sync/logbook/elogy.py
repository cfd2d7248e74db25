"""The calls of elogy that are used, as its public code has them (github.com/MaxIV-KitsControls/Elogy, 2019).

::

    GET /api/logbooks/<id>/entries/?n=&offset=   {"logbook": {…}, "entries": [first entries of threads, a preview each]}
    GET /api/entries/<id>/                       {"entry": {…, "content": HTML, "followups": [{…, "followups": […]}]}}

The list has important and pinned entries first, then those whose thread changed last. Times are RFC 822, in UTC, to the
second. There is no login; the service is in the facility's network.
"""

import email.utils
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from danmax_sync.catalogue.logbooks import ReadEntry
from danmax_sync.errors import SourceError
from danmax_sync.logbook.address import LogbookAddress
from danmax_sync.logbook.plaintext import plain_text
from danmax_sync.logbook.web import Web
from danmax_sync.scanfile.text import clean_name

PAGE = 50
MOST_IN_A_THREAD = 1000
_HIGHEST = 1 << 62
_COUNTED = ("n_followups", "title")


@dataclass(frozen=True, slots=True)
class Listed:
    """A thread as the list has it.

    Attributes
    ----------
    number : int
        Its first entry.
    changed : datetime or None
        When an entry of it was written or changed last.
    pinned : bool
        Whether it stands before all that changed later.
    version : str
        Another one when something in it changed.
    """

    number: int
    changed: datetime | None
    pinned: bool
    version: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list; `size` counts what cannot be understood, too."""

    name: str
    threads: Sequence[Listed]
    size: int


class Elogy:
    """A logbook.

    Parameters
    ----------
    address : LogbookAddress
        Where it is.
    """

    def __init__(self, address: LogbookAddress) -> None:
        self.address = address
        self._web = Web(address)

    def page(self, offset: int) -> Page:
        """Return a part of the list of threads.

        Raises
        ------
        SourceError
            If there is no such logbook, or what answers is no elogy.
        ConnectionLostError
            If nobody answers.
        """
        query = f"?n={PAGE}&offset={offset}"
        document = self._web.get(f"api/logbooks/{self.address.number}/entries/{query}")
        if document is None:
            raise SourceError(
                f"there is no logbook {self.address.number} at {self.address.base}",
                hint="open it in a browser and copy its address: …/logbooks/NUMBER/",
            )
        entries, book = document.get("entries"), document.get("logbook")
        if not isinstance(entries, list):
            raise self._web.strange("a list of entries is missing")
        name = _line(book.get("name"), 200) if isinstance(book, Mapping) else ""
        threads = [found for each in entries if (found := _listed(each)) is not None]
        return Page(name or f"logbook {self.address.number}", threads, len(entries))

    def thread(self, number: int) -> list[ReadEntry]:
        """Return an entry and all that follows it; nothing where it has gone.

        Raises
        ------
        SourceError, ConnectionLostError
            As `page` does.
        """
        document = self._web.get(f"api/entries/{number}/")
        if document is None:
            return []
        first = _entry(document.get("entry"), None)
        if first is None or first.number != number:
            raise self._web.strange(f"entry {number} is missing")
        return [first, *_followups(document["entry"], number)]


def _listed(each: object) -> Listed | None:
    if not isinstance(each, Mapping) or (number := _number(each.get("id"))) is None:
        return None
    told = [each.get(name) for name in ("timestamp", "last_changed_at", "created_at")]
    moments = [moment for moment in map(_moment, told) if moment is not None]
    known = [value if isinstance(value, str | int) else None for value in (*told[:2], *map(each.get, _COUNTED))]
    version = json.dumps(known)[:500]
    priority = each.get("priority")
    pinned = isinstance(priority, int) and priority > 0
    return Listed(number, max(moments, default=None), pinned, version)


def _followups(entry: Mapping[str, Any], number: int) -> Iterator[ReadEntry]:
    """Yield what follows an entry, and what follows that, as deep as it goes."""
    seen, waiting = {number}, [(entry, number)]
    while waiting:
        above, parent = waiting.pop(0)
        below = above.get("followups")
        for each in below if isinstance(below, list) else ():
            found = _entry(each, parent)
            if found is None or found.number in seen or len(seen) >= MOST_IN_A_THREAD:
                continue
            seen.add(found.number)
            waiting.append((each, found.number))
            yield found


def _entry(each: object, follows: int | None) -> ReadEntry | None:
    if not isinstance(each, Mapping) or (number := _number(each.get("id"))) is None:
        return None
    content, kind = (found if isinstance(found, str) else "" for found in map(each.get, ("content", "content_type")))
    return ReadEntry(
        number=number,
        follows=follows,
        title=_line(each.get("title"), 500),
        text=plain_text(content, kind),
        authors=_authors(each.get("authors")),
        created_at=_moment(each.get("created_at")),
    )


def _authors(found: object) -> str:
    people = found[:20] if isinstance(found, list) else ()
    names = (each.get("name") or each.get("login") if isinstance(each, Mapping) else each for each in people)
    return ", ".join(filter(None, (_line(name, 100) for name in names)))


def _line(found: object, longest: int) -> str:
    """Return a text as one line; nothing where it is none."""
    return clean_name(found)[:longest].strip() if isinstance(found, str) else ""


def _number(found: object) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < _HIGHEST else None


def _moment(found: object) -> datetime | None:
    if not isinstance(found, str) or len(found) > 100:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(found)
        # `-0000` means UTC of a clock somewhere, and is read without a zone.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
