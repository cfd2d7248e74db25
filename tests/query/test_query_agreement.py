"""SQL and Python agree on random catalogues and queries; and SQL never reads the whole table of values."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import reading, writing
from danmax_sync.catalogue.logbooks import ReadEntry, link_entries, save_logbook, save_thread
from danmax_sync.catalogue.schema import metadata, scan
from danmax_sync.query.matching import matches
from danmax_sync.query.sql import condition, narrowing
from danmax_sync.query.tree import All, And, Exactly, Has, Is, Near, Not, Or, Query, Scans, Within, Word
from danmax_sync.scanfile.record import ScanRecord
from tests.catalogue.records import FIRST_START, Filler, column, record

NOW = FIRST_START + timedelta(days=3)
NAMES = ("hex_x", "hex_y", "shutter", "cryo_temp", "both")
# Halves: their decimal spelling is exact, so that the borders are beyond doubt.
HALVES = st.integers(0, 12).map(lambda n: n / 2)
PAIRS = st.tuples(HALVES, HALVES).map(sorted)
SAMPLES = st.sampled_from(["LaB6", "LaB6/hot", "Si", "lab6"])


def _record(number: int, draw: dict[str, Any]) -> ScanRecord:
    snapshot = {"hex_x": draw["x"], "shutter": draw["shutter"], "both": draw["x"], "always": 1.0}
    columns = [column("hex_y", *draw["y"])] if draw["y"] else []
    columns += [column("both", *draw["y"])] if draw["y"] else [column("both", None, None, nan_count=draw["dead"])]
    return record(
        number,
        start=FIRST_START + timedelta(hours=draw["hours"]) if draw["hours"] is not None else None,
        energy=draw["energy"],
        temperature=tuple(draw["temperature"]) if draw["temperature"] else None,
        snapshot={name: value for name, value in snapshot.items() if value is not None},
        columns=columns,
        links={"pilatus": f"scan-{number:04d}_pilatus.h5"} if draw["linked"] else {},
        title=draw["title"],
    )


RECORDS = st.fixed_dictionaries(
    {
        "x": HALVES | st.none() | st.just(float("nan")),
        "y": PAIRS | st.none(),
        "dead": st.sampled_from([0, 10]),
        "shutter": st.sampled_from(["open", "closed", "OPEN", "3"]) | st.none(),
        "hours": st.integers(0, 60) | st.none(),
        "energy": HALVES.map(lambda n: n + 30) | st.none(),
        "temperature": PAIRS | st.none(),
        "linked": st.booleans(),
        "title": st.sampled_from(["timescan 10", "ascan (x)", "100%", "a_b", ""]),
        "sample": SAMPLES,
        "named": st.sampled_from(["Si", "LaB6/annealed", "100% a_b"]) | st.none(),
        "tags": st.lists(st.sampled_from(["good", "Bad", "g_d"]), unique=True, max_size=2),
        "note": st.sampled_from(["beam lost\nat point 3", "100% a_b"]) | st.none(),
        "log": st.sampled_from(["Quench at 4 K", "a_b", ""]) | st.none(),
    }
)
NUMBERS = HALVES.map(lambda n: f"{n:g}") | HALVES.map(lambda n: f"{n:.1f}")
NUMERIC = st.sampled_from(["hex_x", "hex_y", "hex_*", "both", "temperature", "points", "cryo_temp", "shutter", "*"])
RANGES: Any = st.one_of(
    st.builds(lambda f, pair: Within(f, f"{pair[0]:g}", f"{pair[1]:g}"), NUMERIC, PAIRS),
    st.builds(lambda f, n, s: Within(f, n, None, strict=s), NUMERIC, NUMBERS, st.booleans()),
    st.builds(lambda f, n, s: Within(f, None, n, strict=s), NUMERIC, NUMBERS, st.booleans()),
    st.builds(Near, NUMERIC, NUMBERS, NUMBERS),
    st.builds(Exactly, NUMERIC, NUMBERS),
    st.builds(lambda f, n: Is(f, (n,)), NUMERIC, NUMBERS),
)
DATES = st.sampled_from(["2025", "2025-11", "2025-11-02", "2025-11-03", "2025-11-02T10", "2025-11-04T09:30"])
LEAVES: st.SearchStrategy[Query] = st.one_of(
    RANGES,
    st.builds(All, RANGES),
    st.builds(lambda n: Within("*", f"{n - 273}C", f"{n - 270}C"), st.integers(0, 6)),
    st.builds(
        Has,
        st.sampled_from([*NAMES, "temperature", "energy", "detector", "start_time", "sample", "tag", "note", "log"]),
    ),
    st.builds(Word, st.sampled_from(["lab6", "scan", "100%", "a_b", "hot", "t?mescan*"])),
    st.builds(lambda a, b: Scans(min(a, b), max(a, b)), st.integers(1, 9), st.integers(1, 9)),
    st.builds(lambda v: Is("sample", (v,)), st.sampled_from(["LaB6", "Si", "L*", "hot", "annealed", "100% a_b"])),
    st.builds(lambda v: Is("tag", v), st.sampled_from([("good",), ("BAD",), ("g*",), ("g_d", "good"), ("goo",)])),
    st.builds(Exactly, st.sampled_from(["tag", "note", "log"]), st.sampled_from(["good", "bad", "a_b", ""])),
    st.builds(
        Is,
        st.sampled_from(["note", "log"]),
        st.sampled_from([("LOST",), ("lost*3",), ("beam*3",), ("100%",), ("quench", "a?b"), ("somebody",)]),
    ),
    st.builds(lambda v: Is("shutter", (v,)), st.sampled_from(["open", "o*", "3", "closed"])),
    st.builds(lambda v: Exactly("title", v), st.sampled_from(["100%", "ascan (x)"])),
    st.builds(lambda v: Is("link", (v,)), st.sampled_from(["missing", "ok"])),
    st.just(Is("root", ("here",))),
    st.builds(lambda f, d: Is(f, (d,)), st.sampled_from(["date", "since", "until", "before", "start_time"]), DATES),
    st.builds(lambda a, b: Within("date", min(a, b), max(a, b)), DATES, DATES),
    st.builds(lambda n: Is("last", (f"{n}h",)), st.integers(1, 80)),
    st.builds(lambda n: Is("energy", (f"{n}keV",)), st.integers(29, 37)),
)
TREES: st.SearchStrategy[Query] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items))),
    ),
    max_leaves=5,
)


def found(catalogue: Catalogue, query: Query) -> set[int]:
    """Return the rows that SQL finds, in either way of asking for recorded names."""
    names = catalogue.field_names()
    ids = {each.id for each in catalogue.scans(condition(query, names, now=NOW))}
    assert ids == set(catalogue.find(condition(query, names, now=NOW, few=True)).ids), str(query)
    plain = narrowing(query, names, now=NOW)
    assert plain is None or ids <= set(catalogue.find(plain).ids), str(query)
    return ids


def say(catalogue: Catalogue, drawn: list[dict[str, Any]]) -> None:
    """Say of scans what was drawn, and let a logbook speak of them."""
    by_number = {each.number: each for each in catalogue.scans()}
    for number, draw in enumerate(drawn, start=1):
        scans = [by_number[number]]
        if draw["named"]:
            catalogue.set_sample(scans, draw["named"])
        for tag in draw["tags"]:
            catalogue.tag(scans, tag)
        if draw["note"]:
            catalogue.note(scans, draw["note"])
    with writing(catalogue.engine) as connection:
        book = save_logbook(connection, "http://elogy/api/logbooks/1/", "DanMAX")
        for number, draw in enumerate(drawn, start=1):
            if draw["log"] is not None:
                entry = ReadEntry(number, None, f"scan {number}", draw["log"], "Somebody", NOW)
                save_thread(connection, book, "1", [entry])
        link_entries(connection)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(RECORDS, min_size=1, max_size=6), queries=st.lists(TREES, min_size=4, max_size=12))
def test_sql_and_python_agree(catalogue: Catalogue, drawn: list[dict[str, Any]], queries: list[Query]) -> None:
    """Every query means the same scans to both, whatever is NaN, absent, text or number."""
    with catalogue.writer() as writer:
        for table in reversed(metadata.sorted_tables):
            writer.connection.execute(delete(table))
    filler = Filler(catalogue)
    filler.add(record(99, snapshot=dict.fromkeys(NAMES, 0.0)))
    for number, draw in enumerate(drawn, start=1):
        filler.add(_record(number, draw), at=f"raw/{draw['sample']}/scan-{number:04d}.h5")
    say(catalogue, drawn)
    names = catalogue.field_names()
    scans = [(each, catalogue.values(each.id), catalogue.log_entries(each.id)) for each in catalogue.scans()]
    for query in queries:
        expected = {each.id for each, values, log in scans if matches(query, each, values, names, log=log, now=NOW)}
        assert found(catalogue, query) == expected, str(query)


SAID: list[dict[str, Any]] = [
    {"named": None, "tags": [], "note": None, "log": None},
    {"named": "Si", "tags": ["good"], "note": "beam LOST\nat point 3", "log": "Quench at 4 K"},
    {"named": "Si/annealed", "tags": ["good", "b_d"], "note": "100% fine", "log": ""},
]


ANSWERS: list[tuple[Query, list[int]]] = [
    (Is("sample", ("LaB6",)), [1]),
    (Is("sample", ("si",)), [2, 3]),
    (Exactly("sample", "Si"), [2]),
    (Word("anneal"), [3]),
    (Is("tag", ("GOOD",)), [2, 3]),
    (Is("tag", ("goo",)), []),
    (Is("tag", ("b?d", "nothing")), [3]),
    (Exactly("tag", "Good"), []),
    (Not(Has("tag")), [1]),
    (Is("note", ("lost",)), [2]),
    (Is("note", ("beam*3",)), [2]),
    (Is("note", ("lost*3",)), []),
    (Is("note", ("0% f", "point")), [2, 3]),
    (Exactly("note", "100% fine"), [3]),
    (Not(Is("note", ("fine",))), [1, 2]),
    (Is("log", ("quench",)), [2]),
    (Is("log", ("scan 3",)), [3]),
    (Is("log", ("SOMEBODY",)), [2, 3]),
    (Has("log"), [2, 3]),
    (Exactly("log", "Somebody"), [2, 3]),
    (Or((Is("log", ("quench",)), Not(Has("note")))), [1, 2]),
]


def test_what_was_said_is_found_alike(catalogue: Catalogue) -> None:
    """Tags as a whole, words in notes and entries, without regard to case; a name instead of the folder's."""
    filler = Filler(catalogue)
    for number in range(1, 4):
        filler.add(record(number))
    say(catalogue, SAID)
    names = catalogue.field_names()
    scans = [(each, catalogue.log_entries(each.id)) for each in catalogue.scans()]
    for query, numbers in ANSWERS:
        assert [s.number for s, log in scans if matches(query, s, [], names, log=log)] == numbers, str(query)
        ids = found(catalogue, query)
        assert [s.number for s, _ in scans if s.id in ids] == numbers, str(query)


@pytest.mark.parametrize(
    "query",
    [
        Within("hex_x", "1", "2"),
        Within("hex_*", "1", None),
        All(Within("hex_y", None, "2")),
        Is("shutter", ("open",)),
        Has("hex_y"),
        Not(Within("hex_*", "1", "2")),
        Or((Is("hex_x", ("1",)), Is("hex_y", ("2",)))),
        And((Within("energy", "34", "36"), Within("hex_*", "0", "1"))),
        Exactly("both", "1.5"),
        Near("hex_x", "1", "0.5"),
    ],
    ids=str,
)
@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("catalogue", ["sqlite"], indirect=True)
def test_no_query_reads_all_values(catalogue: Catalogue, query: Query, few: bool) -> None:
    """The database's own plan says so: values and series are searched by their indexes, never scanned."""
    filler = Filler(catalogue)
    for number in range(1, 40):
        snapshot: dict[str, float | str | None] = {f"motor_{n}": float(n) for n in range(60)}
        snapshot |= {"hex_x": number / 10, "both": 1.0, "shutter": "open"}
        filler.add(record(number, snapshot=snapshot, columns=[column("hex_y", 0.0, number / 10)]))
    with reading(catalogue.engine) as connection:
        statement = select(scan.c.id).where(condition(query, catalogue.field_names(), few=few))
        sql = str(statement.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}".replace("%", "%%"))]
    touching = [step for step in plan if step.split()[1] in {"value", "series"}]
    assert touching
    key = "scan_id=?" if few else "field_id=?"
    assert all(step.startswith("SEARCH") and key in step for step in touching), plan


def test_the_latest_is_the_one_that_started_last_of_what_matches(catalogue: Catalogue) -> None:
    """Alone of all, in a group of those the rest of the group finds, excluded of none but itself."""
    filler = Filler(catalogue)
    for number, sample in itertools.product((1, 2, 3), ("LaB6", "Si")):
        start = FIRST_START + timedelta(hours=number if sample == "LaB6" else 10 + number)
        made = record(number, start=start, title=f"timescan {number}")
        filler.add(made, at=f"raw/{sample}/scan-{number:04d}.h5")
    filler.add(record(9, start=None), at="raw/LaB6/scan-0009.h5")

    def labels(text: str) -> list[tuple[str, int | None]]:
        from danmax_sync.query.search import search

        return [(each.sample, each.number) for each in search(catalogue, text)]

    assert labels("latest") == [("Si", 3)]
    assert labels("sample:LaB6 latest") == [("LaB6", 3)]
    assert labels("sample:LaB6 -3 latest") == [("LaB6", 2)]
    assert ("Si", 3) not in labels("-latest")
    assert len(labels("-latest")) == 6


def test_dates_are_the_beamlines_and_whole_days_belong(catalogue: Catalogue) -> None:
    """Half an hour before midnight in Sweden is still that day, though not in UTC."""
    filler = Filler(catalogue)
    starts = {1: datetime(2025, 11, 2, 22, 30, tzinfo=UTC), 2: datetime(2025, 11, 2, 23, 30, tzinfo=UTC)}
    for number, start in starts.items():
        filler.add(record(number, start=start - timedelta(seconds=number)))

    def numbers(text: str) -> list[int | None]:
        from danmax_sync.query.search import search

        return [each.number for each in search(catalogue, text)]

    assert numbers("date:2025-11-02") == [1]
    assert numbers("date:2025-11-03") == [2]
    assert numbers("date:2025-11-02..2025-11-03") == [1, 2]
    assert numbers("start_time:2025-11-02T23") == [1]
    assert numbers("until:2025-11-02") == [1]
    assert numbers("before:2025-11-02") == []
    assert numbers("since:2025-11-03") == [2]
    assert numbers("date:2025-11-02T22:30:00Z") == [1]
    assert numbers("last:1y") == ([1, 2] if datetime.now(UTC) < datetime(2026, 11, 2, tzinfo=UTC) else [])
