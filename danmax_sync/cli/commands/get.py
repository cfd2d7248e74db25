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
from danmax_sync.cli.transfers import show_plan, show_summary

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.sources.base import Source
    from danmax_sync.sources.remotes import Remote
    from danmax_sync.transfer.plan import Choice


def get(
    destination: Annotated[
        str, typer.Option("--to", metavar="DIR", help="Where the source's tree is kept.", show_default=False)
    ],
    words: QueryArgument = None,
    remote_name: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="The remote to fetch from; not needed when only one has the scans.",
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be fetched.")] = False,
    no_calibration: Annotated[
        bool, typer.Option("--no-calibration", help="Leave process/*.poni and masks where they are.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch complete sets of scans.

    A set is a master with its detector files; it is verified and the master appears last. Run again to go on.
    """
    from danmax_sync.cli.context import open_catalogue, prompter
    from danmax_sync.cli.progress import listening
    from danmax_sync.errors import ExitCode, UsageError
    from danmax_sync.query.search import search_some
    from danmax_sync.sources.opening import open_source
    from danmax_sync.sources.remotes import find_remote
    from danmax_sync.transfer.fetching import fetch_scans, plan_scans, prepare_lanes
    from danmax_sync.transfer.plan import Choice

    text = query_text(words, energy=energy, temperature=temperature, sample=sample)
    if not destination.strip():
        raise UsageError("--to names no folder", hint="for the folder you are in: --to .")
    far = _elsewhere(destination)
    target = Path(destination).expanduser().absolute()
    choice = Choice(
        detectors=tuple(detectors or ()),
        not_detectors=tuple(not_detectors or ()),
        partial=partial,
        largest_set=parse_size(max_set, option="--max-set-size") if max_set else None,
        largest_total=parse_size(max_total, option="--max-total") if max_total else None,
    )
    rate = parse_size(limit_rate, option="--limit-rate") if limit_rate else None
    named = find_remote(remote_name) if remote_name else None
    if far is not None and (follow or rate is not None):
        raise UsageError("--follow and --limit-rate bring files to this machine", hint="leave them out for globus://…")
    if follow:
        _follow(text, named, target, choice, every_s=every, bytes_per_s=rate, as_json=as_json)
        return
    with open_catalogue() as catalogue:
        scans = search_some(catalogue, text)
        remote = named or _only_remote(scans)
        with open_source(remote, prompter()) as source:
            if far is not None:
                ways = {"calibration": not no_calibration, "dry_run": dry_run, "as_json": as_json}
                _send(catalogue, source, scans, far, choice, **ways)
                return
            if not dry_run:
                prepare_lanes(source)
            plan = plan_scans(catalogue, source, scans, target, choice=choice, with_calibration=not no_calibration)
            if dry_run:
                show_plan(plan, as_json=as_json)
                return
            with listening(as_json=as_json) as tell:
                summary = fetch_scans(catalogue, source, plan, tell=tell, bytes_per_s=rate)
    show_summary(summary, target, as_json=as_json)
    if summary.exit_code is not ExitCode.DONE:
        raise typer.Exit(int(summary.exit_code))


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
        show_plan(plan, as_json=as_json)
        return
    with listening(as_json=as_json) as tell:
        summary = send_sets(source, plan, far, tell=tell)
    show_summary(summary, to.uri, as_json=as_json)
    if summary.exit_code is not ExitCode.DONE:
        raise typer.Exit(int(summary.exit_code))


def _only_remote(scans: "list[CataloguedScan]") -> "Remote":
    """Return the remote that has the scans, when there is no doubt."""
    from danmax_sync.catalogue.values import REMOTE
    from danmax_sync.errors import UsageError
    from danmax_sync.sources.remotes import find_remote, load_remotes

    names = {at.root.name for scan in scans for at in scan.locations if at.root.kind == REMOTE} & set(load_remotes())
    if len(names) == 1:
        return find_remote(names.pop())
    known = f"several remotes have these scans: {', '.join(sorted(names))}" if names else "no remote has these scans"
    raise UsageError(
        known, hint="say which: --from NAME (danmax-sync remote list), or index one: danmax-sync index NAME"
    )


def _follow(
    text: str,
    named: "Remote | None",
    target: Path,
    choice: "Choice",
    *,
    every_s: float,
    bytes_per_s: float | None,
    as_json: bool,
) -> None:
    from danmax_sync.cli.context import open_catalogue, prompter
    from danmax_sync.cli.progress import listening
    from danmax_sync.errors import UsageError
    from danmax_sync.query.search import search
    from danmax_sync.sources.opening import open_source
    from danmax_sync.transfer.following import Follower

    if named is None:
        raise UsageError("--follow needs to know whom", hint="say which: --from NAME (danmax-sync remote list)")
    remote = named
    with open_catalogue() as catalogue, listening(as_json=as_json) as tell:
        follower = Follower(
            catalogue,
            lambda: open_source(remote, prompter()),
            lambda known: search(known, text),
            target,
            choice=choice,
            every_s=every_s,
            tell=tell,
            bytes_per_s=bytes_per_s,
        )
        try:
            follower.run()
        finally:
            # Ctrl-C is the way to end it, and no reason to lose the sum.
            show_summary(follower.summary, target, as_json=as_json)
