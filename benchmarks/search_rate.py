"""How large a catalogue gets and how fast it answers: ``python -m benchmarks.search_rate --scans 20000``.

Values are what a beamline records: encoders that scatter, motors that stand still, counters, states, unreadable ones.
"""

import argparse
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.prepared import prepared
from danmax_sync.catalogue.rows import ReadMaster, SeenFile
from danmax_sync.catalogue.values import LOCAL
from danmax_sync.query.search import understand
from danmax_sync.scanfile.record import ColumnKind, ColumnStatistics, Reading, ScanRecord, SnapshotValue
from danmax_sync.scanfile.record import DetectorLink as Link
from danmax_sync.visits import TreePath, place

VALUES, COLUMNS = 200, 12
MOST_WRITTEN = 20_000
"""Scans written as an index run does; more are made of these in SQL."""
SCREEN = 50
SAMPLES = ("LaB6", "CeO2", "Si", "NaCl/heating", "Al2O3")
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
QUERIES = (
    "hdcm_energy:34.9..35.1 temperature:300..301",
    "ea_slit1_*:0.49..0.5 energy:35",
    "sample:LaB6 temperature:300..301 -state:partial",
    "macro:ascan* motor_017:0..0.001",
)


def record(number: int, rng: np.random.Generator, *, columns: int = COLUMNS) -> ScanRecord:
    """Make a scan of 200 snapshot values and some columns."""
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
    channels = [
        ColumnStatistics(f"channel_{n}", ColumnKind.CHANNEL, 500, 0, *map(float, sorted(rng.normal(size=4))))
        for n in range(columns)
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
        columns=tuple(channels),
        links=(Link("pilatus", target.name, "/entry/instrument/pilatus", target),),
    )


def fill(catalogue: Catalogue, scans: int, *, columns: int = COLUMNS) -> None:
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
            made = [record(number, rng, columns=columns) for number in numbers]
            places = [place(path, root="/data/20251234/2025110208") for path in paths]
            writer.save_masters(
                at, [ReadMaster(i, w, (prepared(r),), running=False) for i, w, r in zip(ids, places, made, strict=True)]
            )
    with catalogue.writer() as writer:
        writer.refresh_states(at)


def multiply(path: Path, scans: int, times: int) -> None:
    """Repeat what is in a catalogue, in SQL: writing 200 000 scans one by one would take longer than it says anything.

    Every copy has scans, places, links and values of its own, with numbers that differ from those it was made of.
    """
    jitter = "v.number * (1 + 1e-3 * (random() / 9223372036854775808.0))"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        run = connection.execute
        dropped = list(run("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
        run("PRAGMA synchronous=OFF")
        run("PRAGMA cache_size=-65536")
        for name, _ in dropped:
            run(f"DROP INDEX {name}")
        columns = {
            table: [row[1] for row in run(f"PRAGMA table_info({table})")] for table in ("file", "scan", "location")
        }
        for copy in range(1, times):
            run("BEGIN")
            by, files, day = copy * scans, copy * 2 * scans, f"'{copy} days'"
            changed = {
                "id": f"id + {by}",
                "scan_id": f"scan_id + {by}",
                "file_id": f"file_id + {files}",
                "key": f"key || ' {copy}'",
                "path": f"replace(path, 'scan-', 'scan-{copy}')",
                "number": f"number + {by}",
                "start_time": f"strftime('%Y-%m-%dT%H:%M:%f000Z', start_time, {day})",
            }
            for table, names in columns.items():
                own = changed | ({"id": f"id + {files}"} if table == "file" else {})
                chosen = ", ".join(own.get(name, name) for name in names)
                limit = f"id <= {2 * scans}" if table == "file" else f"{names[0]} <= {scans}"
                run(f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE {limit}")
            run(
                f"INSERT INTO link SELECT scan_id + {by}, file_id + {files}, detector, filename, inner_path, "
                f"replace(target, 'scan-', 'scan-{copy}'), integrated, state, problem FROM link "
                f"WHERE scan_id <= {scans}"
            )
            run(
                f"INSERT INTO value SELECT v.scan_id + {by}, v.field_id, {jitter}, v.text, v.nan FROM value v "
                f"WHERE v.scan_id <= {scans}"
            )
            run(
                f"INSERT INTO series SELECT scan_id + {by}, field_id, points, nan_count, first, minimum, maximum, mean "
                f"FROM series WHERE scan_id <= {scans}"
            )
            run("COMMIT")
        for _, sql in dropped:
            run(sql)


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
    options.add_argument("--columns", type=int, default=COLUMNS, help="columns of points beside the 200 values")
    chosen = options.parse_args()
    written = min(chosen.scans, MOST_WRITTEN)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "catalogue.db"
        with Catalogue.open(str(path)) as catalogue:
            started = time.perf_counter()
            fill(catalogue, written, columns=chosen.columns)
            seconds = time.perf_counter() - started
            print(f"{written} scans of {VALUES} values and {chosen.columns} columns written in {seconds:.0f} s")
        multiply(path, written, chosen.scans // written)
        with Catalogue.open(str(path)) as catalogue:
            catalogue.compact()
            scans = catalogue.count()
        print(f"{scans} scans, {path.stat().st_size / 1e6:.0f} MB, {path.stat().st_size / scans:.0f} bytes a scan")
        with Catalogue.open(str(path)) as catalogue:
            for query in QUERIES:
                ask(catalogue, query)
        stream(path)


def ask(catalogue: Catalogue, query: str) -> None:
    """Print how long an answer takes: which scans and in which order, the first screen of them, and all of them."""

    def first_screen() -> list[object]:
        return list(catalogue.find(understand(catalogue, query).where, limit=SCREEN))

    found = catalogue.count(understand(catalogue, query).where)
    counted = median(lambda: catalogue.count(understand(catalogue, query).where))
    asked = median(lambda: catalogue.find(understand(catalogue, query).where))
    shown = median(first_screen)
    whole = median(lambda: list(catalogue.find(understand(catalogue, query).where)), rounds=3)
    print(
        f"{query:<50} {found:>7} scans  counted {counted:6.1f} ms  found, in order {asked:6.1f} ms  "
        f"first {SCREEN} as objects {shown:6.1f} ms  all as objects {whole:8.1f} ms"
    )


def stream(path: Path) -> None:
    """Print how much memory a command needs that prints every scan."""
    words = ["--catalogue", str(path), "search", "-f", "jsonl"]
    # Asked of the process itself: what it was before it became that program, a copy of this one, would count too.
    program = (
        "import sys; from danmax_sync.cli.entry import run; run(sys.argv[1:]); "
        "sys.stderr.write(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    started = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", program, *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = int(ran.stderr.split("VmHWM:")[1].split()[0]) / 1024
    print(f"search -f jsonl of all: {time.perf_counter() - started:.1f} s, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
