"""What is said about a query: in English, with a caret, and when nothing was found; saved queries; the Python API."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import danmax_sync
from danmax_sync.catalogue.saved import forget_query, saved_queries
from danmax_sync.errors import NothingMatchedError, UsageError
from danmax_sync.query.api import Catalogue
from danmax_sync.query.english import in_english
from danmax_sync.query.explain import lacking
from danmax_sync.query.parser import parse
from danmax_sync.query.search import save, search, search_some
from tests.catalogue.records import Filler, record
from tests.databases import KINDS, empty_catalogue, server_of

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(params=KINDS)
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalogue]:
    """Open a catalogue of four scans, one of them without a temperature."""
    with empty_catalogue(server_of(request), tmp_path) as opened:
        filler = Filler(opened)
        for number, low in enumerate((300.0, 350.0, 400.0), start=1):
            filler.add(record(number, temperature=(low, low + 10), snapshot={"hex_x": number / 2, "shutter": "open"}))
        filler.add(record(4, energy=20.0, title="<b>dscan</b>"))
        yield opened


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "all scans"),
        ("energy:35", "energy 34.5 to 35.5 keV"),
        ("energy:35.00keV -state:partial", "energy 34.995 to 35.005 keV and not state partial"),
        ("temperature:25C..", "temperature 298.15 K or more"),
        ("temperature>300", "temperature above 300 K"),
        ("all(temperature:..400)", "at every point temperature 400 K or less"),
        ("energy==35", "energy exactly 35 keV"),
        ("energy:35±0.1", "energy 34.9 to 35.1 keV"),
        ("42 44-46 LaB6", "(scan 42 or scans 44 to 46) and “LaB6” in title, sample or path"),
        ("2023031508/42", "scan 42 of 2023031508"),
        (
            "sample:Si,CeO2 OR -(LaB6 latest)",
            "sample Si or CeO2 or not (“LaB6” in title, sample or path and the latest",
        ),
        ("hex_x:*", "hex_x recorded"),
        ("tag:good,b* -tag:*", "tag good or b* and not with a tag"),
        ("note:beam log:quench,lost", "“beam” in a note and “quench” in a log entry or “lost” in a log entry"),
        ("log:* note==x", "with a log entry and note exactly x"),
        ("date:2026-03-05", "started from 2026-03-05 00:00 CET before 2026-03-06 00:00 CET"),
        ("last:2d", "started from 2026-03-08 13:00 CET"),
    ],
)
def test_a_query_is_said_in_english(text: str, words: str) -> None:
    """With units, the reach of typed digits, and days as moments."""
    assert in_english(parse(text), ["hex_x"], now=NOW).startswith(words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("LaB6 temprature:300", "no field 'temprature'; did you mean temperature"),
        ("LaB6 energy:35C", "unit 'C' does not fit here"),
        ("energy:3 temperature:hot", "'hot' is not a number"),
        ("energy:20..10", "the range is empty"),
        ("LaB6 50-40", "the range is empty"),
        ("energy:34 energy:low", "'low' is not a number"),
        ("sample:energy OR energy:low", "'low' is not a number"),
        ('sample:Si "temprature":3', "did you mean temperature"),
        ("LaB6 date:tomorrow", "no date"),
        ("last:soon", "no length of time"),
        ("since:2026-03..", "written since:"),
        ("date:2026-03±1d", "a date has no ±"),
        ("date:2026-13", "no date"),
        ("title:a±b", "a text has no ±"),
        ("detector:a..b", "have no order"),
        ("tag:a..b", "have no order"),
        ("log:a±b", "have no order"),
    ],
)
def test_what_does_not_fit_is_pointed_at(catalogue: Catalogue, text: str, message: str) -> None:
    """The line below the query has a caret under the field."""
    with pytest.raises(UsageError) as caught:
        search(catalogue, text)
    said, query, caret = caught.value.message.splitlines()
    assert message in said
    assert query.strip() == text
    # All of these are wrong in their last term.
    assert query[caret.index("^") :] == text.rsplit(maxsplit=1)[-1]


def test_an_empty_answer_explains_itself(catalogue: Catalogue) -> None:
    """The hits of each term alone, where the values of a field lie, and how many scans have none."""
    with pytest.raises(NothingMatchedError) as caught:
        search_some(catalogue, "temperature:500.. sample:LaB6 hex_x:7")
    said = caught.value.message
    assert "none of 4 scans" in said
    assert "temperature:500.. alone: none; the catalogue has 300 to 410 K, 1 scan has none" in said
    assert "sample:LaB6 alone: 4" in said
    assert "hex_x:7 alone: none; the catalogue has 0.5 to 1.5, 1 scan has none" in said
    assert len(said.splitlines()) <= 8


def test_an_empty_answer_names_the_tags_there_are(catalogue: Catalogue) -> None:
    """And says when none was ever given, or no logbook read."""
    with pytest.raises(NothingMatchedError, match=r"tag:god alone: none; no scan has a tag"):
        search_some(catalogue, "tag:god")
    catalogue.tag(catalogue.scans(), "good")
    with pytest.raises(NothingMatchedError, match=r"tag:god alone: none; the tags are good"):
        search_some(catalogue, "tag:god")
    with pytest.raises(NothingMatchedError, match=r"no logbook was read yet: danmax-sync logbook sync URL"):
        search_some(catalogue, "log:quench")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state:complet", "did you mean complete?"),
        ("state:nonsense", "the catalogue has complete"),
        ("sample:LaB", "did you mean LaB6?"),
        ("shutter:opne", "did you mean open?"),
        ("shutter==shut", "the catalogue has open"),
        ("detector:eiger9", "no scan has one"),
        ("title:nothing", "title:nothing alone: none$"),
        ("energy:99 sample:LaB6", "sample:LaB6 alone: 4$"),
        ("-sample:LaB6", "sample:LaB6 alone: none$"),
    ],
)
def test_a_text_that_nothing_has_is_told_what_there_is(catalogue: Catalogue, text: str, said: str) -> None:
    """A typo most of all; texts as long as titles are not listed."""
    with pytest.raises(NothingMatchedError) as caught:
        search_some(catalogue, text)
    assert re.search(said, caught.value.message, re.MULTILINE)


def test_the_heads_of_columns_are_names_in_queries(catalogue: Catalogue) -> None:
    """What people see above a list is what they type."""
    for head, name in (("start", "start_time"), ("end", "end_time"), ("keV", "energy"), ("K", "temperature")):
        found = [scan.number for scan in search(catalogue, f"{head}:*")]
        assert found == [scan.number for scan in search(catalogue, f"{name}:*")]


def test_scans_that_could_not_be_asked_are_counted(catalogue: Catalogue) -> None:
    """A range passes over what has no value; that can be said."""
    assert lacking(catalogue, parse("temperature:300.. hex_x:0..9 sample:LaB6")) == [
        "1 of 4 scans has no temperature",
        "1 of 4 scans has no hex_x",
    ]
    assert lacking(catalogue, parse("energy:1..99")) == []


def test_queries_are_kept_under_names(catalogue: Catalogue) -> None:
    """They are understood before they are kept, and replaced as a whole."""
    save(catalogue, "hot", "temperature:340..")
    assert [scan.number for scan in search(catalogue, "@hot -3")] == [2]
    save(catalogue, "hot", "temperature:390..")
    assert [scan.number for scan in search(catalogue, "@hot")] == [3]
    for name, text, message in (
        ("no spaces", "LaB6", "cannot be the name"),
        ("bad", "energy:(", "name:value|missing"),
        ("hot", "@hot Si", "contains itself"),
        ("hot", " ", "empty query"),
    ):
        with pytest.raises(UsageError, match=message):
            save(catalogue, name, text)
    assert saved_queries(catalogue.engine) == {"hot": "temperature:390.."}
    assert forget_query(catalogue.engine, "hot")
    assert not forget_query(catalogue.engine, "hot")


def test_the_api_finds_typed_scans(catalogue: Catalogue) -> None:
    """With the shortcuts of the command line, which hold for all of a query with an OR in it."""
    assert danmax_sync.Catalogue is Catalogue
    found = catalogue.search("1 OR 4", energy="35", sample="LaB6")
    assert [scan.number for scan in found] == [1]
    assert len(catalogue.search()) == 4
    assert [scan.number for scan in catalogue.search(temperature="..360")[1:]] == [2]
    assert catalogue.search(limit=2)[-1].energy_kev == 35.0
    assert repr(catalogue.search("LaB6")) == "<4 scans: “LaB6” in title, sample or path>"
    assert repr(catalogue.search("LaB6")[:1]) == "<1 scan: “LaB6” in title, sample or path>"
    assert catalogue.search("LaB6")[:1]._repr_html_().startswith("<p>1 scan: ")


def test_a_notebook_shows_a_table_and_nothing_hostile(catalogue: Catalogue) -> None:
    """Titles are text, not HTML."""
    html = catalogue.search()._repr_html_()
    assert html.count("<tr>") == 5
    assert "&lt;b&gt;dscan" in html
    assert "<b>" not in html


def test_found_scans_become_a_data_frame(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are the keys of the JSON, times are times; without pandas there is a sentence."""
    pd = pytest.importorskip("pandas")
    frame = catalogue.search().to_pandas()
    assert list(frame["scan"]) == [1, 2, 3, 4]
    assert str(frame["start_time"].dtype).startswith("datetime64")
    assert str(frame["start_time"].dt.tz) == "UTC"
    assert list(catalogue.search("energy:99").to_pandas().columns) == list(frame.columns)
    assert isinstance(frame, pd.DataFrame)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pandas is not installed"):
        catalogue.search().to_pandas()
