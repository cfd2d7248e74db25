"""Sets come as wholes: what is incomplete, changes, or is cut off never shows a master, and says so."""

import errno
import os
import shutil
import time
from pathlib import Path

import h5py
import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, ExitCode, UnfinishedError
from danmax_sync.events import Event
from danmax_sync.indexing.index import index_source
from danmax_sync.query.search import search
from danmax_sync.testing.visit import Awkward, simulate_visit
from danmax_sync.transfer.arrival import part_of
from danmax_sync.transfer.fetching import fetch_scans, plan_scans
from danmax_sync.transfer.get import get_sets
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.outcome import GetSummary, SetState
from danmax_sync.transfer.segments import PartFile
from danmax_sync.visits import TreePath
from tests.journeys.places import age, parts, tree
from tests.transfer.conftest import Plan
from tests.transfer.sources import HookedSource, on, raising

LOST = ConnectionLostError("the connection broke", hint="run again")


def names(home: Path) -> set[str]:
    """Return the names of the scan files that can be seen."""
    return {path.name for path in home.rglob("*.h5")}


def wait_for(path: Path) -> None:
    """Wait until a file can be seen."""
    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def states(summary: GetSummary) -> dict[str, str]:
    """Return each set's end by its label."""
    return {outcome.label: outcome.state.value for outcome in summary.outcomes}


def test_detector_files_get_their_names_before_the_master(source: HookedSource, plan: Plan, home: Path) -> None:
    """Everything is fetched first, then named, the master last."""
    order: list[str] = []
    link = os.link

    def noted(old: Path, new: Path) -> None:
        order.append(new.name)
        link(old, new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "link", noted)
        summary = get_sets(source, plan("44"))
    assert order == ["scan-0044_falconx.h5", "scan-0044_pilatus.h5", "scan-0044.h5"]
    assert source.fetched == [f"raw/LaB6/{name}" for name in order]
    assert (summary.files, summary.exit_code) == (3, ExitCode.DONE)
    assert summary.bytes == sum(len(content) for content, _ in tree(home).values())


def test_what_is_here_already_is_not_fetched(source: HookedSource, plan: Plan, home: Path) -> None:
    """The second run asks for no file."""
    get_sets(source, plan("LaB6"))
    source.fetched.clear()
    summary = get_sets(source, plan("LaB6"))
    assert source.fetched == []
    assert (summary.already_here, summary.files, summary.bytes, summary.exit_code) == (3, 0, 0, ExitCode.DONE)


def test_only_what_is_missing_of_a_set_is_fetched(source: HookedSource, plan: Plan, home: Path) -> None:
    """A detector file from before a kill is not fetched again."""
    get_sets(source, plan("42"))
    (home / "raw" / "LaB6" / "scan-0042.h5").unlink()
    source.fetched.clear()
    get_sets(source, plan("42"))
    assert source.fetched == ["raw/LaB6/scan-0042.h5"]


def test_a_set_that_is_incomplete_at_the_source_is_left_out_and_named(
    source: HookedSource, plan: Plan, home: Path
) -> None:
    """Its missing file is named, nothing of it travels, the others do, and the code is 5."""
    summary = get_sets(source, plan("49-51"))
    assert states(summary) == {"scan 49": "complete", "scan 50": "skipped", "scan 51": "complete"}
    assert "raw/CeO2/scan-0050_pilatus.h5 is missing" in summary.outcomes[1].message
    assert summary.exit_code is ExitCode.SOURCE
    assert not any("scan-0050" in path for path in [*source.fetched, *names(home)])


def test_a_detector_file_with_too_few_frames_gets_no_name(
    source: HookedSource, plan: Plan, visit: Path, home: Path
) -> None:
    """It is still being written at the source: published, it would be in the way of the whole one."""
    detector = visit / "raw" / "LaB6" / "scan-0042_pilatus.h5"
    whole = detector.read_bytes()
    _cut_frames(detector)
    summary = get_sets(source, plan("42"))
    (outcome,) = summary.outcomes
    assert (outcome.state, outcome.exit_code) == (SetState.SKIPPED, ExitCode.SOURCE)
    assert outcome.message.startswith("incomplete at the source: raw/LaB6/scan-0042_pilatus.h5 holds 2 frames for 4")
    assert names(home) == set()
    assert parts(home) == []

    detector.write_bytes(whole)
    age(detector, days=1)
    assert get_sets(source, plan("42")).exit_code is ExitCode.DONE
    assert "scan-0042.h5" in names(home)


def _cut_frames(detector: Path) -> None:
    with h5py.File(detector, "a") as file:
        found: list[h5py.Dataset] = []
        file.visititems(
            lambda _, each: found.append(each) if isinstance(each, h5py.Dataset) and each.ndim == 3 else None
        )
        frames = found[0]
        name, kept, options = str(frames.name), frames[:2], frames.chunks
        del file[name]
        file.create_dataset(name, data=kept, chunks=options)
    age(detector, days=1)


@pytest.mark.parametrize("which", ["scan-0042_pilatus.h5", "scan-0042.h5"])
@pytest.mark.parametrize("change", ["grows", "is touched", "vanishes"])
def test_a_source_that_does_not_stand_still_is_left_for_later(
    which: str, change: str, *, source: HookedSource, plan: Plan, visit: Path, home: Path
) -> None:
    """A file of the set changes once it has been read: nothing of the set appears, and the next run gets it."""
    path = visit / "raw" / "LaB6" / which

    def changed(_: TreePath) -> None:
        if change == "grows":
            with path.open("ab") as file:
                file.write(b"more")
        elif change == "is touched":
            age(path, seconds=60)
        else:
            path.rename(path.with_suffix(".gone"))

    source.after = on(which, changed)
    (outcome,) = get_sets(source, plan("42")).outcomes
    assert (outcome.state, outcome.exit_code) == (SetState.SKIPPED, ExitCode.SOURCE)
    assert which in outcome.message
    assert names(home) == set()
    assert parts(home) == []

    if change == "vanishes":
        path.with_suffix(".gone").rename(path)
    source.after = on("nothing", lambda _: None)
    assert get_sets(source, plan("42")).exit_code is ExitCode.DONE


def test_a_line_that_breaks_keeps_what_is_complete(source: HookedSource, plan: Plan, home: Path) -> None:
    """Sets before the break are whole, the others are not tried, the code is 3, and the next run goes on."""
    source.before = on("scan-0043_pilatus.h5", raising(LOST))
    summary = get_sets(source, plan("42-44"))
    assert states(summary) == {"scan 42": "complete", "scan 43": "failed", "scan 44": "failed"}
    assert summary.exit_code is ExitCode.UNFINISHED
    assert not any("scan-0044" in path for path in source.fetched)
    assert parts(home) == []

    source.before = on("nothing", lambda _: None)
    source.fetched.clear()
    again = get_sets(source, plan("42-44"))
    assert again.exit_code is ExitCode.DONE
    assert not any("scan-0042" in path for path in source.fetched)


def test_sets_that_are_here_need_no_line(source: HookedSource, plan: Plan) -> None:
    """A broken line fails only the sets of which something has to travel."""
    get_sets(source, plan("44"))
    source.before = on("scan-0042_pilatus.h5", raising(LOST))
    assert states(get_sets(source, plan("42-44"))) == {
        "scan 42": "failed",
        "scan 43": "failed",
        "scan 44": "complete",
    }


def test_a_line_that_breaks_at_the_calibration_is_not_done(source: HookedSource, plan: Plan, home: Path) -> None:
    """The sets are whole, but the patterns cannot be had yet: 3, and a warning."""
    heard: list[Event] = []
    source.before = on(".npy", raising(LOST))
    summary = get_sets(source, plan("42", with_calibration=True), tell=heard.append)
    assert states(summary) == {"scan 42": "complete"}
    assert summary.exit_code is ExitCode.UNFINISHED
    assert [event.fields["message"] for event in heard if event.name == "warning"] == ["the connection broke"]


def test_a_full_disk_ends_the_run(
    source: HookedSource, plan: Plan, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other sets are not poured into it one by one; what is complete stays, nothing half is left."""
    sync = os.fsync
    part = part_of(home / "raw" / "LaB6" / "scan-0043_pilatus.h5")

    def full(descriptor: int) -> None:
        if part.exists() and os.path.samestat(os.fstat(descriptor), part.stat()):
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    def wait_for_it(_: TreePath) -> None:
        deadline = time.monotonic() + 20
        while part.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    # Syncing goes on while other files are fetched, so it is heard of a moment later.
    source.before = on("scan-0044_falconx.h5", wait_for_it)
    monkeypatch.setattr(os, "fsync", full)
    summary = get_sets(source, plan("42-44"))
    assert states(summary) == {"scan 42": "complete", "scan 43": "failed", "scan 44": "failed"}
    assert "no space left" in summary.outcomes[1].message
    assert summary.exit_code is ExitCode.UNFINISHED
    assert sum("scan-0044" in path for path in source.fetched) <= 1
    assert parts(home) == []


def test_a_disk_that_fills_up_takes_no_other_set(
    source: HookedSource, plan: Plan, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write that fails is the last: what was complete can be seen, and no other file is asked for."""
    write = PartFile._write

    def full(part: PartFile, data: memoryview, offset: int) -> int:
        if part.final.name == "scan-0043_pilatus.h5":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(part, data, offset)

    monkeypatch.setattr(PartFile, "_write", full)
    summary = get_sets(source, plan("42-44"))
    assert states(summary) == {"scan 42": "complete", "scan 43": "failed", "scan 44": "failed"}
    assert summary.exit_code is ExitCode.UNFINISHED
    assert not any("scan-0044" in path for path in source.fetched)
    assert parts(home) == []


def test_a_plan_that_does_not_fit_is_not_begun(
    source: HookedSource, plan: Plan, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says how much is free and how much is needed."""
    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UnfinishedError, match=r"has 1\.0 MB free, the plan needs"):
        get_sets(source, plan("42"))
    assert source.fetched == []


def test_a_file_of_other_size_in_the_way_is_never_overwritten(source: HookedSource, plan: Plan, home: Path) -> None:
    """The set is left out before anything travels, the file and both sizes are named, the code is 6."""
    own = home / "raw" / "LaB6" / "scan-0042_pilatus.h5"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"my own")
    summary = get_sets(source, plan("42-43"))
    assert states(summary) == {"scan 42": "failed", "scan 43": "complete"}
    assert "scan-0042_pilatus.h5 is in the way: 6 bytes here" in summary.outcomes[0].message
    assert summary.exit_code is ExitCode.VERIFICATION
    assert own.read_bytes() == b"my own"
    assert "scan-0042.h5" not in names(home)


@pytest.mark.parametrize("which", ["scan-0042_pilatus.h5", "scan-0042.h5"])
def test_a_file_of_the_same_size_in_the_way_is_never_overwritten(
    which: str, source: HookedSource, plan: Plan, visit: Path, home: Path
) -> None:
    """Only its bytes tell that it is another: it stays, and no master appears beside it."""
    own = home / "raw" / "LaB6" / which
    own.parent.mkdir(parents=True)
    own.write_bytes(bytes((visit / "raw" / "LaB6" / which).stat().st_size))
    (outcome,) = get_sets(source, plan("42")).outcomes
    assert (outcome.state, outcome.exit_code) == (SetState.FAILED, ExitCode.VERIFICATION)
    assert which in outcome.message
    assert set(own.read_bytes()) == {0}
    assert parts(home) == []
    if which != "scan-0042.h5":
        assert "scan-0042.h5" not in names(home)


@pytest.mark.parametrize("which", ["scan-0042_pilatus.h5", "scan-0042.h5"])
def test_what_is_in_the_way_is_found_out_once(
    which: str, source: HookedSource, plan: Plan, visit: Path, home: Path
) -> None:
    """The second run names it before a byte moves; once it or the source has changed, it is compared again."""
    theirs, own = visit / "raw" / "LaB6" / which, home / "raw" / "LaB6" / which
    own.parent.mkdir(parents=True)
    own.write_bytes(bytes(theirs.stat().st_size))
    (first,) = get_sets(source, plan("42")).outcomes
    source.fetched.clear()
    (second,) = get_sets(source, plan("42")).outcomes
    assert source.fetched == []
    assert (second.state, second.message, second.hint) == (first.state, first.message, first.hint)
    assert second.exit_code is ExitCode.VERIFICATION

    age(theirs, seconds=60)
    get_sets(source, plan("42"))
    assert any(path.endswith(which) for path in source.fetched)
    shutil.copyfile(theirs, own)
    assert get_sets(source, plan("42")).exit_code is ExitCode.DONE
    with Journal.open() as journal:
        assert journal.obstructions(home) == {}


def test_a_calibration_of_ones_own_is_compared_once(source: HookedSource, plan: Plan, visit: Path, home: Path) -> None:
    """It has the source's size; each run says that it is kept, and only the first fetches the other."""
    theirs = next((visit / "process").glob("*.poni"))
    own = home / "process" / theirs.name
    own.parent.mkdir(parents=True)
    own.write_bytes(bytes(theirs.stat().st_size))
    for fetched in (True, False):
        heard: list[Event] = []
        source.fetched.clear()
        get_sets(source, plan("42", with_calibration=True), tell=heard.append)
        assert (f"process/{own.name}" in source.fetched) is fetched
        assert [event.fields["path"] for event in heard if event.name == "warning"] == [str(own)]


def test_copies_that_lost_their_times_are_adopted(source: HookedSource, plan: Plan, visit: Path, home: Path) -> None:
    """They are compared once, take the source's times, and cost nothing from then on."""
    shutil.copytree(visit / "raw" / "Si", home / "raw" / "Si", copy_function=shutil.copyfile)
    assert get_sets(source, plan("Si")).exit_code is ExitCode.DONE
    summary = get_sets(source, plan("Si"))
    assert (summary.already_here, summary.files) == (3, 0)


def test_times_of_a_coarse_disk_are_good_enough(source: HookedSource, plan: Plan, home: Path) -> None:
    """FAT rounds to two seconds; that is no reason to fetch everything again."""
    get_sets(source, plan("42"))
    for path in home.rglob("*.h5"):
        age(path, seconds=1.9)
    assert get_sets(source, plan("42")).files == 0


def test_a_master_that_names_other_files_than_when_it_was_indexed_is_not_published(
    source: HookedSource, plan: Plan, visit: Path, home: Path
) -> None:
    """The plan was made from the catalogue; the message says what to type."""
    master = visit / "raw" / "LaB6" / "scan-0042.h5"
    with h5py.File(master, "a", locking=False) as file:
        file["entry/instrument"]["extra"] = h5py.ExternalLink("scan-0043_pilatus.h5", "entry")
    age(master, days=1)
    (outcome,) = get_sets(source, plan("42")).outcomes
    assert "links to other files than when it was indexed: raw/LaB6/scan-0043_pilatus.h5" in outcome.message
    assert outcome.hint == "danmax-sync index facility, then get again"
    assert outcome.exit_code is ExitCode.VERIFICATION
    assert names(home) == set()
    assert parts(home) == []


def test_a_damaged_master_is_not_published(source: HookedSource, plan: Plan, visit: Path, home: Path) -> None:
    """It was well when it was indexed; the sentence names it as it is called at the source."""
    master = visit / "raw" / "LaB6" / "scan-0042.h5"
    master.write_bytes(master.read_bytes()[:1000])
    age(master, days=1)
    (outcome,) = get_sets(source, plan("42")).outcomes
    assert outcome.message.startswith("incomplete at the source: raw/LaB6/scan-0042.h5 cannot be read")
    assert outcome.exit_code is ExitCode.SOURCE
    assert names(home) == set()


def test_the_calibration_comes_along_and_an_own_one_stays(
    source: HookedSource, plan: Plan, visit: Path, home: Path
) -> None:
    """Whether it has another size or only other bytes, the own file is kept, with a warning and no other code."""
    names_there = sorted(path.name for path in (visit / "process").iterdir())
    first, second, *rest = names_there
    (home / "process").mkdir(parents=True)
    (home / "process" / first).write_bytes(b"mine")
    (home / "process" / second).write_bytes(bytes((visit / "process" / second).stat().st_size))
    heard: list[Event] = []
    summary = get_sets(source, plan("42", with_calibration=True), tell=heard.append)
    assert (home / "process" / first).read_bytes() == b"mine"
    assert set((home / "process" / second).read_bytes()) == {0}
    assert all((home / "process" / name).read_bytes() == (visit / "process" / name).read_bytes() for name in rest)
    warned = [str(event.fields["message"]) for event in heard if event.name == "warning"]
    assert [(first in one or second in one, "yours is kept" in one) for one in warned] == [(True, True)] * 2
    assert summary.calibration_files == len(rest)
    assert summary.exit_code is ExitCode.DONE
    assert parts(home) == []


def test_parts_of_an_earlier_kill_are_swept_up(source: HookedSource, plan: Plan, home: Path) -> None:
    """Even of sets that are complete by now, and of scans that nobody asks for any more."""
    get_sets(source, plan("42"))
    folder = home / "raw" / "LaB6"
    for name in ("scan-0042.h5", "scan-0043_pilatus.h5"):
        part_of(folder / name).write_bytes(b"half")
    assert get_sets(source, plan("42")).files == 0
    assert parts(home) == []


def test_a_master_with_several_entries_is_one_set(
    source: HookedSource, visit: Path, home: Path, own_home: Path
) -> None:
    """Searching for one of its scans brings the detector files of all of them, or the others' links would dangle."""
    insitu = simulate_visit(
        visit.parent / "2025110308", scans=1, frames=2, awkward=[Awkward.SEVERAL_ENTRIES], small=True
    )
    there = HookedSource(insitu.folder)
    with Catalogue.open(str(own_home / "catalogue.db")) as catalogue:
        index_source(catalogue, there, remote=True)
        summary = get_sets(there, plan_scans(catalogue, there, search(catalogue, "3219"), home))
    assert summary.exit_code is ExitCode.DONE
    assert names(home) == {"insitu.h5", "scan-3218_pilatus.h5", "scan-3219_pilatus.h5"}


def test_an_error_nobody_thought_of_still_has_a_code(source: HookedSource, plan: Plan) -> None:
    """A failed set is never 0."""

    class OddError(DanmaxSyncError):
        exit_code = ExitCode.REFUSED

    source.before = raising(OddError("odd"))
    assert get_sets(source, plan("42")).exit_code is ExitCode.REFUSED


@pytest.mark.parametrize("ends", ["well", "by Ctrl-C"])
def test_what_arrived_is_in_the_catalogue_however_it_ends(
    ends: str, source: HookedSource, plan: Plan, home: Path, catalogue: Catalogue
) -> None:
    """The new place is known at once, complete."""
    wanted = plan("42-43")
    if ends == "well":
        fetch_scans(catalogue, source, wanted)
    else:

        def stop(_: TreePath) -> None:
            wait_for(home / "raw" / "LaB6" / "scan-0042.h5")
            raise KeyboardInterrupt

        source.before = on("scan-0043_pilatus.h5", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch_scans(catalogue, source, wanted)
    (scan,) = search(catalogue, "42")
    assert {(at.root.name, at.state) for at in scan.locations} == {("facility", "complete"), (str(home), "complete")}
    assert parts(home) == []


def test_every_set_is_told(source: HookedSource, plan: Plan) -> None:
    """Progress ends at the planned bytes, and each set has its event."""
    heard: list[Event] = []
    wanted = plan("49-51")
    get_sets(source, wanted, tell=heard.append)
    progress = [event.fields for event in heard if event.name == "progress"]
    assert progress[-1]["done"] == progress[-1]["total"] == wanted.bytes_to_fetch
    told = [event.fields for event in heard if event.name == "set"]
    assert [set(fields) for fields in told] == [{"scan", "path", "state", "files", "bytes", "message", "hint"}] * 3
