"""What is under way over Globus is told, and can be ended."""

from collections.abc import Generator

import pytest

from danmax_sync.errors import ConnectionLostError
from danmax_sync.sources.globus.taskstate import TaskPhase
from danmax_sync.testing.globus import Answered, Slow
from danmax_sync.testing.globus.faults import wait_until
from danmax_sync.transfer.globus.overview import cancel_tasks, under_way
from danmax_sync.transfer.mover import Wanted
from danmax_sync.transfer.roads import road_from
from tests.journeys.places import check_invariant, needs_of
from tests.transfer.globus.conftest import Facility


def begun(facility: Facility, query: str = "42-44") -> Slow:
    """Begin a get, and stop watching it as soon as its task runs."""
    slow = Slow(seconds=30)
    facility.service.faults.append(slow)

    with facility.opened() as source:
        plan = facility._planned(source, query, calibration=False)
        with road_from(source, facility.home, tell=facility.events.append) as mover:
            assert mover is not None
            facility.home.mkdir(exist_ok=True)
            moving = mover.move(
                [Wanted(file, file.path.below(facility.home)) for file in plan.to_fetch], moved=_nothing
            )
            assert isinstance(moving, Generator)
            next(moving)
            moving.close()
    return slow


def _nothing(done: int, item: str) -> None:
    """Hear nothing."""


def test_nothing_is_under_way_at_first(facility: Facility) -> None:
    """Nor is Globus asked."""
    before = len(facility.service.log)
    assert under_way() == []
    assert cancel_tasks("facility") == []
    assert len(facility.service.log) == before


def test_a_task_that_nobody_watches_is_told_and_picked_up(facility: Facility) -> None:
    """With what it does now."""
    slow = begun(facility)
    wait_until(lambda: facility.tasks and facility.tasks[0].nice[0] == "OK")
    [one] = under_way()
    assert (one.kept.remote, one.kept.destination) == ("facility", str(facility.home))
    assert one.state is not None
    assert one.state.phase is TaskPhase.MOVING
    assert one.sentence == "is moving"
    assert one.to_json()["files"] == 7
    slow.release()
    wait_until(lambda: facility.tasks[0].is_over)
    [one] = under_way()
    assert one.sentence == "has arrived, and is not put in its place yet"
    assert facility.get("42-44").exit_code == 0
    assert check_invariant(facility.home, facility.visit, needs_of(facility.visit)) == 3
    assert len(facility.tasks) == 1
    assert under_way() == []


def test_globus_that_cannot_be_asked_is_said(facility: Facility) -> None:
    """The rest of the status is of use all the same."""
    slow = begun(facility)
    facility.service.faults.append(Answered("GET /task/*", 503, times=10**6))
    [one] = under_way()
    assert one.state is None
    assert "Globus cannot be asked: Globus has trouble" in one.sentence
    with pytest.raises(ConnectionLostError):
        cancel_tasks("facility")
    facility.service.faults.pop()
    slow.release()


def test_cancelling_ends_the_task_and_get_goes_on(facility: Facility) -> None:
    """What has arrived is kept."""
    slow = begun(facility)
    assert [each.batch.task_id for each in cancel_tasks("facility")] == [facility.tasks[0].id]
    slow.release()
    assert facility.tasks[0].status == "FAILED"
    assert under_way()[0].sentence == "has ended before all of it came: it was cancelled"
    assert cancel_tasks("facility") == []
    assert facility.get("42-44").exit_code == 0
    assert len(facility.tasks) == 2
    assert check_invariant(facility.home, facility.visit, needs_of(facility.visit)) == 3
