"""``danmax-sync calibrate``."""

from pathlib import Path
from typing import Annotated

import typer

from danmax_sync.cli.options import ScanArgument


def calibrate(
    words: ScanArgument,
    frame: Annotated[int | None, typer.Option(metavar="N", help="This frame; by default the mean of up to 20.")] = None,
    calibrant: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="As pyFAI calls it: LaB6, CeO2…; by default by the sample's name."),
    ] = None,
    detector: Annotated[str | None, typer.Option(metavar="NAME", help="Whose frames, where there are several.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="By default a free name in process/.")
    ] = None,
) -> None:
    """Calibrate the geometry with pyFAI-calib2.

    On a scan of a reference sample; it starts with the frame, energy, detector, mask and calibrant filled in. Save the
    geometry in its last step and close it: the file is checked and put into the visit's process/, where integrate finds
    it. Nothing is replaced.

    \b
    Examples:
      danmax-sync calibrate 42
      danmax-sync calibrate 42 --frame 0 --calibrant LaB6_SRM660c
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.complaint import told_as_warning
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.single import only_one
    from danmax_sync.cli.speech import say
    from danmax_sync.companions.calibrating import calibrate as run_it
    from danmax_sync.companions.calibrating import prepare
    from danmax_sync.integration.localscan import on_this_disk
    from danmax_sync.query.search import search_some

    with open_catalogue() as catalogue:
        scans = on_this_disk(search_some(catalogue, " ".join(words)), tell=told_as_warning)
    scan = only_one(scans, "one is calibrated at a time")
    prepared = prepare(scan, frame=frame, detector=detector, calibrant=calibrant, output=output)
    for fact in prepared.said:
        say(f"  {fact}")
    placed = run_it(prepared)
    say(f"geometry → {placed}")
    say("  → danmax-sync integrate QUERY takes the newest geometry of a scan's energy")
