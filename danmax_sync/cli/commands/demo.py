"""``danmax-sync demo``."""

from pathlib import Path
from typing import Annotated

import typer

from danmax_sync.cli.options import JsonOption


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="Where everything goes; new, empty, or of an earlier demo.",
            show_default="danmax-demo, or danmax-demo-globus",
        ),
    ] = None,
    over_globus: Annotated[
        bool, typer.Option("--globus", help="Over Globus instead, which runs on this machine for that; a small visit.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Walk the whole way on a simulated visit.

    It is served over SFTP on this machine with a one-time-code login, then indexed, searched, fetched, verified,
    integrated and plotted. Everything stays in DIR; the demo has settings and a catalogue of its own. With --globus a
    smaller visit comes in a task of a Globus that runs on this machine, without an account. Run again with the
    same DIR, it goes on with what is there.

    \b
    Examples:
      danmax-sync demo
      danmax-sync demo tour --json
      danmax-sync demo --globus
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.entry import run
    from danmax_sync.cli.story import tell_story

    usual = Path("danmax-demo-globus" if over_globus else "danmax-demo")
    tell_story(folder or usual, as_json=as_json, run=run, over_globus=over_globus)
