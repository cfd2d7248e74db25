"""Frames a second from file to file, against the loop users run: pyFAI's defaults over ``dataset[i]``."""

import argparse
import tempfile
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  # the loop needs the bitshuffle filter too
from pyFAI import load

from benchmarks.measure import compare
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.integration.run import Choices, integrate_scans
from danmax_sync.testing.visit import simulate_visit

BINS = 3000


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--frames", type=int, default=40)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        visit = simulate_visit(folder / "visit", scans=1, frames=chosen.frames)
        catalogue = Catalogue.open(str(folder / "catalogue.db"))
        index_folder(catalogue, visit.folder)
        scans = catalogue.scans()
        pilatus = visit.scans[0].path.below(visit.folder)
        geometry = load(str(visit.poni))

        def loop(**more: object) -> None:
            with h5py.File(pilatus.with_name(f"{pilatus.stem}_pilatus.h5"), "r") as file:
                frames = file["entry/instrument/pilatus/data"]
                for index in range(frames.shape[0]):
                    geometry.integrate1d(frames[index], BINS, unit="2th_deg", **more)

        def ours() -> None:
            for output in visit.folder.glob("process/azint/**/*.h5"):
                output.unlink()
            summary = integrate_scans(scans, Choices())
            assert summary.to_json()["frames"] == chosen.frames

        loop(error_model="poisson")
        compare(
            {
                "pyFAI loop, defaults, Poisson errors": lambda: loop(error_model="poisson"),
                "pyFAI loop, full splitting, Poisson errors": lambda: loop(
                    error_model="poisson", method=("full", "csr", "cython")
                ),
                "danmax-sync integrate (full, errors, file)": ours,
            },
            rounds=chosen.rounds,
            amount=chosen.frames,
            unit="frames",
        )
        catalogue.close()


if __name__ == "__main__":
    main()
