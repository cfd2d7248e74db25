"""Times are shown by the beamline's clock, summer and winter."""

from datetime import UTC, datetime

import pytest

from danmax_sync.clock import clock, to_the_minute
from danmax_sync.query.dates import typed_span


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("2025-11-02T07:45:09.482913Z", "2025-11-02 08:45 CET"),
        ("2025-07-02T07:45:09Z", "2025-07-02 09:45 CEST"),
        (1762069500.0, "2025-11-02 08:45 CET"),
        (datetime(2025, 11, 2, 7, 45, tzinfo=UTC), "2025-11-02 08:45 CET"),
        ("", ""),
        (None, ""),
        ("no time", "no time"),
        (1e30, "1e+30"),
    ],
)
def test_a_moment_is_what_the_clock_showed(kept: datetime | str | float | None, shown: str) -> None:
    """However it is kept; what is no time stays what it is."""
    assert clock(kept, "%Y-%m-%d %H:%M %Z") == shown


def test_what_is_shown_can_be_typed() -> None:
    """A list's minute is the minute of a query."""
    moment = datetime(2025, 7, 2, 7, 45, tzinfo=UTC)
    assert typed_span(to_the_minute(moment), moment).start == moment
