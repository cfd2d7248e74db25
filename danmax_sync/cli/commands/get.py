"""``danmax-sync get``."""

from itertools import groupby
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

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.sources.remotes import Remote
    from danmax_sync.transfer.outcome import GetSummary
    from danmax_sync.transfer.plan import TransferPlan


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
    from danmax_sync.transfer.fetching import fetch_scans, plan_scans

    text = query_text(words, energy=energy, temperature=temperature, sample=sample)
    if not destination.strip():
        raise UsageError("--to names no folder", hint="for the folder you are in: --to .")
    target = Path(destination).expanduser().absolute()
    named = find_remote(remote_name) if remote_name else None
    with open_catalogue() as catalogue:
        scans = search_some(catalogue, text)
        remote = named or _only_remote(scans)
        with open_source(remote, prompter()) as source:
            plan = plan_scans(catalogue, source, scans, target, with_calibration=not no_calibration)
            if dry_run:
                _show_plan(plan, as_json=as_json)
                return
            with listening(as_json=as_json) as tell:
                summary = fetch_scans(catalogue, source, plan, tell=tell)
    _show(summary, target, as_json=as_json)
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


def _show_plan(plan: "TransferPlan", *, as_json: bool) -> None:
    from danmax_sync.cli.display import count
    from danmax_sync.cli.progress import emit, human_bytes
    from danmax_sync.events import Event

    if as_json:
        for scan_set in plan.sets:
            files = [file.to_json() for file in scan_set.files]
            emit(Event("set", {"scan": scan_set.label, "files": files, "obstacle": scan_set.obstacle}))
        left_out = sum(bool(scan_set.obstacle) for scan_set in plan.sets)
        sets = {"planned": len(plan.sets) - left_out, "left_out": left_out}
        amount = {"files": plan.files_to_fetch, "bytes": plan.bytes_to_fetch}
        emit(Event("summary", {"dry_run": True, "sets": sets, **amount}))
        return
    for scan_set in plan.sets:
        typer.echo(f"{scan_set.label}: {scan_set.obstacle or human_bytes(scan_set.bytes_to_fetch)}")
        for file in scan_set.files:
            typer.echo(f"  {file.state.value:<8} {human_bytes(file.size):>9}  {file.path}")
    for file in plan.calibration:
        typer.echo(f"  {file.state.value:<8} {human_bytes(file.size):>9}  {file.path}")
    size = human_bytes(plan.bytes_to_fetch)
    typer.echo(f"{count(len(plan.sets), 'set')}, {count(plan.files_to_fetch, 'file')} and {size} to fetch")


def _show(summary: "GetSummary", target: Path, *, as_json: bool) -> None:
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.progress import emit, human_bytes
    from danmax_sync.events import Event

    if as_json:
        emit(Event("summary", summary.to_json()))
        return
    told = [outcome for outcome in summary.outcomes if outcome.message]
    for message, outcomes in groupby(told, key=lambda outcome: outcome.message):
        first, *others = outcomes
        # A line that broke ends many sets, and is one thing to say.
        more = f" and {count(len(others), 'more set')}" if others else ""
        complain(f"{first.label}{more} {first.state.value}: {message}", hint=first.hint, kind="warning")
    states = [outcome.state for outcome in summary.outcomes]
    sets = ", ".join(f"{states.count(state)} {state.value}" for state in dict.fromkeys(states))
    say(
        f"sets: {sets or 'none'} ({summary.already_here} here already); {count(summary.files, 'file')}, "
        f"{human_bytes(summary.bytes)} in {summary.seconds:.1f} s → {target}"
    )
