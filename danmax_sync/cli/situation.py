"""The one screen of a visit: what is where, what is under way, what to type next."""

import sys
import time
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.cli.paragraphs import heading, rows, terminal_width
from danmax_sync.cli.progress import human_bytes
from danmax_sync.cli.speech import count
from danmax_sync.cli.speech import line as _line
from danmax_sync.transfer.outcome import SetState
from danmax_sync.visits import visible

if TYPE_CHECKING:
    from danmax_sync.transfer.advance import VisitStanding
    from danmax_sync.transfer.beacon import InFlight
    from danmax_sync.transfer.globus.overview import UnderWay
    from danmax_sync.transfer.journal import UnfinishedSet
    from danmax_sync.transfer.standing import Standing

_MOST = 5
"""Of what is unfinished, so many lines."""
_MOST_VISITS = 8


def show_situation(
    found: "Standing", visits: "Sequence[VisitStanding]", tasks: "Sequence[UnderWay]", what_next: tuple[str, str]
) -> None:
    """Print it on stdout."""
    states = {"with files missing": found.partial, "still running": found.running, "unreadable": found.unreadable}
    others = "".join(f", {amount} {what}" for what, amount in states.items() if amount)
    heading(f"{count(found.scans, 'scan')}: {found.at_sources} at remotes, {found.here} complete here{others}")
    if len(visits) == 1:
        _one_visit(visits[0])
    elif visits:
        _several(visits)
    for task in tasks:
        _tell(_task_line(task))
    said = {one.destination for one in found.in_flight}
    for one in found.in_flight:
        _tell(_flight_line(one))
    for place in found.busy:
        if place not in said:
            _tell(f"being fetched right now: into {place}")
    # Of what is in flight the line above says enough.
    waiting = [one for one in found.unfinished if one.message or Path(one.destination) not in said]
    _unfinished(found, waiting)
    _some(
        [
            f"begun: {part.path}, {part.done / part.size if part.size else 1.0:.0%} of {human_bytes(part.size)} "
            f"in {part.destination}"
            for part in found.begun
            if part.destination not in said
        ]
    )
    _tell(f"{what_next[0]}\n  → {what_next[1]}")


def _one_visit(visit: "VisitStanding") -> None:
    incomplete = [
        f"{amount} {what}"
        for amount, what in (
            (visit.incomplete, "lack files"),
            (visit.running, "still running"),
            (visit.unreadable, "unreadable"),
        )
        if amount
    ]
    table = [
        ("at the facility", str(visit.at_source), human_bytes(visit.bytes_at_source), ", ".join(visit.remotes)),
        ("in the catalogue", str(visit.scans), "", ", ".join(incomplete)),
        ("here", str(visit.here), human_bytes(visit.bytes_here), ", ".join(visit.folders)),
        ("integrated", str(visit.integrated), "", f"{visit.to_integrate} to do" if visit.to_integrate else ""),
        (
            "to fetch",
            str(visit.to_fetch),
            human_bytes(visit.bytes_to_fetch) if visit.to_fetch else "",
            f"{visit.in_the_way} more with something in the way" if visit.in_the_way else "",
        ),
    ]
    _tell(f"visit {visit.name}")
    rows(table, indent=2, right=(1, 2))


def _several(visits: "Sequence[VisitStanding]") -> None:
    head = ("visit", "there", "", "here", "", "integrated", "incomplete", "to fetch")
    table = [head, *map(_row, visits[-_MOST_VISITS:])]
    # In a narrow terminal sizes go first: a row that goes on below itself cannot be compared with another.
    for spared in ((), (4,), (2, 4)):
        shown = [[cell for at, cell in enumerate(row) if at not in spared] for row in table]
        if _width(shown) <= (terminal_width() or sys.maxsize):
            break
    rows(shown, indent=2, right=range(1, len(shown[0]) - 1))
    if len(visits) > _MOST_VISITS:
        _tell(f"  and {len(visits) - _MOST_VISITS} visits before; one of them: danmax-sync status visit:NUMBER")


def _width(table: "Sequence[Sequence[str]]") -> int:
    """Return how wide `rows` draws a table."""
    return sum(max(map(len, column)) + 2 for column in zip(*table, strict=True))


def _row(visit: "VisitStanding") -> tuple[str, ...]:
    return (
        visit.name,
        str(visit.at_source),
        human_bytes(visit.bytes_at_source) if visit.at_source else "",
        str(visit.here),
        human_bytes(visit.bytes_here) if visit.here else "",
        str(visit.integrated),
        str(visit.incomplete + visit.running + visit.unreadable),
        str(visit.to_fetch),
    )


def _flight_line(one: "InFlight") -> str:
    rate = f", {human_bytes(one.rate)}/s" if one.rate else ""
    left = one.seconds_left
    # What it said a while ago is by now nearer.
    remaining = None if left is None else max(0.0, left - (time.time() - one.updated))
    ends = f", {duration(remaining)} left" if remaining is not None else ""
    sets = f"{one.sets} of {count(one.to_come, 'set')}"
    return (
        f"in flight: {sets}, {human_bytes(one.done)} of {human_bytes(one.total)}{rate}{ends}: "
        f"from {one.source} into {one.destination}"
    )


def duration(seconds: float) -> str:
    """Spell a length of time as people estimate it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36 * 3600 else f"{seconds / 86400:.1f} d"


def _unfinished(found: "Standing", sets: "Sequence[UnfinishedSet]") -> None:
    """Say what is unfinished and what to do: first what failed, which wants somebody's hand."""
    ordered = sorted(sets, key=lambda one: (one.state != SetState.FAILED.value, one.state == SetState.SKIPPED.value))
    shown = ordered[:_MOST]
    for one, following in zip_longest(shown, shown[1:]):
        _tell(_unfinished_line(found, one))
        # What several have in common is said once.
        if one.hint and (following is None or following.hint != one.hint):
            _tell(f"  → {one.hint}")
    if len(ordered) > _MOST:
        _tell(f"  and {len(ordered) - _MOST} more; all of them: danmax-sync status --json")


def _unfinished_line(found: "Standing", one: "UnfinishedSet") -> str:
    how = one.state if Path(one.destination) in found.busy else "interrupted"
    what = f"{one.label} from {one.source} in {one.destination}, {human_bytes(one.bytes)}"
    return f"unfinished: {what}: {one.message or how}"


def _some(texts: Sequence[str]) -> None:
    for text in texts[:_MOST]:
        _tell(text)
    if len(texts) > _MOST:
        _tell(f"  and {len(texts) - _MOST} more; all of them: danmax-sync status --json")


def _task_line(task: "UnderWay") -> str:
    kept, size = task.kept, task.kept.batch.bytes
    share = f", {min(task.state.bytes / size, 1.0):.0%}" if task.state and size else ""
    what = f"{count(len(kept.batch.items), 'file')}, {human_bytes(size)}{share}"
    return f"over Globus: {what} from {kept.remote} into {kept.destination}: {task.sentence}"


def _tell(text: str) -> None:
    """Print a line for people: names in it are shown, not obeyed."""
    _line(visible(text, keep="\n"))
