"""A catalogue to index into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """Open an empty catalogue."""
    with Catalogue.open(str(tmp_path / "catalogue.db")) as opened:
        yield opened
