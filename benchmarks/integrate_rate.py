"""Frames a second from file to file, against what users run and the best that others can do, all in one run.

Peers: the loop everybody writes (pyFAI's defaults over ``dataset[i]``, with Poisson errors); pyFAI's best recipe on a
processor (two threads, direct chunks, bitshuffle, CSC engine); bslz4_to_sparse, C code that decodes and sums without
errors. The two last are measured where ``bitshuffle`` and ``bslz4_to_sparse`` are installed.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

# Two threads are ours to start; libraries must not start theirs inside them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import h5py
import hdf5plugin  # noqa: F401  # the loop needs the bitshuffle filter too
import numpy as np

from benchmarks.measure import compare
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.integration.recipe import Recipe, Split
from danmax_sync.integration.run import Choices, integrate_scans
from danmax_sync.testing.bench import FULL
from danmax_sync.testing.detectors import write_pilatus
from danmax_sync.testing.frames import FramePool
from danmax_sync.testing.physics import State
from danmax_sync.testing.visit import SimulatedVisit, simulate_visit

BINS = 3000
THREADS = 2
_START = """
import time; started = time.perf_counter()
import sys; from pathlib import Path
from danmax_sync.integration.calibration import find_calibration
from danmax_sync.integration.engine import Integrator
from danmax_sync.integration.recipe import Recipe
from danmax_sync.integration.stream import Unit, integrate_units
from danmax_sync.scanfile.frames import open_frames
with open_frames(Path(sys.argv[1]), "entry/instrument/pilatus") as frames:
    calibration = find_calibration(Path(sys.argv[2]), energy=float(sys.argv[3]), frame_shape=frames.shape)
    integrator = Integrator(calibration, Recipe(bins=3000), frames.shape)
    next(integrate_units(integrator, frames, [Unit(0, (0,), (1.0,))], make=lambda pattern: pattern))
print(time.perf_counter() - started)
"""


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--frames", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--counts", type=float, nargs="*", default=[20.0, 0.7])
    options.add_argument("--cpu", action="store_true", help="processor time, which a busy machine does not change much")
    options.add_argument("--memory", type=int, default=0, metavar="FRAMES", help="measure peak memory with so many")
    chosen = options.parse_args()
    if chosen.memory:
        _memory(chosen.memory)
        return
    with tempfile.TemporaryDirectory() as scratch:
        for counts in chosen.counts:
            print(f"\n{counts} counts a pixel, {chosen.frames} frames, {THREADS} threads")
            _rates(Path(scratch) / str(counts), counts, chosen)


def _rates(folder: Path, counts: float, chosen: argparse.Namespace) -> None:
    frames, rounds = chosen.frames, chosen.rounds
    visit, pilatus = bench_visit(folder, counts, frames)
    catalogue = Catalogue.open(str(folder / "catalogue.db"))
    index_folder(catalogue, visit.folder)
    scans = catalogue.scans()

    def ours(**settings: Any) -> Callable[[], float]:
        def run() -> float:
            for output in visit.folder.glob("process/azint/**/*.h5"):
                output.unlink()
            summary = integrate_scans(scans, Choices(Recipe(bins=BINS, **settings), threads=THREADS))
            assert summary.to_json()["frames"] == frames, summary.outcomes
            # Reading, integrating and writing; the peers' matrices are made before, too.
            return summary.seconds

        return run

    peers = _Peers(visit, pilatus)
    for split in (Split.FULL, Split.NONE):
        name = split.value
        alternatives: dict[str, Callable[[], object]] = {
            f"pyFAI loop, default splitting, {name}" if split is Split.FULL else f"pyFAI loop, {name}": (
                peers.loop() if split is Split.FULL else peers.loop(("no", "csr", "cython"))
            ),
        }
        if _has("bitshuffle"):
            alternatives[f"pyFAI's best, {name}"] = peers.best(split)
        if _has("bslz4_to_sparse"):
            alternatives[f"bslz4_to_sparse, {name}, no errors"] = peers.sparse(split)
        alternatives[f"danmax-sync, {name}, errors, file"] = ours(split=split)
        if split is Split.FULL:
            alternatives["danmax-sync, full, errors, 8 sectors, file"] = ours(split=split, sectors=8)
        alternatives[f"danmax-sync, {name}, errors, cake of 360, file"] = ours(split=split, cake=360)
        for run in alternatives.values():
            run()  # matrices are made and code is compiled before anything is measured
        if chosen.cpu:
            alternatives = {name: _processor_time(run) for name, run in alternatives.items()}
        compare(alternatives, rounds=rounds, amount=frames, unit="frames")
    energy = scans[0].energy_kev
    command = [sys.executable, "-c", _START, str(pilatus), str(visit.folder / "process"), str(energy)]
    seconds = sorted(
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(3)
    )
    print(f"second start, from the first import to the first pattern: {seconds[1]:.2f} s")
    catalogue.close()


def _processor_time(run: Callable[[], object]) -> Callable[[], float]:
    def measured() -> float:
        started = time.process_time()
        run()
        return time.process_time() - started

    return measured


def bench_visit(folder: Path, counts: float, frames: int) -> tuple[SimulatedVisit, Path]:
    """Simulate a scan, with frames of so many counts a pixel."""
    visit = simulate_visit(folder / "visit", scans=1, frames=frames)
    master = visit.scans[0].path.below(visit.folder)
    pilatus = master.with_name(f"{master.stem}_pilatus.h5")
    pilatus.unlink()
    bench = replace(FULL, mean_counts=counts)
    pool = FramePool(bench, 0)
    chunks = [pool.chunk(State("LaB6", 35.0, 300.0), frame) for frame in range(frames)]
    write_pilatus(pilatus, chunks, shape=bench.shape, energy_ev=35_000.0)
    return visit, pilatus


def _has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


class _Peers:
    """What others do with the same frames; sums and patterns in memory, nothing is written."""

    def __init__(self, visit: SimulatedVisit, pilatus: Path) -> None:
        from pyFAI import load

        self.pilatus = pilatus
        self.mask = np.load(visit.mask).astype(np.int8)
        self.ai = load(str(visit.poni))
        self._engines: dict[str, Any] = {}

    def loop(self, method: tuple[str, str, str] | None = None) -> Callable[[], None]:
        chosen: dict[str, Any] = {} if method is None else {"method": method}

        def run() -> None:
            with h5py.File(self.pilatus, "r") as file:
                frames = file["entry/instrument/pilatus/data"]
                for index in range(frames.shape[0]):
                    self.ai.integrate1d(
                        frames[index], BINS, unit="2th_deg", mask=self.mask, error_model="poisson", **chosen
                    )

        return run

    def _engine(self, split: Split) -> Any:
        if split.value not in self._engines:
            self._engines[split.value] = self.ai.setup_sparse_integrator(
                self.mask.shape, BINS, mask=self.mask, unit="2th_deg", split=split.pyfai, algo="CSC"
            )
        return self._engines[split.value]

    def _over_chunks(self, work: Callable[[bytes], object]) -> None:
        with h5py.File(self.pilatus, "r") as file, ThreadPoolExecutor(THREADS) as pool:
            data = file["entry/instrument/pilatus/data"]
            read = (data.id.read_direct_chunk((index, 0, 0))[1] for index in range(data.shape[0]))
            list(pool.map(work, read))

    def best(self, split: Split) -> Callable[[], None]:
        import bitshuffle

        engine = self._engine(split)
        solid = self.ai.solidAngleArray(self.mask.shape)

        def work(chunk: bytes) -> object:
            raw = np.frombuffer(chunk, dtype=np.uint8, offset=12)
            frame = bitshuffle.decompress_lz4(raw, self.mask.shape, np.dtype(np.int32), 0)
            return engine.integrate_ng(frame, solidangle=solid)

        return lambda: self._over_chunks(work)

    def sparse(self, split: Split) -> Callable[[], None]:
        from bslz4_to_sparse import chunk2sparseCSC

        engine = self._engine(split)
        active = (self.mask.ravel() == 0).astype(np.uint8).reshape(self.mask.shape)
        spare = [chunk2sparseCSC(active, engine, np.dtype(np.uint32)) for _ in range(THREADS + 2)]

        def work(chunk: bytes) -> object:
            mine = spare.pop()
            try:
                return mine(chunk, 0)[2].copy()
            finally:
                spare.append(mine)

        return lambda: self._over_chunks(work)


def _memory(frames: int) -> None:
    """Integrate many frames in a process of its own and print the most memory it had, also where the matrix is new."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        visit, _ = bench_visit(folder, 0.02, frames)
        environment = {**os.environ, "DANMAX_SYNC_HOME": str(folder / "home")}
        program = (
            "import sys; from danmax_sync.cli.entry import run; code = run(sys.argv[1:]); "
            # What getrusage tells begins with what the parent had.
            "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM')); "
            "print(code, int(peak.split()[1]) // 1024)"
        )
        for words in (["index", str(visit.folder)], ["integrate"], ["integrate", "--unit", "2th", "--overwrite"]):
            if "--overwrite" in words:
                next(visit.folder.glob("process/azint/**/*.h5")).unlink()
            command = [sys.executable, "-c", program, *words]
            ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            print(" ".join(words[:1]), "exit and peak MB:", ran.stdout.splitlines()[-1], ran.stderr.strip()[-300:])


if __name__ == "__main__":
    main()
