"""Plan what the catalogue found, carry the plan out, and let the catalogue learn each new place as it appears."""

from collections.abc import Sequence
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.events import Listener, ignore
from danmax_sync.sources.base import Source
from danmax_sync.transfer.beacon import Beacon
from danmax_sync.transfer.get import get_sets
from danmax_sync.transfer.learning import Learner
from danmax_sync.transfer.outcome import GetSummary
from danmax_sync.transfer.plan import Choice, TransferPlan, make_plan
from danmax_sync.transfer.roads import road_from


def plan_scans(
    catalogue: Catalogue,
    source: Source,
    scans: Sequence[CataloguedScan],
    destination: Path,
    *,
    choice: Choice | None = None,
    with_calibration: bool = True,
    on_this_disk: bool = True,
) -> TransferPlan:
    """Plan the sets of some scans; see `make_plan`. The other entries of their masters come along."""
    everything = [*scans, *catalogue.in_the_same_masters(scans)]
    return make_plan(
        source,
        everything,
        destination,
        choice=choice,
        with_calibration=with_calibration,
        on_this_disk=on_this_disk,
    )


def fetch_scans(
    catalogue: Catalogue,
    source: Source,
    plan: TransferPlan,
    *,
    tell: Listener = ignore,
    bytes_per_s: float | None = None,
    summary: GetSummary | None = None,
) -> GetSummary:
    """Fetch the sets of a plan; see `get_sets`. However it ends, what arrived is in the catalogue."""
    with (
        Learner(catalogue, plan) as learner,
        road_from(source, plan.destination, tell=tell, bytes_per_s=bytes_per_s) as mover,
        Beacon(plan, tell) as heard,
    ):
        return get_sets(
            source, plan, arrived=learner.arrived, tell=heard, mover=mover, bytes_per_s=bytes_per_s, summary=summary
        )
