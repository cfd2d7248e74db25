"""Tables of samples, tags and notes: what a row means, what is refused, and that a table written is a table read."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from danmax_sync.errors import UsageError
from danmax_sync.events import Event
from danmax_sync.query.api import Catalogue
from danmax_sync.query.marksheet import COLUMNS, keep_sheet, marked_scans, read_sheet, sheet_of
from danmax_sync.query.search import understand
from tests.catalogue.records import FIRST_START, Filler, record

# Queries are tested with both kinds of database elsewhere.
pytestmark = pytest.mark.parametrize("catalogue", ["sqlite"], indirect=True)
OTHER_VISIT = "/data/visitors/danmax/20259999/2025120108"
Sheet = Callable[..., Path]


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    """Return what writes a table of some lines."""

    def write(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = tmp_path / "samples.csv"
        path.write_bytes(end.join([*lines, ""]).encode(encoding))
        return path

    return write


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    """Fill a catalogue: scans 40 to 45 of one visit, 45 and 46 of another."""
    filler, other = Filler(catalogue), Filler(catalogue, OTHER_VISIT)
    for number in range(40, 46):
        filler.add(record(number))
    for number in (45, 46):
        other.add(record(number, title="another"))
    return catalogue


def told(catalogue: Catalogue) -> dict[tuple[str | None, int | None], tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return what is said of scans, of those of which something is."""
    return {
        (scan.proposal, scan.number): (scan.own_sample or "", scan.tags, scan.notes)
        for scan in catalogue.scans()
        if scan.marks
    }


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("42", [42]),
        ("40-42", [40, 41, 42]),
        ("40–42", [40, 41, 42]),
        ("40 - 41 44", [40, 41, 44]),
        ('"40, 42;44"', [40, 42, 44]),
        ("2025110208/44-1000000000", [44, 45]),
        ("20251234/2025110208/45", [45]),
        ("2025110208/44-45 40", [40, 44, 45]),
    ],
)
def test_a_row_names_scans_as_people_write_them(filled: Catalogue, sheet: Sheet, cell: str, numbers: list[int]) -> None:
    """Numbers, ranges with any dash, lists; with the visit where that is needed."""
    (row,) = read_sheet(filled, sheet("scan,sample", f"{cell},Si"))
    assert row.problem == ""
    assert [scan.number for scan in row.scans] == numbers
    assert {scan.proposal for scan in row.scans} == {"20251234"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("45,Si", "ambiguous, found in 2 visits: write 20251234/2025110208/NUMBER, or 20259999/2025120108/NUMBER"),
        ("44-46,Si", "ambiguous, found in 2 visits"),
        ("2025110208/44 45,Si", "ambiguous, found in 2 visits"),
        ("1000,Si", "no such scan is in the catalogue"),
        ("50-40,Si", "the range 50-40 is empty"),
        ("LaB6,Si", "'LaB6' is no scan"),
        (",Si", "no scan is named"),
        ("42,a//b", "cannot be a sample's name"),
        (f"42,{'x' * 201}", "more than 200"),
    ],
)
def test_a_row_that_could_mean_others_is_refused(filled: Catalogue, sheet: Sheet, line: str, problem: str) -> None:
    """By its line; nothing is changed, of the good rows neither."""
    rows = read_sheet(filled, sheet("scan,sample", "40,Si", "", line))
    assert rows[0].problem == ""
    assert problem in rows[1].problem
    with pytest.raises(UsageError) as caught:
        keep_sheet(filled, rows)
    assert "1 of 2 rows cannot be used, line 4; nothing was changed" in caught.value.message
    assert told(filled) == {}


def test_two_scans_of_one_number_are_told_apart_by_their_path(catalogue: Catalogue, sheet: Sheet) -> None:
    """Without it they are ambiguous; entries of one master are meant together."""
    filler = Filler(catalogue)
    filler.add(record(42, snapshot={"a": 1.0}), at="raw/a/scan-0042.h5")
    filler.add(record(42, snapshot={"a": 2.0}), at="raw/b/scan-0042.h5")
    filler.add(record(43, entry="entry1"), record(43, entry="entry2"), at="raw/a/scan-0043.h5")
    (row,) = read_sheet(catalogue, sheet("scan,sample", "42,Si"))
    assert row.problem.startswith("ambiguous, scan 42 is raw/a/scan-0042.h5 and raw/b/scan-0042.h5")
    rows = read_sheet(
        catalogue,
        sheet(
            "scan,sample,path,entry", "42,Si,raw/b/scan-0042.h5,", "43,Ni,,", "43,Ni,,entry2", ",Ni,raw/a/scan-0042.h5,"
        ),
    )
    assert [[(scan.folder, scan.entry) for scan in row.scans] for row in rows] == [
        [("b", "entry")],
        [("a", "entry1"), ("a", "entry2")],
        [("a", "entry2")],
        [("a", "entry")],
    ]


def test_a_scan_whose_visit_is_not_known_is_found_by_its_start(filled: Catalogue, tmp_path: Path, sheet: Sheet) -> None:
    """On a new laptop a folder may not tell its visit: number and moment are enough, a number alone is not."""
    filled.tag(filled.scans()[:3], "mine")
    rows = [",".join(row.values()) for row in sheet_of(marked_scans(filled, understand(filled, "")))]
    lines = [",".join(COLUMNS), *rows]
    with Catalogue.open(str(tmp_path / "new.db")) as new:
        home, other = Filler(new, "/home/you/visit"), Filler(new, "/home/you/another")
        for number in range(40, 43):
            home.add(record(number))
            # The same numbers at another time: of another visit, which nobody tells either.
            other.add(record(number, start=FIRST_START + timedelta(days=9), title="another"))
        read = read_sheet(new, sheet(*lines))
        assert [row.problem for row in read] == [""] * 3
        assert {scan.start_time for row in read for scan in row.scans} == {
            scan.start_time for scan in filled.scans()[:3]
        }
        (row,) = read_sheet(new, sheet("scan,sample", "20251234/2025110208/42,mine"))
        assert "does not tell its visit" in row.problem


def test_two_visits_are_told_apart_by_the_start(catalogue: Catalogue, sheet: Sheet) -> None:
    """A number in both is ambiguous, with the moment it is not."""
    Filler(catalogue).add(record(45))
    Filler(catalogue, OTHER_VISIT).add(record(45, start=FIRST_START + timedelta(days=29)))
    last = catalogue.scans()[-1]
    assert read_sheet(catalogue, sheet("scan,sample", "45,Si"))[0].problem.startswith("ambiguous")
    (row,) = read_sheet(catalogue, sheet("scan,start,sample", f"45,{last.start_time},Si"))
    assert (row.problem, [scan.id for scan in row.scans]) == ("", [last.id])


def test_rows_that_contradict_each_other_are_refused(filled: Catalogue, sheet: Sheet) -> None:
    """The later one, which names the earlier."""
    rows = read_sheet(filled, sheet("scan,sample", "40-42,Si", "42,Si", "41,LaB6"))
    assert [row.problem for row in rows] == ["", "", "scan 41 is 'LaB6' here and 'Si' in line 2"]


def test_rows_of_unknown_scans_may_be_passed_over(filled: Catalogue, sheet: Sheet) -> None:
    """Where that is asked for: the index may not be whole yet."""
    rows = read_sheet(filled, sheet("scan,sample", "40,Si", "1000,Ni"), known_only=True)
    assert {str(kind): count for kind, count in keep_sheet(filled, rows).items()} == {"sample": 1, "tag": 0, "note": 0}
    assert told(filled) == {("20251234", 40): ("Si", (), ())}


@pytest.mark.parametrize(
    ("lines", "encoding", "end"),
    [
        (["Scan;Sample;Tags", "40;Si, fine;good  b-2"], "utf-8-sig", "\r\n"),
        (["sample\tSCANS\ttag", '"Si, fine"\t40\tgood,b-2'], "utf-8", "\n"),
        (["who,sample,scan,tags", 'Ada,"Si, fine",40,"good; b-2"', ",,,"], "utf-8", "\n"),
    ],
)
def test_tables_of_any_spreadsheet_are_read(
    filled: Catalogue, sheet: Sheet, lines: list[str], encoding: str, end: str
) -> None:
    """Commas, semicolons or tabs, columns in any order, more of them than are known, empty rows."""
    keep_sheet(filled, read_sheet(filled, sheet(*lines, encoding=encoding, end=end)))
    assert told(filled) == {("20251234", 40): ("Si, fine", ("b-2", "good"), ())}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"40,Si\n", "the first row has to name the columns, and reads '40,Si'"),
        (b"scan,colour\n40,red\n", "the first row has to name the columns"),
        (b"", "the first row has to name the columns"),
        (b"scan,sample\n40,\xff\xfe\n", "no text in UTF-8"),
        (b"scan,sample,Sample\n40,Si,Ni\n", "two columns for the sample, 'sample' and 'Sample'"),
        (b"scan,tag,tags\n40,a,b\n", "two columns for the tags, 'tag' and 'tags'"),
        (b"scan,sample\n" + b"40,Si\n" * 3_000_000, "larger than"),
    ],
)
def test_a_file_that_is_no_table_is_refused(filled: Catalogue, tmp_path: Path, content: bytes, said: str) -> None:
    """In a sentence, with what is expected."""
    path = tmp_path / "samples.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_sheet(filled, path)
    assert said in caught.value.message
    assert caught.value.hint
    with pytest.raises(UsageError, match="cannot be read"):
        read_sheet(filled, tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("lines", "number", "said"),
    [
        (["scan,sample,tags,note", "42,LaB6/660c, sieved,,"], 2, "5 cells below 4 titles"),
        (["scan,note", "41,fine", "42,beam lost, twice"], 3, "what has a comma in it needs quotes"),
        (["scan;note", "42;lost; twice"], 2, "a semicolon"),
        (["scan,sample,", "42,Si,lost"], 2, "'lost' stands in a column without a title"),
        (["scan,sample", '42,"unclosed', "43,B"], 2, "a quote is not closed"),
        (["scan,sample", '42,"unclosed', '43,"B"', "44,C"], 2, "a quote is not closed"),
        (["scan,sample", '42,"unclosed', '43,"'], 2, "the sample goes over several lines"),
        (["scan,sample", "41,Si", '42,"' + "x" * 200_000 + '"'], 3, "larger than"),
    ],
)
def test_nothing_of_a_row_is_dropped(filled: Catalogue, sheet: Sheet, lines: list[str], number: int, said: str) -> None:
    """What does not fit its columns is refused with its line and the reason, and nothing of the table is kept."""
    rows = read_sheet(filled, sheet(*lines))
    (wrong,) = [row for row in rows if row.problem]
    assert wrong.line == number
    assert said in wrong.problem
    with pytest.raises(UsageError, match="nothing was changed"):
        keep_sheet(filled, rows)
    assert told(filled) == {}


def test_columns_that_nobody_knows_are_named(filled: Catalogue, sheet: Sheet) -> None:
    """They are not read, and that is said; a spreadsheet's empty columns are no matter."""
    heard: list[Event] = []
    rows = read_sheet(filled, sheet("Scan,Sample,Remark,,", "42,Si,old,,"), tell=heard.append)
    (warned,) = [each.fields for each in heard if each.name == "warning"]
    assert warned["message"] == "the column 'Remark' is not read"
    assert "scan, path, entry, start, sample, tags, note" in str(warned["hint"])
    assert [(row.sample, row.problem) for row in rows] == [("Si", "")]


def test_many_rows_about_the_same_scans_are_looked_up_once(filled: Catalogue, sheet: Sheet) -> None:
    """Whether a range stands in three rows or in three hundred, the database is asked as often; so in keeping it."""
    asked = []
    for rows in (3, 300):
        statements: list[str] = []
        listener = lambda *told: statements.append(told[2])  # noqa: E731, B023 - removed before the next round
        event.listen(filled.engine, "before_cursor_execute", listener)
        keep_sheet(filled, read_sheet(filled, sheet("scan,sample,note", *["40-44,Same,n"] * rows)))
        event.remove(filled.engine, "before_cursor_execute", listener)
        asked.append(len(statements))
    assert asked[1] <= asked[0]
    assert {(sample, notes) for sample, _, notes in told(filled).values()} == {("Same", ("n",))}


def test_a_table_that_was_written_is_read_back(filled: Catalogue, tmp_path: Path) -> None:
    """Names, tags and several notes with line breaks and quotes, into an empty catalogue: as on a new laptop.

    A spreadsheet finds nothing to compute in it.
    """
    scans = {(scan.proposal, scan.number): scan for scan in filled.scans()}
    filled.set_sample([scans["20251234", 45], scans["20251234", 40]], 'Si, "fine"')
    filled.tag([scans["20259999", 45]], "good")
    filled.tag([scans["20259999", 45]], "bad")
    filled.set_sample([scans["20251234", 41]], "=HYPERLINK(1)")
    filled.note([scans["20251234", 41]], "'-20 C")
    for note in (
        "one\nline",
        'two "quoted", words',
        "a\u2028b\u2029c\x85d",
        "=1+1",
        "'=1+1",
        "-2+3+cmd|' /C x'!A0",
        "-20 C",
        "-x",
        "+good",
        "@SUM(1)",
        "-1.5e-3",
    ):
        filled.note([scans["20259999", 45]], note)
    before = told(filled)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(sheet_of(marked_scans(filled, understand(filled, ""))))
    path = tmp_path / "mine.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    cells = [cell for row in csv.reader(io.StringIO(text.getvalue())) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "-2+"))]
    assert {"'=HYPERLINK(1)", "'=1+1", "''=1+1", "'-20 C", "-20 C"} <= set(cells)
    assert {"'-x", "'+good", "'@SUM(1)", "-1.5e-3"} <= set(cells)
    with Catalogue.open(str(tmp_path / "new.db")) as fresh:
        for number in range(40, 46):
            Filler(fresh).add(record(number))
        Filler(fresh, OTHER_VISIT).add(record(45, title="another"), at="raw/moved/scan-0045.h5")
        keep_sheet(fresh, read_sheet(fresh, path))
        assert told(fresh) == before
        # Again, and nothing is new.
        assert set(keep_sheet(fresh, read_sheet(fresh, path)).values()) == {0}
