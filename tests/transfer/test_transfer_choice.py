"""What is taken of what was found: detectors, sizes, and sets that lack something."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import ExitCode
from danmax_sync.query.search import search
from danmax_sync.transfer.fetching import plan_scans
from danmax_sync.transfer.get import get_sets
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.plan import Choice, FileState, PlannedFile, ScanSet, TransferPlan
from danmax_sync.visits import TreePath, place
from tests.journeys.places import parts
from tests.transfer.sources import HookedSource


@pytest.mark.parametrize(
    ("only", "without", "taken"),
    [
        ((), (), "falconx pilatus"),
        (("pilatus",), (), "pilatus"),
        ((), ("falcon*",), "pilatus"),
        (("*",), ("p*",), "falconx"),
        (("eiger",), (), ""),
    ],
)
def test_detectors_are_chosen_by_globs(only: tuple[str, ...], without: tuple[str, ...], taken: str) -> None:
    """Those that are named, without those that are not wanted."""
    choice = Choice(detectors=only, not_detectors=without)
    assert " ".join(one for one in ("falconx", "pilatus") if choice.takes(one)) == taken


def set_of(number: int, size: int, obstacle: str = "") -> ScanSet:
    """Plan a set of one file."""
    path = TreePath.parse(f"raw/scan-{number:04}.h5")
    master = PlannedFile(path, size, 0, FileState.FETCH)
    where = place(path, root="/data/visitors/danmax/20251234/2025110208")
    return ScanSet(f"scan {number}", where, master, (), obstacle)


@given(
    sizes=st.lists(st.integers(1, 100), max_size=12), largest=st.integers(0, 120), total=st.integers(0, 400),
    blocked=st.sets(st.integers(0, 11)),
)  # fmt: skip
def test_sizes_are_kept(sizes: list[int], largest: int, total: int, blocked: set[int]) -> None:
    """No set is larger, no more travels in all, nothing that fits is left out, and what is left out is no error."""
    choice = Choice(largest_set=largest, largest_total=total)
    sets = [set_of(n, size, "missing" if n in blocked else "") for n, size in enumerate(sizes)]
    chosen = list(choice.within_total(each if each.obstacle else choice.limited(each) for each in sets))
    travels = 0
    for before, after in zip(sets, chosen, strict=True):
        if before.obstacle:
            assert after == before
        elif before.master.size > largest:
            assert "more than" in after.obstacle
            assert after.obstacle_code is ExitCode.DONE
        elif travels + before.master.size > total:
            assert "bytes would travel" in after.obstacle
        else:
            assert after == before
            travels += before.master.size
    assert travels <= total


def planned(catalogue: Catalogue, source: HookedSource, home: Path, query: str, choice: Choice) -> TransferPlan:
    """Plan with a choice."""
    return plan_scans(catalogue, source, search(catalogue, query), home, choice=choice, with_calibration=False)


def test_a_detector_that_is_not_wanted_stays_at_the_source(
    catalogue: Catalogue, source: HookedSource, home: Path
) -> None:
    """The set is complete without it, and the journal knows that it was meant."""
    plan = planned(catalogue, source, home, "44", Choice(not_detectors=("falconx",)))
    with Journal.open() as journal:
        (outcome,) = get_sets(source, plan, journal=journal).outcomes
        assert journal.left_out(home) == {"raw/LaB6/scan-0044.h5": ("raw/LaB6/scan-0044_falconx.h5",)}
    assert (outcome.exit_code, outcome.state.value) == (ExitCode.DONE, "complete")
    assert "scan-0044_falconx.h5, as asked" in outcome.message
    assert sorted(path.name for path in home.rglob("*.h5")) == ["scan-0044.h5", "scan-0044_pilatus.h5"]
    # Asked for after all, it comes alone.
    assert get_sets(source, planned(catalogue, source, home, "44", Choice())).files == 1
    assert parts(home) == []


def test_a_set_that_lacks_a_file_comes_without_it_where_that_is_asked_for(
    catalogue: Catalogue, source: HookedSource, home: Path
) -> None:
    """Marked as partial; what it lacks is named."""
    (outcome,) = get_sets(source, planned(catalogue, source, home, "50", Choice(partial=True))).outcomes
    assert outcome.state.value == "partial"
    assert "raw/CeO2/scan-0050_pilatus.h5" in outcome.message
    assert [path.name for path in home.rglob("*.h5")] == ["scan-0050.h5"]
