"""Tables as spreadsheets write and read them: nothing in them is computed, and nothing is dropped without a word."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from danmax_sync.errors import UsageError

LARGEST_FILE = 16 << 20
_FORMULA = re.compile(r"'*(?:[=@\t\r＝＠]|[+\-＋－](?!\s*[\d.,]+(?:[eE][+\-]?\d+)?\s*[A-Za-z°%µ]*$))", re.DOTALL)
"""What a spreadsheet computes, or would without the apostrophes before it; a number with a unit it leaves alone."""


def inert(cell: str) -> str:
    """Return a text with an apostrophe before what a spreadsheet would take for a formula.

    Tables go from colleague to colleague, and a formula can send files or start programs. `as_written` takes it away
    again.
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def as_written(cell: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from computing it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table.

    Attributes
    ----------
    number : int
        Of the line it begins in.
    cells : mapping
        By the names of their columns.
    problem : str
        Why it cannot be read; empty where it can.
    """

    number: int
    cells: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The text of a table, with its columns.

    Attributes
    ----------
    columns : tuple of str
        Their names; empty for those that nobody knows.
    titles : tuple of str
        As they are written.
    """

    path: Path
    text: str
    delimiter: str
    titles: tuple[str, ...]
    columns: tuple[str, ...]
    one_line: frozenset[str] = field(default_factory=frozenset)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The titles of columns that nobody knows."""
        return tuple(title for title, name in zip(self.titles, self.columns, strict=True) if title and not name)

    def lines(self) -> Iterator[Line]:
        """Yield the rows below the titles that are not empty; the last one may say that no further can be read."""
        reader = self._reader()
        next(reader, None)
        begin = reader.line_num + 1
        try:
            for cells in reader:
                line = self._line(begin, cells)
                if line.problem or any(line.cells.values()):
                    yield line
                begin = reader.line_num + 1
        except csv.Error as problem:
            # The module's own words are for whoever writes parsers.
            why = "a quote is not closed here, or stands within quotes: there it is written twice"
            yield Line(begin, {}, why if "larger" not in str(problem) else str(problem))

    def _reader(self) -> "csv.Reader":  # type: ignore[name-defined]
        # Not `splitlines`, which knows nine more ends of lines: they may stand in a note.
        return csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter, strict=True)

    def _line(self, number: int, cells: list[str]) -> Line:
        stripped = [as_written(cell.strip()) for cell in cells]
        found = {name: cell for name, cell in zip(self.columns, stripped, strict=False) if name}
        nameless = [cell for title, cell in zip(self.titles, stripped, strict=False) if cell and not title]
        if len(cells) > len(self.titles):
            comma = {",": "a comma", ";": "a semicolon"}.get(self.delimiter, "a tab")
            why = f"{len(cells)} cells below {len(self.titles)} titles: what has {comma} in it needs quotes around it"
            return Line(number, found, why)
        if nameless:
            return Line(number, found, f"{nameless[0][:40]!r} stands in a column without a title")
        broken = [name for name in self.columns if name in self.one_line and re.search(r"[\r\n]", found.get(name, ""))]
        if broken:
            return Line(number, found, f"the {broken[0]} goes over several lines: is a quote not closed?")
        return Line(number, found)


def read_table(path: Path, names: Mapping[str, str], *, one_line: frozenset[str] = frozenset()) -> Table:
    """Read the text and the titles of a table: comma, semicolon or tab.

    Parameters
    ----------
    path : Path
        A CSV file.
    names : mapping
        Titles in small letters, and the names of their columns.
    one_line : frozenset of str
        Columns whose cells cannot have a line break.

    Raises
    ------
    UsageError
        If the file cannot be read, or two of its columns are the same.
    """
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
    try:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error as problem:
        raise UsageError(f"{path}, line 1: {problem}", hint="save it as CSV again") from None
    titles = tuple(cell.strip() for cell in first)
    columns = tuple(names.get(title.lower(), "") for title in titles)
    for at, name in enumerate(columns):
        if name and name in columns[:at]:
            both = f"{titles[columns.index(name)]!r} and {titles[at]!r}"
            raise UsageError(
                f"{path} has two columns for the {name}, {both}",
                hint="leave one of them, or call the other otherwise: what is not known is not read",
            )
    return Table(path, text, delimiter, titles, columns, one_line)
