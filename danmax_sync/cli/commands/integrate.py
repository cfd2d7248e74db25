"""``danmax-sync integrate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.options import (
    EnergyOption,
    Errors,
    JsonOption,
    QueryArgument,
    RadialUnit,
    Refusable,
    SampleOption,
    Splitting,
    TemperatureOption,
    query_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from danmax_sync.events import Listener
    from danmax_sync.integration.outcome import IntegrateSummary

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
        list[Path] | None,
        typer.Option(
            help="Mask, 1 = left out: npy, edf, tif or FILE.h5::/path; several are combined. By default the one in "
            "process/.",
            metavar="FILE",
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="Settings from a TOML file (bins = 2500, one a line); options given here win. By default the one that "
            "settings.toml names, below [integrate].",
            **_FILE,
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(help="Settings, geometry and mask of a file of patterns, ours or the beamline's.", **_FILE),
    ] = None,
    detector: Annotated[str | None, typer.Option(metavar="NAME", help="Whose frames, where there are several.")] = None,
    bins: Annotated[
        int | None,
        typer.Option(
            min=10, max=100_000, metavar="N", help="Radial bins; by default 3000, or as many as the pixels resolve."
        ),
    ] = None,
    radial_range: Annotated[
        str | None, typer.Option("--range", metavar="LOW..HIGH", help="Of the radial axis, in its unit.")
    ] = None,
    unit: Annotated[RadialUnit | None, typer.Option(help="2θ in degrees (default), or q in 1/Å.")] = None,
    split: Annotated[
        Splitting | None, typer.Option(help="How a pixel is shared between bins; by default full, by its outline.")
    ] = None,
    azimuth: Annotated[
        str | None,
        typer.Option(metavar="A..B", help="Only pixels in between: degrees, clockwise from three o'clock."),
    ] = None,
    sectors: Annotated[int | None, typer.Option(metavar="N", help="Patterns of N sectors as well.")] = None,
    cake: Annotated[int | None, typer.Option(metavar="N", help="A cake of N azimuthal bins as well.")] = None,
    polarization: Annotated[
        float | None,
        typer.Option(min=-1, max=1, metavar="DEGREE", help="Degree of horizontal polarization; by default 0.999."),
    ] = None,
    no_polarization: Annotated[
        bool, typer.Option("--no-polarization", help="Do not correct for polarization.")
    ] = False,
    no_solid_angle: Annotated[
        bool, typer.Option("--no-solid-angle", help="Do not divide by the solid angle of pixels.")
    ] = False,
    dark: Annotated[Path | None, typer.Option(metavar="FILE", help="Image that is subtracted.")] = None,
    flat: Annotated[Path | None, typer.Option(metavar="FILE", help="Image that is divided by.")] = None,
    monitor: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Divide by this channel, as albaem-xrd_ch2 (I0).")
    ] = None,
    errors: Annotated[
        Errors | None, typer.Option(help="From counting (poisson, default), the scatter of pixels, or none.")
    ] = None,
    clip: Annotated[
        float | None,
        typer.Option(metavar="K", help="Leave out pixels K standard deviations off their ring; with --split none."),
    ] = None,
    ceiling: Annotated[
        int | None, typer.Option(metavar="N", help="Leave out pixels of N counts or more, as saturated.")
    ] = None,
    frames: Annotated[str | None, typer.Option(metavar="A:B:STEP", help="Only these frames: 10:20, ::5, -10:")] = None,
    average: Annotated[int | None, typer.Option(metavar="N", help="One pattern of every N frames.")] = None,
    threshold: Annotated[
        int | None, typer.Option(metavar="N", help="Which of a detector's thresholds, from 0.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="By default as many as there are processors.")
    ] = None,
    allow: Annotated[
        list[Refusable] | None, typer.Option(help="Do not refuse because of this; may be given several times.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace patterns this tool made with other settings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Integrate frames into patterns.

    They go under process/azint/, mirroring raw/, as NXazint1d and NXazint2d files. Run again to go on.

    \b
    Examples:
      danmax-sync integrate sample:LaB6 energy:35
      danmax-sync integrate 42 --unit q --range 0.5..8 --overwrite
      danmax-sync integrate 42 --recipe ours.toml --overwrite
      danmax-sync integrate 42 --sectors 4 --cake 36 --overwrite
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.live import live_sketch
    from danmax_sync.cli.progress import emit, listening
    from danmax_sync.cli.ranges import ends
    from danmax_sync.errors import ExitCode
    from danmax_sync.events import Event, warning
    from danmax_sync.integration.chosen import choices_of, recipes_beside, usual_recipe
    from danmax_sync.integration.run import integrate_scans, on_this_disk
    from danmax_sync.query.search import search_some

    settings = {
        "bins": bins,
        "range": ends(radial_range, "--range"),
        "unit": unit and unit.value,
        "split": split and split.value,
        "azimuth": ends(azimuth, "--azimuth"),
        "sectors": sectors,
        "cake": cake,
        "polarization": False if no_polarization else polarization,
        "solid_angle": False if no_solid_angle else None,
        "monitor": monitor,
        "errors": errors and errors.value,
        "clip": clip,
        "ceiling": ceiling,
        "frames": frames,
        "average": average,
        "threshold": threshold,
    }
    # What it was made like says everything.
    recipe = recipe or (None if like else usual_recipe())
    choices = choices_of(
        settings,
        recipe=recipe,
        like=like,
        poni=poni,
        masks=tuple(mask or ()),
        dark=dark,
        flat=flat,
        allowed=frozenset(each.value for each in allow or ()),
        detector=detector,
        overwrite=overwrite,
        threads=threads,
    )
    with open_catalogue() as catalogue:
        scans = search_some(catalogue, query_text(words, energy=energy, temperature=temperature, sample=sample))
    picture = live_sketch(as_json=as_json)
    with listening(as_json=as_json, picture=picture) as tell:
        made: list[Path] = []

        def heard(event: Event) -> None:
            if event.name == "scan" and event.fields.get("output"):
                made.append(Path(str(event.fields["output"])))
            tell(event)

        left = [] if recipe or like else recipes_beside(scans)
        if left:
            warning(
                tell,
                "this recipe is not used" + (f", nor are {len(left) - 1} others beside it" if left[1:] else ""),
                path=str(left[0]),
                hint="use it: --recipe FILE; or always: danmax-sync settings edit",
            )
        try:
            summary = integrate_scans(on_this_disk(scans, tell=tell), choices, tell=heard, look=picture)
        finally:
            # Also after Ctrl-C: what was written can be searched for.
            if made:
                _remember(made, tell)
    if as_json:
        emit(Event("summary", summary.to_json()))
    else:
        _show(summary)
    if summary.exit_code is not ExitCode.DONE:
        raise typer.Exit(int(summary.exit_code))


def _remember(made: "Sequence[Path]", tell: "Listener") -> None:
    """Let the catalogue know of new patterns; where it cannot be written to, the next index finds them."""
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.errors import CatalogueError
    from danmax_sync.events import warning
    from danmax_sync.indexing.arrived import index_patterns

    try:
        with open_catalogue() as catalogue:
            index_patterns(catalogue, made)
    except CatalogueError as problem:
        warning(tell, f"the new patterns are not in the catalogue yet: {problem.message}", hint=problem.hint)


def _show(summary: "IntegrateSummary") -> None:
    from danmax_sync.catalogue.labels import named
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.display import count, say
    from danmax_sync.integration.outcome import troubles

    done = [outcome for outcome in summary.outcomes if outcome.output]
    for trouble in troubles(summary.outcomes):
        complain(trouble.sentence, hint=trouble.hint)
    notes: dict[str, list[str]] = {}
    for outcome in summary.outcomes:
        for note in outcome.notes:
            notes.setdefault(note, []).append(outcome.label)
    made = sum(bool(outcome.notes) for outcome in summary.outcomes)
    for note, labels in notes.items():
        # What all have in common needs no names.
        say(note if len(labels) == made > 1 else f"{named(labels)}: {note}")
    for poni, mask in dict.fromkeys((outcome.poni, outcome.mask) for outcome in done):
        say(f"geometry {poni}, {f'mask {mask}' if mask else 'no mask but the gaps of the detector'}")
    frames = sum(outcome.frames for outcome in done)
    skipped = sum(outcome.skipped_frames for outcome in done)
    rate = f", {frames / summary.seconds:.1f} frames/s" if frames and summary.seconds else ""
    say(f"{count(len(done), 'scan')}: {count(frames, 'frame')} integrated, {skipped} done before{rate}")
    renewed = [outcome.renewed for outcome in done if outcome.renewed]
    if renewed:
        what = " and ".join(dict.fromkeys(each for some in renewed for each in some))
        say(f"{count(len(renewed), 'file')} of patterns: {what} written anew, as the catalogue has it now")
    for folder in dict.fromkeys(outcome.output.parent for outcome in done if outcome.output):
        say(f"  → {folder}")
