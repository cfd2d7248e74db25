"""Questions about links, roots and patterns; and wildcards over names of several kinds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.schema import scan
from danmax_sync.errors import UsageError
from danmax_sync.query.search import search, understand
from danmax_sync.scanfile.record import DetectorLink
from tests.catalogue.records import Filler, column, record
from tests.databases import KINDS, empty_catalogue, server_of

PATTERNS = "process/azint/LaB6/scan-0001_pilatus_integrated.h5"


@pytest.fixture(scope="module", params=KINDS)
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """Open a catalogue of a facility and a laptop's folder, which is only read."""
    with empty_catalogue(server_of(request), tmp_path_factory.mktemp("catalogue")) as opened:
        facility = Filler(opened, kind="globus")
        facility.file("raw/LaB6/scan-0001_pilatus.h5")
        facility.file(PATTERNS, kind="patterns")
        names = {"lakeshore_tempD": 298.15, "ea_ppm3_1": 500.0, "plain": 25.0}
        first = record(1, links={"pilatus": "scan-0001_pilatus.h5"}, snapshot=names)
        facility.add(first)
        facility.add(record(2, links={"pilatus": "scan-0002_pilatus.h5", "falconx": "scan-0002_falconx.h5"}))
        outside = DetectorLink("orca", "/etc/passwd", "/entry", None, "absolute")
        facility.add(record(3, columns=[column("cryo_temp", 100.0, 200.0)]), record(3, entry="second"))
        facility.add(replace(record(4), links=(outside,)))
        laptop = Filler(opened, "/home/me/2025110208")
        laptop.add(first)
        laptop.add(record(2))
        laptop.vanish("raw/LaB6/scan-0002.h5")
        with opened.writer() as writer:
            for number, seconds in ((1, 0.03), (3, 1.0)):
                exposed = update(scan).where(scan.c.number == number)
                writer.connection.execute(exposed.values(exposure_s=seconds))
        yield opened


def numbers(catalogue: Catalogue, text: str) -> list[int | None]:
    """Return the numbers of the scans that a query finds."""
    return sorted({found.number for found in search(catalogue, text)}, key=str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("link:missing", [1, 2]),
        ("link:ok", [1]),
        ("link:outside", [4]),
        ("link:OK,outside", [1, 4]),
        ('link:"wrong shape"', []),
        ("link:*", [1, 2, 4]),
        ("-link:*", [3]),
        ("-link:missing", [3, 4]),
        ("detector:falconx", [2]),
        ("detector:pilatus,orca", [1, 2, 4]),
        ("root:here", [1]),
        ("-root:here", [2, 3, 4]),
        ("root:*2025110208", [1, 2, 3, 4]),
        ("root:/home/*", [1]),
        ("integrated:*", [1]),
        ("-integrated:*", [2, 3, 4]),
        ("integrated:pil*", [1]),
        ("integrated:falconx", []),
        ("exposure:30ms", [1]),
        ("exposure:0.5..", [3]),
        ("-exposure:*", [2, 4]),
    ],
)
def test_files_and_places_can_be_asked_for(catalogue: Catalogue, text: str, expected: list[int]) -> None:
    """At any place: a file that is at the facility and not on the laptop is both ok and missing."""
    assert numbers(catalogue, text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "english"),
    [
        ("tempD:25C", [1], "lakeshore_tempD 297.65 to 298.65 K"),
        ("*temp*:25C", [1], "*temp* 297.65 to 298.65 K"),
        ("*:25C", [1], "* 297.65 to 298.65 K"),
        ("*:50cm", [1], "* 495 to 505 mm"),
        ("*:100K..150K", [3], "* 100 to 150 K"),
        ("*:25", [1], "* 24.5 to 25.5"),
        ("*:-200C..30C", [1, 3], "* 73.15 to 303.15 K"),
        ("all(*temp*:..150)", [], "at every point *temp* 150 K or less"),
    ],
)
def test_a_wildcard_reads_a_unit_where_it_fits(
    catalogue: Catalogue, text: str, expected: list[int], english: str
) -> None:
    """Whichever of the names comes first: lengths are not asked for degrees, nor temperatures for centimetres."""
    assert numbers(catalogue, text) == expected
    assert understand(catalogue, text).english == english


def test_a_unit_that_fits_no_name_is_refused(catalogue: Catalogue) -> None:
    """A range of kiloelectronvolts among temperatures means nothing."""
    with pytest.raises(UsageError, match="unit 'keV' does not fit"):
        search(catalogue, "*temp*:34keV..36keV")


def test_thousands_of_names_are_asked_at_once(tmp_path: Path) -> None:
    """More of them, in more terms, than a database takes as parameters."""
    with Catalogue.open(str(tmp_path / "catalogue.db")) as catalogue:
        snapshot: dict[str, float | str | None] = {f"it's_{n}": float(n) for n in range(2000)}
        Filler(catalogue).add(record(1, snapshot=snapshot))
        where = understand(catalogue, " ".join(["it's_*:1".replace("'", '"\'"')] * 40)).where
        assert catalogue.count(where) == 1
        parameters = where.compile(catalogue.engine, compile_kwargs={"render_postcompile": True}).params
        assert len(parameters) < 999
