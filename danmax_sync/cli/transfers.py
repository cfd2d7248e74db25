"""What a transfer will do, and what it came to, as people read it."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from danmax_sync.transfer.outcome import GetSummary
    from danmax_sync.transfer.plan import TransferPlan


def show_plan(plan: "TransferPlan", *, as_json: bool) -> None:
    """Print every file of a plan with its size and state, before a byte has moved."""
    from danmax_sync.cli.display import count
    from danmax_sync.cli.progress import emit, human_bytes
    from danmax_sync.events import Event

    if as_json:
        for scan_set in plan.sets:
            files = [file.to_json() for file in scan_set.files]
            left_out = [str(path) for path in scan_set.left_out]
            fields = {"scan": scan_set.label, "files": files, "left_out": left_out, "obstacle": scan_set.obstacle}
            emit(Event("set", fields))
        left_out_sets = sum(bool(scan_set.obstacle) for scan_set in plan.sets)
        sets = {"planned": len(plan.sets) - left_out_sets, "left_out": left_out_sets}
        amount = {"files": plan.files_to_fetch, "bytes": plan.bytes_to_fetch}
        emit(Event("summary", {"dry_run": True, "sets": sets, **amount}))
        return
    for scan_set in plan.sets:
        if scan_set.obstacle:
            # None of its files would travel.
            typer.echo(f"{scan_set.label}: left out, {scan_set.obstacle}")
            continue
        typer.echo(f"{scan_set.label}: {human_bytes(scan_set.bytes_to_fetch)}")
        for file in scan_set.files:
            typer.echo(f"  {file.state.value:<8} {human_bytes(file.size):>9}  {file.path}")
        for path in scan_set.left_out:
            typer.echo(f"  {'left out':<8} {'':>9}  {path}")
    for file in plan.calibration:
        typer.echo(f"  {file.state.value:<8} {human_bytes(file.size):>9}  {file.path}")
    size = human_bytes(plan.bytes_to_fetch)
    typer.echo(f"{count(len(plan.sets), 'set')}, {count(plan.files_to_fetch, 'file')} and {size} to fetch")


def show_summary(summary: "GetSummary", target: Path | str, *, as_json: bool) -> None:
    """Print what became of the sets, and why of those that are not here."""
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.progress import emit, human_bytes
    from danmax_sync.events import Event
    from danmax_sync.transfer.outcome import SetState

    if as_json:
        emit(Event("summary", summary.to_json()))
        return
    # What was left out as asked is no news.
    told = [outcome for outcome in summary.outcomes if outcome.message and outcome.state is not SetState.COMPLETE]
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
