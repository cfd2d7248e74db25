"""Complete sets to a collection elsewhere: nothing passes through this machine, and the master still appears last."""

from pathlib import Path

import pytest

from danmax_sync.errors import ExitCode, LoginError, UnfinishedError
from danmax_sync.query.search import search
from danmax_sync.sources.globus import api
from danmax_sync.testing.globus import Answer, Answered, Collection, LostAnswer
from danmax_sync.testing.globus.collections import GUEST
from danmax_sync.transfer.globus.far import FarFolder
from danmax_sync.transfer.globus.sending import plan_sending, send_sets
from danmax_sync.transfer.lock import only_one
from danmax_sync.transfer.outcome import GetSummary
from tests.conftest import RunLine
from tests.journeys.places import check_invariant, fetchable, needs_of, tree
from tests.sources.globus.places import remote_at
from tests.transfer.globus.conftest import Facility
from tests.transfer.globus.faults import OnAnswer

FOLDER = "data/mine"


@pytest.fixture
def institute(facility: Facility, tmp_path: Path) -> Collection:
    """Return a server of an institute, without anything on it."""
    (tmp_path / "institute").mkdir()
    it = Collection(tmp_path / "institute", "Institute", kind=GUEST)
    facility.service.collections[it.id] = it
    return it


def send(facility: Facility, institute: Collection, query: str = "", *, calibration: bool = False) -> GetSummary:
    """Plan and send."""
    with facility.opened() as source:
        far = FarFolder.open(source.api, remote_at(institute, f"/{FOLDER}", "elsewhere"))
        scans = search(facility.catalogue, query)
        plan = plan_sending(facility.catalogue, source, scans, far, with_calibration=calibration)
        return send_sets(source, plan, far, tell=facility.events.append)


def there(institute: Collection) -> Path:
    """Return where the sets go."""
    return institute.folder / FOLDER


def visible(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return what a user sees."""
    return {path: content for path, content in tree(folder).items() if not path.startswith(".")}


def test_everything_arrives_and_the_second_time_nothing_travels(facility: Facility, institute: Collection) -> None:
    """With times, so that it is known again; calibration too."""
    summary = send(facility, institute, calibration=True)
    assert [outcome.state.value for outcome in summary.outcomes].count("complete") == 11
    assert visible(there(institute)) == fetchable(facility.visit)
    assert facility.kept() == []
    count = len(facility.tasks)
    assert send(facility, institute, calibration=True).files == 0
    assert len(facility.tasks) == count
    assert not facility.home.exists()


def test_the_master_is_named_last(facility: Facility, institute: Collection) -> None:
    """After each rename every master that can be seen is complete."""
    seen = []

    def look(answer: Answer) -> Answer:
        seen.append(check_invariant(there(institute), facility.visit, needs_of(facility.visit)))
        return answer

    facility.service.faults.append(OnAnswer("POST /rename", look))
    assert send(facility, institute, "42-44").exit_code is ExitCode.DONE
    assert len(seen) == 7
    assert sorted(set(seen)) == [0, 1, 2, 3]


@pytest.mark.parametrize("stop_at", [1, 2, 3, 7])
def test_stopped_between_two_renames_the_next_run_ends_it(
    facility: Facility, institute: Collection, stop_at: int
) -> None:
    """Nothing travels twice."""
    renamed = 0

    class StoppedError(BaseException):
        pass

    real = api.GlobusApi.rename

    def rename(self: api.GlobusApi, *arguments: object) -> None:
        nonlocal renamed
        renamed += 1
        if renamed == stop_at:
            raise StoppedError
        real(self, *arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as stopping:
        stopping.setattr(api.GlobusApi, "rename", rename)
        with pytest.raises(StoppedError):
            send(facility, institute, "42-44")
    check_invariant(there(institute), facility.visit, needs_of(facility.visit))
    summary = send(facility, institute, "42-44")
    assert summary.exit_code is ExitCode.DONE
    assert check_invariant(there(institute), facility.visit, needs_of(facility.visit)) == 3
    assert len(facility.tasks) == 1
    assert facility.kept() == []


def test_a_lost_answer_to_a_rename_is_no_failure(facility: Facility, institute: Collection) -> None:
    """The second try finds nothing to rename, and the file in its place."""
    facility.service.faults.append(LostAnswer("POST /rename", times=2))
    assert send(facility, institute, "42").exit_code is ExitCode.DONE
    assert check_invariant(there(institute), facility.visit, needs_of(facility.visit)) == 1


def test_what_stands_there_is_never_replaced(facility: Facility, institute: Collection) -> None:
    """Whether it was there before, or came meanwhile."""
    raw = there(institute) / "raw" / "LaB6"
    raw.mkdir(parents=True)
    (raw / "scan-0042.h5").write_bytes(b"mine")

    def appear(answer: Answer) -> Answer:
        (raw / "scan-0043_pilatus.h5").write_bytes(b"mine too")
        return answer

    facility.service.faults.append(OnAnswer("POST /transfer", appear))
    summary = send(facility, institute, "42-44")
    states = {outcome.master.rpartition("/")[2]: outcome for outcome in summary.outcomes}
    for name in ("scan-0042.h5", "scan-0043.h5"):
        assert states[name].exit_code is ExitCode.VERIFICATION
        assert "in the way" in states[name].message
    assert states["scan-0044.h5"].exit_code is ExitCode.DONE
    assert (raw / "scan-0042.h5").read_bytes() == b"mine"
    assert (raw / "scan-0043_pilatus.h5").read_bytes() == b"mine too"
    assert not (raw / "scan-0043.h5").exists()


def test_a_destination_that_is_down_ends_the_run_and_the_next_goes_on(
    facility: Facility, institute: Collection
) -> None:
    """What was moved is not moved again."""
    facility.service.faults.append(Answered("POST /rename", 502, "ExternalError.RenameFailed", times=10**6))
    summary = send(facility, institute, "42-43")
    assert summary.exit_code is ExitCode.UNFINISHED
    facility.service.faults.clear()
    assert send(facility, institute, "42-43").exit_code is ExitCode.DONE
    assert len(facility.tasks) == 1


def test_a_consent_of_the_destination_is_one_action(facility: Facility, institute: Collection) -> None:
    """It has to be logged in to as well."""
    institute.session_domain = "lu.se"
    with pytest.raises(LoginError, match="Institute wants a login with an account") as caught:
        send(facility, institute, "42")
    assert f"danmax-sync remote add elsewhere globus://{institute.id}/{FOLDER}" in caught.value.hint


def test_as_a_user_types_it(facility: Facility, institute: Collection, run_line: RunLine, tmp_path: Path) -> None:
    """The collection in place of a folder; only between collections, and without what needs this machine."""
    visit = f"{facility.visit.parent.name}/{facility.visit.name}"
    run_line(f"remote add maxiv globus://{facility.collection.id}/{visit}")
    run_line("index maxiv")
    to = f"globus://{institute.id}/{FOLDER}"
    assert "raw/LaB6/scan-0042.h5" in run_line(f"get 42 --from maxiv --to {to} --dry-run").out
    assert run_line(f"get 42-44 --from maxiv --to {to} --json").summary["sets"]["complete"] == 3
    assert check_invariant(there(institute), facility.visit, needs_of(facility.visit)) == 3
    assert to in run_line(f"get 42-44 --from maxiv --to {to}").err
    run_line(f"get 42 --from maxiv --to {to} --follow", exit_code=2)
    run_line(["remote", "add", "usb", str(facility.visit)])
    run_line("index usb")
    assert "is not at Globus" in run_line(f"get 42 --from usb --to {to}", exit_code=2).err


def test_a_dry_run_makes_nothing_there(facility: Facility, institute: Collection) -> None:
    """Not even the folder."""
    with facility.opened() as source:
        far = FarFolder.open(source.api, remote_at(institute, f"/{FOLDER}", "elsewhere"))
        plan = plan_sending(facility.catalogue, source, search(facility.catalogue, "42"), far)
    assert plan.to_fetch
    assert list(institute.folder.iterdir()) == []


@pytest.mark.parametrize("what", ["POST /mkdir", "POST /rename"])
def test_a_destination_that_refuses_is_said_and_nothing_travels_twice(
    facility: Facility, institute: Collection, what: str
) -> None:
    """It is the destination that refuses, not the source; what has arrived waits there for the next run."""
    there(institute).mkdir(parents=True)
    facility.service.faults.append(Answered(what, 403, "EndpointPermissionDenied", "Denied by endpoint", times=10**6))
    summary = send(facility, institute, "42-43")
    assert summary.exit_code is ExitCode.UNFINISHED
    assert [outcome.state.value for outcome in summary.outcomes] == ["failed"] * 2
    assert "Institute:/data/mine/raw" in summary.outcomes[0].message
    assert "may not be written to" in summary.outcomes[0].message
    facility.service.faults.clear()
    assert send(facility, institute, "42-43").exit_code is ExitCode.DONE
    assert len(facility.tasks) == 1
    assert facility.kept() == []


def test_another_run_into_the_same_collection_is_called_by_its_uri(facility: Facility, institute: Collection) -> None:
    """Not by a folder of ours that nobody knows."""
    with facility.opened() as source:
        far = FarFolder.open(source.api, remote_at(institute, f"/{FOLDER}", "elsewhere"))
        plan = plan_sending(facility.catalogue, source, search(facility.catalogue, "42"), far)
        with only_one(plan.destination), pytest.raises(UnfinishedError, match="globus://"):
            send_sets(source, plan, far)


def test_uris_that_nothing_can_be_done_with_are_refused(run_line: RunLine) -> None:
    """Instead of a folder of that name."""
    assert "globus://COLLECTION/path" in run_line("get 42 --to sftp://you@there/data", exit_code=2).err
    assert (
        "checked as they arrive" in run_line(f"verify globus://{'0' * 8}-0000-0000-0000-{'0' * 12}/x", exit_code=2).err
    )
