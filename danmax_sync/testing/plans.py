"""What a simulated visit holds, scan by scan, before anything is written.

A first quarter LaB6, a second quarter Si, both first at 35 and then at 20 keV; the rest is CeO2 at 35 keV, heated from
300 to 480 K over consecutive scans. Everything follows from a scan's place in the list.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from danmax_sync.testing.commands import Command, command
from danmax_sync.testing.physics import State
from danmax_sync.testing.seeds import generator
from danmax_sync.visits import TreePath

ENERGIES_KEV = {35: 34.9988, 20: 20.0013}
"""What was asked for, and what the monochromator gave."""
FIRST_NUMBER = 42
ROOM_K = 296.0
RAMP_K = (300.0, 480.0)
RAMP_STEPS = 10
DRIFT_K = 0.5
"""How far the temperature moves within a scan."""
EXPOSURE_S = 0.03


@dataclass(frozen=True, slots=True)
class Origin:
    """Which visit it is: proposal (8 digits), visit (YYYYMMDDHH), and when its first scan starts."""

    proposal: str = "20251234"
    visit: str = "2025110208"
    start: datetime = datetime(2025, 11, 2, 7, 42, 7, 482913, tzinfo=UTC)

    @classmethod
    def of(cls, place: int) -> "Origin":
        """Return visit `place` of several: another proposal each, a week apart."""
        start = cls().start + timedelta(days=7 * place)
        return cls(str(int(cls().proposal) + 11 * place), f"{start:%Y%m%d}08", start)


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """One scan, as it will be written.

    Attributes
    ----------
    item : int
        Its place in the list of all scans.
    number : int
        Scan number, as in the detector files' names.
    path : TreePath
        The master, from the visit's folder.
    state : State
        What the frames show.
    energy_kev : float
        What the encoder reads, a little off the state's.
    temperatures_k : tuple of float
        As recorded, a value a point; empty when nothing was recorded.
    temperature_source : str
        Channel or ``snapshot``; empty when nothing was recorded.
    frames : int
        Points of the scan.
    start : datetime
        Aware, UTC.
    command : Command
        Title and motors.
    proposal : str
        For the masters that name it.
    falconx : bool
        Whether the fluorescence detector took part.
    stored_frames : int or None
        Frames in the Pilatus file, fewer while it grows; None when there is no file.
    ended : bool
        Whether the master has an end_time.
    entry : str
        The scan's group in its master.
    link_file : str or None
        What the Pilatus link names instead of the file beside the master.
    """

    item: int
    number: int
    path: TreePath
    state: State
    energy_kev: float
    temperatures_k: tuple[float, ...]
    temperature_source: str
    frames: int
    start: datetime
    command: Command
    proposal: str
    falconx: bool = False
    stored_frames: int | None = None
    ended: bool = True
    entry: str = "entry"
    link_file: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all that belongs to the scan is there."""
        return self.stored_frames == self.frames and self.link_file is None and self.ended

    @property
    def detectors(self) -> tuple[str, ...]:
        """Detectors that the master links to."""
        return ("pilatus", "falconx") if self.falconx else ("pilatus",)

    def detector_path(self, detector: str) -> TreePath:
        """Return the detector file, from the visit's folder."""
        return self.path.parent / f"{scan_name(self.number)}_{detector}.h5"


def scan_name(number: int) -> str:
    """Return ``scan-0042``."""
    return f"scan-{number:04d}"


def start_of(origin: Origin, item: int, frames: int) -> datetime:
    """Return when scan `item` started: a scan takes its frames and some 20 s of moving."""
    return origin.start + timedelta(seconds=item * (21.734 + 1.2 * EXPOSURE_S * frames))


def measured_energy(seed: int, item: int, nominal: int) -> float:
    """Return the encoder's energy in keV: within 0.3 eV of what the monochromator gave."""
    return round(ENERGIES_KEV[nominal] + float(generator(seed, "energy", item).uniform(-3e-4, 3e-4)), 6)


def regular_plans(
    *, scans: int, frames: int, seed: int, incomplete: frozenset[int], origin: Origin
) -> Iterator[ScanPlan]:
    """Yield the scans of an ordinary visit."""
    for item in range(scans):
        sample, nominal, kelvin, source = _program(item, scans)
        number = FIRST_NUMBER + item
        yield ScanPlan(
            item=item,
            number=number,
            path=TreePath(("raw", sample, f"{scan_name(number)}.h5")),
            state=State(sample, ENERGIES_KEV[nominal], kelvin),
            energy_kev=measured_energy(seed, item, nominal),
            temperatures_k=_temperatures(kelvin, source, frames),
            temperature_source=source,
            frames=frames,
            start=start_of(origin, item, frames),
            command=command(item, frames, EXPOSURE_S),
            proposal=origin.proposal,
            falconx=item % 4 == 2,
            stored_frames=None if item in incomplete else frames,
        )


def _program(item: int, scans: int) -> tuple[str, int, float, str]:
    """Return sample, nominal energy in keV, temperature in K and where it is recorded."""
    quarter = scans // 4 or 1
    second = scans // 4 or int(scans > 2)
    if item < quarter:
        return "LaB6", 35 if item < (quarter + 1) // 2 else 20, ROOM_K, ("snapshot", "", "cryo_temp")[item % 3]
    if item < quarter + second:
        turn = item - quarter
        return "Si", 35 if turn < second // 2 else 20, ROOM_K, ("", "lakeshore_tempD", "snapshot")[turn % 3]
    turn, turns = item - quarter - second, scans - quarter - second
    steps = min(turns, RAMP_STEPS)
    low, high = RAMP_K
    kelvin = low + (high - low) * (turn * steps // turns) / max(steps - 1, 1)
    return "CeO2", 35, kelvin, ("cryo_temp", "lakeshore_tempD")[turn % 2]


def _temperatures(kelvin: float, source: str, frames: int) -> tuple[float, ...]:
    if source == "snapshot":
        return (kelvin,) * frames
    if not source:
        return ()
    return tuple(round(kelvin + DRIFT_K * point / max(frames - 1, 1), 4) for point in range(frames))
