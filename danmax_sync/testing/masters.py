"""Masters: what a scan was, what its motors and channels read, and links to its detector files."""

from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync.testing.plans import EXPOSURE_S, ScanPlan
from danmax_sync.testing.publishing import published
from danmax_sync.testing.seeds import generator
from danmax_sync.testing.snapshot import write_snapshot

_WINTER_IN_LUND = timezone(timedelta(hours=1))
_LINK_SPELLINGS = ("/entry/instrument/{}", "entry/instrument/{}", "/entry/instrument/{}/")
"""The writer's own, and two that old scripts show. HDF5 itself drops the trailing slash when it stores the link."""


def write_master(path: Path, plans: Sequence[ScanPlan], seed: int) -> None:
    """Write a master with one entry a plan."""
    with published(path) as temporary, h5py.File(temporary, "w", locking=False) as file:
        file.attrs["default"] = plans[0].entry
        for plan in plans:
            _write_entry(file.create_group(plan.entry), plan, seed)


def _write_entry(entry: h5py.Group, plan: ScanPlan, seed: int) -> None:
    entry.attrs["NX_class"] = "NXentry"
    entry["title"] = plan.command.title
    triggers = _trigger_times(plan)
    entry["start_time"] = _time(plan, plan.start.timestamp())
    if plan.ended:
        entry["end_time"] = _time(plan, float(triggers[-1]) + EXPOSURE_S + 0.2)
    if plan.command.snake is not None:
        entry["snake"] = plan.command.snake
    if plan.item % 3 == 0:
        entry["definition"] = "NXscan"
        entry["proposal_id"] = plan.proposal
        entry["experiment_identifier"] = f"{plan.proposal}-{plan.number}"
        user = entry.create_group("user")
        user.attrs["NX_class"] = "NXuser"
        user["name"] = "A. Visitor"
    instrument = entry.create_group("instrument")
    instrument.attrs["NX_class"] = "NXinstrument"
    for name, positions in plan.command.motors.items():
        _write_values(instrument, name, "value", positions, nx_class="NXpositioner")
    channels = _channels(plan, triggers, seed)
    for name, values in channels.items():
        _write_values(instrument, name, "data", values, nx_class="NXcollection")
    write_snapshot(instrument, plan, seed)
    _link_detectors(instrument, plan)
    if plan.item % 2 == 1:
        _write_aliases(entry, plan, list(channels))


def _time(plan: ScanPlan, unix_s: float) -> str:
    """Spell a time as the control system does: with its zone in some files, without in others."""
    local = plan.start.astimezone(_WINTER_IN_LUND) + timedelta(seconds=unix_s - plan.start.timestamp())
    return local.isoformat(timespec="microseconds") if plan.item % 2 == 0 else local.replace(tzinfo=None).isoformat()


def _trigger_times(plan: ScanPlan) -> NDArray[np.float64]:
    return np.asarray(plan.start.timestamp() + 0.5 + 1.2 * EXPOSURE_S * np.arange(plan.frames))


def _channels(plan: ScanPlan, triggers: NDArray[np.float64], seed: int) -> dict[str, NDArray[np.float64]]:
    rng = generator(seed, "channels", plan.item)
    points = plan.frames
    beam = 1.0 + rng.normal(0.0, 1e-3, points)
    channels = {
        "albaem-xrd_ch1": rng.normal(1e-11, 2e-12, points),
        "albaem-xrd_ch2": 2.31e-7 * beam,
        "albaem-xrd_ch3": 1.12e-7 * beam * (1.0 + rng.normal(0.0, 1e-3, points)),
        "albaem-xrd_ch4": rng.normal(1e-11, 2e-12, points),
        "pcap_trigts": triggers,
        "dt": np.asarray(triggers - triggers[0]),
    }
    # A channel that nobody asked for is missing: in every fifth scan the energy is only in the snapshot.
    if plan.item % 5 != 4:
        energies = plan.energy_kev + rng.normal(0.0, 2e-5, points)
        if plan.item % 3 == 1 and points > 1:
            energies[0] = np.nan
        channels["hdcm_E"] = energies
    if plan.temperature_source not in {"", "snapshot"}:
        channels[plan.temperature_source] = np.asarray(plan.temperatures_k)
    return channels


def _write_values(instrument: h5py.Group, name: str, field: str, values: NDArray[np.float64], *, nx_class: str) -> None:
    group = instrument.create_group(name)
    group.attrs["NX_class"] = nx_class
    group.create_dataset(field, data=values.astype(np.float64))


def _link_detectors(instrument: h5py.Group, plan: ScanPlan) -> None:
    spelling = _LINK_SPELLINGS[plan.item % 3]
    for detector in plan.detectors:
        beside = plan.detector_path(detector).name
        file = plan.link_file if plan.link_file and detector == "pilatus" else beside
        instrument[detector] = h5py.ExternalLink(file, spelling.format(detector))


def _write_aliases(entry: h5py.Group, plan: ScanPlan, channels: Sequence[str]) -> None:
    measurement = entry.create_group("measurement")
    measurement.attrs["NX_class"] = "NXcollection"
    where = f"/{plan.entry}/instrument"
    for name in channels:
        measurement[name] = h5py.SoftLink(f"{where}/{name}/data")
    for name in plan.command.motors:
        measurement[name] = h5py.SoftLink(f"{where}/{name}/value")
    for name in plan.detectors:
        measurement[name] = h5py.SoftLink(f"{where}/{name}")
