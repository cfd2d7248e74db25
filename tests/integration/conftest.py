"""A visit at home to integrate."""

import shutil
from pathlib import Path

import pytest

from danmax_sync.integration.calibration import Calibration, find_calibration
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.integration.scenes import ENERGY_KEV, SHAPE, Home


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
