"""Tables of what users say of scans: written as CSV, read back, also from a spreadsheet with the columns scan, sample.

A row names scans as people write them, ``120-140`` or ``42, 44``, and is refused where it could mean others: the same
number in two visits, or twice in one. Nothing is kept before every row is understood.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import ColumnElement, and_, select

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import writing
from danmax_sync.catalogue.found import FoundScans
from danmax_sync.catalogue.marks import checked_mark, put_marks
from danmax_sync.catalogue.rows import batched
from danmax_sync.catalogue.schema import mark, scan
from danmax_sync.catalogue.values import CataloguedScan, MarkKind
from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, ignore, progress, warning
from danmax_sync.query.search import Question
from danmax_sync.query.spreadsheet import Line, inert, read_table
from danmax_sync.query.sql import condition
from danmax_sync.query.tree import REFERENCE, Or, Scans

COLUMNS = ("scan", "path", "entry", "start", "sample", "tags", "note")
_NAMES = {"scans": "scan", "tag": "tags", "notes": "note", **{name: name for name in COLUMNS}}
_BETWEEN = re.compile(r"[\s,;]+")
_DASH = re.compile(r"\s*[-–—]\s*")
_MOST_REFERENCES = 100


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row that was read.

    Attributes
    ----------
    line : int
        Of the file.
    reference : str
        The scans, as typed.
    scans : tuple of CataloguedScan
        Those it means.
    sample, note : str
        Empty where nothing is said.
    problem : str
        Why it cannot be used; empty where it can.
    """

    line: int
    reference: str
    scans: tuple[CataloguedScan, ...]
    sample: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    problem: str = ""


def marked_scans(catalogue: Catalogue, question: Question) -> FoundScans:
    """Find the scans of which something is said, among those a query means."""
    said = select(mark.c.scan_id).where(mark.c.scan_id.is_not(None))
    return catalogue.find(and_(question.where, scan.c.id.in_(said)))


def sheet_of(scans: Iterable[CataloguedScan]) -> Iterator[dict[str, str]]:
    """Yield the rows of a table of what is said of scans: one a scan, and one more for each further note."""
    for each in scans:
        sample, notes = each.own_sample or "", each.notes
        if not (sample or each.tags or notes):
            continue
        known = {
            "scan": reference_of(each),
            "path": str(each.path),
            "entry": each.entry,
            "start": each.start_time or "",
        }
        first = {"sample": sample, "tags": " ".join(each.tags), "note": notes[0] if notes else ""}
        for row in ({**known, **first}, *({**known, "sample": "", "tags": "", "note": note} for note in notes[1:])):
            yield {name: inert(cell) for name, cell in row.items()}


def reference_of(of: CataloguedScan) -> str:
    """Return what means a scan and no other of its number, in so far as its visit is known."""
    if of.number is None:
        return ""
    return "/".join(part for part in (of.proposal if of.visit else None, of.visit, str(of.number)) if part)


def read_sheet(
    catalogue: Catalogue, path: Path, *, known_only: bool = False, tell: Listener = ignore
) -> list[SheetRow]:
    """Read a table and find the scans it means; nothing is changed.

    Parameters
    ----------
    catalogue : Catalogue
        Where the scans are.
    path : Path
        A CSV file: comma, semicolon or tab; its first row names the columns, ``scan`` and at least one of ``sample``,
        ``tags`` and ``note``; ``path``, ``entry`` and ``start`` say more exactly which
        scan.
    known_only : bool
        Whether rows whose scans are not in the catalogue are passed over, rather than being a problem.
    tell : Listener
        Hears ``progress``, and a ``warning`` about columns that are not known.

    Raises
    ------
    UsageError
        If the file cannot be read, lacks its columns or has one twice. What is wrong with a row is its `problem`.
    """
    table = read_table(path, _NAMES, one_line=frozenset(COLUMNS) - {"scan", "note"})
    if "scan" not in table.columns or not {"sample", "tags", "note"} & set(table.columns):
        head = table.delimiter.join(table.titles)[:80]
        raise UsageError(
            f"{path}: the first row has to name the columns, and reads {head!r}",
            hint="expected: scan,sample (and, as you like, tags, note, path, entry, start)",
        )
    if table.unknown:
        named = ", ".join(map(repr, table.unknown[:5])) + (", …" if len(table.unknown) > 5 else "")
        one = len(table.unknown) == 1
        warning(
            tell,
            f"the column{'' if one else 's'} {named} {'is' if one else 'are'} not read",
            hint=f"columns that are: {', '.join(COLUMNS)}",
        )
    lines = list(table.lines())
    meanings = _Meanings(catalogue)
    rows = []
    for done, line in enumerate(lines):
        rows.append(_understood(meanings, line, known_only=known_only))
        if done % 50 == 0:
            progress(tell, "read", done, len(lines), unit="rows")
    progress(tell, "read", len(lines), len(lines), unit="rows")
    return _contradicting(rows)


def keep_sheet(catalogue: Catalogue, rows: Sequence[SheetRow]) -> dict[MarkKind, int]:
    """Keep what rows say, all of it or nothing; return how many scans got something new, of each kind.

    Raises
    ------
    UsageError
        If a row cannot be used.
    """
    wrong = [row for row in rows if row.problem]
    if wrong:
        raise refused(wrong, len(rows))
    said: dict[tuple[int, MarkKind, str], tuple[CataloguedScan, ...]] = {}
    for row in rows:
        texts = [(MarkKind.SAMPLE, row.sample), *((MarkKind.TAG, tag) for tag in row.tags), (MarkKind.NOTE, row.note)]
        for kind, text in texts:
            if text:
                # The same scans again are the same tuple, however many rows name them.
                said.setdefault((id(row.scans), kind, text), row.scans)
    with writing(catalogue.engine) as connection:
        return put_marks(
            connection, [([each.id for each in scans], kind, text) for (_, kind, text), scans in said.items()]
        )


def refused(wrong: Sequence[SheetRow], total: int) -> UsageError:
    """Return the error that says which rows cannot be used, by line."""
    lines = ", ".join(str(row.line) for row in wrong[:8]) + (", …" if len(wrong) > 8 else "")
    first = wrong[0]
    return UsageError(
        f"{len(wrong)} of {total} rows cannot be used, line {lines}; nothing was changed\n"
        f"  line {first.line}: {first.problem}",
        hint="mend them and import again; to see every row: --dry-run",
    )


class _Meanings:
    """Which scans cells mean, each looked up once: thousands of rows may name the same range."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._names = catalogue.field_names()
        self._known: dict[tuple[str, str, str, str], tuple[tuple[CataloguedScan, ...], str]] = {}
        self._scans: dict[int, CataloguedScan] = {}

    def of(self, cells: Mapping[str, str]) -> tuple[tuple[CataloguedScan, ...], str]:
        """Return the scans of a row, and why they may not be those that are meant.

        Raises
        ------
        UsageError
            If the row does not say which.
        """
        key = (cells.get("scan", ""), cells.get("path", ""), cells.get("entry", ""), cells.get("start", ""))
        known = self._known.get(key)
        if known is None:
            references = _references(key[0])
            scans = tuple(self._meant(references, path=key[1], entry=key[2], start=key[3]))
            known = self._known[key] = scans, _ambiguity(scans, references)
        return known

    def absence(self, cells: Mapping[str, str]) -> str:
        """Say why a row means no scan."""
        references = _references(cells.get("scan", ""))
        if any(each.visit for each in references) and self._catalogue.count(self._of_no_visit(references)):
            return (
                "a scan of that number is in the catalogue, but its folder does not tell its visit: put it into "
                "folders PROPOSAL/VISIT and index that, or export the table anew, with its column start"
            )
        return "no such scan is in the catalogue (--known-only passes over such rows)"

    def _meant(self, references: Sequence[Scans], *, path: str, entry: str, start: str) -> list[CataloguedScan]:
        """Return scans by number, and by path, entry and start where these are told."""
        if not references and not path:
            raise UsageError("no scan is named")
        if len(references) > _MOST_REFERENCES:
            raise UsageError(f"{len(references)} scans and ranges are too many for one row")
        more = [scan.c.path == path] if path else []
        more += [scan.c.entry == entry] if entry else []
        started = [scan.c.start_time == start] if start else []
        if not references:
            return self._found(and_(*more))
        of_number = condition(references[0] if len(references) == 1 else Or(tuple(references)), self._names)
        found = self._found(of_number)
        if not found and started:
            # A folder that does not tell its visit: what has the number and began in the same moment is the same scan.
            return self._found(and_(self._of_no_visit(references), *started))
        if len(found) < 2:
            return found
        # A file may have been moved since its path was written down; then number and start have to do, or the number.
        for narrower in ([*more, *started], started, more):
            if narrower and (fewer := self._found(and_(of_number, *narrower))):
                return fewer
        return found

    def _of_no_visit(self, references: Sequence[Scans]) -> ColumnElement[bool]:
        """Return the condition for scans of these numbers whose visit is not known."""
        loose = tuple(Scans(each.first, each.last) for each in references)
        return and_(condition(loose[0] if len(loose) == 1 else Or(loose), self._names), scan.c.visit == "")

    def _found(self, where: ColumnElement[bool]) -> list[CataloguedScan]:
        ids = self._catalogue.find(where).ids
        fresh = [each for each in ids if each not in self._scans]
        for some in batched(fresh):
            self._scans |= {each.id: each for each in self._catalogue.scans(scan.c.id.in_(some))}
        return [self._scans[each] for each in ids if each in self._scans]


def _understood(meanings: _Meanings, line: Line, *, known_only: bool) -> SheetRow:
    cells = line.cells
    reference = cells.get("scan", "") or cells.get("path", "")
    if line.problem:
        return SheetRow(line.number, reference, (), problem=line.problem)
    tags = tuple(tag for tag in _BETWEEN.split(cells.get("tags", "")) if tag)
    try:
        sample, note = cells.get("sample", ""), cells.get("note", "")
        said = [(MarkKind.SAMPLE, sample), *((MarkKind.TAG, tag) for tag in tags), (MarkKind.NOTE, note)]
        for kind, text in said:
            if text:
                checked_mark(kind, text)
        scans, problem = meanings.of(cells)
        if not scans and not known_only:
            problem = meanings.absence(cells)
        return SheetRow(line.number, reference, scans, sample, tags, note, problem)
    except UsageError as wrong:
        return SheetRow(line.number, reference, (), problem=wrong.message)


def _references(text: str) -> list[Scans]:
    return [_scans(word) for word in _BETWEEN.split(_DASH.sub("-", text)) if word]


def _scans(word: str) -> Scans:
    match = REFERENCE.fullmatch(word)
    if match is None:
        raise UsageError(f"{word!r} is no scan; it is written 42, 40-50 or 20231855/2023031508/42")
    first, last = int(match["first"]), int(match["last"] or match["first"])
    if first > last:
        raise UsageError(f"the range {word} is empty: the smaller number comes first")
    return Scans(first, last, match["proposal"], match["visit"])


def _ambiguity(scans: Sequence[CataloguedScan], references: Sequence[Scans]) -> str:
    """Say in which way scans may not be those that were meant; empty where they are."""
    loose = [each for each in references if each.visit is None]
    meant = [s for s in scans if not references or any(e.first <= (s.number or 0) <= e.last for e in loose)]
    visits = sorted({f"{s.proposal or '?'}/{s.visit or '?'}" for s in meant})
    if len(visits) > 1:
        return f"ambiguous, found in {len(visits)} visits: write {visits[0]}/NUMBER, or {visits[1]}/NUMBER"
    masters: dict[tuple[str | None, str | None, int | None], set[str]] = {}
    for each in scans:
        masters.setdefault((each.proposal, each.visit, each.number), set()).add(str(each.path))
    for (_, _, number), paths in masters.items():
        if len(paths) > 1:
            one, other, *_ = sorted(paths)
            return f"ambiguous, scan {number} is {one} and {other}: tell them apart in a column path"
    return ""


def _contradicting(rows: Sequence[SheetRow]) -> list[SheetRow]:
    """Mark rows that call a scan otherwise than an earlier one does."""
    named: dict[int, SheetRow] = {}
    agreed: set[tuple[int, str]] = set()
    found = []
    for row in rows:
        problem = row.problem
        if row.sample and not problem and (id(row.scans), row.sample) not in agreed:
            for each in row.scans:
                before = named.setdefault(each.id, row)
                if before.sample != row.sample:
                    problem = f"{each.label} is {row.sample!r} here and {before.sample!r} in line {before.line}"
                    break
            else:
                agreed.add((id(row.scans), row.sample))
        found.append(replace(row, problem=problem))
    return found
