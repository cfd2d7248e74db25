"""What users say of scans: the sample's name, tags, notes. It belongs to the scan, not to its row.

::

    said ──▶ mark of a row ──row goes──▶ mark of nobody ──the same scan comes back──▶ mark of its row
                  ▲                                                                       │
                  └───────────────────────────────────────────────────────────────────────┘

Indexing rewrites rows as it likes; a mark is deleted by its user alone. A name for the sample stands in the scan's row,
too, in place of the folder's, so that searches, lists and everything else need not know that there are two.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from danmax_sync.catalogue.rows import batched, iso_utc
from danmax_sync.catalogue.schema import mark, scan
from danmax_sync.catalogue.values import Mark, MarkKind
from danmax_sync.errors import UsageError
from danmax_sync.scanfile.text import LONGEST_TEXT, clean_text

_TAG = re.compile(r"\w[\w.+#/-]{0,63}")
_LONGEST = {MarkKind.SAMPLE: 200, MarkKind.TAG: 64, MarkKind.NOTE: 10_000}


def checked_mark(kind: MarkKind, text: str) -> str:
    """Return a text as it can be kept.

    Raises
    ------
    UsageError
        If it is empty, too long, or no tag.
    """
    clean = clean_text(text).strip()
    if kind is not MarkKind.NOTE:
        clean = " ".join(clean.split())
    if not clean:
        raise UsageError(f"a {kind} cannot be empty", hint=f"to take one away: danmax-sync {_UNDO[kind]}")
    if len(clean) > _LONGEST[kind]:
        # Of a very long text only the beginning was looked at.
        length = len(clean) if len(text) <= LONGEST_TEXT else len(text.strip())
        raise UsageError(f"the {kind} has {length} characters, more than {_LONGEST[kind]}", hint="make it shorter")
    if kind is MarkKind.TAG and not _TAG.fullmatch(clean):
        raise UsageError(
            f"{clean!r} cannot be a tag",
            hint="one word of letters, digits and . + # / _ -, a letter, digit or _ first; "
            "for more: danmax-sync note add QUERY TEXT",
        )
    # It becomes the name of a folder where patterns are exported.
    if kind is MarkKind.SAMPLE and ("\\" in clean or any(part.strip() in {"", ".", ".."} for part in clean.split("/"))):
        raise UsageError(f"{clean!r} cannot be a sample's name", hint="a name, or names with a / between")
    return clean


_UNDO = {
    MarkKind.SAMPLE: "sample clear QUERY",
    MarkKind.TAG: "tag remove QUERY TAG",
    MarkKind.NOTE: "note clear QUERY",
}


def put_mark(connection: Connection, scan_ids: Sequence[int], kind: MarkKind, text: str) -> int:
    """Say something of scans; return of how many it had not been said. A sample's name takes the place of another.

    Raises
    ------
    UsageError
        If the text cannot be kept.
    """
    return put_marks(connection, [(scan_ids, kind, text)])[kind]


def put_marks(connection: Connection, said: Sequence[tuple[Sequence[int], MarkKind, str]]) -> dict[MarkKind, int]:
    """Say several things of scans, in this order; return how often it was new, of each kind.

    What is there is looked up once for all of them: one by one, a table of thousands of rows takes minutes.

    Raises
    ------
    UsageError
        If a text cannot be kept.
    """
    spelled: dict[str, str] = {}
    has: dict[int, set[tuple[MarkKind, str]]] = {each: set() for scan_ids, _, _ in said for each in scan_ids}
    for scan_id, marks in marks_of(connection, list(has)).items():
        has[scan_id] = {(each.kind, each.text) for each in marks}
    names: dict[int, str] = {}
    fresh: list[tuple[int, MarkKind, str]] = []
    new = dict.fromkeys(MarkKind, 0)
    for scan_ids, kind, text in said:
        clean = checked_mark(kind, text)
        if kind is MarkKind.TAG:
            clean = spelled.get(clean.lower()) or spelled.setdefault(clean.lower(), _as_known(connection, clean))
        for scan_id in scan_ids:
            if (kind, clean) in has[scan_id]:
                continue
            new[kind] += 1
            if kind is MarkKind.SAMPLE:
                has[scan_id] = {each for each in has[scan_id] if each[0] is not kind}
                names[scan_id] = clean
            else:
                fresh.append((scan_id, kind, clean))
            has[scan_id].add((kind, clean))
    _delete(connection, list(names), MarkKind.SAMPLE, None)
    _insert(connection, [*((scan_id, MarkKind.SAMPLE, name) for scan_id, name in names.items()), *fresh])
    called: dict[str, list[int]] = {}
    for scan_id, name in names.items():
        called.setdefault(name, []).append(scan_id)
    # By number: to look through all scans for each name would take longer with every one.
    for name, ids in called.items():
        for some in batched(ids):
            connection.execute(update(scan).where(scan.c.id.in_(some)).values(sample=name))
    return new


def _insert(connection: Connection, marks: Sequence[tuple[int, MarkKind, str]]) -> None:
    now = iso_utc(datetime.now(UTC))
    owners: dict[int, Any] = {}
    for some in batched(list(dict.fromkeys(scan_id for scan_id, _, _ in marks))):
        columns = select(scan.c.id, scan.c.key, scan.c.proposal, scan.c.visit).where(scan.c.id.in_(some))
        owners |= {row.id: row for row in connection.execute(columns)}
    for some_marks in batched([each for each in marks if each[0] in owners]):
        rows = [
            {
                "scan_id": scan_id,
                "key": owners[scan_id].key,
                "proposal": owners[scan_id].proposal,
                "visit": owners[scan_id].visit,
                "kind": kind.value,
                "text": text,
                "made_at": now,
            }
            for scan_id, kind, text in some_marks
        ]
        connection.execute(insert(mark), rows)


def take_marks(connection: Connection, scan_ids: Sequence[int], kind: MarkKind, text: str | None = None) -> int:
    """Take back what was said of scans, all of a kind or one text; return of how many scans."""
    had = {id_ for id_, found in marks_of(connection, scan_ids).items() if _is_among(found, kind, text)}
    _delete(connection, sorted(had), kind, text)
    if kind is MarkKind.SAMPLE:
        for some in batched(sorted(had)):
            connection.execute(update(scan).where(scan.c.id.in_(some)).values(sample=func.coalesce(scan.c.folder, "")))
    return len(had)


def marks_of(connection: Connection, scan_ids: Sequence[int]) -> dict[int, list[Mark]]:
    """Return what is said of scans, in the order in which it was."""
    found: dict[int, list[Mark]] = {}
    for some in batched(scan_ids):
        statement = select(mark).where(mark.c.scan_id.in_(some)).order_by(mark.c.made_at, mark.c.id)
        for row in connection.execute(statement):
            found.setdefault(row.scan_id, []).append(Mark(MarkKind(row.kind), row.text, row.made_at))
    return found


def tags(connection: Connection) -> list[tuple[str, int]]:
    """Return every tag that a scan has, and how many have it."""
    statement = (
        select(mark.c.text, func.count())
        .where(mark.c.kind == MarkKind.TAG.value, mark.c.scan_id.is_not(None))
        .group_by(mark.c.text)
    )
    return sorted((row[0], row[1]) for row in connection.execute(statement))


def count_lost(connection: Connection) -> int:
    """Return of how many scans something is said that are not in the catalogue now."""
    keys = select(mark.c.key, mark.c.proposal, mark.c.visit).where(mark.c.scan_id.is_(None)).distinct()
    return connection.scalar(select(func.count()).select_from(keys.subquery())) or 0


def settle_marks(connection: Connection) -> None:
    """Give scans that have come back what was said of them, and samples the names that were given to them."""
    lost = connection.execute(select(mark).where(mark.c.scan_id.is_(None))).all()
    keys = sorted({row.key for row in lost})
    scans: dict[str, list[Any]] = {}
    for some in batched(keys):
        statement = select(scan.c.id, scan.c.key, scan.c.proposal, scan.c.visit).where(scan.c.key.in_(some))
        for row in connection.execute(statement):
            scans.setdefault(row.key, []).append(row)
    for row in lost:
        owners = [each for each in scans.get(row.key, ()) if _may_be_one(row, each)]
        if len(owners) == 1:
            connection.execute(update(mark).where(mark.c.id == row.id).values(scan_id=owners[0].id))
    _name_samples(connection)


def hand_over(connection: Connection, gone: Collection[int], kept: Collection[int]) -> None:
    """Let scans that go hand what is said of them to those that take their place in the same masters.

    That is only for scans without a start time, of which nothing but the place was known: a master that could not be
    read, and now can.
    """
    marked = [
        row
        for some in batched(sorted(gone))
        for row in connection.execute(
            select(scan)
            .distinct()
            .join(mark, mark.c.scan_id == scan.c.id)
            .where(scan.c.id.in_(some), scan.c.start_time.is_(None))
        )
    ]
    for row in marked:
        alike = [
            other
            for some in batched(sorted(kept))
            for other in connection.execute(
                select(scan).where(scan.c.id.in_(some), scan.c.number == row.number, scan.c.path == row.path)
            )
            if _may_be_one(row, other)
        ]
        if len(alike) == 1:
            (heir,) = alike
            owner = {"scan_id": heir.id, "key": heir.key, "proposal": heir.proposal, "visit": heir.visit}
            connection.execute(update(mark).where(mark.c.scan_id == row.id).values(**owner))


def _is_among(found: Iterable[Mark], kind: MarkKind, text: str | None) -> bool:
    """Say whether something is said among others; None stands for anything of the kind."""
    return any(each.kind is kind and text in {None, each.text} for each in found)


def _delete(connection: Connection, scan_ids: Sequence[int], kind: MarkKind, text: str | None) -> None:
    for some in batched(scan_ids):
        said = delete(mark).where(mark.c.scan_id.in_(some), mark.c.kind == kind.value)
        connection.execute(said if text is None else said.where(mark.c.text == text))


def _as_known(connection: Connection, tag: str) -> str:
    """Return a tag as it is spelled already: ``Good`` and ``good`` are one."""
    statement = select(mark.c.text).where(mark.c.kind == MarkKind.TAG.value, func.lower(mark.c.text) == tag.lower())
    return connection.scalar(statement.order_by(mark.c.id).limit(1)) or tag


def _name_samples(connection: Connection) -> None:
    """Let the names that users gave stand in the rows of their scans."""
    named = (mark.c.kind == MarkKind.SAMPLE.value) & mark.c.scan_id.is_not(None)
    name = (
        select(mark.c.text)
        .where(named, mark.c.scan_id == scan.c.id)
        .order_by(mark.c.id.desc())
        .limit(1)
        .correlate(scan)
        .scalar_subquery()
    )
    ours = update(scan).where(scan.c.id.in_(select(mark.c.scan_id).where(named)), scan.c.sample != name)
    connection.execute(ours.values(sample=name))


def _may_be_one(one: Any, other: Any) -> bool:
    """Say whether proposal and visit of two rows do not contradict each other; an empty one says nothing."""
    pairs = ((one.proposal, other.proposal), (one.visit, other.visit))
    return all(a == b or not a or not b for a, b in pairs)
