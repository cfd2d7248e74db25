"""The elogy on loopback answers in the shapes of the true one's public code."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from danmax_sync.testing.elogy import ElogyService

SHORT = (
    "id logbook title content priority created_at last_changed_at timestamp authors attributes followup_authors "
    "attachment_preview n_attachments n_followups"
)
FULL = (
    "id logbook title created_at last_changed_at authors attributes attachments priority metadata content content_type "
    "follows n_followups followups revision_n lock next previous archived"
)
NOON = datetime(2025, 11, 2, 12, 0, 7, 900_000, tzinfo=UTC)


def got(elogy: ElogyService, path: str) -> Any:
    """Return what the service answers, as JSON."""
    with urlopen(f"{elogy.base}{path}", timeout=5) as answer:  # noqa: S310 - loopback
        assert answer.headers["Content-Type"] == "application/json"
        return json.load(answer)


def test_the_list_has_first_entries_and_the_rest_hangs_on_them() -> None:
    """Pinned first, then by the last change in the thread; previews without markup; times of RFC 822, in UTC."""
    with ElogyService() as elogy:
        old = elogy.write("old", f"<p>{'x' * 500}</p>", at=NOON)
        elogy.write("new", "<b>new</b>", at=datetime(2025, 11, 3, tzinfo=UTC))
        pinned = elogy.write("pinned", "", at=datetime(2020, 1, 1, tzinfo=UTC), priority=100)
        answer = elogy.write(None, "late", at=datetime(2025, 11, 4, tzinfo=UTC), follows=old)
        listed = got(elogy, f"/api/logbooks/{elogy.number}/entries/?n=2&offset=0")
        assert set(listed) == {"logbook", "entries", "count"}
        assert [entry["id"] for entry in listed["entries"]] == [pinned, old]
        first = listed["entries"][1]
        assert set(first) == set(SHORT.split())
        assert (first["content"], first["n_followups"]) == ("x" * 200, 1)
        assert first["created_at"] == "Sun, 02 Nov 2025 12:00:07 -0000"
        assert first["timestamp"] == "Tue, 04 Nov 2025 00:00:00 -0000"
        assert first["last_changed_at"] is None
        entry = got(elogy, f"/api/entries/{old}/")["entry"]
        assert set(entry) == set(FULL.split())
        assert [each["id"] for each in entry["followups"]] == [answer]
        assert entry["authors"] == [{"name": "Ada Lovelace", "login": None, "email": None}]


def test_what_is_not_there() -> None:
    """Entries and logbooks are missed with 404; every other path is the start page, with a good status."""
    with ElogyService() as elogy:
        for path in ("/api/entries/7/", "/api/logbooks/7/entries/"):
            with pytest.raises(HTTPError) as caught:
                got(elogy, path)
            with caught.value as problem:
                assert problem.code == 404
                assert "does not exist" in json.load(problem)["message"]
        with urlopen(elogy.address, timeout=5) as page:  # noqa: S310 - loopback
            assert page.status == 200
            assert page.headers["Content-Type"] == "text/html"
