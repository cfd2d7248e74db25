"""An elogy on loopback, and a catalogue that reads it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.logbook.address import logbook_address
from danmax_sync.logbook.sync import LogbookSummary, sync_logbook
from danmax_sync.testing.elogy import ElogyService

Sync = Callable[..., LogbookSummary]


@pytest.fixture
def elogy() -> Iterator[ElogyService]:
    """Run an empty logbook."""
    with ElogyService() as service:
        yield service


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """Open an empty catalogue in a file: what a server does with it is tested in tests/catalogue."""
    with Catalogue.open(str(tmp_path / "catalogue.db")) as opened:
        yield opened


@pytest.fixture
def sync(elogy: ElogyService, catalogue: Catalogue) -> Sync:
    """Return what reads the logbook, and forgets what was asked for before."""

    def run(**options: Any) -> LogbookSummary:
        elogy.asked.clear()
        return sync_logbook(catalogue, logbook_address(elogy.address), **options)

    return run
