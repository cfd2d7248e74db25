"""From plans to files: a scan's detector files first, its master last, so that a master stands for a finished scan."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from danmax_sync.testing.awkward import BrokenPlan
from danmax_sync.testing.bench import Bench, mask
from danmax_sync.testing.detectors import write_falconx, write_pilatus
from danmax_sync.testing.frames import FramePool
from danmax_sync.testing.masters import write_master
from danmax_sync.testing.plans import ENERGIES_KEV, ScanPlan
from danmax_sync.testing.publishing import published
from danmax_sync.visits import TreePath

MAIN_PONI = TreePath(("process", "LaB6_35keV.poni"))
MASK = TreePath(("process", "mask.npy"))


def write_calibration(folder: Path, bench: Bench, seed: int) -> None:
    """Write a poni an energy and the mask (uint8, 1 is masked) where they are missing."""
    for nominal, energy_kev in ENERGIES_KEV.items():
        write_poni(folder / "process" / f"LaB6_{nominal}keV.poni", bench.poni_text(energy_kev))
    path = MASK.below(folder)
    if not path.exists():
        write_mask(path, mask(bench, seed))


def write_poni(path: Path, text: str) -> None:
    """Write a calibration unless it is there."""
    if not path.exists():
        with published(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def write_mask(path: Path, masked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
    """Write a mask as uint8, 1 is masked."""
    with published(path) as temporary, temporary.open("wb") as file:
        np.save(file, masked.astype(np.uint8))


def write_scan(folder: Path, plans: Sequence[ScanPlan], pool: FramePool, seed: int) -> None:
    """Write what is missing of the scans of one master."""
    for plan in plans:
        pilatus = plan.detector_path("pilatus").below(folder)
        if plan.stored_frames is not None and not pilatus.exists():
            # Every scan begins elsewhere in the pool: neighbours are not copies of each other.
            chunks = [pool.chunk(plan.state, plan.item + frame) for frame in range(plan.stored_frames)]
            energy_ev = round(plan.state.energy_kev) * 1000.0
            write_pilatus(pilatus, chunks, shape=pool.bench.shape, energy_ev=energy_ev)
        falconx = plan.detector_path("falconx").below(folder)
        if plan.falconx and not falconx.exists():
            write_falconx(falconx, plan, seed)
    master = plans[0].path.below(folder)
    if not master.exists():
        write_master(master, plans, seed)


def write_broken(folder: Path, broken: BrokenPlan, seed: int) -> None:
    """Write a damaged master unless it is there; it never stands there undamaged."""
    path = broken.plan.path.below(folder)
    if path.exists():
        return
    whole = path.with_name(f".{path.name}.whole")
    write_master(whole, [broken.plan], seed)
    damaged = broken.damage(whole.read_bytes(), seed)
    whole.unlink()
    with published(path) as temporary:
        temporary.write_bytes(damaged)
