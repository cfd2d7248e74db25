"""Nobody waits long in these tests."""

import pytest

from danmax_sync.sources.globus import api, download, staging


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(download, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(staging, "FIRST_POLL_S", 0.02)
