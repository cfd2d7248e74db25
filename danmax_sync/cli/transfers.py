"""What a transfer will do, and what it came to, as people read it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from danmax_sync.transfer.outcome import GetSummary
    from danmax_sync.transfer.plan import TransferPlan


def show_plans(plans: "Sequence[TransferPlan]", *, as_json: bool) -> None:
    """Print what some plans would do, before a byte has moved; each says from where and whereto if they are several."""
    from danmax_sync.cli.progress import emit
    from danmax_sync.events import Event

    for plan in plans:
        if len(plans) > 1 and not as_json:
            typer.echo(f"from {plan.source} into {plan.destination}")
        _show_files(plan, as_json=as_json)
    if not as_json:
        typer.echo(_sum_of(plans))
        return
    to_fetch, here, left_out = _sets_of(plans)
    sets = {"planned": to_fetch + here, "to_fetch": to_fetch, "here": here, "left_out": left_out}
    amount = {"files": sum(plan.files_to_fetch for plan in plans), "bytes": sum(plan.bytes_to_fetch for plan in plans)}
    emit(Event("summary", {"dry_run": True, "sets": sets, **amount}))


def _sets_of(plans: "Sequence[TransferPlan]") -> tuple[int, int, int]:
    """Return how many sets would travel, how many are here, and how many are left out."""
    sets = [each for plan in plans for each in plan.sets]
    left_out = sum(bool(each.obstacle) for each in sets)
    to_fetch = sum(not each.obstacle and bool(each.to_fetch) for each in sets)
    return to_fetch, len(sets) - left_out - to_fetch, left_out


def _sum_of(plans: "Sequence[TransferPlan]") -> str:
    from danmax_sync.cli.display import count
    from danmax_sync.cli.progress import human_bytes

    to_fetch, here, left_out = _sets_of(plans)
    files = sum(plan.files_to_fetch for plan in plans)
    amount = f"{count(files, 'file')} and {human_bytes(sum(plan.bytes_to_fetch for plan in plans))}"
    if to_fetch:
        said = f"{count(to_fetch, 'set')}, {amount} to fetch"
    else:
        said = f"no set to fetch; of the calibration {amount}" if files else "nothing to fetch"
    rest = ", ".join(f"{sets} {what}" for sets, what in ((here, "here already"), (left_out, "left out")) if sets)
    return f"{said}; {rest}" if rest else said


def _show_files(plan: "TransferPlan", *, as_json: bool) -> None:
    from danmax_sync.cli.progress import emit, human_bytes
    from danmax_sync.events import Event

    if as_json:
        for scan_set in plan.sets:
            files = [file.to_json() for file in scan_set.files]
            left_out = [str(path) for path in scan_set.left_out]
            fields = {"scan": scan_set.label, "files": files, "left_out": left_out, "obstacle": scan_set.obstacle}
            emit(Event("set", fields))
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


def show_summary(summary: "GetSummary", target: Path | str, *, as_json: bool) -> None:
    """Print what became of the sets, and why of those that are not here."""
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.progress import emit, human_bytes
    from danmax_sync.cli.reasons import Reason, complain_about
    from danmax_sync.events import Event
    from danmax_sync.transfer.outcome import SetState

    if as_json:
        emit(Event("summary", summary.to_json()))
        return
    # What was left out as asked is no news.
    told = [outcome for outcome in summary.outcomes if outcome.message and outcome.state is not SetState.COMPLETE]
    # A line that broke ends many sets, and is one thing to say.
    complain_about([Reason(one.label, one.state.value, one.message, one.hint) for one in told], kind="warning")
    states = [outcome.state for outcome in summary.outcomes]
    sets = ", ".join(f"{states.count(state)} {state.value}" for state in dict.fromkeys(states))
    say(
        f"sets: {sets or 'none'} ({summary.already_here} here already); {count(summary.files, 'file')}, "
        f"{human_bytes(summary.bytes)} in {summary.seconds:.1f} s → {target}"
    )
