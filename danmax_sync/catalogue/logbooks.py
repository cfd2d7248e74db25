"""Logbooks: what their entries say, and which scans they speak of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from danmax_sync.catalogue.linking import LinkedScan, Links, WrittenEntry
from danmax_sync.catalogue.rows import batched, iso_utc
from danmax_sync.catalogue.schema import log_entry, log_link, logbook, scan
from danmax_sync.catalogue.values import LogEntry


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """An entry as its logbook has it now, as plain text."""

    number: int
    follows: int | None
    title: str
    text: str
    authors: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Logbook:
    """A logbook in the catalogue; `synced_to` is None until it was read to its end once."""

    id: int
    url: str
    name: str
    synced_to: str | None
    entries: int
    linked: int
    """Entries that speak of at least one scan."""


def logbooks(connection: Connection) -> list[Logbook]:
    """Return the logbooks there are, in the order of their names."""
    linked = select(log_link.c.entry_id).distinct().subquery()
    statement = (
        select(
            logbook.c.id,
            logbook.c.url,
            logbook.c.name,
            logbook.c.synced_to,
            func.count(log_entry.c.id),
            func.count(linked.c.entry_id),
        )
        .outerjoin(log_entry, log_entry.c.logbook_id == logbook.c.id)
        .outerjoin(linked, linked.c.entry_id == log_entry.c.id)
        .group_by(logbook.c.id, logbook.c.url, logbook.c.name, logbook.c.synced_to)
    )
    return sorted((Logbook(*row) for row in connection.execute(statement)), key=lambda each: (each.name, each.url))


def save_logbook(connection: Connection, url: str, name: str) -> int:
    """Return the row of a logbook, made or renamed as needed."""
    known: int | None = connection.scalar(select(logbook.c.id).where(logbook.c.url == url))
    if known is None:
        made: Any = connection.execute(insert(logbook).values(url=url, name=name))
        return int(made.inserted_primary_key[0])
    connection.execute(update(logbook).where(logbook.c.id == known).values(name=name))
    return known


def has_logbook(connection: Connection, logbook_id: int) -> bool:
    """Say whether a logbook is there; somebody may have removed it while it is read."""
    return connection.scalar(select(logbook.c.id).where(logbook.c.id == logbook_id)) is not None


def synced_to(connection: Connection, logbook_id: int) -> str | None:
    """Return up to when all changes of a logbook are known."""
    return connection.scalar(select(logbook.c.synced_to).where(logbook.c.id == logbook_id))


def note_synced(connection: Connection, logbook_id: int, moment: str | None) -> None:
    """Note up to when all changes of a logbook are known."""
    connection.execute(update(logbook).where(logbook.c.id == logbook_id).values(synced_to=moment))


def known_versions(connection: Connection, logbook_id: int) -> dict[int, str]:
    """Return the version of each thread of a logbook that is known, by its number."""
    rows = connection.execute(
        select(log_entry.c.number, log_entry.c.version).where(
            log_entry.c.logbook_id == logbook_id, log_entry.c.number == log_entry.c.thread
        )
    )
    return {row.number: row.version for row in rows}


def save_thread(connection: Connection, logbook_id: int, version: str, entries: Sequence[ReadEntry]) -> None:
    """Keep an entry and all that follows it, in place of what was known of them."""
    thread = entries[0].number
    numbers = [each.number for each in entries]
    here = log_entry.c.logbook_id == logbook_id
    connection.execute(delete(log_entry).where(here, log_entry.c.thread == thread))
    for some in batched(numbers):
        connection.execute(delete(log_entry).where(here, log_entry.c.number.in_(some)))
    rows = [
        {
            "logbook_id": logbook_id,
            "number": each.number,
            "thread": thread,
            "follows": each.follows,
            "title": each.title,
            "text": each.text,
            "authors": each.authors,
            "created_at": iso_utc(each.created_at),
            "version": version if each.number == thread else "",
        }
        for each in entries
    ]
    connection.execute(insert(log_entry), rows)
    connection.execute(update(logbook).where(logbook.c.id == logbook_id).values(linked=None))


def forget_logbook(connection: Connection, logbook_id: int) -> None:
    """Forget a logbook with its entries; it can be read again."""
    connection.execute(delete(logbook).where(logbook.c.id == logbook_id))


def log_entries_of(connection: Connection, scan_id: int) -> list[LogEntry]:
    """Return the entries that speak of a scan, the oldest first."""
    e = log_entry.c
    statement = (
        select(logbook.c.name, e.number, e.title, e.text, e.authors, e.created_at, log_link.c.how)
        .select_from(log_link)
        .join(log_entry, e.id == log_link.c.entry_id)
        .join(logbook, logbook.c.id == e.logbook_id)
        .where(log_link.c.scan_id == scan_id)
        .order_by(e.created_at, e.number)
    )
    return [LogEntry(*tuple(row)) for row in connection.execute(statement)]


def link_entries(connection: Connection) -> None:
    """Work out which scans entries speak of, where there are other scans or entries than when that was done last."""
    known = set(connection.scalars(select(logbook.c.linked)))
    if not known:
        return
    present = "2:{}:{}".format(*connection.execute(select(func.count(), func.max(scan.c.id)).select_from(scan)).one())
    if known == {present}:
        return
    found = list(Links(_scans(connection)).of_all(_entries(connection)))
    connection.execute(delete(log_link))
    rows = [{"scan_id": scan_id, "entry_id": entry_id, "how": how} for scan_id, entry_id, how in found]
    if rows:
        connection.execute(insert(log_link), rows)
    connection.execute(update(logbook).values(linked=present))


def _scans(connection: Connection) -> list[LinkedScan]:
    c = scan.c
    rows = connection.execute(select(c.id, c.proposal, c.visit, c.number, c.path, c.start_time, c.end_time))
    return [LinkedScan(r[0], (r[1], r[2]), r[3], r[4], _moment(r[5]), _moment(r[6])) for r in rows]


def _entries(connection: Connection) -> list[WrittenEntry]:
    e = log_entry.c
    rows = connection.execute(select(e.id, e.logbook_id, e.number, e.follows, e.title, e.text, e.created_at))
    return [WrittenEntry(r[0], r[1], r[2], r[3], f"{r[4]}\n{r[5]}", _moment(r[6])) for r in rows]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
