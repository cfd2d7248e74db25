"""Queries against a catalogue: every condition agrees with what plain Python says of the same scans."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import database_url, make_engine
from danmax_sync.errors import NothingMatchedError, UsageError
from danmax_sync.quantities import Dimension
from danmax_sync.query.explain import lacking
from danmax_sync.query.intervals import typed_interval
from danmax_sync.query.parser import MOST_TERMS, parse
from danmax_sync.query.search import search, search_some
from danmax_sync.query.sql import condition
from danmax_sync.query.tree import And, Has, Is, Not, Or, Query, Scans, Within, Word
from danmax_sync.scanfile.record import ScanRecord
from tests.catalogue.records import Filler, column, record
from tests.databases import KINDS, empty_catalogue, server_of

SNAPSHOT_NUMBER = "pd_sam_z"


@dataclass(frozen=True)
class Facts:
    """What a random scan is, before it is put anywhere."""

    number: int
    sample: str
    energy: float | None
    temperature: tuple[float, float] | None
    position: float | None

    def to_record(self) -> ScanRecord:
        """Return it as if it had been read."""
        return record(
            self.number,
            title=f"ascan {self.number}",
            energy=self.energy,
            temperature=self.temperature,
            # Something of the name must be in the catalogue for a query to be understood.
            snapshot={SNAPSHOT_NUMBER: self.position, "always": 1.0},
        )

    @property
    def path(self) -> str:
        """Where its master stands."""
        return f"raw/{self.sample}/scan-{self.number:04d}.h5"


# Halves and whole numbers: their decimal spelling is exact, so that Python's answer is beyond doubt at the borders.
HALVES = st.integers(40, 80).map(lambda n: n / 2)
FACTS = st.builds(
    Facts,
    number=st.integers(1, 20),
    sample=st.sampled_from(["LaB6", "lab6_old", "Si", "LaB6/heating", "calibrants/LaB6", "a%b"]),
    energy=HALVES | st.none(),
    temperature=st.tuples(HALVES, HALVES).map(lambda ends: (min(ends), max(ends))) | st.none(),
    position=HALVES | st.none(),
)
FIELDS = st.sampled_from(["energy", "temperature", SNAPSHOT_NUMBER])
TYPED = st.one_of(HALVES.map(str), st.integers(20, 40).map(str))
LEAVES: st.SearchStrategy[Query] = st.one_of(
    st.builds(
        lambda field, ends: Within(field, *ends),
        FIELDS,
        st.one_of(
            st.tuples(HALVES, HALVES).map(lambda ends: (str(min(ends)), str(max(ends)))),
            st.tuples(TYPED, st.none()),
            st.tuples(st.none(), TYPED),
        ),
    ),
    st.builds(lambda field, value: Is(field, (value,)), FIELDS, TYPED),
    st.builds(Has, FIELDS),
    st.builds(lambda *values: Is("sample", values), st.sampled_from(["LaB6", "lab6", "*6", "Si", "a%b", "L?B6", "%"])),
    st.builds(Word, st.sampled_from(["lab6", "ASCAN 1", "heat", "a%", "_", "raw/*", "nothing", ""])),
    st.builds(lambda a, b: Scans(min(a, b), max(a, b)), st.integers(1, 20), st.integers(1, 20)),
)
TREES: st.SearchStrategy[Query] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items))),
    ),
    max_leaves=6,
)


def range_of(facts: Facts, field: str) -> tuple[float, float] | None:
    """Return a quantity of a scan from its least to its greatest."""
    if field == "temperature":
        return facts.temperature
    value = facts.energy if field == "energy" else facts.position
    return None if value is None else (value, value)


def holds(query: Query, facts: Facts) -> bool:
    """Say whether a query means a scan, without any SQL."""
    match query:
        case And(items):
            return all(holds(item, facts) for item in items)
        case Or(items):
            return any(holds(item, facts) for item in items)
        case Not(item):
            return not holds(item, facts)
        case Scans(first, last):
            return first <= facts.number <= last
        case Word(text):
            pattern = text if "*" in text else f"*{text}*"
            return any(like(each, pattern) for each in (f"ascan {facts.number}", facts.sample, facts.path))
        case Is("sample", values):
            return any(sample_is(facts.sample, value) for value in values)
        case Is() | Within() | Has():
            return lies_within(query, range_of(facts, query.field))
    raise AssertionError(query)


def lies_within(term: Is | Within | Has, extent: tuple[float, float] | None) -> bool:
    """Say whether any of a quantity is what was asked for; what was not recorded never is."""
    if extent is None or isinstance(term, Has):
        return extent is not None
    if isinstance(term, Within):
        low, high = float(term.low or "-inf"), float(term.high or "inf")
    else:
        (value,) = term.values
        half = 0.05 if "." in value else 0.5
        low, high = float(value) - half, float(value) + half
    return extent[1] >= low and extent[0] <= high


def like(text: str, pattern: str) -> bool:
    """Match a wildcard pattern, whatever the case."""
    return fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]"))


def sample_is(sample: str, pattern: str) -> bool:
    """Say whether a folder, or a run of folders in it, is what was asked for."""
    return any(like(sample, each) for each in (pattern, f"{pattern}/*", f"*/{pattern}", f"*/{pattern}/*"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty catalogue to copy."""
    path = tmp_path_factory.mktemp("empty") / "catalogue.db"
    Catalogue.open(str(path)).close()
    return path


@given(
    scans=st.lists(FACTS, min_size=1, max_size=6, unique_by=lambda facts: facts.number),
    queries=st.lists(TREES, min_size=1, max_size=8),
)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_sql_finds_what_python_finds(empty: Path, scans: list[Facts], queries: list[Query]) -> None:
    """On small random catalogues, for every kind of term and all ways to join them."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Catalogue(make_engine(database_url(str(shutil.copy(empty, folder)))))
        filler = Filler(catalogue)
        for facts in scans:
            filler.add(facts.to_record(), at=facts.path)
        for query in queries:
            expected = sorted(facts.number for facts in scans if holds(query, facts))
            found = catalogue.scans(condition(query, catalogue.field_names()))
            assert sorted(scan.number or 0 for scan in found) == expected, str(query)
            spelled = search(catalogue, str(query))
            assert sorted(scan.number or 0 for scan in spelled) == expected, str(query)
        catalogue.close()


@pytest.fixture(scope="module", params=KINDS)
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """Open a catalogue of five scans, which is only read."""
    with empty_catalogue(server_of(request), tmp_path_factory.mktemp("catalogue")) as opened:
        filler = Filler(opened)
        filler.file("raw/LaB6/scan-0001_pilatus.h5")
        filler.add(record(1, energy=34.9988, temperature=(296.0, 296.0), links={"pilatus": "scan-0001_pilatus.h5"}))
        filler.add(
            record(2, energy=20.0013, snapshot={"Spinner moving": 1, "shutter": "open", "hdcm_crystal": "Si111"})
        )
        heated = record(3, energy=35.4999, temperature=(300.0, 480.0), title="ascan cryo 300 480 10 1", macro="ascan")
        filler.add(heated, at="raw/CeO2/heating/scan-0003.h5")
        columns = [
            column("cryo_temp", 300.0, 310.0),
            column("hdcm_E", 34.99, 35.01),
            column("albaem-xrd_ch2", 1e-7, 2e-7),
            column("dead", None, None, nan_count=10),
        ]
        slits = {"ea_slit1_top": 0.35, "ea_slit1_left": -0.5, "ea_slit2_top": 0.9, "nan": float("nan"), "bad": None}
        filler.add(record(4, energy=None, columns=columns, snapshot=slits), at="raw/Si 640d.v1/scan-0004.h5")
        filler.add(
            replace(record(5, energy=35.5001, temperature=(298.15, 298.15)), start_time=None, end_time=None),
            at="raw/calibrants/LaB6/scan-0005.h5",
        )
        yield opened


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [1, 2, 3, 4, 5]),
        # Typed precision.
        ("energy:35", [1, 3]),
        ("energy:35.0", [1]),
        # Names of fields in any case, and comparisons with or without the colon.
        ("Energy:35", [1, 3]),
        ("SAMPLE:lab6 -energy:20", [1, 5]),
        ("energy:>=34", [1, 3, 5]),
        ("energy>=34", [1, 3, 5]),
        ("energy:<34", [2]),
        ("energy:35.00", [1]),
        ("energy:34.9988", [1]),
        ("energy:35.000", []),
        ("energy:4e1", [3, 5]),
        # Units, and energies as wavelengths.
        ("energy:35keV", [1, 3]),
        ("energy:35000eV", []),
        ("energy:34999eV", [1]),
        ("energy:0.3543A", [1]),
        ("energy:0.354A", [1]),
        ("wavelength:0.35", [1, 3, 5]),
        ("wavelength:0.3543", [1]),
        ("wavelength:35keV", [1, 3]),
        ("energy:0.35A..0.36A", [1]),
        ("energy:0.35angstrom..0.36angstrom", [1]),
        ("energy:0.0345nm..0.036nm", [1, 3, 5]),
        ("wavelength:34keV..35.4keV", [1]),
        ("wavelength:..30keV", [2]),
        ("energy:..0.36A", [1, 3, 5]),
        ("energy:0.36A..", [2]),
        ("energy:34.99keV..0.3542A", [1]),
        ("temperature:25C", [5]),
        ("temperature:25.0C", [5]),
        ("temperature:298K", [5]),
        # Ranges overlap.
        ("temperature:400..410", [3]),
        ("temperature:480..", [3]),
        ("temperature:..299", [1, 5]),
        ("temperature:481..", []),
        ("temperature:290..300", [1, 3, 5]),
        ("temperature>=300", [3]),
        ("temperature<=300", [1, 3, 5]),
        ("energy:35..36", [3, 5]),
        ("temperature:*", [1, 3, 5]),
        ("-temperature:*", [2, 4]),
        ("-temperature:300..", [1, 2, 4, 5]),
        # Samples nest.
        ("sample:LaB6", [1, 2, 5]),
        ("sample:lab6", [1, 2, 5]),
        ("sample:CeO2", [3]),
        ("sample:heating", [3]),
        ("sample:CeO2/heating", [3]),
        ("sample:aB6", []),
        ('sample:"Si 640d.v1"', [4]),
        ("sample:Si*", [4]),
        ("sample:?aB6", [1, 2, 5]),
        ("sample:CeO2,Si*", [3, 4]),
        ("sample:%", []),
        # Globs and words.
        ("macro:ascan*", [3]),
        ("macro:scan*", []),
        ("title:*480*", [3]),
        ("heating", [3]),
        ("TIMESCAN", [1, 2, 4, 5]),
        ("ascan*", [3]),
        ("path:raw/CeO2/*", [3]),
        # Numbers of scans.
        ("2", [2]),
        ("2-4", [2, 3, 4]),
        ("scan:2..", [2, 3, 4, 5]),
        ("scan:1,4", [1, 4]),
        # States, detectors, proposals.
        ("state:complete", [1, 2, 3, 4, 5]),
        ("detector:pilatus", [1]),
        ("detector:pil*", [1]),
        ("detector:*", [1]),
        ("-detector:*", [2, 3, 4, 5]),
        ("proposal:20251234 visit:2025110208", [1, 2, 3, 4, 5]),
        ("proposal:2025*", [1, 2, 3, 4, 5]),
        # Snapshot and channels.
        ('"Spinner moving":1', [2]),
        ('"Spinner moving":0', []),
        ("moving:1", [2]),
        ("shutter:open", [2]),
        ("shutter:OPEN", [2]),
        ("shutter:o*", [2]),
        ("hdcm_crystal:Si111,Si311", [2]),
        ("cryo_temp:305", [4]),
        ("cryo_temp:32C", [4]),
        ("cryo_temp:311..", []),
        ("cryo_temp:*", [4]),
        ("hdcm_E:35", [4]),
        ("hdcm_E:35000eV", [4]),
        ("albaem-xrd_ch2:150nA..", [4]),
        ("ea_slit1_*:0.3..0.4", [4]),
        ("ea_slit1_*:0.8..1", []),
        ("ea_slit?_top:0.9", [4]),
        ("slit2_top:0.9", [4]),
        # NaN is recorded, but is no number; what could not be read is neither.
        ("nan:*", [4]),
        ("-nan:*", [1, 2, 3, 5]),
        ("nan:-1e300..1e300", []),
        ("dead:*", [4]),
        ("dead:0", []),
        ("bad:*", []),
        # Joined.
        ("sample:LaB6 energy:35", [1]),
        ("sample:CeO2 OR energy:20", [2, 3]),
        ("(sample:CeO2 OR energy:20) -scan:2", [3]),
        ("-(energy:35 OR energy:20)", [4, 5]),
        ("start_time:*", [1, 2, 3, 4]),
        ("start_time:2025-11..2025-12", [1, 2, 3, 4]),
    ],
)
def test_a_query_finds_its_scans(catalogue: Catalogue, query: str, numbers: list[int]) -> None:
    """One line of the query language each."""
    assert sorted(scan.number or 0 for scan in search(catalogue, query)) == numbers


def test_a_range_says_how_many_scans_have_no_number_for_it(catalogue: Catalogue) -> None:
    """One that recorded NaN is among them, although it has the name."""
    assert lacking(catalogue, parse("nan:0..1")) == ["5 of 5 scans have no nan"]
    assert lacking(catalogue, parse("cryo_temp:0..1 dead:1..2")) == [
        "4 of 5 scans have no cryo_temp",
        "5 of 5 scans have no dead",
    ]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("35", 34.5, 35.5),
        ("35.", 34.5, 35.5),
        ("35.0", 34.95, 35.05),
        ("35.00", 34.995, 35.005),
        ("-5", -5.5, -4.5),
        (".5", 0.45, 0.55),
        ("3.5e1", 34.5, 35.5),
        ("3e2", 250.0, 350.0),
        ("35keV", 34.5, 35.5),
        ("35000eV", 34.9995, 35.0005),
        ("0.3542A", 34.9991, 35.0090),
    ],
)
def test_a_typed_number_stands_for_what_rounds_to_it(text: str, low: float, high: float) -> None:
    """Half a unit of the last digit to each side, in the unit it was typed in."""
    found = typed_interval(text, Dimension.ENERGY)
    assert [found.low, found.high] == pytest.approx([low, high], rel=1e-5)


@given(st.text(max_size=20), st.sampled_from(Dimension))
@settings(deadline=None)
def test_any_text_is_an_interval_or_a_value_error(text: str, dimension: Dimension) -> None:
    """Nothing else comes out, whatever is typed."""
    try:
        found = typed_interval(text, dimension)
    except ValueError:
        return
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.high


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("energy:abc", "not a number"),
        ("energy:35mm", "does not fit"),
        ("energy:36..35", "range is empty"),
        ("wavelength:35keV..34keV", "range is empty"),
        ("scan:50..40", "range is empty"),
        ("50-40", "range is empty"),
        ("energy:0A", "no photon"),
        ("energy:..0A", "no photon"),
        ("wavelength:0keV", "no photon"),
        ("energy:1e400", "no number"),
        ("energy:1e99999", "no number"),
        ("cryo_temp:abc..", "not a number"),
        ("detector:a..b", "detector"),
        ("detector>pilatus", "detector"),
        ("enrgy:35", "did you mean energy"),
        ("cyro_temp:300", "did you mean cryo_temp"),
        ("qqqqqqq:1", "no field 'qqqqqqq'"),
        ("slit*:1", "no field"),
        ("top:1", "the end of 2 names"),
    ],
)
def test_a_term_that_does_not_fit_is_a_usage_error(catalogue: Catalogue, query: str, message: str) -> None:
    """It says what is wrong, suggests a name for a typo, and what to write."""
    with pytest.raises(UsageError, match=message) as caught:
        search(catalogue, query)
    assert caught.value.hint


@given(text=st.text(max_size=40))
@settings(deadline=None, max_examples=60)
def test_any_text_is_answered_or_refused(catalogue: Catalogue, text: str) -> None:
    """A search ends in scans or in an error of usage, never in one of the database."""
    with suppress(UsageError):
        search(catalogue, text)


@pytest.mark.parametrize(
    "query", ["9" * 30, "scan:" + "9" * 19, "scan:" + "9" * 100, "points:1e300", "energy:-1e300.."]
)
def test_huge_numbers_are_searched_for_and_not_found(catalogue: Catalogue, query: str) -> None:
    """Or found, where the range is open; no database overflows."""
    assert len(search(catalogue, query)) in {0, 4}


def test_as_many_terms_as_are_allowed_are_answered(catalogue: Catalogue) -> None:
    """In one list, joined by OR, and one after the other."""
    assert len(search(catalogue, "scan:" + ",".join(["1"] * MOST_TERMS))) == 1
    assert len(search(catalogue, "sample:" + ",".join(["LaB6"] * MOST_TERMS))) == 3
    assert len(search(catalogue, " OR ".join(["timescan"] * MOST_TERMS))) == 4
    assert len(search(catalogue, " ".join(["-ascan*"] * MOST_TERMS))) == 4


def test_a_limit_takes_the_oldest(catalogue: Catalogue) -> None:
    """In the order of their starts; a scan without one comes first."""
    assert [scan.number for scan in search(catalogue, "", limit=3)] == [5, 1, 2]


def test_nothing_found_is_told_from_an_empty_catalogue(catalogue: Catalogue, tmp_path: Path) -> None:
    """Each with its own way out."""
    assert len(search_some(catalogue, "LaB6")) == 3
    with pytest.raises(NothingMatchedError, match="none of 5 scans"):
        search_some(catalogue, "energy:99")
    with Catalogue.open(str(tmp_path / "new.db")) as empty:
        with pytest.raises(NothingMatchedError, match="empty") as caught:
            search_some(empty, "LaB6")
        assert "danmax-sync index" in caught.value.hint
