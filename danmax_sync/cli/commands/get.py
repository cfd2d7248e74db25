"""``danmax-sync get``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.completion import remote_names
from danmax_sync.cli.options import (
    EnergyOption,
    JsonOption,
    QueryArgument,
    SampleOption,
    TemperatureOption,
    query_text,
)
from danmax_sync.cli.sizes import parse_size
from danmax_sync.cli.transfers import show_plans, show_summary

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.sources.base import Source
    from danmax_sync.sources.remotes import Remote
    from danmax_sync.transfer.plan import Choice


def get(
    words: QueryArgument = None,
    destination: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="DIR",
            help="Where the source's tree is kept; not needed the next time.",
            show_default=False,
        ),
    ] = None,
    remote_name: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="The remote to fetch from; not needed unless several have the same scan.",
            autocompletion=remote_names,
        ),
    ] = None,
    energy: EnergyOption = None,
    temperature: TemperatureOption = None,
    sample: SampleOption = None,
    detectors: Annotated[
        list[str] | None,
        typer.Option("--detector", metavar="NAME", help="Only these detectors' files; *, ? and several are possible."),
    ] = None,
    not_detectors: Annotated[
        list[str] | None, typer.Option("--no-detector", metavar="NAME", help="Not these; '*' for masters alone.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also sets that lack files at the source, without those.")
    ] = False,
    max_set: Annotated[
        str | None, typer.Option("--max-set-size", metavar="SIZE", help="No set larger than this: 2G.")
    ] = None,
    max_total: Annotated[
        str | None, typer.Option("--max-total", metavar="SIZE", help="No more than this in all: 500G.")
    ] = None,
    limit_rate: Annotated[
        str | None, typer.Option("--limit-rate", metavar="RATE", help="Bytes a second at most: 50M.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Keep fetching what becomes complete, until Ctrl-C.")
    ] = False,
    every: Annotated[float, typer.Option(min=1.0, metavar="SECONDS", help="With --follow: between two looks.")] = 15.0,
    integrate: Annotated[
        bool, typer.Option("--integrate", help="Integrate what is here, as it comes; what fails stops nothing.")
    ] = False,
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="With --integrate: settings from a TOML file; by default those of settings.toml.",
            exists=True,
            dir_okay=False,
            readable=True,
            metavar="FILE",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            help="With --integrate: keep a waterfall of the newest scans: PNG, SVG, PDF.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be fetched.")] = False,
    no_calibration: Annotated[
        bool, typer.Option("--no-calibration", help="Leave process/*.poni and masks where they are.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch complete sets of scans.

    A set is a master with its detector files; it is verified and the master appears last. Run again to go on.
    Remote and destination need not be said where only one is meant, or was the last time.

    \b
    Examples:
      danmax-sync get sample:LaB6 --from danmax --to visit
      danmax-sync get temperature:300..400
      danmax-sync get 42-44 --dry-run
      danmax-sync get --follow --integrate --plot waterfall.png
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.choosing import destination_of, remote_to_follow, remotes_of, scans_to_get, usual_rate
    from danmax_sync.cli.context import open_catalogue, prompter
    from danmax_sync.cli.errands import Wishes, errands_for, run_errands, show_errands
    from danmax_sync.cli.following import follow_visit, integration_of
    from danmax_sync.errors import ExitCode, UsageError
    from danmax_sync.sources.opening import open_source
    from danmax_sync.sources.remotes import find_remote
    from danmax_sync.transfer.plan import Choice

    text = query_text(words, energy=energy, temperature=temperature, sample=sample)
    if destination is not None and not destination.strip():
        raise UsageError("--to names no folder", hint="for the folder you are in: --to .")
    far = _elsewhere(destination) if destination else None
    choice = Choice(
        detectors=tuple(detectors or ()),
        not_detectors=tuple(not_detectors or ()),
        partial=partial,
        largest_set=parse_size(max_set, option="--max-set-size") if max_set else None,
        largest_total=parse_size(max_total, option="--max-total") if max_total else None,
    )
    rate = parse_size(limit_rate, option="--limit-rate") if limit_rate else None
    if far is not None and (follow or integrate or rate is not None):
        raise UsageError(
            "--follow, --integrate and --limit-rate are for files that come to this machine",
            hint="leave them out for globus://…",
        )
    _check_together(follow=follow, dry_run=dry_run, how=recipe or plot, integrate=integrate)
    rate = rate if far is not None else rate or usual_rate()
    named = find_remote(remote_name) if remote_name else None
    how = integration_of(recipe, plot) if integrate else None
    with open_catalogue() as catalogue:
        if follow:
            remote = named or remote_to_follow(catalogue, text)
            target = destination_of(remote, destination, text)
            ways = {"calibration": not no_calibration, "as_json": as_json}
            follow_visit(catalogue, remote, target, text, choice, how=how, every_s=every, bytes_per_s=rate, **ways)
            return
        scans = scans_to_get(catalogue, text, choice)
        by_remote = [(named, scans)] if named else remotes_of(scans, text)
        if far is not None:
            if len(by_remote) > 1:
                raise UsageError(
                    f"these scans are at several remotes: {', '.join(remote.name for remote, _ in by_remote)}",
                    hint=f"one after the other: --from {by_remote[0][0].name}",
                )
            with open_source(by_remote[0][0], prompter()) as source:
                ways = {"calibration": not no_calibration, "dry_run": dry_run, "as_json": as_json}
                _send(catalogue, source, scans, far, choice, **ways)
                return
        errands = errands_for(by_remote, destination, text)
        if plot is not None and len(errands) > 1:
            raise UsageError(
                f"these scans are at {len(errands)} remotes, and --plot is one picture",
                hint=f"one after the other: --from {errands[0].remote.name}",
            )
        wishes = Wishes(choice, calibration=not no_calibration, bytes_per_s=rate, as_json=as_json)
        if dry_run:
            code = show_errands(catalogue, errands, wishes)
        else:
            code = run_errands(catalogue, errands, wishes, text, how)
    if code is not ExitCode.DONE:
        raise typer.Exit(int(code))


def _check_together(*, follow: bool, dry_run: bool, how: object, integrate: bool) -> None:
    """Refuse options that say nothing together, or two things."""
    from danmax_sync.errors import UsageError

    if how and not integrate:
        raise UsageError("--recipe and --plot say how to integrate", hint="add --integrate")
    if follow and dry_run:
        raise UsageError("--dry-run fetches nothing, --follow keeps fetching", hint="leave one of them out")


def _elsewhere(destination: str) -> "Remote | None":
    """Return the collection that files shall go to, if it is one."""
    from danmax_sync.errors import UsageError
    from danmax_sync.sources.remotes import checked_remote

    if destination.strip().startswith("globus://"):
        return checked_remote("elsewhere", destination.strip())
    if "://" in destination:
        raise UsageError(
            f"files cannot be brought to {destination}",
            hint="--to DIR is a folder of this machine, or globus://COLLECTION/path",
        )
    return None


def _send(
    catalogue: "Catalogue",
    source: "Source",
    scans: "list[CataloguedScan]",
    to: "Remote",
    choice: "Choice",
    *,
    calibration: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring sets from one collection to another; nothing passes through this machine."""
    from danmax_sync.cli.progress import listening
    from danmax_sync.errors import ExitCode, UsageError
    from danmax_sync.sources.globus.source import GlobusSource
    from danmax_sync.transfer.globus.far import FarFolder
    from danmax_sync.transfer.globus.sending import plan_sending, send_sets

    if not isinstance(source, GlobusSource):
        raise UsageError(f"{source.name} is not at Globus, and {to.uri} is", hint="a folder of this machine: --to DIR")
    far = FarFolder.open(source.api, to)
    plan = plan_sending(catalogue, source, scans, far, choice=choice, with_calibration=calibration)
    if dry_run:
        show_plans([plan], as_json=as_json)
        return
    with listening(as_json=as_json) as tell:
        summary = send_sets(source, plan, far, tell=tell)
    show_summary(summary, to.uri, as_json=as_json)
    if summary.exit_code is not ExitCode.DONE:
        raise typer.Exit(int(summary.exit_code))
