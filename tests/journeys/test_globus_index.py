"""Log in at Globus and index a visit there, as a user types it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.cli import context
from danmax_sync.sources.globus import api, staging
from danmax_sync.testing.globus import Collection, GlobusService
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.sources.globus.places import Browser, pointed_at, set_up_personal


@pytest.fixture(params=["https", "task"])
def collection(
    request: pytest.FixtureRequest, small_visit: SimulatedVisit, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Collection]:
    """Serve the small visit."""
    monkeypatch.setattr(api, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(staging, "FIRST_POLL_S", 0.02)
    it = Collection(small_visit.folder.parents[1], "DanMAX", https=request.param == "https")
    with pointed_at(GlobusService([it, set_up_personal()])):
        yield it


def test_a_visit_is_added_tested_indexed_and_searched(
    run_line: RunLine, collection: Collection, small_visit: SimulatedVisit
) -> None:
    """As over SFTP; only masters travel."""
    folder = Path(small_visit.folder)
    run_line(f"remote add maxiv globus://{collection.id}/{folder.parent.name}/{folder.name}")
    assert "12 of them masters" in run_line("remote test maxiv").err
    assert run_line("index maxiv --json").summary["scans"] == 12
    assert run_line("index maxiv --json").summary["unchanged"] == 12
    found = run_line("search -f json").json
    assert {scan["state"] for scan in found} == {"complete", "partial"}
    assert {scan["locations"][0]["root"] for scan in found} == {"maxiv"}
    assert {scan["visit"] for scan in found} == {folder.name}


def test_login_and_logout(run_line: RunLine, small_visit: SimulatedVisit) -> None:
    """Once for all commands; without it, the command to type is named."""
    it = Collection(small_visit.folder.parents[1], "DanMAX", https=True)
    with pointed_at(GlobusService([it]), unattended=False) as service:
        run_line(f"remote add maxiv globus://{it.id}/{small_visit.folder.parent.name}/{small_visit.folder.name}")
        ran = run_line("index maxiv", exit_code=4)
        assert "danmax-sync login maxiv" in ran.err
        context.answer_with(Browser(service))
        assert f"maxiv is the collection DanMAX ({it.id})" in run_line("login maxiv").err
        context.answer_with(None)
        assert "answers" in run_line("remote test maxiv").err
        assert "logged out at Globus" in run_line("logout maxiv").err
        run_line("remote test maxiv", exit_code=4)
