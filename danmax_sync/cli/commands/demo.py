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
    """Walk the whole way on a simulated visit.

    It is served over SFTP on this machine with a one-time-code login, then indexed, searched, fetched, verified,
    integrated and plotted. Everything stays in DIR; the demo has settings and a catalogue of its own.

    \b
    Examples:
      danmax-sync demo
      danmax-sync demo tour --json
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.entry import run
    from danmax_sync.cli.story import tell_story

    tell_story(folder, as_json=as_json, run=run)
