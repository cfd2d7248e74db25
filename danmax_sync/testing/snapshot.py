"""The snapshot: where everything at the beamline stood when a scan began, 80 to 200 scalars."""

from collections.abc import Iterator, Mapping
from typing import Final

import h5py
import numpy as np

from danmax_sync.testing.plans import ROOM_K, ScanPlan
from danmax_sync.testing.seeds import generator

Scalar = float | int | str | bytes

_STILL: Final[Mapping[str, tuple[float, str]]] = {
    "ea_ppm3_1": (500.3, "mm"), "lg_z": (500.3, "mm"), "ea_xrf_z": (85.0, "mm"),
    "ea_slit1_top": (0.35, "mm"), "ea_slit1_bottom": (-0.35, "mm"),
    "ea_slit1_left": (-0.5, "mm"), "ea_slit1_right": (0.5, "mm"),
    "ea_slit1_hgap": (1.0, "mm"), "ea_slit1_vgap": (0.7, "mm"),
    "ea_slit2_top": (0.4, "mm"), "ea_slit2_bottom": (-0.4, "mm"),
    "ea_slit2_left": (-0.6, "mm"), "ea_slit2_right": (0.6, "mm"),
    "ea_slit2_hgap": (1.2, "mm"), "ea_slit2_vgap": (0.8, "mm"),
    "ea_mm_x": (0.012, "mm"), "ea_mm_y": (-1.377, "mm"), "ea_mm_z": (14.0, "mm"),
    "ea_mm_pitch": (0.02, "deg"), "ea_mm_yaw": (-0.01, "deg"),
    "ea_bst_x": (1.204, "mm"), "ea_bst_y": (-3.871, "mm"), "ea_bst_z": (30.0, "mm"),
    "hex_x": (0.101, "mm"), "hex_y": (-0.254, "mm"), "hex_z": (2.5, "mm"),
    "hex_u": (0.0, "deg"), "hex_v": (0.013, "deg"), "hex_w": (-0.007, "deg"),
    "pd_sam_x": (161.63, "mm"), "pd_sam_y": (-47.2, "mm"), "pd_sam_z": (0.5, "mm"), "pd_sam_rot": (12.0, "deg"),
    "hdcm_bragg": (3.239, "deg"), "hdcm_pitch": (0.0021, "deg"), "hdcm_roll": (-0.0008, "deg"), "hdcm_gap": (8.1, "mm"),
    "mlm_theta1": (0.0, "deg"), "mlm_theta2": (0.0, "deg"), "mlm_x": (-25.0, "mm"),
    "fe_mm_h": (1.1, "mm"), "fe_mm_v": (0.9, "mm"), "fe_hgap": (2.0, "mm"), "fe_vgap": (1.5, "mm"),
    "ring_current": (399.8, "mA"), "hutch_temperature": (22.7, "degC"), "hutch_humidity": (31.0, "%"),
}  # fmt: skip
"""Rest positions and their units; the beamline's user page names the first six families."""


def snapshot(plan: ScanPlan, seed: int) -> Mapping[str, tuple[Scalar, str]]:
    """Return the snapshot's values with their units, which may be empty."""
    rng = generator(seed, "snapshot", plan.item)
    values: dict[str, tuple[Scalar, str]] = {
        name: (round(rest + float(rng.normal(0.0, 2e-4)), 6), unit) for name, (rest, unit) in _STILL.items()
    }
    values |= {name: (float(positions[0]), "mm") for name, positions in plan.command.motors.items()}
    values |= _beam(plan, rng) | _temperature(plan) | _states(plan) | dict(_lenses_and_counters(plan, rng))
    return values


def _beam(plan: ScanPlan, rng: np.random.Generator) -> dict[str, tuple[Scalar, str]]:
    nominal_ev = round(plan.state.energy_kev) * 1000.0
    return {
        "hdcm_energy": (plan.energy_kev, "keV"),
        # The multilayer monochromator is out of the beam: its encoder still reads something.
        "mlm_energy": (round(-12.7 + float(rng.normal(0.0, 0.05)), 4), "keV"),
        "IVU_R3_304_GAP": (round(5.1 + 0.03 * (35.0 - plan.state.energy_kev), 4), "mm"),
        "Pilatus energy": (nominal_ev, "eV"),
        "Pilatus threshold": (nominal_ev / 2, "eV"),
    }


def _temperature(plan: ScanPlan) -> dict[str, tuple[Scalar, str]]:
    if not plan.temperatures_k:
        return {}
    first = plan.temperatures_k[0]
    if plan.temperature_source == "lakeshore_tempD":
        # The hot-air nozzle is hotter than the sample it heats.
        nozzle = round(first + 0.04 * (first - ROOM_K) + 1.5, 3)
        return {"lakeshore_tempD": (first, "K"), "lakeshore_tempC": (nozzle, "K")}
    return {"cryo_temp": (first, "K")}


def _states(plan: ScanPlan) -> dict[str, tuple[Scalar, str]]:
    return {
        "Spinner moving": (plan.item % 2, ""),
        "fast_shutter": ("open", ""),
        "sample_changer": ("capillary, Ø 0.3 mm", ""),
        "hdcm_crystal": (b"Si111", ""),
        "pilatus_state": (b"STANDBY", ""),
        "bpm_gain": (7, ""),
        # A device that did not answer.
        "bl_ic_pressure": (float("nan"), "mbar"),
    }


def _lenses_and_counters(plan: ScanPlan, rng: np.random.Generator) -> Iterator[tuple[str, tuple[Scalar, str]]]:
    for lens in range(1, 25):
        yield f"crl_lens{lens:02d}", (int(rng.integers(0, 2)), "")
    # Devices come and go: not every scan has as many of them.
    for channel in range(1, 33 - plan.item % 7):
        yield f"bpm{(channel + 3) // 4}_ch{(channel - 1) % 4 + 1}", (float(rng.normal(2.1e-7, 3e-9)), "A")


def write_snapshot(instrument: h5py.Group, plan: ScanPlan, seed: int) -> None:
    """Write ``start_positioners`` below an instrument."""
    group = instrument.create_group("start_positioners")
    group.attrs["NX_class"] = "NXcollection"
    for name, (value, unit) in snapshot(plan, seed).items():
        dataset = group.create_dataset(name, data=np.bytes_(value) if isinstance(value, bytes) else value)
        if unit:
            dataset.attrs["units"] = unit
