"""What a ``get`` has to do at each remote: usually one errand; one for each where scans are at several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.errors import DanmaxSyncError, ExitCode, UsageError

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.cli.following import Integration
    from danmax_sync.integration.outcome import IntegrateSummary
    from danmax_sync.sources.base import Source
    from danmax_sync.sources.remotes import Remote
    from danmax_sync.transfer.outcome import GetSummary
    from danmax_sync.transfer.plan import Choice, TransferPlan


@dataclass(frozen=True, slots=True)
class Errand:
    """The scans to fetch from one remote, and whereto."""

    remote: "Remote"
    scans: "list[CataloguedScan]"
    target: Path


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to fetch, the same for every errand."""

    choice: "Choice"
    calibration: bool
    bytes_per_s: float | None
    as_json: bool


def errands_for(
    by_remote: "Sequence[tuple[Remote, list[CataloguedScan]]]", destination: str | None, text: str
) -> list[Errand]:
    """Say where the scans of each remote go; before anything moves, every destination is known.

    Raises
    ------
    UsageError
        If one is not, or one folder would have to hold several visits.
    """
    from danmax_sync.cli.choosing import destination_of, typed

    if destination is not None and len(by_remote) > 1:
        names = [remote.name for remote, _ in by_remote]
        raise UsageError(
            f"these scans are at {len(names)} remotes, {', '.join(names)}, and one folder is for one of them",
            hint=f"one after the other: {typed('get', text)} --from {names[0]} --to {destination}",
        )
    several = len(by_remote) > 1
    return [
        Errand(remote, scans, destination_of(remote, destination, text, several=several)) for remote, scans in by_remote
    ]


def show_errands(catalogue: "Catalogue", errands: Sequence[Errand], wishes: Wishes) -> ExitCode:
    """Say what would be fetched."""
    from danmax_sync.cli.transfers import show_plans

    plans: list[TransferPlan] = []
    code = _each(errands, lambda errand, source: plans.append(_planned(catalogue, source, errand, wishes)))
    if plans:
        show_plans(plans, as_json=wishes.as_json)
    return code


def run_errands(
    catalogue: "Catalogue", errands: Sequence[Errand], wishes: Wishes, text: str, how: "Integration | None"
) -> ExitCode:
    """Fetch the scans of each remote into its own folder, and integrate them there where that was asked."""
    from danmax_sync.cli.following import integrating, show_both
    from danmax_sync.query.search import search
    from danmax_sync.sources.destinations import remembering
    from danmax_sync.transfer.fetching import fetch_scans

    codes: list[ExitCode] = []
    done: list[tuple[GetSummary, IntegrateSummary | None, Path]] = []

    def run(errand: Errand, source: "Source") -> None:
        plan = _planned(catalogue, source, errand, wishes)
        as_json = wishes.as_json
        with integrating(catalogue, lambda known: search(known, text), errand.target, how, as_json=as_json) as heard:
            tell, companion = heard
            told = remembering(errand.remote, errand.target, tell)
            summary = fetch_scans(catalogue, source, plan, tell=told, bytes_per_s=wishes.bytes_per_s)
        patterns = companion.summary if companion else None
        done.append((summary, patterns, errand.target))
        if not as_json:
            codes.append(show_both(summary, patterns, errand.target, as_json=False))

    code = _each(errands, run, with_lanes=True)
    if wishes.as_json and done:
        # Programs are promised one summary, the last line.
        codes.append(show_both(*_together(done), as_json=True))
    return next((each for each in (code, *codes) if each is not ExitCode.DONE), ExitCode.DONE)


def _planned(catalogue: "Catalogue", source: "Source", errand: Errand, wishes: Wishes) -> "TransferPlan":
    from danmax_sync.transfer.fetching import plan_scans

    calibration = wishes.calibration
    return plan_scans(
        catalogue, source, errand.scans, errand.target, choice=wishes.choice, with_calibration=calibration
    )


def _each(errands: Sequence[Errand], act: "Callable[[Errand, Source], None]", *, with_lanes: bool = False) -> ExitCode:
    """Do something at each remote; one that cannot be reached does not keep the others from being asked."""
    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.context import prompter
    from danmax_sync.sources.opening import open_source

    code = ExitCode.DONE
    for errand in errands:
        try:
            with open_source(errand.remote, prompter(), with_lanes=with_lanes) as source:
                act(errand, source)
        except DanmaxSyncError as problem:
            if len(errands) == 1:
                raise
            complain(f"{errand.remote.name}: {problem.message}", hint=problem.hint)
            code = problem.exit_code if code is ExitCode.DONE else code
    return code


def _together(
    done: "Sequence[tuple[GetSummary, IntegrateSummary | None, Path]]",
) -> "tuple[GetSummary, IntegrateSummary | None, Path]":
    """Add up what several errands came to."""
    first, patterns, target = done[0]
    for fetched, integrated, _ in done[1:]:
        first.outcomes += fetched.outcomes
        first.calibration_files += fetched.calibration_files
        first.calibration_bytes += fetched.calibration_bytes
        first.seconds += fetched.seconds
        first.calibration_code = max(first.calibration_code, fetched.calibration_code)
        if patterns is not None and integrated is not None:
            patterns.outcomes += integrated.outcomes
            patterns.seconds += integrated.seconds
    return first, patterns, target
