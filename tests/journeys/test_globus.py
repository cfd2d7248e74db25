"""A visit at Globus, as a user types it: log in, index, get, watch, cancel, verify."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.cli import context
from danmax_sync.sources.globus import api, staging
from danmax_sync.testing.globus import Collection, GlobusService, Slow
from danmax_sync.testing.visit import SimulatedVisit
from danmax_sync.transfer.globus import mover
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
    with pointed_at(GlobusService([it, set_up_personal(writable="/")])) as service:
        RUNNING.append(service)
        yield it


RUNNING: list[GlobusService] = []
"""The service of the test that runs."""


def test_a_visit_is_added_tested_indexed_and_searched(
    run_line: RunLine, collection: Collection, small_visit: SimulatedVisit
) -> None:
    """As over SFTP; only masters travel."""
    folder = Path(small_visit.folder)
    run_line(f"remote add maxiv globus://{collection.id}/{folder.parent.name}/{folder.name}")
    told = run_line("remote test maxiv").err
    assert "12 of them masters" in told
    assert f"masters come {'over HTTPS' if collection.https else 'in small transfers'}; this machine is" in told
    assert run_line("index maxiv --json").summary["scans"] == 12
    assert run_line("index maxiv --json").summary["unchanged"] == 12
    found = run_line("search -f json").json
    assert {scan["state"] for scan in found} == {"complete", "partial"}
    assert {scan["locations"][0]["root"] for scan in found} == {"maxiv"}
    assert {scan["visit"] for scan in found} == {folder.name}


def test_problems_names_what_cannot_be_read_there(
    run_line: RunLine, collection: Collection, small_visit: SimulatedVisit, tmp_path: Path
) -> None:
    """By the remote and the path; once it is mended there is none."""
    collection.folder = tmp_path / "facility"
    visit = collection.folder / "20251234" / "2025110208"
    master = visit / "raw" / "LaB6" / "scan-0042.h5"
    whole = (small_visit.folder / "raw" / "LaB6" / "scan-0042.h5").read_bytes()
    master.parent.mkdir(parents=True)
    master.write_bytes(whole[:5000])
    run_line(f"remote add maxiv globus://{collection.id}/20251234/2025110208")
    run_line("index maxiv")
    [problem] = run_line("problems -f json").json
    assert (problem["root"], problem["path"]) == ("maxiv", "raw/LaB6/scan-0042.h5")
    assert problem["message"]
    master.write_bytes(whole)
    run_line("index maxiv")
    assert "no problems" in run_line("problems").err


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


def test_status_tells_of_a_task_that_goes_on_and_cancel_ends_it(
    run_line: RunLine,
    collection: Collection,
    small_visit: SimulatedVisit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command was stopped, the task was not; the same get ends what is left."""
    monkeypatch.setattr(mover, "FIRST_POLL_S", 0.02)
    service, home = RUNNING[-1], tmp_path / "home"
    run_line(f"remote add maxiv globus://{collection.id}/{small_visit.folder.parent.name}/{small_visit.folder.name}")
    run_line("index maxiv")
    slow = Slow(seconds=30)
    service.faults.append(slow)
    before = len(service.tasks.all)

    with monkeypatch.context() as stopping:
        stopping.setattr(mover.GlobusMover, "_report", _interrupted)
        run_line(["get", "sample:LaB6", "--to", str(home)], exit_code=130)
    told = run_line("status").out
    assert f"from maxiv into {home}: is moving" in told or "waits for its turn" in told
    assert run_line("status --json").json["globus"][0]["remote"] == "maxiv"
    assert "1 task cancelled" in run_line("cancel maxiv").err
    assert "no task is under way" in run_line("cancel maxiv").err
    slow.release()
    run_line(["get", "sample:LaB6", "--to", str(home), "--json"])
    assert len(service.tasks.all) == before + 2
    assert run_line("status --json").json["globus"] == []
    run_line(["verify", str(home)])


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
