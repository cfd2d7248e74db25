"""A visit at a collection, this machine as another, and nobody who waits."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.events import Event, Listener
from danmax_sync.indexing.index import index_source
from danmax_sync.query.search import search
from danmax_sync.sources.globus import api, download, staging
from danmax_sync.sources.globus.source import GlobusSource
from danmax_sync.sources.ssh import NoTerminal
from danmax_sync.testing.globus import Collection, GlobusService
from danmax_sync.testing.globus.collections import GUEST
from danmax_sync.testing.globus.tasks import Task
from danmax_sync.testing.visit import SimulatedVisit
from danmax_sync.transfer.fetching import fetch_scans, plan_scans
from danmax_sync.transfer.globus import batches, mover
from danmax_sync.transfer.globus.tasklog import KeptBatch, TaskLog
from danmax_sync.transfer.outcome import GetSummary
from danmax_sync.transfer.plan import TransferPlan
from tests.journeys.places import copied
from tests.sources.globus.places import pointed_at, remote_at, set_up_personal

COLLECTION = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "FIRST_PAUSE_S", 0.005)
    monkeypatch.setattr(download, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(staging, "FIRST_POLL_S", 0.02)
    monkeypatch.setattr(mover, "FIRST_POLL_S", 0.02)
    monkeypatch.setattr(mover, "LONGEST_POLL_S", 0.05)


@dataclass
class Facility:
    """The visit, the service, and what a user would type."""

    visit: Path
    home: Path
    service: GlobusService
    collection: Collection
    catalogue: Catalogue
    events: list[Event]

    def opened(self) -> GlobusSource:
        """Open the source."""
        remote = remote_at(self.collection, f"/{self.visit.parent.name}/{self.visit.name}")
        return GlobusSource.open(remote, NoTerminal())

    def planned(self, query: str = "", *, calibration: bool = False) -> TransferPlan:
        """Plan."""
        with self.opened() as source:
            return self._planned(source, query, calibration=calibration)

    def _planned(self, source: GlobusSource, query: str, *, calibration: bool) -> TransferPlan:
        scans = search(self.catalogue, query)
        return plan_scans(self.catalogue, source, scans, self.home, with_calibration=calibration)

    def get(self, query: str = "", *, calibration: bool = False, tell: Listener | None = None) -> GetSummary:
        """Plan and fetch."""
        with self.opened() as source:
            plan = self._planned(source, query, calibration=calibration)
            return fetch_scans(self.catalogue, source, plan, tell=tell or self.events.append)

    def kept(self) -> list[KeptBatch]:
        """Return what the log holds."""
        with TaskLog.open() as log:
            return log.batches()

    @property
    def tasks(self) -> list[Task]:
        """All tasks there were."""
        return list(self.service.tasks.all.values())

    @property
    def warnings(self) -> list[str]:
        """What was told."""
        return [str(event.fields["message"]) for event in self.events if event.name == "warning"]


@pytest.fixture(scope="session")
def indexed_over_globus(small_visit: SimulatedVisit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index the visit once; tests take copies of the catalogue, and of the visit."""
    folder = tmp_path_factory.mktemp("globus")
    visit = copied(small_visit.folder, folder / "20251234" / "2025110208")
    it = Collection(folder, "DanMAX", kind=GUEST, https=True, id=COLLECTION)
    with (
        pointed_at(GlobusService([it])) as service,
        Catalogue.open(str(folder / "catalogue.db")) as catalogue,
        Facility(visit, folder, service, it, catalogue, []).opened() as source,
    ):
        index_source(catalogue, source, remote=True, workers=0)
    return folder / "catalogue.db"


@pytest.fixture
def facility(visit: Path, home: Path, tmp_path: Path, indexed_over_globus: Path) -> Iterator[Facility]:
    """Serve the visit, which the catalogue knows."""
    it = Collection(visit.parents[1], "DanMAX", kind=GUEST, https=True, id=COLLECTION)
    service = GlobusService([it, set_up_personal(writable="/")])
    shutil.copy(indexed_over_globus, tmp_path / "globus.db")
    with pointed_at(service), Catalogue.open(str(tmp_path / "globus.db")) as catalogue:
        yield Facility(visit, home, service, it, catalogue, [])


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what lets batches be small."""

    def limit(files: int) -> None:
        monkeypatch.setattr(batches, "MOST_FILES", files)

    return limit
