"""The real sshd, the embedded server, and remotes that lead to them."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import update

from danmax_sync import settings
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.schema import root
from danmax_sync.cli import context
from danmax_sync.indexing.index import index_source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.sftpfiles import Faults
from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.journeys.places import PASSWORD, Person, copied
from tests.needs import require_sshd


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSshd]:
    """Run the real sshd, once for all tests of a worker."""
    require_sshd()
    with RealSshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def sshd_without_shell(tmp_path: Path) -> Iterator[RealSshd]:
    """Run the real sshd for accounts that have SFTP and nothing else."""
    require_sshd()
    with RealSshd(tmp_path / "sftp-only", options=("ForceCommand internal-sftp",)) as server:
        yield server


@pytest.fixture
def visit(small_visit: SimulatedVisit, tmp_path: Path) -> Path:
    """Return a visit of the test's own: scans 42, 43, 44 of LaB6, and 50 of CeO2, which lacks its detector file."""
    return _few_scans(small_visit, tmp_path / "facility")


@dataclass(frozen=True)
class Indexed:
    """A visit nobody changes, and a catalogue that knows it as the remote ``usb``."""

    folder: Path
    catalogue: Path


@pytest.fixture(scope="session")
def indexed(small_visit: SimulatedVisit, tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    """Index such a visit once for all tests that only read it."""
    top = tmp_path_factory.mktemp("indexed")
    ready = Indexed(_few_scans(small_visit, top), top / "catalogue.db")
    with Catalogue.open(str(ready.catalogue)) as catalogue:
        index_source(catalogue, FolderSource(ready.folder, name="usb"), remote=True)
    return ready


@pytest.fixture
def folder_remote(indexed: Indexed, run_line: RunLine) -> Path:
    """Let the user know that visit as the remote ``usb``, a folder on this disk; return the folder."""
    run_line(["remote", "add", "usb", indexed.folder.as_uri()])
    shutil.copy(indexed.catalogue, settings.catalogue_location())
    return indexed.folder


def _know_as(ready: Path, name: str, uri: str) -> None:
    """Give the user a catalogue that knows the same visit at another place: indexing takes longer than copying."""
    shutil.copy(ready, settings.catalogue_location())
    with Catalogue.open() as catalogue, catalogue.engine.begin() as connection:
        connection.execute(update(root).values(uri=uri, name=name))


def _few_scans(whole: SimulatedVisit, top: Path) -> Path:
    folder = copied(whole.folder, top / "20251234" / "2025110208")
    for path in folder.joinpath("raw").rglob("*.h5"):
        if not path.name.startswith(("scan-0042", "scan-0043", "scan-0044", "scan-0050")):
            path.unlink()
    return folder


Serve = Callable[..., Person]


@pytest.fixture
def serve(
    visit: Path, monkeypatch: pytest.MonkeyPatch, run_line: RunLine, request: pytest.FixtureRequest
) -> Iterator[Serve]:
    """Serve the visit over SFTP with password and one-time code, as the remote ``facility``, indexed or not yet."""
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, os.devnull)
    servers: list[EmbeddedSftpServer] = []

    def start(faults: Faults | None = None, *, indexed: bool = True) -> Person:
        server = EmbeddedSftpServer(
            visit.parent.parent, password=PASSWORD, one_time_code=six_digits, faults=faults or Faults()
        )
        servers.append(server)
        settings.ensured_home().joinpath("known_hosts").write_text(server.known_hosts_line())
        person = Person(server)
        context.answer_with(person)
        uri = f"sftp://{server.user}@{server.host}:{server.port}/{visit.parent.name}/{visit.name}"
        run_line(["remote", "add", "facility", uri])
        if indexed:
            ready: Indexed = request.getfixturevalue("indexed")
            _know_as(ready.catalogue, "facility", uri)
        return person

    yield start
    for server in servers:
        server.close()
