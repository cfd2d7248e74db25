"""Masters of a full-size visit: 200 snapshot values and 12 columns of 500 points, some 140 kB each."""

import os
from pathlib import Path

import h5py
import numpy as np

VALUES, COLUMNS, POINTS = 200, 12, 500
LONG_AGO = 1_600_000_000
"""Files of the last seconds would be read again, because they might still change."""


def write_masters(folder: Path, count: int, *, seed: int = 0) -> list[Path]:
    """Write masters below ``raw/LaB6`` of a folder, without detector files, and return their paths."""
    raw = folder / "raw" / "LaB6"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    paths = []
    for number in range(count):
        path = raw / f"scan-{number:04d}.h5"
        _write(path, number, rng)
        os.utime(path, (LONG_AGO, LONG_AGO))
        paths.append(path)
    return paths


def _write(path: Path, number: int, rng: np.random.Generator) -> None:
    with h5py.File(path, "w", locking=False) as file:
        entry = file.create_group("entry")
        entry["title"] = f"ascan pd_sam_x 0 1 {POINTS - 1} 0.1"
        day, hour, minute = 1 + number // 1440 % 28, number // 60 % 24, number % 60
        entry["start_time"] = f"2025-11-{day:02d}T{hour:02d}:{minute:02d}:00+01:00"
        entry["end_time"] = "2025-12-01T00:00:00+01:00"
        instrument = entry.create_group("instrument")
        snapshot = instrument.create_group("start_positioners")
        for n in range(VALUES - 32):
            snapshot[f"motor_{n:03d}"] = float(rng.normal())
        for n in range(20):
            snapshot[f"counter_{n:03d}"] = int(rng.integers(0, 100))
        for n in range(8):
            snapshot[f"state_{n:03d}"] = "open"
        snapshot["hdcm_energy"], snapshot["mlm_energy"] = 35.0 + 1e-4 * number, -12.7
        snapshot["cryo_temp"], snapshot["Spinner moving"] = 300.0 + 0.1 * number, 1
        for n in range(COLUMNS - 1):
            instrument.create_group(f"channel_{n}")["data"] = rng.normal(size=POINTS)
        instrument.create_group("pd_sam_x")["value"] = np.linspace(0, 1, POINTS)
