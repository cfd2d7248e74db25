"""Where an axis has its ticks, and what they say."""

import math
from datetime import UTC, datetime

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
    """Return moments within a range, UNIX seconds, as people divide days."""
    step = next((each for each in _STEPS_S if (last - first) / each <= most), None)
    if step is None:
        step = math.ceil((last - first) / most / _DAY_S) * _DAY_S
    start = math.ceil(first / step) * step
    ticks: list[tuple[float, str]] = []
    day = ""
    moment = float(start)
    while moment <= last:
        when = datetime.fromtimestamp(moment, UTC)
        clock = "" if step >= _DAY_S else f"{when:%H:%M:%S}" if step < 60 else f"{when:%H:%M}"
        today = f"{when:%Y-%m-%d}"
        ticks.append((moment, f"{today} {clock}".strip() if today != day else clock or today))
        day = today
        moment += step
    if ticks:
        return ticks
    return [(first, f"{datetime.fromtimestamp(first, UTC):%Y-%m-%d %H:%M:%S}")]
