"""``danmax-sync integrate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.options import (
    EnergyOption,
    JsonOption,
    QueryArgument,
    RadialUnit,
    SampleOption,
    Splitting,
    TemperatureOption,
    query_text,
)

if TYPE_CHECKING:
    from danmax_sync.integration.run import IntegrateSummary

_FILE = {"exists": True, "dir_okay": False, "readable": True, "metavar": "FILE"}


def integrate(
    words: QueryArgument = None,
    energy: EnergyOption = None,
    temperature: TemperatureOption = None,
    sample: SampleOption = None,
    poni: Annotated[
        Path | None, typer.Option(help="Geometry; by default the newest one of the scan's energy in process/.", **_FILE)
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="Mask, 1 = left out; by default the one in process/.", **_FILE)
    ] = None,
    detector: Annotated[str | None, typer.Option(metavar="NAME", help="Whose frames, where there are several.")] = None,
    bins: Annotated[int, typer.Option(min=10, max=100_000, help="Radial bins.")] = 3000,
    unit: Annotated[RadialUnit, typer.Option(help="2θ in degrees, or q in 1/Å.")] = RadialUnit.TWO_THETA,
    split: Annotated[Splitting, typer.Option(help="How a pixel is shared between bins.")] = Splitting.FULL,
    polarization: Annotated[float, typer.Option(min=-1, max=1, help="Degree of horizontal polarization.")] = 0.999,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace patterns this tool made with other settings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Integrate frames into patterns.

    They go under process/azint/, mirroring raw/, as NXazint1d files.
    """
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.progress import emit, listening
    from danmax_sync.errors import ExitCode
    from danmax_sync.events import Event
    from danmax_sync.integration.calibration import Named
    from danmax_sync.integration.recipe import Recipe, Split, Unit
    from danmax_sync.integration.run import Choices, integrate_scans, on_this_disk
    from danmax_sync.query.search import search_some

    recipe = Recipe(bins=bins, unit=Unit(unit.value), split=Split(split.value), polarization=polarization)
    choices = Choices(recipe, Named(poni, (mask,) if mask else ()), detector, overwrite)
    with open_catalogue() as catalogue:
        scans = search_some(catalogue, query_text(words, energy=energy, temperature=temperature, sample=sample))
    with listening(as_json=as_json) as tell:
        summary = integrate_scans(on_this_disk(scans, tell=tell), choices, tell=tell)
    if as_json:
        emit(Event("summary", summary.to_json()))
    else:
        _show(summary)
    if summary.exit_code is not ExitCode.DONE:
        raise typer.Exit(int(summary.exit_code))


def _show(summary: "IntegrateSummary") -> None:
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.display import count, say

    done = [outcome for outcome in summary.outcomes if outcome.output]
    for outcome in summary.outcomes:
        if outcome.message:
            complain(f"{outcome.label}: {outcome.message}", hint=outcome.hint)
    for poni, mask in dict.fromkeys((outcome.poni, outcome.mask) for outcome in done):
        say(f"geometry {poni}, {f'mask {mask}' if mask else 'no mask but the gaps of the detector'}")
    frames = sum(outcome.frames for outcome in done)
    skipped = sum(outcome.skipped_frames for outcome in done)
    rate = f", {frames / summary.seconds:.1f} frames/s" if frames and summary.seconds else ""
    say(f"{count(len(done), 'scan')}: {count(frames, 'frame')} integrated, {skipped} done before{rate}")
    for folder in dict.fromkeys(outcome.output.parent for outcome in done if outcome.output):
        say(f"  → {folder}")
