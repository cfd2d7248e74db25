"""A visit at home to integrate, and one that has been integrated."""

import shutil
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.integration.calibration import Calibration, find_calibration
from danmax_sync.integration.recipe import Recipe
from danmax_sync.integration.run import Choices, integrate_scans
from danmax_sync.query.search import search
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.integration.scenes import ENERGY_KEV, SHAPE, Home


@pytest.fixture
def home(small_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine) -> Home:
    """Give a copy of the small visit's LaB6 scans, 42 to 44, that a test may change, and a command line beside it."""
    folder = tmp_path / "20251234" / "2025110208"
    shutil.copytree(small_visit.folder, folder, ignore=shutil.ignore_patterns("Si", "CeO2"))
    return Home(folder, run_line)


@pytest.fixture
def heated(small_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine) -> Home:
    """Give a copy of the CeO2 scans, 48 to 53, on a temperature ramp; 50 lacks its detector file."""
    folder = tmp_path / "20251234" / "2025110208"
    shutil.copytree(small_visit.folder, folder, ignore=shutil.ignore_patterns("Si", "LaB6"))
    return Home(folder, run_line)


@pytest.fixture(scope="session")
def calibration(small_visit: SimulatedVisit) -> Calibration:
    """Return geometry and mask of the small visit at 35 keV."""
    return find_calibration(small_visit.folder / "process", energy=ENERGY_KEV, frame_shape=SHAPE)


@pytest.fixture(scope="session")
def integrated_once(small_visit: SimulatedVisit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a visit whose complete CeO2 scans have been integrated over 2θ; read only."""
    place = tmp_path_factory.mktemp("integrated")
    folder = place / "20251234" / "2025110208"
    shutil.copytree(small_visit.folder, folder, ignore=shutil.ignore_patterns("Si", "LaB6"))
    with Catalogue.open(str(place / "catalogue.db")) as catalogue:
        index_folder(catalogue, folder)
        summary = integrate_scans(search(catalogue, "state:complete"), Choices(Recipe(bins=300)))
    assert not [outcome.message for outcome in summary.outcomes if outcome.message]
    return folder


@pytest.fixture
def integrated(integrated_once: Path, tmp_path: Path, run_line: RunLine) -> Home:
    """Give a copy of an integrated visit, known to the catalogue."""
    folder = tmp_path / "20251234" / "2025110208"
    shutil.copytree(integrated_once, folder)
    made = Home(folder, run_line)
    made.index()
    return made
