"""Tables of what users say of scans: written as CSV, read back, also from a spreadsheet with the columns scan, sample.

A row names scans as people write them, ``120-140`` or ``42, 44``, and is refused where it could mean others: the same
number in two visits, or twice in one. Nothing is kept before every row is understood.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import and_, select

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import writing
from danmax_sync.catalogue.found import FoundScans
from danmax_sync.catalogue.marks import checked_mark, put_mark
from danmax_sync.catalogue.schema import mark, scan
from danmax_sync.catalogue.values import CataloguedScan, MarkKind
from danmax_sync.errors import UsageError
from danmax_sync.query.search import Question
from danmax_sync.query.sql import condition
from danmax_sync.query.tree import REFERENCE, Or, Scans

COLUMNS = ("scan", "path", "entry", "sample", "tags", "note")
LARGEST_FILE = 16 << 20
_NAMES = {"scans": "scan", "tag": "tags", "notes": "note", **{name: name for name in COLUMNS}}
_BETWEEN = re.compile(r"[\s,;]+")
_DASH = re.compile(r"\s*[-–—]\s*")
_MOST_REFERENCES = 100
_FORMULA = re.compile(r"'*(?:[=@\t\r＝＠]|[+\-＋－].*[(|!])", re.DOTALL)
"""What a spreadsheet computes, or would without the apostrophes before it: `-20 C` it leaves alone."""


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
    """Yield the rows of a table of what is said of scans: one a scan, and one more for each further note.

    Before what a spreadsheet would take for a formula stands an apostrophe, which `read_sheet` takes away: a table goes
    from colleague to colleague, and a formula can send files or start programs.
    """
    for each in scans:
        sample, notes = each.own_sample or "", each.notes
        if not (sample or each.tags or notes):
            continue
        known = {"scan": reference_of(each), "path": str(each.path), "entry": each.entry}
        first = {"sample": sample, "tags": " ".join(each.tags), "note": notes[0] if notes else ""}
        for row in ({**known, **first}, *({**known, "sample": "", "tags": "", "note": note} for note in notes[1:])):
            yield {name: f"'{cell}" if _FORMULA.match(cell) else cell for name, cell in row.items()}


def reference_of(of: CataloguedScan) -> str:
    """Return what means a scan and no other of its number, in so far as its visit is known."""
    if of.number is None:
        return ""
    return "/".join(part for part in (of.proposal if of.visit else None, of.visit, str(of.number)) if part)


def read_sheet(catalogue: Catalogue, path: Path, *, known_only: bool = False) -> list[SheetRow]:
    """Read a table and find the scans it means; nothing is changed.

    Parameters
    ----------
    catalogue : Catalogue
        Where the scans are.
    path : Path
        A CSV file: comma, semicolon or tab; its first row names the columns, ``scan`` and at least one of ``sample``,
        ``tags`` and ``note``; ``path`` and ``entry`` say more exactly which scan.
    known_only : bool
        Whether rows whose scans are not in the catalogue are passed over, rather than being a problem.

    Raises
    ------
    UsageError
        If the file cannot be read, or lacks its columns. What is wrong with a row is its `problem`.
    """
    names = catalogue.field_names()
    rows = [_understood(catalogue, names, line, cells, known_only=known_only) for line, cells in _cells(path)]
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
    changed = dict.fromkeys(MarkKind, 0)
    with writing(catalogue.engine) as connection:
        for row in rows:
            ids = [each.id for each in row.scans]
            said = [
                (MarkKind.SAMPLE, row.sample),
                *((MarkKind.TAG, tag) for tag in row.tags),
                (MarkKind.NOTE, row.note),
            ]
            for kind, text in said:
                if text:
                    changed[kind] += put_mark(connection, ids, kind, text)
    return changed


def refused(wrong: Sequence[SheetRow], total: int) -> UsageError:
    """Return the error that says which rows cannot be used, by line."""
    lines = ", ".join(str(row.line) for row in wrong[:8]) + (", …" if len(wrong) > 8 else "")
    first = wrong[0]
    return UsageError(
        f"{len(wrong)} of {total} rows cannot be used, line {lines}; nothing was changed\n"
        f"  line {first.line}: {first.problem}",
        hint="mend them and import again; to see every row: --dry-run",
    )


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line and cells of the rows of a file."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UsageError(f"{path} is larger than {LARGEST_FILE >> 20} MiB", hint="that is no table of scans")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text in UTF-8", hint="save it as CSV UTF-8") from None
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem.strerror}", hint="name a CSV file") from None
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    # Not `splitlines`, which knows nine more ends of lines: they may stand in a note.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        titles = [_NAMES.get(cell.strip().lower(), "") for cell in next(reader, [])]
        if "scan" not in titles or not {"sample", "tags", "note"} & set(titles):
            raise UsageError(
                f"{path}: the first row has to name the columns, and reads {head.strip()[:80]!r}",
                hint="expected: scan,sample (and, as you like, tags, note, path, entry)",
            )
        line = reader.line_num + 1
        for cells in reader:
            found = {title: _as_written(cell.strip()) for title, cell in zip(titles, cells, strict=False) if title}
            if any(found.values()):
                yield line, found
            line = reader.line_num + 1
    except csv.Error as problem:
        raise UsageError(f"{path}, line {reader.line_num}: {problem}", hint="save it as CSV again") from None


def _as_written(cell: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from computing it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _understood(
    catalogue: Catalogue, names: Sequence[str], line: int, cells: Mapping[str, str], *, known_only: bool
) -> SheetRow:
    reference = cells.get("scan", "") or cells.get("path", "")
    tags = tuple(tag for tag in _BETWEEN.split(cells.get("tags", "")) if tag)
    scans: tuple[CataloguedScan, ...] = ()
    try:
        sample, note = cells.get("sample", ""), cells.get("note", "")
        said = [(MarkKind.SAMPLE, sample), *((MarkKind.TAG, tag) for tag in tags), (MarkKind.NOTE, note)]
        for kind, text in said:
            if text:
                checked_mark(kind, text)
        references = [_scans(word) for word in _BETWEEN.split(_DASH.sub("-", cells.get("scan", ""))) if word]
        scans = tuple(_meant(catalogue, names, cells, references))
        problem = _ambiguity(scans, references)
        if not scans and not known_only:
            problem = "no such scan is in the catalogue (--known-only passes over such rows)"
        return SheetRow(line, reference, scans, sample, tags, note, problem)
    except UsageError as wrong:
        return SheetRow(line, reference, scans, problem=wrong.message)


def _meant(
    catalogue: Catalogue, names: Sequence[str], cells: Mapping[str, str], references: Sequence[Scans]
) -> list[CataloguedScan]:
    """Return the scans a row means: by number, and by path and entry where these are told."""
    path, entry = cells.get("path", ""), cells.get("entry", "")
    if not references and not path:
        raise UsageError("no scan is named")
    if len(references) > _MOST_REFERENCES:
        raise UsageError(f"{len(references)} scans and ranges are too many for one row")
    more = [scan.c.path == path] if path else []
    more += [scan.c.entry == entry] if entry else []
    if not references:
        return catalogue.scans(and_(*more))
    of_number = condition(references[0] if len(references) == 1 else Or(tuple(references)), names)
    found = catalogue.scans(of_number)
    # A file may have been moved since its path was written down; then its number has to do.
    return (catalogue.scans(and_(of_number, *more)) if more and len(found) > 1 else []) or found


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
    found = []
    for row in rows:
        problem = row.problem
        if row.sample and not problem:
            for each in row.scans:
                before = named.setdefault(each.id, row)
                if before.sample != row.sample:
                    problem = f"{each.label} is {row.sample!r} here and {before.sample!r} in line {before.line}"
                    break
        found.append(SheetRow(row.line, row.reference, row.scans, row.sample, row.tags, row.note, problem))
    return found
