"""Which scans an entry speaks of: by number, by file, by the time it was written."""

from datetime import UTC, datetime, timedelta

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import writing
from danmax_sync.catalogue.logbooks import ReadEntry, link_entries, save_logbook, save_thread
from danmax_sync.catalogue.mentions import MOST_MENTIONS, mentions
from tests.catalogue.records import FIRST_START, Filler, record

NEXT_VISIT = "/data/visitors/danmax/20259999/2025110908"
NEXT_START = FIRST_START + timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("scan 42", [(42, 42)]),
        ("Scans 40-50, 52 and 54 at 300 K", [(40, 50), (52, 52), (54, 54)]),
        ("scan 42, 300 K", [(42, 42)]),
        ("scan no. 42 / scan #43 / scan_0044 / scan-45", [(42, 42), (43, 43), (44, 44), (45, 45)]),
        ("#42 and #43–45", [(42, 42), (43, 45)]),
        ("scans 40 to 50", [(40, 50)]),
        ("scans 42/43", [(42, 42), (43, 43)]),
        ("LaB6: scan 42-44, Si: scan 45", [(42, 44), (45, 45)]),
        ("scan 42.5 mm", []),
        ("at 12:30 scanned 42 times, rescan 3 of ascan 4", []),
        ("scans 1-99999999", []),
        ("sample #3 in capillary #4", []),
        ("better than #3; see #4, (#5)", [(3, 3), (4, 4), (5, 5)]),
        ("scan 3 samples, scan 10 points", []),
        ("ascan pd_sam_x 0 1 10 0.1", []),
        ("300 K, 35 keV", []),
    ],
)
def test_numbers_in_a_text(text: str, meant: list[tuple[int, int]]) -> None:
    """As people write them; numbers of other things are not scans."""
    assert [(each.first, each.last) for each in mentions(text)] == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("see scan-0042.h5.", (42, None, None, "scan-0042.h5")),
        ("raw/LaB6/scan-0042_pilatus.h5", (42, None, None, "raw/LaB6/scan-0042.h5")),
        (
            "/data/visitors/danmax/20251234/2025110208/raw/LaB6/scan-0042.h5,",
            (42, "20251234", "2025110208", "raw/LaB6/scan-0042.h5"),
        ),
        ("https://host/x/scan-0042.h5", (42, None, None, "scan-0042.h5")),
        ("../../scan-0042.h5", (42, None, None, "scan-0042.h5")),
        ("insitu.h5", (None, None, None, "insitu.h5")),
        ("20251234/2025110208/42", (42, "20251234", "2025110208", "")),
    ],
)
def test_files_in_a_text(text: str, meant: tuple[int | None, str | None, str | None, str]) -> None:
    """With as much of the path as is written; what climbs out of a folder is left away."""
    (found,) = mentions(text)
    assert (found.first, found.proposal, found.visit, found.path) == meant


def test_a_text_may_mention_so_many_scans_and_no_more() -> None:
    """However often it says scan."""
    assert len(mentions(" ".join(f"scan {n}" for n in range(5000)))) == MOST_MENTIONS


def read(number: int, text: str, written: datetime | None, *, follows: int | None = None) -> ReadEntry:
    """Make an entry."""
    return ReadEntry(number, follows, f"entry {number}", text, "Ada", written)


def save(catalogue: Catalogue, *threads: list[ReadEntry]) -> None:
    """Keep threads in a logbook, and link them."""
    with writing(catalogue.engine) as connection:
        book = save_logbook(connection, "http://elogy/logbooks/1/", "DanMAX")
        for entries in threads:
            save_thread(connection, book, "1", entries)
        link_entries(connection)


def links(catalogue: Catalogue) -> dict[int, list[tuple[str | None, int | None, str]]]:
    """Return visit, scan and how of each entry, by its number."""
    found: dict[int, list[tuple[str | None, int | None, str]]] = {}
    for scan in catalogue.scans():
        for entry in catalogue.log_entries(scan.id):
            found.setdefault(entry.number, []).append((scan.visit, scan.number, entry.how))
    return found


@pytest.fixture
def two_visits(catalogue: Catalogue) -> Catalogue:
    """Fill a catalogue with scans 1 to 4 of two visits, a week apart; each scan takes 20 s."""
    for base, start in ((None, FIRST_START), (NEXT_VISIT, NEXT_START)):
        filler = Filler(catalogue, base) if base else Filler(catalogue)
        for number in range(1, 5):
            filler.add(record(number, start=start + timedelta(hours=number)))
    return catalogue


def test_a_number_means_the_visit_that_was_going_on(two_visits: Catalogue) -> None:
    """Also on the days after its last scan; a plan is written before its first; a year later nothing is meant."""
    day = timedelta(days=1)
    save(
        two_visits,
        [read(1, "scan 2", FIRST_START + 2 * day)],
        [read(2, "scan 2", NEXT_START + 2 * day)],
        [read(3, "to come: scans 1-2", FIRST_START - day / 2)],
        [read(4, "scan 2", FIRST_START + 400 * day)],
        [read(5, "scan 2 in 20251234/2025110208/3", NEXT_START + day)],
        [read(6, "scan 2", None)],
        [read(7, "raw/Si/scan-0002.h5", FIRST_START + day)],
    )
    first, second = "2025110208", "2025110908"
    assert links(two_visits) == {
        1: [(first, 2, "number")],
        2: [(second, 2, "number")],
        3: [(first, 1, "number"), (first, 2, "number")],
        5: [(first, 3, "number"), (second, 2, "number")],
    }


def test_an_entry_without_a_number_is_about_what_was_measured(two_visits: Catalogue) -> None:
    """During a scan, or a quarter of an hour after it; not later, and not where scans are named that are not there."""
    third = FIRST_START + timedelta(hours=3, seconds=3)
    save(
        two_visits,
        [read(1, "quench!", third + timedelta(seconds=10))],
        [read(2, "beam is back", third + timedelta(minutes=14))],
        [read(3, "lunch", third + timedelta(minutes=30))],
        [read(4, "scan 99 was good", third + timedelta(seconds=10))],
        [read(5, "before all", FIRST_START - timedelta(hours=1))],
    )
    assert links(two_visits) == {1: [("2025110208", 3, "time")], 2: [("2025110208", 3, "time")]}


def test_an_answer_is_about_what_it_answers(two_visits: Catalogue) -> None:
    """Unless it names scans of its own."""
    late = FIRST_START + timedelta(days=1)
    thread = [
        read(1, "scan 1", late),
        read(2, "it quenched", late, follows=1),
        read(3, "as did scan 2", late, follows=2),
        read(4, "really", late, follows=3),
    ]
    save(two_visits, thread)
    found = links(two_visits)
    assert {number: [scan for _, scan, _ in of] for number, of in found.items()} == {1: [1], 2: [1], 3: [2], 4: [2]}


def test_scans_that_come_later_are_linked_when_they_come(catalogue: Catalogue) -> None:
    """By the next index, without asking the logbook again."""
    filler = Filler(catalogue)
    filler.add(record(1))
    save(catalogue, [read(1, "scans 1-2", FIRST_START)])
    assert links(catalogue) == {1: [("2025110208", 1, "number")]}
    filler.add(record(2))
    assert [number for _, number, _ in links(catalogue)[1]] == [1, 2]


def test_a_thread_takes_the_place_of_what_it_was(two_visits: Catalogue) -> None:
    """An answer that has gone is gone, and with it its links."""
    late = FIRST_START + timedelta(days=1)
    save(two_visits, [read(1, "scan 1", late), read(2, "scan 2", late, follows=1)])
    save(two_visits, [read(1, "scan 3", late)])
    assert {number: [scan for _, scan, _ in of] for number, of in links(two_visits).items()} == {1: [3]}


@pytest.mark.parametrize("start", [FIRST_START, datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_a_scan_of_any_year_may_be_linked(catalogue: Catalogue, start: datetime) -> None:
    """A master may name the last minute there is as its end, or as its start with no end."""
    end = None if start.year == 9999 else datetime.max.replace(tzinfo=UTC)
    Filler(catalogue).add(record(1, start_time=start, end_time=end))
    save(catalogue, [read(1, "quench!", start + timedelta(seconds=10))])
    assert links(catalogue) == {1: [("2025110208", 1, "time")]}
