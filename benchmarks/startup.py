"""How long commands take to start, against the imports they cannot do without: ``python -m benchmarks.startup``."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import compare
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.testing.visit import simulate_visit

_COMPLETION = {
    "_DANMAX_SYNC_COMPLETE": "complete_bash",
    "COMP_WORDS": "danmax-sync search temper",
    "COMP_CWORD": "2",
}


def main() -> None:
    """Print two tables."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        visit = simulate_visit(Path(scratch) / "visit", scans=12, frames=3, small=True)
        home.mkdir()
        with Catalogue.open(str(home / "catalogue.db")) as catalogue:
            index_folder(catalogue, visit.folder)

        def run(*words: str, **variables: str) -> None:
            environment = os.environ | {"DANMAX_SYNC_HOME": str(home)} | variables
            # As installed: modules are compiled once, and not at every start.
            environment.pop("PYTHONDONTWRITEBYTECODE", None)
            subprocess.run([sys.executable, *words], check=False, stdout=subprocess.DEVNULL, env=environment)

        compare(
            {
                'python -c "import typer"': lambda: run("-c", "import typer"),
                "danmax-sync --help": lambda: run("-m", "danmax_sync", "--help"),
                "danmax-sync get --help": lambda: run("-m", "danmax_sync", "get", "--help"),
                "completion of a name": lambda: run("-m", "danmax_sync", **_COMPLETION),
            },
            rounds=9,
            amount=1,
            unit="starts",
        )
        compare(
            {
                'python -c "import sqlalchemy, rich.table"': lambda: run("-c", "import sqlalchemy, rich.table"),
                "danmax-sync search energy:35": lambda: run("-m", "danmax_sync", "search", "energy:35"),
                "danmax-sync show 42": lambda: run("-m", "danmax_sync", "show", "42"),
            },
            rounds=9,
            amount=1,
            unit="starts",
        )


if __name__ == "__main__":
    main()
