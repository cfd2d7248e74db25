"""How the numbers of the integration are proven: each line a claim, what was measured, and the limit.

Frames are of the size of a Pilatus3 2M CdTe. With ``DANMAX_SYNC_REALDATA`` set, what was recorded is used too.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  # detector files and cakes are bitshuffled
import numpy as np
from numpy.typing import NDArray

from benchmarks.integrate_rate import bench_visit
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.integration.blocks import SLACK
from danmax_sync.integration.calibration import Calibration, Named, energy_of, find_calibration
from danmax_sync.integration.engine import Integrator, Pattern
from danmax_sync.integration.recipe import Recipe, Split
from danmax_sync.integration.run import Choices, integrate_scans
from danmax_sync.integration.workspace import Reading
from danmax_sync.testing.bench import FULL, mask
from danmax_sync.testing.frames import compress

BINS = 3000


@dataclass(frozen=True)
class Proof:
    """A claim and what was found."""

    claim: str
    found: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether it is within the limit."""
        return self.found <= self.limit


def main() -> None:
    """Print the table, and fail where a claim does not hold."""
    proofs = list(_all())
    print("| claim | found | limit |\n|---|---|---|")
    for proof in proofs:
        print(f"| {proof.claim} | {proof.found:.3g} | {proof.limit:g} |")
    assert all(proof.holds for proof in proofs)


def _all() -> Iterator[Proof]:
    calibration = _calibration()
    rng = np.random.default_rng(1)
    frames = [_frame(rng, mean) for mean in (0.02, 0.7, 20, 400)]
    yield from _sums(calibration, frames)
    yield from _pyfai(calibration, frames[2])
    yield from _cake(calibration, frames[2])
    yield from _bits(calibration, frames)
    yield from _sigma(calibration)
    for counts in (0.7, 20.0):
        yield from _file(counts)
    folder = os.environ.get("DANMAX_SYNC_REALDATA")
    if folder:
        yield from _real(Path(folder))


def _calibration() -> Calibration:
    text = FULL.poni_text(35.0)
    poni = Path("bench.poni")
    return Calibration(poni, text, energy_of(text, poni), None, mask(FULL, 0))


def _frame(rng: np.random.Generator, mean: float) -> NDArray[np.int32]:
    frame = rng.poisson(mean, FULL.shape).astype(np.int32)
    frame[mask(FULL, 0)] = -1
    # Some pixels are bad in this frame only.
    frame.ravel()[rng.integers(0, frame.size, 500)] = -2
    return frame


def _made(integrator: Integrator, frames: list[NDArray[np.int32]], *, packed: bool) -> list[Pattern]:
    space = integrator.workspace()
    lanes: list[Any] = [compress(frame[None]) + bytes(SLACK) for frame in frames] if packed else list(frames)
    return [each for each in integrator.integrate_group(lanes, workspace=space) if isinstance(each, Pattern)]


def _sums(calibration: Calibration, frames: list[NDArray[np.int32]]) -> Iterator[Proof]:
    integrator = Integrator(calibration, Recipe(bins=BINS, split=Split.NONE), FULL.shape)
    matrix = integrator.geometry.matrix
    pixel = np.repeat(np.arange(len(matrix.crowd)), np.diff(matrix.block_runs)) * 2048 + matrix.run_pixel
    chunks = [compress(frame[None]) + bytes(SLACK) for frame in frames]
    signal, _, _ = integrator.workspace().sums(chunks, Reading())
    worst = 0.0
    for frame, sums in zip(frames, signal, strict=True):
        counts = np.where(frame < 0, 0, frame).ravel()[pixel]
        worst = max(worst, float(np.abs(np.bincount(matrix.run_start, counts, matrix.bins) - sums).max()))
    yield Proof("no splitting: sums differ from numpy.bincount by, counts", worst, 0)


def _pyfai(calibration: Calibration, frame: NDArray[np.int32]) -> Iterator[Proof]:
    from pyFAI import load

    poni = Path(os.environ.get("TMPDIR", "/tmp")) / "danmax-sync-proof.poni"  # noqa: S108 - a copy for pyFAI to read
    poni.write_text(calibration.poni_text, encoding="utf-8")
    for split in Split:
        integrator = Integrator(calibration, Recipe(bins=BINS, split=split), FULL.shape)
        ai = load(str(poni))
        theirs = ai.integrate1d_ng(
            frame.astype(np.float64),
            BINS,
            unit="2th_deg",
            radial_range=(integrator.radial_edges[0], integrator.radial_edges[-1]),
            mask=((frame < 0) | mask(FULL, 0)).astype(np.int8),
            polarization_factor=0.999,
            method=(split.pyfai, "csc", "cython"),
        )
        ours = integrator.integrate(frame)
        filled = np.asarray(theirs.sum_normalization) > 1
        away = np.abs(ours.intensity[filled] / theirs.intensity[filled] - 1).max()
        yield Proof(f"{split.value} splitting: intensity off pyFAI's csc engine by, relative", float(away), 5e-6)
    poni.unlink()
    ones = np.where(frame < 0, -1, 1).astype(np.int32)
    bare = Recipe(bins=BINS, polarization=None, solid_angle=False)
    pattern = Integrator(calibration, bare, FULL.shape).integrate(ones)
    seen = float(((frame >= 0) & ~mask(FULL, 0)).sum())
    total = float(pattern.norm.sum(dtype=np.float64))
    yield Proof("a frame of ones: norm off the number of valid pixels by, relative", abs(total / seen - 1), 1e-6)
    nothing = Integrator(calibration, bare, FULL.shape).integrate(np.full(FULL.shape, -1, dtype=np.int32))
    yield Proof("a frame of marks: bins that are not NaN", float(np.isfinite(nothing.intensity).sum()), 0)


def _cake(calibration: Calibration, frame: NDArray[np.int32]) -> Iterator[Proof]:
    pattern = Integrator(calibration, Recipe(bins=BINS, cake=360), FULL.shape).integrate(frame)
    cake = pattern.layers["cake"]
    norm = cake.norm.astype(np.float64)
    total = np.nansum(cake.intensity * norm, axis=0)
    filled = pattern.norm > 1
    away = np.abs(total[filled] / norm.sum(axis=0)[filled] / pattern.intensity[filled] - 1).max()
    yield Proof("pattern off the sum of the cake by, relative", float(away), 5e-6)
    alone = Integrator(calibration, Recipe(bins=BINS), FULL.shape).integrate(frame)
    same = (alone.intensity, alone.sigma), (pattern.intensity, pattern.sigma)
    different = sum(one.tobytes() != other.tobytes() for one, other in zip(*same, strict=True))
    yield Proof("pattern made with a cake and without: numbers that differ", float(different), 0)


def _bits(calibration: Calibration, frames: list[NDArray[np.int32]]) -> Iterator[Proof]:
    integrator = Integrator(calibration, Recipe(bins=BINS), FULL.shape)
    together = _made(integrator, frames, packed=True)
    others: list[Callable[[], list[Pattern]]] = [
        lambda: _made(integrator, frames, packed=False),
        lambda: _made(integrator, frames[::-1], packed=True)[::-1],
        lambda: [_made(integrator, [frame], packed=True)[0] for frame in frames],
    ]
    different = 0
    for make in others:
        for one, other in zip(together, make(), strict=True):
            different += one.intensity.tobytes() != other.intensity.tobytes()
            different += one.sigma.tobytes() != other.sigma.tobytes()
    yield Proof("patterns that change with frames beside, order or the way of reading", float(different), 0)


def _sigma(calibration: Calibration, repeats: int = 400) -> Iterator[Proof]:
    """Compare errors with the scatter of repeated measurements, in bins that see ten counts or more."""
    small = np.random.default_rng(2)
    text = calibration.poni_text.replace("PilatusCdTe2M", "Detector")
    shape = (420, 369)
    config = f'{{"pixel1": 0.000688, "pixel2": 0.000688, "max_shape": [{shape[0]}, {shape[1]}], "orientation": 3}}'
    lines = [f"Detector_config: {config}" if line.startswith("Detector_config") else line for line in text.splitlines()]
    coarse = Calibration(calibration.poni, "\n".join(lines) + "\n", calibration.energy_kev, None, None)
    for split in (Split.NONE, Split.FULL):
        integrator = Integrator(coarse, Recipe(bins=100, split=split), shape)
        space = integrator.workspace()
        for mean in (0.02, 0.5, 20):
            made: list[Pattern] = []
            while len(made) < repeats:
                frames = [small.poisson(mean, shape).astype(np.int32) for _ in range(8)]
                made += [p for p in integrator.integrate_group(frames, workspace=space) if isinstance(p, Pattern)]
            wide = made[0].norm * mean > 10
            scatter = np.var([p.intensity[wide] for p in made], axis=0, ddof=1, dtype=np.float64)
            told = np.mean([p.sigma[wide].astype(np.float64) ** 2 for p in made], axis=0)
            ratio = float(np.sqrt(np.mean(scatter / told)))
            name = f"{split.value} splitting, {mean} counts a pixel: sigma off the scatter of {len(made)} repeats by"
            yield Proof(f"{name}, relative", abs(ratio - 1), 0.02)


def _file(counts: float, frames: int = 6) -> Iterator[Proof]:
    """Integrate a scan from file to file, and compare what HDF5 reads back with sums over frames that HDF5 read."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        visit, pilatus = bench_visit(folder, counts, frames)
        with Catalogue.open(str(folder / "catalogue.db")) as catalogue:
            index_folder(catalogue, visit.folder)
            scans = catalogue.scans()
            calibration = find_calibration(
                visit.folder / "process", energy=scans[0].energy_kev, frame_shape=FULL.shape, named=Named()
            )
            recipe = Recipe(bins=BINS, cake=360)
            integrate_scans(scans, Choices(recipe))
        matrix = Integrator(calibration, recipe, FULL.shape).geometry.matrix
        length = matrix.run_length.astype(np.int64)
        pixel = np.repeat(np.arange(len(matrix.crowd)), np.diff(matrix.block_runs)) * 2048 + matrix.run_pixel
        step = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        pixel, share = np.repeat(pixel, length), matrix.shares.astype(np.float64)
        bins = {
            "azint1d": (np.repeat(matrix.run_start, length) + step, matrix.bins),
            "azint2d": (np.repeat(matrix.cake_start, length) + step, matrix.cake_bins),
        }
        worst = dict.fromkeys(["intensity", "sigma", "cake"], 0.0)
        output = next(visit.folder.glob("process/azint/**/*.h5"))
        with h5py.File(pilatus) as raw, h5py.File(output) as made:
            for index in range(frames):
                frame = raw["entry/instrument/pilatus/data"][index].ravel()
                good = (frame >= 0)[pixel]
                counted = np.where(good, share * frame[pixel], 0.0)
                weight = np.where(good, share * matrix.weight[pixel], 0.0)
                for name, (bin_, number) in bins.items():
                    norm, signal = np.bincount(bin_, weight, number), np.bincount(bin_, counted, number)
                    filled = norm > 1e-3
                    mean = signal[filled] / norm[filled]
                    stored = made[f"entry/{name}/data/I"][index].ravel()[filled]
                    away = np.abs(stored - mean) / np.maximum(mean, 1e-2)
                    kind = "intensity" if name == "azint1d" else "cake"
                    worst[kind] = max(worst[kind], float(away.max()))
                    if name == "azint1d":
                        variance = np.bincount(bin_, share * counted, number)[filled]
                        sigma = np.sqrt(np.where(variance > 0, variance, 1.0)) / norm[filled]
                        away = np.abs(made[f"entry/{name}/data/I_errors"][index][filled] / sigma - 1)
                        worst["sigma"] = max(worst["sigma"], float(away.max()))
    for kind, found in worst.items():
        name = f"{counts:g} counts a pixel, file to file: {kind} off sums in double precision by, relative"
        yield Proof(name, found, 5e-6)


def _real(folder: Path) -> Iterator[Proof]:
    from pyFAI.calibrant import get_calibrant

    from danmax_sync.integration.patterns import read_patterns

    poni = folder / "ceo2_pilatus2m_cdte.poni"
    text = poni.read_text(encoding="utf-8")
    with h5py.File(folder / "ceo2_pilatus2m_cdte.h5", "r", locking=False) as file:
        frame = file["imageseries/images"][0]
    energy = energy_of(text, poni)
    integrator = Integrator(Calibration(poni, text, energy, None, frame < 0), Recipe(bins=BINS), frame.shape)
    pattern = integrator.integrate(frame)
    calibrant = get_calibrant("CeO2")
    calibrant.wavelength = 12.398419843320026 / energy * 1e-10
    worst = 0.0
    for ring in np.degrees(calibrant.get_2th())[:10]:
        near = np.abs(integrator.radial - ring) < 0.08
        x, y = integrator.radial[near], pattern.intensity[near].astype(np.float64)
        y = np.clip(y - np.percentile(y, 25), 0, None)
        worst = max(worst, abs(float((x * y).sum() / y.sum()) - float(ring)))
    yield Proof("recorded CeO2 frame: first ten rings off theory by, degrees", worst, 0.002)
    theirs = read_patterns(folder / "danmax_scan-0100_nxazint1d.h5")
    yield Proof("recorded DanMAX file: patterns missing of 100", 100.0 - len(theirs.intensity), 0)


if __name__ == "__main__":
    main()
