"""What was measured along with each frame, from the master: temperature, energy, time, monitor, scanned motors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import RefusalError
from danmax_sync.integration.recipe import frame_slice
from danmax_sync.scanfile.frames import motor_names, read_columns

I0_CHANNEL = "albaem-xrd_ch2"
TIME_CHANNEL = "pcap_trigts"
_UNIX_S = (1e9, 1e10)
"""What a time since 1970 looks like; others are relative to something nobody knows."""


@dataclass(frozen=True, slots=True)
class PerFrame:
    """What was measured along with each pattern; arrays of one value a pattern, means where frames were averaged.

    Attributes
    ----------
    temperature_k, energy_kev, time_s, monitor : ndarray or None
        Time in seconds after `start`.
    start : str
        ISO-8601.
    monitor_name : str
        Its channel.
    motors : mapping
        Scanned motors by name.
    temperature_origin : str
        The device that told the temperature.
    """

    temperature_k: NDArray[np.float64] | None = None
    energy_kev: NDArray[np.float64] | None = None
    time_s: NDArray[np.float64] | None = None
    start: str = ""
    monitor: NDArray[np.float64] | None = None
    monitor_name: str = ""
    motors: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    temperature_origin: str = ""

    def of(self, groups: Sequence[Sequence[int]]) -> "PerFrame":
        """Return the values of patterns that are made of these frames."""

        def chosen(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if values is None else np.array([_mean(values, group) for group in groups])

        motors = {name: found for name, values in self.motors.items() if (found := chosen(values)) is not None}
        return PerFrame(
            chosen(self.temperature_k),
            chosen(self.energy_kev),
            chosen(self.time_s),
            self.start,
            chosen(self.monitor),
            self.monitor_name,
            motors,
            self.temperature_origin,
        )


def _mean(values: NDArray[np.float64], group: Sequence[int]) -> float:
    known = [float(values[frame]) for frame in group if frame < len(values) and np.isfinite(values[frame])]
    return float(np.mean(known)) if known else np.nan


def read_per_frame(
    scan: CataloguedScan, master: Path, *, frames: int, points: int, monitor: str | None, each: int = 1
) -> PerFrame:
    """Read what was measured along with each frame.

    Parameters
    ----------
    scan : CataloguedScan
        Says which devices tell energy and temperature.
    master : Path
        Its file.
    frames, points : int
        How many of each are used.
    monitor : str or None
        A channel instead of the usual I0.
    each : int
        How many frames a point has: all get its value. Frames behind the last point get none.
    """
    names = [scan.temperature_origin, scan.energy_origin, TIME_CHANNEL, monitor or I0_CHANNEL]
    motors = motor_names(master, scan.entry)
    columns = read_columns(master, scan.entry, [name for name in [*names, *motors] if name])

    def spread(name: str | None) -> NDArray[np.float64] | None:
        return _spread(columns.get(name or ""), frames, points, each)

    temperature = spread(scan.temperature_origin)
    if temperature is None and scan.temperature_k is not None:
        temperature = np.full(frames, scan.temperature_k)
    time_s, start = _times(spread(TIME_CHANNEL), scan.start_time or "")
    moved = {name: values for name in motors if (values := spread(name)) is not None}
    return PerFrame(
        temperature,
        spread(scan.energy_origin),
        time_s,
        start,
        spread(monitor or I0_CHANNEL),
        monitor or I0_CHANNEL,
        moved,
        (temperature is not None and scan.temperature_origin) or "",
    )


def read_temperatures(
    scan: CataloguedScan, master: Path, groups: Sequence[Sequence[int]], *, each: int = 1
) -> NDArray[np.float64]:
    """Read the temperatures of patterns alone, by the device that the catalogue takes them from.

    Parameters
    ----------
    scan : CataloguedScan
        Its temperature is known.
    master : Path
        Its file.
    groups : sequence
        The frames of each pattern.
    each : int
        How many frames a point has.

    Raises
    ------
    SourceError
        If the master cannot be read.
    """
    frames = 1 + max((max(group) for group in groups), default=0)
    column = read_columns(master, scan.entry, [scan.temperature_origin or ""]).get(scan.temperature_origin or "")
    values = _spread(column, frames, min(scan.points, -(-frames // each)), each)
    if values is None:
        return np.full(len(groups), scan.temperature_k)
    return np.array([_mean(values, group) for group in groups])


def frame_groups(count: int, chosen: str, average: int) -> list[tuple[int, ...]]:
    """Return which of so many frames each pattern is of; the last ones may not fill an average and are left out."""
    frames = range(count)[frame_slice(chosen)]
    return [tuple(frames[n * average : (n + 1) * average]) for n in range(len(frames) // average)]


def _spread(column: NDArray[np.float64] | None, frames: int, points: int, each: int) -> NDArray[np.float64] | None:
    """Give each frame its point's value; those behind the last point get none."""
    if column is None or len(column) < points:
        return None
    values = np.repeat(column[:points] if points else column, each)
    return np.concatenate([values, np.full(max(0, frames - len(values)), np.nan)])[:frames]


def monitor_scales(
    per_frame: PerFrame, name: str | None, frames: int, chosen: str, *, allowed: bool
) -> NDArray[np.float64]:
    """Return what each frame's intensity is divided by: the monitor as it is, or 1.

    Raises
    ------
    RefusalError
        If the monitor is not there or not positive at every chosen frame, and that is not allowed; then those frames
        are NaN.
    """
    if name is None:
        return np.ones(frames)
    values = per_frame.monitor
    if values is None:
        if allowed:
            return np.ones(frames)
        raise RefusalError(
            f"there is no monitor {name!r} with a value a point",
            hint="danmax-sync show SCAN lists the channels; or go without: --allow monitor",
        )
    bad = ~(np.isfinite(values) & (values > 0))
    left = np.ones(frames, dtype=bool)
    left[frame_slice(chosen)] = False
    bad &= ~left
    if bad.any() and not allowed:
        raise RefusalError(
            f"the monitor {name!r} is not positive at {int(bad.sum())} of {int((~left).sum())} frames, "
            f"the first is {int(np.argmax(bad))}",
            hint="leave these frames NaN: --allow monitor; or choose frames: --frames A:B",
        )
    return np.where(bad, np.nan, values)


def _times(stamps: NDArray[np.float64] | None, scan_start: str) -> tuple[NDArray[np.float64] | None, str]:
    """Count from the first trigger, which comes a moment after the scan's start."""
    known = np.zeros(0) if stamps is None else stamps[np.isfinite(stamps)]
    if stamps is None or not known.size:
        return None, scan_start
    first = float(known[0])
    is_unix = _UNIX_S[0] < first < _UNIX_S[1]
    return stamps - first, datetime.fromtimestamp(first, UTC).isoformat() if is_unix else scan_start
