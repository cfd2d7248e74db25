"""What somebody writes who has installed danmax-sync: from a facility's folder to a picture, public names alone.

Types are checked from outside the checkout, and it is run: ``python outside.py FACILITY DESTINATION``.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import assert_type

import danmax_sync
from danmax_sync import (
    Catalogue,
    CataloguedScan,
    Choice,
    DanmaxSyncError,
    Event,
    ExitCode,
    GetSummary,
    IntegrateSummary,
    Patterns,
    Prompter,
    Recipe,
    ScanList,
    SetState,
    SourceError,
    Split,
    TransferPlan,
    Unit,
    VerifySummary,
    connect,
    frames_of,
    integrate,
    patterns_of,
)


class Bar:
    """A progress callback."""

    def __init__(self) -> None:
        self.furthest = 0.0
        self.names: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        self.names.add(event.name)
        if event.name == "progress" and event.fields["unit"] == "bytes":
            done, total = event.fields["done"], event.fields["total"]
            if isinstance(done, int) and isinstance(total, int) and total:
                self.furthest = max(self.furthest, done / total)


def fetch(catalogue: Catalogue, facility: Path, to: Path) -> ScanList:
    """Index a remote, look at the plan, fetch and check."""
    danmax_sync.add_remote("facility", facility.as_uri())
    with connect("facility") as source:
        known = danmax_sync.index(catalogue, source)
        assert_type(known.new, int)
        found = catalogue.search("temperature:300..", sample="CeO2", energy="35")
        wanted = danmax_sync.plan(catalogue, found, source, to, choice=Choice(detectors=("pilatus",)))
        assert_type(wanted, TransferPlan)
        print("planned", len(wanted.sets), wanted.files_to_fetch)
        bar = Bar()
        got = danmax_sync.get(catalogue, wanted, source, progress=bar)
        assert_type(got, GetSummary)
    assert {"progress", "file", "set"} <= bar.names
    assert bar.furthest == 1.0
    for outcome in got.outcomes:
        print(outcome.label, outcome.state.value, outcome.message)
    complete = [outcome for outcome in got.outcomes if outcome.state is SetState.COMPLETE]
    checked = danmax_sync.verify(catalogue, found.refreshed(), deep=True)
    assert_type(checked, VerifySummary)
    assert checked.ok == len(complete)
    assert got.exit_code in {ExitCode.DONE, ExitCode.SOURCE}
    return found.refreshed()


def compare(catalogue: Catalogue, scans: ScanList, prompter: Prompter | None = None) -> VerifySummary:
    """Compare with what the source computes over its own files."""
    checked = danmax_sync.verify(catalogue, scans, hashes=True, prompter=prompter)
    assert_type(checked.levels, Mapping[str, int])
    return checked


def look(scans: ScanList, folder: Path) -> None:
    """Integrate, and draw what came of it."""
    here = [scan for scan in scans if any(place.root.folder for place in scan.locations)]
    assert_type(here, list[CataloguedScan])
    with frames_of(here[0]) as frames:
        assert_type(frames.count, int)
        print("frame", *frames[0].shape)
    for pattern in integrate(here[0], Recipe(bins=200, unit=Unit.Q, split=Split.NONE, frames=":1")):
        print("first pattern", pattern.frame, len(pattern.radial), pattern.temperature_k)
    problems = [each.problem for each in integrate(here[0], Recipe(bins=200), keep_bad=True) if each.problem]
    assert_type(problems, list[str])
    assert not problems
    done = danmax_sync.integrate_scans(here, Recipe(bins=200))
    assert_type(done, IntegrateSummary)
    print("integrated", [str(outcome.exit_code) for outcome in done.outcomes])
    patterns = patterns_of(here[0])
    assert_type(patterns, Patterns)
    print("patterns", *patterns.intensity.shape, *patterns.mean.shape)
    danmax_sync.plot(here, folder / "waterfall.png")
    written = danmax_sync.export(here, folder / "patterns", "xye", average=True)
    print("written", len(written.files))


def main(facility: str, destination: str) -> int:
    """Do it all; say what is wrong as the command line does."""
    folder = Path(destination)
    try:
        with Catalogue.open() as catalogue:
            look(fetch(catalogue, Path(facility), folder / "visit"), folder)
            everything = catalogue.search()
            frame = everything.to_pandas() if "--pandas" in sys.argv else None
            print("known", len(everything), "of" if frame is None else len(frame))
    except SourceError as problem:
        print("not there:", problem.message)
        return int(problem.exit_code)
    except DanmaxSyncError as problem:
        print(problem.message, problem.hint)
        return int(problem.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
