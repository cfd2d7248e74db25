"""A catalogue of the small visit, made once."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine


@pytest.fixture(scope="session")
def small_catalogue(small_visit: SimulatedVisit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index the small visit once for all tests that only read it."""
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.db"
    with Catalogue.open(str(path)) as catalogue:
        index_folder(catalogue, small_visit.folder)
    return path


@pytest.fixture
def indexed(small_catalogue: Path, small_visit: SimulatedVisit) -> Path:
    """Let the user have a catalogue of the small visit; return the visit's folder."""
    settings.ensured_home()
    shutil.copy(small_catalogue, settings.catalogue_location())
    return small_visit.folder


Seen = Callable[..., str]


@pytest.fixture
def seen(run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Run a command line as if at a terminal of some width: ``seen("search", width=80)``; return what is on it."""

    def run_it(line: str, *, width: int = 80) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        ran = run_line(line)
        return re.sub(r"\x1b\[[0-9;]*m", "", ran.out + ran.err)

    return run_it
