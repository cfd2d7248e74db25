"""A catalogue to index into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.sources import folder
from danmax_sync.sources.base import FileInfo


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """Open an empty catalogue."""
    with Catalogue.open(str(tmp_path / "catalogue.db")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def plain_file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files have a size and a time only, so that tests can change one unnoticed; unless the test wants more."""
    if request.node.get_closest_marker("change_times"):
        return

    def seen(path: object, info: object) -> FileInfo:
        return FileInfo(path, info.st_size, info.st_mtime_ns)  # type: ignore[arg-type, attr-defined]

    monkeypatch.setattr(folder, "_seen", seen)
