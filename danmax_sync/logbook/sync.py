"""A logbook becomes entries in the catalogue.

::

    list, newest change first ──another version──▶ read ──▶ text ──▶ kept, thread by thread
             │                                                               │
             └── older than the last whole run: end ─────────────────────────┴──▶ linked to scans

Every thread is kept when it has been read: stopped at any moment, the next run goes on.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import reading, writing
from danmax_sync.catalogue.logbooks import (
    has_logbook,
    known_versions,
    link_entries,
    logbooks,
    note_synced,
    save_logbook,
    save_thread,
    synced_to,
)
from danmax_sync.catalogue.rows import iso_utc
from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, ignore, progress, warning
from danmax_sync.logbook.address import LogbookAddress
from danmax_sync.logbook.elogy import Elogy, Listed

MOST_THREADS = 200_000


@dataclass(frozen=True, slots=True)
class LogbookSummary:
    """What a run came to; `entries` and `linked` are of all there are, the others of threads in this run."""

    name: str
    entries: int
    linked: int
    new: int
    changed: int
    unchanged: int
    seconds: float


def sync_logbook(
    catalogue: Catalogue, address: LogbookAddress, *, everything: bool = False, tell: Listener = ignore
) -> LogbookSummary:
    """Bring the entries of a logbook up to date, and link them to scans.

    Parameters
    ----------
    catalogue : Catalogue
        What is brought up to date.
    address : LogbookAddress
        Where the logbook is.
    everything : bool
        Whether every thread is read again. An answer to an answer does not show in the list, so that only this finds
        one that was added to an old thread.
    tell : Listener
        Hears ``progress`` and ``warning`` events.

    Raises
    ------
    ConnectionLostError
        If nobody answers, or not to the end; what was read is kept.
    SourceError
        If there is no such logbook.
    UsageError
        If it is removed from the catalogue meanwhile.
    """
    started = time.monotonic()
    run = _Run(catalogue, Elogy(address), tell, everything=everything)
    try:
        run.read()
    finally:
        with writing(catalogue.engine) as connection:
            link_entries(connection)
    with reading(catalogue.engine) as connection:
        book = next((each for each in logbooks(connection) if each.url == address.url), None)
    if book is None:
        raise _removed(address)
    return LogbookSummary(
        book.name, book.entries, book.linked, run.new, run.changed, run.unchanged, round(time.monotonic() - started, 3)
    )


def _removed(address: LogbookAddress) -> UsageError:
    return UsageError(
        f"{address.url} was removed from the catalogue while it was read",
        hint=f"to read it again: danmax-sync logbook sync {address.url}",
    )


class _Run:
    def __init__(self, catalogue: Catalogue, elogy: Elogy, tell: Listener, *, everything: bool) -> None:
        self.catalogue, self.elogy, self.tell, self.everything = catalogue, elogy, tell, everything
        self.new = self.changed = self.unchanged = 0
        self.book = 0
        self.versions: dict[int, str] = {}
        self.before: datetime | None = None
        """Up to when everything was known before this run."""

    def read(self) -> None:
        """Go through the list as far as something may have changed."""
        newest: datetime | None = None
        for listed in self._threads():
            if listed.changed is not None and not (newest and newest >= listed.changed):
                newest = listed.changed
            known = self.versions.get(listed.number)
            if known == listed.version and not self.everything and not self._in_the_last_second(listed):
                self.unchanged += 1
            else:
                self._take(listed, known)
            done = self.new + self.changed + self.unchanged
            progress(self.tell, "logbook", done, 0, unit="entries", item=f"entry {listed.number}")
        # An entry of a day to come would hide all changes until then.
        until = min(newest, datetime.now(UTC)) if newest else self.before
        with writing(self.catalogue.engine) as connection:
            note_synced(connection, self.book, iso_utc(until))

    def _threads(self) -> Iterator[Listed]:
        """Yield threads, each once, until all that follow are older than the last whole run."""
        seen: set[int] = set()
        offset = 0
        while len(seen) < MOST_THREADS:
            page = self.elogy.page(offset)
            if not self.book:
                self._begin(page.name)
            fresh = [each for each in page.threads if each.number not in seen]
            yield from fresh
            seen.update(each.number for each in fresh)
            # A service that does not know `offset` sends the same page for ever.
            if not fresh or (not self.everything and self._all_known([e for e in page.threads if not e.pinned])):
                return
            offset += page.size

    def _begin(self, name: str) -> None:
        with writing(self.catalogue.engine) as connection:
            self.book = save_logbook(connection, self.elogy.address.url, name)
            self.versions = known_versions(connection, self.book)
            until = synced_to(connection, self.book)
        self.before = datetime.fromisoformat(until) if until else None

    def _all_known(self, threads: list[Listed]) -> bool:
        before = self.before
        return (
            bool(threads) and before is not None and all(e.changed is not None and e.changed < before for e in threads)
        )

    def _in_the_last_second(self, listed: Listed) -> bool:
        # Times end with the second: something more may have happened in the one that was seen last.
        return self.before is not None and listed.changed == self.before

    def _take(self, listed: Listed, known: str | None) -> None:
        entries = self.elogy.thread(listed.number)
        if not entries:
            warning(self.tell, f"entry {listed.number} has gone since it was listed")
            return
        with writing(self.catalogue.engine) as connection:
            if not has_logbook(connection, self.book):
                raise _removed(self.elogy.address)
            save_thread(connection, self.book, listed.version, entries)
        self.new += known is None
        self.changed += known not in {None, listed.version}
        self.unchanged += known == listed.version
