"""A visit at the source, indexed, and a plan for it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_source
from danmax_sync.query.search import search
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.visit import SimulatedVisit
from danmax_sync.transfer.fetching import plan_scans
from danmax_sync.transfer.plan import TransferPlan
from tests.journeys.places import copied
from tests.needs import require_sshd
from tests.transfer.contract import Known, known_visit
from tests.transfer.sources import HookedSource


@pytest.fixture
def visit(small_visit: SimulatedVisit, tmp_path: Path) -> Path:
    """Return a visit of the test's own: scans 42 to 53, of which 50 lacks its detector file."""
    return copied(small_visit.folder, tmp_path / "20251234" / "2025110208")


@pytest.fixture
def source(visit: Path) -> HookedSource:
    """Return it as a source with hooks."""
    return HookedSource(visit)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the destination, which is not there yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def indexed(small_visit: SimulatedVisit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index the visit once; tests take copies of the catalogue."""
    folder = tmp_path_factory.mktemp("indexed")
    visit = copied(small_visit.folder, folder / "20251234" / "2025110208")
    with Catalogue.open(str(folder / "catalogue.db")) as catalogue:
        index_source(catalogue, HookedSource(visit), remote=True)
    return folder / "catalogue.db"


@pytest.fixture
def catalogue(indexed: Path, tmp_path: Path) -> Iterator[Catalogue]:
    """Return a catalogue that knows the visit at the source."""
    shutil.copy(indexed, tmp_path / "catalogue.db")
    with Catalogue.open(str(tmp_path / "catalogue.db")) as catalogue:
        yield catalogue


@pytest.fixture(scope="session")
def known(small_visit: SimulatedVisit, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Make and index the visit of the movers' contract once."""
    return known_visit(small_visit, tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSshd]:
    """Run the real sshd, once for all tests of a worker."""
    require_sshd()
    with RealSshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


Plan = Callable[..., TransferPlan]


@pytest.fixture
def plan(catalogue: Catalogue, source: HookedSource, home: Path) -> Plan:
    """Return what plans a query against the source as it is now."""

    def planned(query: str, *, with_calibration: bool = False) -> TransferPlan:
        return plan_scans(catalogue, source, search(catalogue, query), home, with_calibration=with_calibration)

    return planned
