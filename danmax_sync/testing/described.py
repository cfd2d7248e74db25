"""What a reader should find of a simulated visit: the answers that tests compare with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from danmax_sync.testing.awkward import BrokenPlan
from danmax_sync.testing.plans import ScanPlan
from danmax_sync.testing.writing import MASK
from danmax_sync.visits import TreePath


@dataclass(frozen=True, slots=True)
class SimulatedScan:
    """What a reader should find of one scan.

    Attributes
    ----------
    number : int
        Scan number.
    sample : str
        Its folder below ``raw``.
    path : TreePath
        The master, from the visit's folder.
    title : str
        The command, as the master holds it.
    energy_kev : float
        The encoder's reading in the snapshot; ``hdcm_E`` scatters round it by some 0.02 eV.
    temperatures_k : tuple of float
        As recorded, a value a frame; constant where only the snapshot has it, empty where nothing has it.
    frames : int
        Points of the master.
    detectors : tuple of str
        That the master links to.
    complete : bool
        False when its set is incomplete at the source, or its links lead elsewhere.
    calibrant : str
        pyFAI's name of the powder in the beam.
    entry : str
        The scan's group in its master.
    start : datetime
        Aware, UTC. Masters hold it in Swedish time, every second one without a zone.
    temperature_source : str
        Channel name, ``snapshot``, or empty.
    """

    number: int
    sample: str
    path: TreePath
    title: str
    energy_kev: float
    temperatures_k: tuple[float, ...]
    frames: int
    detectors: tuple[str, ...]
    complete: bool
    calibrant: str
    entry: str
    start: datetime
    temperature_source: str


@dataclass(frozen=True, slots=True)
class SimulatedVisit:
    """What a reader should find of a visit.

    Attributes
    ----------
    folder : Path
        The visit's folder, which holds ``raw`` and ``process``.
    scans : tuple of SimulatedScan
        The readable ones, ordinary ones first.
    poni, mask : Path
        The calibration at the main energy; the mask, uint8, 1 is masked.
    broken : tuple of TreePath
        Masters that cannot be read, from the visit's folder.
    """

    folder: Path
    scans: tuple[SimulatedScan, ...]
    poni: Path
    mask: Path
    broken: tuple[TreePath, ...] = ()


def described(
    folder: Path, *, poni: TreePath, plans: Sequence[ScanPlan], broken: Sequence[BrokenPlan] = ()
) -> SimulatedVisit:
    """Turn plans that have been written into answers."""
    return SimulatedVisit(
        folder=folder,
        scans=tuple(_described_scan(plan) for plan in plans),
        poni=poni.below(folder),
        mask=MASK.below(folder),
        broken=tuple(damaged.plan.path for damaged in broken),
    )


def _described_scan(plan: ScanPlan) -> SimulatedScan:
    return SimulatedScan(
        number=plan.number,
        sample="/".join(plan.path.parts[1:-1]),
        path=plan.path,
        title=plan.command.title,
        energy_kev=plan.energy_kev,
        temperatures_k=plan.temperatures_k,
        frames=plan.frames,
        detectors=plan.detectors,
        complete=plan.complete,
        calibrant=plan.state.calibrant,
        entry=plan.entry,
        start=plan.start,
        temperature_source=plan.temperature_source,
    )
