"""How fast bytes may come, and what is told of how fast they do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.events import Event
from danmax_sync.transfer import allowance, pace
from danmax_sync.transfer.allowance import Allowance
from danmax_sync.transfer.pace import Pace


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stop the time."""
    clock = Clock()
    monkeypatch.setattr(allowance, "time", clock)
    monkeypatch.setattr(pace, "time", clock)
    return clock


def test_without_a_limit_nobody_waits() -> None:
    """However much is taken."""
    assert [Allowance().take(1 << 40) for _ in range(3)] == [0.0] * 3


@given(sizes=st.lists(st.integers(1, 300_000), min_size=5, max_size=40), rate=st.integers(10_000, 10_000_000))
@settings(deadline=None, max_examples=40)
def test_a_rate_is_kept_in_the_mean_whatever_the_pieces(sizes: list[int], rate: int) -> None:
    """Whoever waits as long as told gets the piece; no more comes than the rate and one piece."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr(allowance, "time", clock)
        bucket, began = Allowance(rate), clock.now
        for size in sizes:
            waits = 0
            while wait_s := bucket.take(size):
                assert wait_s > 0
                clock.now += wait_s + 1e-9
                waits += 1
                assert waits < 1000
        assert sum(sizes) <= rate * (clock.now - began) + max(sizes) + 1


def test_a_pause_saves_up_half_a_second_at_most(clock: Clock) -> None:
    """After an hour's sleep the line is not flooded."""
    bucket = Allowance(1000)
    clock.now += 3600
    assert bucket.take(500) == 0.0
    assert bucket.take(100) == pytest.approx(0.1)


def test_progress_has_rate_and_time_left(clock: Clock) -> None:
    """The rate is that of the last ten seconds; a step without bytes is not told; no more than all is done."""
    heard: list[Event] = []
    one = Pace(heard.append, 1000)
    one.moved(0, "")
    assert heard == []
    for second in range(1, 31):
        clock.now += 1
        one.moved(second * 10 if second < 20 else 190 + (second - 19) * 50, f"{second}.h5")
    fields = heard[-1].fields
    assert fields["item"] == "30.h5"
    assert fields["done"] == 740
    assert fields["rate"] == pytest.approx(50, rel=0.15)
    assert fields["seconds_left"] == pytest.approx(260 / 50, rel=0.15)
    clock.now += 1
    one.moved(5000, "31.h5")
    assert heard[-1].fields["done"] == 1000


def test_a_first_step_at_once_divides_by_nothing(clock: Clock) -> None:
    """No time has passed: no rate."""
    heard: list[Event] = []
    Pace(heard.append, 1000).moved(10, "a.h5")
    assert heard[0].fields["rate"] == 0.0
    assert "seconds_left" not in heard[0].fields
