"""Where an axis has its ticks, and what they say."""

import math
from datetime import UTC, datetime

from danmax_sync.clock import BEAMLINE_ZONE

_STEPS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
_DAY_S = 86400
_SAME = 1e-9
"""Numbers that differ by less, as a share of themselves, are one: no tick could tell them apart."""


def value_ticks(low: float, high: float, *, most: int = 5) -> list[tuple[float, str]]:
    """Return round values that enclose a range, or nearly; at least two."""
    if not high - low > _SAME * max(abs(low), abs(high)):
        reach = abs(low) * 1e-3 or 1.0
        low, high = low - reach, high + reach
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= rough * (1 - 1e-9))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [(n * step, f"{n * step:.{digits}f}") for n in range(first, last + 1)]


def time_ticks(first: float, last: float, *, most: int = 8) -> list[tuple[float, str]]:
    """Return moments within a range, UNIX seconds, as people divide days by the beamline's clock."""
    step = next((each for each in _STEPS_S if (last - first) / each <= most), None)
    if step is None:
        step = math.ceil((last - first) / most / _DAY_S) * _DAY_S
    # Steps of a clock's face, which now and then is put forward or back.
    face = datetime.fromtimestamp(first, BEAMLINE_ZONE).replace(tzinfo=UTC).timestamp()
    start = math.ceil(face / step) * step
    ticks: list[tuple[float, str]] = []
    day = ""
    while (moment := _moment_of(start)) <= last:
        start += step
        if ticks and moment <= ticks[-1][0]:
            # An hour that the clock leaves out in spring.
            continue
        when = datetime.fromtimestamp(moment, BEAMLINE_ZONE)
        clock = "" if step >= _DAY_S else f"{when:%H:%M:%S}" if step < 60 else f"{when:%H:%M}"
        today = f"{when:%Y-%m-%d}"
        ticks.append((moment, f"{today} {clock}".strip() if today != day else clock or today))
        day = today
    if ticks:
        return ticks
    return [(first, f"{datetime.fromtimestamp(first, BEAMLINE_ZONE):%Y-%m-%d %H:%M:%S}")]


def _moment_of(face: float) -> float:
    """Return when the beamline's clock shows a time, which is given as if that clock were UTC's."""
    return datetime.fromtimestamp(face, UTC).replace(tzinfo=BEAMLINE_ZONE).timestamp()
