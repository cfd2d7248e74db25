"""How large a catalogue gets and how fast it answers: ``python -m benchmarks.search_rate --scans 20000``.

Values are what a beamline records: encoders that scatter, motors that stand still, counters, states, unreadable ones.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.prepared import prepared
from danmax_sync.catalogue.rows import ReadMaster, SeenFile
from danmax_sync.catalogue.values import LOCAL
from danmax_sync.query.search import search, understand
from danmax_sync.scanfile.record import ColumnKind, ColumnStatistics, Reading, ScanRecord, SnapshotValue
from danmax_sync.scanfile.record import DetectorLink as Link
from danmax_sync.visits import TreePath, place

VALUES = 200
SAMPLES = ("LaB6", "CeO2", "Si", "NaCl/heating", "Al2O3")
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
QUERIES = (
    "hdcm_energy:34.9..35.1 temperature:300..301",
    "ea_slit1_*:0.49..0.5 energy:35",
    "sample:LaB6 temperature:300..301 -state:partial",
    "macro:ascan* motor_017:0..0.001",
)


def record(number: int, rng: np.random.Generator) -> ScanRecord:
    """Make a scan of 200 snapshot values and 12 columns."""
    noise = rng.normal(size=VALUES)
    snapshot = [SnapshotValue(f"motor_{n:03d}", float(noise[n])) for n in range(96)]
    snapshot += [SnapshotValue(f"ea_slit1_{n}", 0.5 + 1e-2 * float(noise[100 + n])) for n in range(8)]
    snapshot += [SnapshotValue(f"still_{n:03d}", float(n % 7)) for n in range(40)]
    snapshot += [SnapshotValue(f"counter_{n:03d}", int(noise[n] * 100)) for n in range(38)]
    snapshot += [SnapshotValue(f"state_{n:03d}", "open" if noise[n] > 0 else "closed") for n in range(12)]
    snapshot += [SnapshotValue(f"silent_{n}", None if n % 2 else float("nan")) for n in range(5)]
    energy = 35.0 + float(noise[0]) * 1e-2 if number % 2 else 20.0
    kelvin = 300.0 + number % 500
    snapshot.append(SnapshotValue("hdcm_energy", energy))
    columns = [
        ColumnStatistics(f"channel_{n}", ColumnKind.CHANNEL, 500, 0, *map(float, sorted(rng.normal(size=4))))
        for n in range(12)
    ]
    start = FIRST + timedelta(seconds=30 * number)
    target = TreePath.parse(f"raw/{SAMPLES[number % 5]}/scan-{number:05d}_pilatus.h5")
    return ScanRecord(
        entry="entry",
        number=number,
        title="ascan pd_sam_x 0 1 499 0.1",
        macro="ascan",
        start_time=start,
        end_time=start + timedelta(seconds=25),
        points=500,
        energy=Reading(energy, energy, energy, "hdcm_energy"),
        temperature=Reading(kelvin, kelvin - 0.1, kelvin + 0.1, "cryo_temp"),
        snapshot=tuple(snapshot),
        columns=tuple(columns),
        links=(Link("pilatus", target.name, "/entry/instrument/pilatus", target),),
    )


def fill(catalogue: Catalogue, scans: int) -> None:
    """Put scans into a catalogue as an index run does, batch by batch."""
    rng = np.random.default_rng(0)
    for start in range(0, scans, 500):
        with catalogue.writer() as writer:
            at = writer.root("file:///data/20251234/2025110208", "/data/20251234/2025110208", LOCAL)
            numbers = range(start, min(start + 500, scans))
            paths = [TreePath.parse(f"raw/{SAMPLES[n % 5]}/scan-{n:05d}.h5") for n in numbers]
            data = [path.parent / f"{path.stem}_pilatus.h5" for path in paths]
            seen = [SeenFile(path, "master", 140_000, 1, 1, "1", provisional=False) for path in paths]
            ids = writer.save_files(at, seen)
            writer.save_files(at, [SeenFile(path, "data", 10**7, 1, 1, "1", provisional=False) for path in data])
            made = [record(number, rng) for number in numbers]
            places = [place(path, root="/data/20251234/2025110208") for path in paths]
            writer.save_masters(
                at, [ReadMaster(i, w, (prepared(r),), running=False) for i, w, r in zip(ids, places, made, strict=True)]
            )
    with catalogue.writer() as writer:
        writer.refresh_states(at)


def median(work: Callable[[], object], rounds: int = 7) -> float:
    """Return the median time of some rounds, in ms."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def main() -> None:
    """Print size and times."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scans", type=int, default=20_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "catalogue.db"
        with Catalogue.open(str(path)) as catalogue:
            started = time.perf_counter()
            fill(catalogue, chosen.scans)
            catalogue.compact()
            seconds = time.perf_counter() - started
            print(f"{chosen.scans} scans of {VALUES} values and 12 columns written in {seconds:.0f} s")
        size = path.stat().st_size
        print(f"{size / 1e6:.0f} MB, {size / chosen.scans:.0f} bytes a scan")
        with Catalogue.open(str(path)) as catalogue:
            for query in QUERIES:
                found = len(search(catalogue, query))
                asked = median(lambda query=query: catalogue.count(understand(catalogue, query).where))  # type: ignore[misc]
                whole = median(lambda query=query: search(catalogue, query))  # type: ignore[misc]
                print(
                    f"{query:<52} {found:>6} scans  understood and counted {asked:6.1f} ms  as objects {whole:6.1f} ms"
                )


if __name__ == "__main__":
    main()
