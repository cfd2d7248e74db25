"""What every test may use: a home of its own, a command line that shows everything when it fails, a small visit."""

import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from danmax_sync import settings
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.cli import context
from danmax_sync.cli.entry import run
from danmax_sync.testing.postgres import Postgres
from danmax_sync.testing.visit import SimulatedVisit, simulate_visit
from tests.databases import KINDS, empty_catalogue, server_of
from tests.needs import require_postgres

if TYPE_CHECKING:
    from tests.integration.scenes import Home


@pytest.fixture(scope="session")
def kernel_cache(pytestconfig: pytest.Config) -> Path:
    """Return where the integration's machine code is kept from run to run: compiling it takes some seconds."""
    return Path(pytestconfig.cache.mkdir("danmax-sync-kernel"))


@pytest.fixture(scope="session", autouse=True)
def nobodys_home(tmp_path_factory: pytest.TempPathFactory, kernel_cache: Path) -> Iterator[Path]:
    """Keep what several tests share, and is made before each has its own home, away from the user's, too."""
    home = tmp_path_factory.mktemp("nobody")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv(settings.HOME_VARIABLE, str(home / "danmax-sync"))
        patch.setenv("DANMAX_SYNC_KERNEL_CACHE", str(kernel_cache))
        yield home


@pytest.fixture(autouse=True)
def own_home(
    nobodys_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """Keep every test away from the settings, catalogue and keys of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv(settings.HOME_VARIABLE, str(home / "danmax-sync"))
    for name in (settings.CATALOGUE_VARIABLE, settings.SSH_CONFIG_VARIABLE, settings.SSH_CARRIER_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    for name in ("SSH_AUTH_SOCK", "SSH_ASKPASS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    context.set_options(catalogue=None, debug=False)
    yield home
    context.answer_with(None)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command line came to."""

    line: str
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as one JSON value."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Stdout as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last event, which must be the summary."""
        last = self.events[-1]
        assert last["event"] == "summary", last
        return last


RunLine = Callable[..., Ran]


@pytest.fixture
def run_line(capsys: pytest.CaptureFixture[str]) -> RunLine:
    """Run a command line in this process: ``run_line("search LaB6 -f json", exit_code=0)``."""

    def run_it(line: str | list[str], *, exit_code: int | None = 0) -> Ran:
        words = shlex.split(line) if isinstance(line, str) else line
        capsys.readouterr()
        code = run(words)
        heard = capsys.readouterr()
        ran = Ran(" ".join(words), code, heard.out, heard.err)
        if exit_code is not None and code != exit_code:
            pytest.fail(
                f"danmax-sync {ran.line}\nexit {code}, expected {exit_code}\n"
                f"--- stdout\n{ran.out}\n--- stderr\n{ran.err}"
            )
        assert "Traceback" not in ran.err, ran.err
        return ran

    return run_it


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server; skipped where none is installed."""
    require_postgres()
    with Postgres() as server:
        yield server


@pytest.fixture(params=KINDS)
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalogue]:
    """Open an empty catalogue, once in a file and once on a server: the same has to hold of both."""
    with empty_catalogue(server_of(request), tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def small_visit(tmp_path_factory: pytest.TempPathFactory) -> SimulatedVisit:
    """Make a visit of 12 small scans of 4 frames, the ninth without its detector file. Tests copy it to change it."""
    folder = tmp_path_factory.mktemp("facility") / "20251234" / "2025110208"
    return simulate_visit(folder, scans=12, frames=4, seed=1, incomplete=[8], small=True)


@pytest.fixture
def home(small_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine) -> "Home":
    """Give a copy of the small visit's LaB6 scans, 42 to 44, that a test may change, and a command line beside it."""
    from tests.integration.scenes import Home

    folder = tmp_path / "20251234" / "2025110208"
    shutil.copytree(small_visit.folder, folder, ignore=shutil.ignore_patterns("Si", "CeO2"))
    return Home(folder, run_line)


@pytest.fixture(scope="session")
def integrated_once(small_visit: SimulatedVisit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a visit whose complete CeO2 scans have been integrated over 2θ; read only."""
    from danmax_sync.indexing.index import index_folder
    from danmax_sync.integration.recipe import Recipe
    from danmax_sync.integration.run import Choices, integrate_scans
    from danmax_sync.query.search import search

    place = tmp_path_factory.mktemp("integrated")
    folder = place / "20251234" / "2025110208"
    shutil.copytree(small_visit.folder, folder, ignore=shutil.ignore_patterns("Si", "LaB6"))
    with Catalogue.open(str(place / "catalogue.db")) as catalogue:
        index_folder(catalogue, folder)
        summary = integrate_scans(search(catalogue, "state:complete"), Choices(Recipe(bins=300)))
    assert not [outcome.message for outcome in summary.outcomes if outcome.message]
    return folder


@pytest.fixture
def integrated(integrated_once: Path, tmp_path: Path, run_line: RunLine) -> "Home":
    """Give a copy of an integrated visit, known to the catalogue."""
    from tests.integration.scenes import Home

    folder = tmp_path / "20251234" / "2025110208"
    shutil.copytree(integrated_once, folder)
    made = Home(folder, run_line)
    made.index()
    return made
