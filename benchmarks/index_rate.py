"""How fast masters become rows of a catalogue, against a plain h5py loop that reads the same values.

Run as ``python -m benchmarks.index_rate --masters 2000``.
"""

import argparse
import resource
import tempfile
from pathlib import Path

import h5py

from benchmarks.masters import write_masters
from benchmarks.measure import compare
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_folder


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
    options.add_argument("--masters", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        masters = write_masters(folder / "visit", chosen.masters)
        made = iter(range(10_000))

        def index(workers: int) -> None:
            with Catalogue.open(str(folder / f"catalogue-{next(made)}.db")) as catalogue:
                found = index_folder(catalogue, folder / "visit", workers=workers)
                assert (found.new, found.problems) == (chosen.masters, 0)

        kept = Catalogue.open(str(folder / "kept.db"))
        # Also starts the reader processes, once for all rounds.
        index_folder(kept, folder / "visit", workers=1)
        compare(
            {
                "plain h5py loop, nothing kept": lambda: plain_loop(masters),
                "danmax-sync index, 1 worker": lambda: index(1),
                "danmax-sync index, 2 workers": lambda: index(2),
                "danmax-sync index, nothing has changed": lambda: index_folder(kept, folder / "visit"),
            },
            rounds=chosen.rounds,
            amount=chosen.masters,
            unit="masters",
        )
        kept.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process {peak:.0f} MB")


if __name__ == "__main__":
    main()
