"""How long ``danmax-sync --help`` takes, against importing typer alone."""

import subprocess
import sys

from benchmarks.measure import compare


def _run(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Print the table."""
    compare(
        {
            'python -c "import typer"': lambda: _run("-c", "import typer"),
            "danmax-sync --help": lambda: _run("-m", "danmax_sync", "--help"),
            "danmax-sync get --help": lambda: _run("-m", "danmax_sync", "get", "--help"),
        },
        rounds=9,
        amount=1,
        unit="starts",
    )


if __name__ == "__main__":
    main()
