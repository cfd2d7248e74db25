"""``danmax-sync demo``."""

from pathlib import Path
from typing import Annotated

import typer

from danmax_sync.cli.options import JsonOption


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where everything goes; new or empty.")] = Path(
        "danmax-demo"
    ),
    as_json: JsonOption = False,
) -> None:
    """Walk the main job on a simulated visit: serve it over SFTP, index, search, get, verify, integrate, plot."""
    from danmax_sync.cli.entry import run
    from danmax_sync.cli.story import tell_story

    tell_story(folder, as_json=as_json, run=run)
