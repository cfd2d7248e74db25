"""``danmax-sync notebook``."""

from pathlib import Path
from typing import Annotated

import typer

from danmax_sync.cli.options import ScanArgument


def notebook(
    words: ScanArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="By default scan-NUMBER.ipynb here.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a notebook with other content.")] = False,
) -> None:
    """Write a short Jupyter notebook about a scan.

    It loads a frame, searches for scans of its kind, and plots.

    \b
    Examples:
      danmax-sync notebook 42
      danmax-sync notebook latest -o newest.ipynb
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import named_catalogue, open_catalogue
    from danmax_sync.cli.single import only_one
    from danmax_sync.cli.speech import say
    from danmax_sync.companions.notebook import write_notebook
    from danmax_sync.query.search import search_some

    with open_catalogue() as catalogue:
        scans = search_some(catalogue, " ".join(words))
        scan = only_one(scans, "a notebook is about one")
        path = output or Path("scan.ipynb" if scan.number is None else f"scan-{scan.number:04d}.ipynb")
        write_notebook(catalogue, scan, path, location=named_catalogue(), overwrite=overwrite)
    say(f"notebook → {path}")
