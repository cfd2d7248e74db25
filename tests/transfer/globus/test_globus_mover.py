"""Sets over Globus: the same plan, the same sets, the same rule of who appears when; whatever Globus does meanwhile."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from danmax_sync.errors import ExitCode, UnfinishedError, UsageError
from danmax_sync.events import Event
from danmax_sync.testing.globus import Answer, Answered, Corrupted, LostAnswer, Slow
from danmax_sync.testing.globus.faults import wait_until
from danmax_sync.transfer.globus import mover
from danmax_sync.transfer.globus.staged import FOLDER
from danmax_sync.transfer.globus.tasklog import log_file
from danmax_sync.transfer.lock import is_busy
from danmax_sync.transfer.outcome import GetSummary, SetState
from danmax_sync.transfer.roads import road_from
from tests.journeys.places import check_invariant, fetchable, needs_of, parts, tree
from tests.sources.globus.places import set_up_personal
from tests.transfer.globus.conftest import Facility
from tests.transfer.globus.faults import OnAnswer, OnWrite

SmallBatches = Callable[[int], None]


def states(summary: GetSummary) -> list[str]:
    """Return how the sets ended."""
    return [outcome.state.value for outcome in summary.outcomes]


def check(facility: Facility, masters: int) -> None:
    """Check the invariant."""
    assert check_invariant(facility.home, facility.visit, needs_of(facility.visit)) == masters


def check_tidy(facility: Facility) -> None:
    """Check that nothing is left over: no parts, no staging, no batch."""
    assert parts(facility.home) == []
    assert not (facility.home / FOLDER).exists()
    assert facility.kept() == []


def test_everything_comes_home_and_nothing_is_left_over(facility: Facility) -> None:
    """Byte for byte with times, calibration too; the incomplete set is left out; the second run has nothing to do."""
    summary = facility.get(calibration=True)
    assert states(summary).count("complete") == 11
    assert [outcome.label for outcome in summary.outcomes if outcome.state is SetState.SKIPPED] != []
    assert tree(facility.home) == fetchable(facility.visit)
    check_tidy(facility)
    assert all(task.document["verify_checksum"] and task.document["skip_source_errors"] for task in facility.tasks)
    count = len(facility.tasks)
    assert facility.get(calibration=True).files == 0
    assert len(facility.tasks) == count


def test_sets_appear_while_others_travel(facility: Facility, small_batches: SmallBatches) -> None:
    """A batch that is over lands, though the next is slow."""
    small_batches(2)
    seen: list[int] = []

    def listen(event: Event) -> None:
        if event.name == "set":
            seen.append(check_invariant(facility.home, facility.visit, needs_of(facility.visit)))

    assert states(facility.get("42-46", tell=listen)) == ["complete"] * 5
    assert len(facility.tasks) > 3
    assert min(seen) < 5
    check_tidy(facility)


def test_only_three_tasks_are_ever_under_way(facility: Facility, small_batches: SmallBatches) -> None:
    """More would only wait at Globus."""
    small_batches(2)
    most: list[int] = []
    facility.service.faults.append(
        OnWrite(lambda _: most.append(sum(not task.is_over for task in facility.tasks)), times=10**6)
    )
    facility.get("42-46")
    assert len(facility.tasks) > 4
    assert max(most) <= 3


@pytest.mark.parametrize("times", [1, 7])
def test_a_lost_answer_never_makes_a_second_task(facility: Facility, times: int) -> None:
    """Neither within a run, nor when the run ends over it and another takes up the same submission."""
    facility.service.faults.append(LostAnswer("POST /transfer", times=times))
    summary = facility.get("42-44")
    if times > 6:
        assert summary.exit_code is ExitCode.UNFINISHED
        assert "run the same command again" in summary.outcomes[0].hint
        check(facility, 0)
        summary = facility.get("42-44")
    assert states(summary) == ["complete"] * 3
    assert len(facility.tasks) == 1
    check(facility, 3)
    check_tidy(facility)


@pytest.mark.parametrize(
    "fault",
    [
        Answered("GET /submission_id", 503, times=2),
        Answered("POST /transfer", 502, "ExternalError", times=1),
        Answered("POST /transfer", 429, "TooManyRequests"),
        Answered("POST /transfer", 401, "AuthenticationFailed"),
        Answered("GET /task/*", 503, times=3),
        Answered("GET /task/*", 500, "InternalError"),
    ],
    ids=lambda fault: f"{fault.what} {fault.status}",
)
def test_what_passes_is_not_noticed(facility: Facility, fault: Answered) -> None:
    """At whatever step."""
    facility.service.faults.append(fault)
    assert states(facility.get("42")) == ["complete"]
    assert len(facility.tasks) == 1
    check_tidy(facility)


def test_a_corrupted_file_is_sent_again_by_globus(facility: Facility) -> None:
    """Because checksums are verified."""
    facility.service.faults.append(Corrupted(ending="00000"))
    assert states(facility.get("42-44")) == ["complete"] * 3
    assert facility.tasks[0].counts.faults == 1
    check(facility, 3)


def test_a_success_that_hides_skipped_files_is_seen(facility: Facility) -> None:
    """The set without its file is left out, by name; the others come."""
    gone = facility.visit / "raw" / "LaB6" / "scan-0043_pilatus.h5"

    def vanish(answer: Answer) -> Answer:
        gone.unlink(missing_ok=True)
        return answer

    facility.service.faults.append(OnAnswer("GET /submission_id", vanish))
    summary = facility.get("42-44")
    assert states(summary) == ["complete", "skipped", "complete"]
    assert "scan-0043_pilatus.h5 is not there any more at the source" in summary.outcomes[1].message
    assert summary.exit_code is ExitCode.SOURCE
    check(facility, 2)
    check_tidy(facility)


def test_a_success_that_moved_less_than_planned_is_tried_again(facility: Facility) -> None:
    """The disk has the last word: what is not here with its size is asked for again, with checksum sync."""

    def lose(answer: Answer) -> Answer:
        if answer.document["status"] == "SUCCEEDED" and len(facility.tasks) == 1:
            next(facility.home.glob(f"{FOLDER}/*/000001")).write_bytes(b"short")
        return answer

    facility.service.faults.append(OnAnswer("GET /task/*", lose))
    assert states(facility.get("42-44")) == ["complete"] * 3
    first, second = facility.tasks
    assert "sync_level" not in first.document
    assert second.document["sync_level"] == 3
    assert len(second.items) == 1
    check(facility, 3)
    check_tidy(facility)


def test_a_failed_task_keeps_what_it_verified_and_the_rest_is_sent_again(facility: Facility) -> None:
    """What stands under a staged name after a failure may be a part of a file."""
    tasks = facility.service.tasks
    facility.service.faults.append(
        OnWrite(lambda _: tasks.fail(facility.tasks[-1], "ENDPOINT_ERROR", "a disk broke"), ending="000002")
    )
    assert states(facility.get("42-44")) == ["complete"] * 3
    first, second = facility.tasks
    assert len(second.items) == len(first.items) - 2
    check(facility, 3)
    check_tidy(facility)


def test_a_task_that_fails_always_is_given_up(facility: Facility) -> None:
    """After some attempts, with its reason and what to do."""
    tasks = facility.service.tasks
    facility.service.faults.append(
        OnWrite(lambda _: tasks.fail(facility.tasks[-1], "ENDPOINT_ERROR", "a disk broke"), times=10**6)
    )
    summary = facility.get("42")
    assert len(facility.tasks) == mover.ATTEMPTS
    assert summary.exit_code is ExitCode.UNFINISHED
    assert "in 3 attempts: one end reports an error (a disk broke)" in summary.outcomes[0].message
    facility.service.faults.clear()
    assert states(facility.get("42")) == ["complete"]
    check_tidy(facility)


def test_a_full_quota_ends_it_with_what_to_do(facility: Facility) -> None:
    """Nothing is tried again until there is space."""

    def full(_: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    facility.service.faults.append(OnWrite(full, times=10**6))
    summary = facility.get("42-43")
    assert len(facility.tasks) == 1
    assert "quota at the destination is full" in summary.outcomes[0].message
    assert "make space" in summary.outcomes[0].hint
    facility.service.faults.clear()
    assert states(facility.get("42-43")) == ["complete"] * 2


@pytest.mark.parametrize(
    ("act", "message", "remedy"),
    [
        (
            lambda f: f.service.tasks.pause(f.tasks[0]),
            "an administrator has paused it (maintenance until noon)", "wait until they go on",
        ),
        (
            lambda f: f.service.tasks.expire(f.tasks[0]),
            "the login at one of the collections has run out", "log in where it asks",
        ),
    ],
    ids=["paused", "expired"],
)  # fmt: skip
def test_a_task_that_is_held_is_left_and_picked_up(
    facility: Facility, act: Callable[[Facility], None], message: str, remedy: str
) -> None:
    """The command ends with what to do; the same task goes on once somebody has done it."""
    facility.service.faults.append(OnWrite(lambda _: act(facility)))
    summary = facility.get("42-43")
    assert summary.exit_code is ExitCode.UNFINISHED
    assert message in summary.outcomes[0].message
    assert remedy in summary.outcomes[0].hint
    assert "picks the task up" in summary.outcomes[0].hint
    check(facility, 0)
    facility.service.tasks.resume(facility.tasks[0])
    assert states(facility.get("42-43")) == ["complete"] * 2
    assert len(facility.tasks) == 1
    check_tidy(facility)


def test_a_laptop_that_sleeps_is_told_and_waited_for(facility: Facility, monkeypatch: pytest.MonkeyPatch) -> None:
    """Globus goes on trying by itself; after long enough without any progress the command ends, the task does not."""
    personal = list(facility.service.collections.values())[1]
    personal.connected = False
    monkeypatch.setattr(mover, "STUCK_S", 0.3)
    summary = facility.get("42")
    assert "Globus Connect Personal is not running, or the laptop sleeps" in summary.outcomes[0].message
    assert any("goes on trying" in message for message in facility.warnings)
    personal.connected = True
    assert states(facility.get("42")) == ["complete"]
    assert len(facility.tasks) == 1


@pytest.mark.parametrize("how", ["forgotten", "unknown"])
def test_a_task_that_globus_has_forgotten_is_compared_by_checksum(facility: Facility, how: str) -> None:
    """Nobody can say any more which of its files are whole."""

    def forget(answer: Answer) -> Answer:
        if answer.document["status"] != "SUCCEEDED" or len(facility.tasks) > 1:
            return answer
        if how == "unknown":
            return Answer(404, {"code": "ClientError.NotFound", "message": "no such task"})
        facility.service.tasks.forget(facility.tasks[0])
        return Answer(200, answer.document | {"history_deleted": True})

    facility.service.faults.append(OnAnswer("GET /task/*", forget))
    assert states(facility.get("42-43")) == ["complete"] * 2
    assert facility.tasks[-1].document["sync_level"] == 3
    assert facility.tasks[-1].counts.same == 4
    check(facility, 2)


def test_a_cancelled_task_is_not_begun_again_by_itself(facility: Facility) -> None:
    """Whoever cancelled it meant it; the next run begins anew."""
    facility.service.faults.append(OnWrite(lambda _: facility.service.tasks.cancel(facility.tasks[0]) and None))
    summary = facility.get("42")
    assert "the Globus task was cancelled" in summary.outcomes[0].message
    assert len(facility.tasks) == 1
    facility.service.faults.clear()
    assert states(facility.get("42")) == ["complete"]
    check_tidy(facility)


@pytest.mark.parametrize(
    ("fault", "code", "hint"),
    [
        (
            Answered("POST /transfer", 403, "ConsentRequired", times=99, more={"required_scopes": ["urn:x"]}),
            ExitCode.LOGIN, "danmax-sync login facility",
        ),
        (Answered("POST /transfer", 403, "PermissionDenied", times=99), ExitCode.SOURCE, "ask whoever runs"),
        (Answered("POST /transfer", 503, times=99), ExitCode.UNFINISHED, "again to go on"),
        (Answered("POST /transfer", 400, "ClientError.BadRequest", times=99), ExitCode.SOURCE, ""),
    ],
    ids=["consent", "denied", "down", "refused"],
)  # fmt: skip
def test_what_lasts_is_one_sentence_and_the_next_run_goes_on(
    facility: Facility, fault: Answered, code: ExitCode, hint: str
) -> None:
    """Never a second task for the same files."""
    fault.happened = 0
    facility.service.faults.append(fault)
    summary = facility.get("42")
    assert summary.exit_code is code
    assert hint in summary.outcomes[0].hint
    facility.service.faults.clear()
    assert states(facility.get("42")) == ["complete"]
    assert len(facility.tasks) == 1
    check_tidy(facility)


def test_globus_that_is_gone_while_a_task_runs_ends_the_run_not_the_task(
    facility: Facility, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on; the next run picks it up."""
    monkeypatch.setattr(mover, "UNANSWERED", 2)

    facility.service.faults.append(Answered("GET /task/*", 503, times=10**6))
    summary = facility.get("42", calibration=True)
    assert summary.exit_code is ExitCode.UNFINISHED
    # Once that it waits, and once for all of the calibration.
    assert ["the transfer goes on, and this waits" in told for told in facility.warnings] == [True, False]
    facility.service.faults.clear()
    assert states(facility.get("42")) == ["complete"]
    assert len(facility.tasks) == 1


@pytest.mark.parametrize("change", ["grows", "is replaced"])
def test_a_source_that_changes_meanwhile_leaves_its_set_out(facility: Facility, change: str) -> None:
    """By name, whatever the size; nothing is asked for in vain."""
    file = facility.visit / "raw" / "LaB6" / "scan-0043_pilatus.h5"

    def write(answer: Answer) -> Answer:
        content = file.read_bytes()
        file.write_bytes(content + b"more" if change == "grows" else content[::-1])
        return answer

    facility.service.faults.append(OnAnswer("GET /submission_id", write))
    summary = facility.get("42-44")
    assert states(summary) == ["complete", "skipped", "complete"]
    assert "scan-0043_pilatus.h5 changed at the source" in summary.outcomes[1].message
    assert len(facility.tasks) == 1
    assert sorted(path.name for path in facility.home.rglob("scan-0043*")) == []
    check_tidy(facility)


def test_what_is_here_already_stays_and_does_not_travel(facility: Facility) -> None:
    """Good files are adopted, whatever their time; another file of the same name is in the way and stays."""
    raw = facility.home / "raw" / "LaB6"
    raw.mkdir(parents=True)
    good, other = raw / "scan-0042_pilatus.h5", raw / "scan-0043_pilatus.h5"
    shutil.copy2(facility.visit / "raw" / "LaB6" / good.name, good)
    other.write_bytes(b"mine")
    summary = facility.get("42-44")
    assert states(summary) == ["complete", "failed", "complete"]
    assert other.read_bytes() == b"mine"
    assert "in the way" in summary.outcomes[1].message
    travelled = {item["source_path"].rpartition("/")[2] for task in facility.tasks for item in task.items}
    assert good.name not in travelled
    assert not any("0043" in name for name in travelled)
    check_tidy(facility)


def test_a_narrower_get_leaves_a_running_task_alone(facility: Facility) -> None:
    """Its files come with the get that wants them."""
    slow = Slow(seconds=30)
    facility.service.faults.append(slow)
    with pytest.MonkeyPatch.context() as stopping:
        stopping.setattr(mover.GlobusMover, "_report", _stop)
        with pytest.raises(KeyboardInterrupt):
            facility.get("42-44")
    facility.service.faults.clear()
    assert states(facility.get("45")) == ["complete"]
    assert len(facility.tasks) == 2
    assert len(facility.kept()) == 1
    slow.release()
    assert states(facility.get("42-45")) == ["complete"] * 4
    assert len(facility.tasks) == 2
    check_tidy(facility)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_destination_it_may_not_write_to_is_refused_before_anything_is_submitted(facility: Facility) -> None:
    """With the line to add."""
    set_up_personal(writable="/somewhere/else")
    with pytest.raises(UsageError, match="may not write to") as caught:
        facility.get("42")
    assert f"{facility.home.as_posix()}/,0,1" in caught.value.hint
    assert not facility.home.exists()
    assert facility.tasks == []


def test_without_a_collection_here_files_come_over_https(facility: Facility) -> None:
    """Slower, and told; the same sets."""
    (Path.home() / ".globusonline" / "lta" / "client-id.txt").unlink()
    assert states(facility.get("42-44")) == ["complete"] * 3
    assert any("files come over HTTPS" in message for message in facility.warnings)
    assert facility.tasks == []
    check(facility, 3)


def test_a_rate_cannot_be_kept(facility: Facility) -> None:
    """Globus has its own."""
    with (
        facility.opened() as source,
        pytest.raises(UsageError, match="its own rate"),
        road_from(source, facility.home, tell=facility.events.append, bytes_per_s=1e6),
    ):
        pass


def test_a_damaged_log_is_not_thrown_away(facility: Facility) -> None:
    """Tasks may run that only it knows."""
    log_file().parent.mkdir(parents=True, exist_ok=True)
    log_file().write_bytes(b"no database" * 100)
    with pytest.raises(UnfinishedError, match="the log of Globus tasks") as caught:
        facility.get("42")
    assert "https://app.globus.org/activity" in caught.value.hint
    assert log_file().read_bytes() == b"no database" * 100


def test_what_an_earlier_run_has_brought_needs_no_more_room(facility: Facility) -> None:
    """So that a get that is run again is not refused for want of space."""
    slow = Slow(seconds=30)
    facility.service.faults.append(slow)
    with pytest.MonkeyPatch.context() as stopping:
        stopping.setattr(mover.GlobusMover, "_report", _stop)
        with pytest.raises(KeyboardInterrupt):
            facility.get("42-44")
    slow.release()
    wait_until(lambda: facility.tasks[0].is_over)
    with facility.opened() as source, road_from(source, facility.home, tell=facility.events.append) as road:
        assert road is not None
        files = facility.planned("42-43").to_fetch
        assert road.staged_bytes(files) == sum(file.size for file in files)


def interrupted(facility: Facility, query: str) -> Slow:
    """Begin a get and stop the command; the task goes on, slowly."""
    slow = Slow(seconds=30)
    facility.service.faults.append(slow)
    with pytest.MonkeyPatch.context() as stopping:
        stopping.setattr(mover.GlobusMover, "_report", _stop)
        with pytest.raises(KeyboardInterrupt):
            facility.get(query)
    return slow


@pytest.mark.parametrize("narrow", ["45", "42"], ids=["another scan", "one of them"])
def test_what_has_arrived_for_a_wider_get_is_kept(facility: Facility, narrow: str) -> None:
    """A narrower get in between neither throws it away nor lets it travel again."""
    interrupted(facility, "42-44").release()
    wait_until(lambda: facility.tasks[0].is_over)
    assert states(facility.get(narrow)) == ["complete"]
    assert len(facility.kept()) == 1
    count = len(facility.tasks)
    assert states(facility.get("42-44")) == ["complete"] * 3
    assert len(facility.tasks) == count
    check_tidy(facility)


def test_a_second_attempt_keeps_what_came_for_a_wider_get(facility: Facility) -> None:
    """It is found in place by its checksum."""
    slow = interrupted(facility, "42-44")
    wait_until(lambda: facility.tasks[0].status == "ACTIVE")
    facility.service.faults.clear()
    slow.release()
    wait_until(lambda: facility.tasks[0].is_over)
    batch = facility.kept()[0].batch
    master = next(item for item in batch.items if item.path.name == "scan-0042.h5")
    (facility.home / FOLDER / batch.folder / master.staged_name).write_bytes(b"half")
    assert states(facility.get("42")) == ["complete"]
    assert len(facility.tasks) == 2
    assert states(facility.get("42-44")) == ["complete"] * 3
    assert len(facility.tasks) == 2
    check_tidy(facility)


def test_a_lost_answer_and_a_narrower_get_make_no_second_task(facility: Facility) -> None:
    """Nobody knows whether the batch was accepted, so it is not forgotten."""
    lost = LostAnswer("POST /transfer", times=10**6)
    facility.service.faults.append(lost)
    assert facility.get("42-44").exit_code is ExitCode.UNFINISHED
    facility.service.faults.clear()
    assert states(facility.get("45")) == ["complete"]
    assert states(facility.get("42-45")) == ["complete"] * 4
    assert len(facility.tasks) == 2
    check_tidy(facility)


def test_tidying_up_is_done_under_the_lock(facility: Facility, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second get must not pick up the staging that the first is removing."""
    busy: list[bool] = []
    settle = mover.GlobusMover.settle

    def looked(self: mover.GlobusMover) -> None:
        busy.append(is_busy(facility.home))
        settle(self)

    monkeypatch.setattr(mover.GlobusMover, "settle", looked)
    facility.get("42")
    assert busy == [True]
