"""How fast masters become rows of a catalogue, against a plain h5py loop that reads the same values."""

import argparse
import os
import tempfile
from pathlib import Path

import h5py

from benchmarks.measure import compare
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.testing.visit import simulate_visit

LONG_AGO = 1_600_000_000


def plain_loop(masters: list[Path]) -> int:
    """Read what the index reads, as a notebook would."""
    values = 0
    for path in masters:
        with h5py.File(path, "r") as file:
            entry = file["entry"]
            entry["title"][()], entry["start_time"][()]
            instrument = entry["instrument"]
            for name in instrument["start_positioners"]:
                instrument["start_positioners"][name][()]
                values += 1
            for name in instrument:
                if isinstance(instrument.get(name, getlink=True), h5py.ExternalLink):
                    continue
                for inner in ("data", "value"):
                    if inner in instrument[name]:
                        column = instrument[name][inner][()]
                        column.min(), column.max(), column.mean()
                        values += 1
    return values


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scans", type=int, default=300)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        visit = simulate_visit(folder / "visit", scans=chosen.scans, frames=5, small=True)
        masters = [scan.path.below(visit.folder) for scan in visit.scans]
        for path in visit.folder.rglob("*.h5"):
            # Files of the last seconds would be read again, because they might still change.
            os.utime(path, (LONG_AGO, LONG_AGO))
        made = iter(range(10_000))

        def index() -> None:
            with Catalogue.open(str(folder / f"catalogue-{next(made)}.db")) as catalogue:
                index_folder(catalogue, visit.folder)

        kept = Catalogue.open(str(folder / "kept.db"))
        index_folder(kept, visit.folder)
        compare(
            {
                "plain h5py loop, nothing kept": lambda: plain_loop(masters),
                "danmax-sync index, into a new catalogue": index,
                "danmax-sync index, nothing has changed": lambda: index_folder(kept, visit.folder),
            },
            rounds=chosen.rounds,
            amount=chosen.scans,
            unit="masters",
        )
        kept.close()


if __name__ == "__main__":
    main()
