"""Files in segments over lanes that do as they please: a file ends whole, or failed, and each ends once."""

import errno
import os
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, SourceError
from danmax_sync.sources.spans import Span
from danmax_sync.transfer import dispatch as dispatching
from danmax_sync.transfer.allowance import Allowance
from danmax_sync.transfer.arrival import DiskFullError, part_of
from danmax_sync.transfer.dispatch import Dispatch
from danmax_sync.transfer.incoming import Incoming
from danmax_sync.transfer.journal import BegunPart
from danmax_sync.transfer.mover import Landed, Wanted
from danmax_sync.transfer.plan import FileState, PlannedFile
from danmax_sync.transfer.segments import MISSING, PartFile
from danmax_sync.visits import TreePath

SOURCE = "sftp://facility/visit"
MTIME_NS = 1_700_000_000_000_000_000
SEGMENT = 100


def content(name: str, size: int) -> bytes:
    """Return bytes that are different in each file and place."""
    return random.Random(name).randbytes(size)


@dataclass
class Desk:
    """A dispatch of some files, and what it told.

    Attributes
    ----------
    sizes : dict
        Of the files, by name.
    """

    home: Path
    sizes: dict[str, int]
    begun: dict[str, BegunPart] = field(default_factory=dict)
    segment_bytes: int | None = SEGMENT
    landed: list[Landed] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dispatch = Dispatch(
            [self.wanted(name) for name in self.sizes],
            source=SOURCE,
            begun=self.begun,
            segment_bytes=self.segment_bytes,
            allowance=Allowance(),
            landed=self.landed.append,
            report=self.bugs.append,
        )

    def wanted(self, name: str) -> Wanted:
        """Plan a file."""
        path = TreePath.parse(name)
        return Wanted(PlannedFile(path, self.sizes[name], MTIME_NS, FileState.FETCH), path.below(self.home))

    def part(self, name: str) -> Path:
        """Return where its part file is."""
        return part_of(self.wanted(name).final)

    def fill(self, span: Span, pieces: Sequence[tuple[int, int]] | None = None) -> None:
        """Give a span its bytes, in pieces in any order."""
        whole = content(str(span.info.path), span.info.size)
        for offset, length in pieces or [(0, span.length)]:
            at = span.offset + offset
            span.write(at, memoryview(whole[at : at + length]))

    def finish(self) -> set[str]:
        """Read all that is left, honestly, and end; return the files that failed and may be gone on with."""
        while (span := self.dispatch.take(wait=True)) is not None:
            self.fill(span)
            self.dispatch.done(span)
        return {str(one.info.path) for one in self.dispatch.end()}

    def outcome(self) -> dict[str, DanmaxSyncError | None]:
        """Return how each file ended, and check that it did so once."""
        names = [str(one.wanted.file.path) for one in self.landed]
        assert len(names) == len(set(names))
        return dict(zip(names, (one.problem for one in self.landed), strict=True))


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_whatever_lanes_do_each_file_ends_once_whole_or_failed(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Segments come in any order and in pieces, are given back, fail: files that have no problem have every byte."""
    sizes = data.draw(st.lists(st.integers(1, 5 * SEGMENT), min_size=1, max_size=5))
    desk = Desk(tmp_path_factory.mktemp("home"), {f"raw/{n}.h5": size for n, size in enumerate(sizes)})
    held: list[Span] = []
    failed: set[str] = set()
    for _ in range(data.draw(st.integers(0, 60))):
        act = data.draw(st.sampled_from(["take", "done", "half", "back", "fail"]))
        if act == "take" or not held:
            span = desk.dispatch.take(wait=False)
            if span is not None:
                held.append(span)
            continue
        span = held.pop(data.draw(st.integers(0, len(held) - 1)))
        cut = data.draw(st.integers(0, span.length))
        pieces = data.draw(st.permutations([(0, cut // 2), (cut // 2, cut - cut // 2), (cut, span.length - cut)]))
        if act == "done":
            desk.fill(span, pieces)
            desk.dispatch.done(span)
        elif act == "fail":
            desk.fill(span, pieces[:1])
            failed.add(str(span.info.path))
            desk.dispatch.failed(span, SourceError("bad sector"))
        else:
            # A lane that is lost leaves anything: the next one writes it again.
            desk.fill(span, pieces[:2] if act == "half" else pieces)
            desk.dispatch.given_back(span)
    for span in held:
        desk.dispatch.given_back(span)
    kept = desk.finish()
    outcome = desk.outcome()
    assert desk.bugs == []
    assert set(outcome) == set(desk.sizes)
    assert {name for name, problem in outcome.items() if problem is not None} == failed
    for landed in desk.landed:
        name = str(landed.wanted.file.path)
        if landed.problem is not None:
            assert desk.part(name).exists() == (name in kept)
            continue
        assert desk.part(name).read_bytes() == content(name, desk.sizes[name])
        assert desk.part(name).stat().st_mtime_ns == MTIME_NS
        assert landed.fetched == desk.sizes[name]
        assert len(landed.checksums) == -(-desk.sizes[name] // SEGMENT)
        assert landed.segment_bytes == SEGMENT


@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_a_run_goes_on_where_the_last_one_was_stopped(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only what is missing comes again, and a segment that was tampered with; never more, never less."""
    home = tmp_path_factory.mktemp("home")
    name, size = "raw/a.h5", data.draw(st.integers(SEGMENT + 1, 8 * SEGMENT))
    first = Desk(home, {name: size})
    count = -(-size // SEGMENT)
    there = data.draw(st.integers(0, count - 1))
    for _ in range(there):
        span = first.dispatch.take(wait=False)
        assert span is not None
        first.fill(span)
        first.dispatch.done(span)
    first.dispatch.halt()
    kept = first.dispatch.end()
    assert first.landed == []
    assert [one.as_begun().checksums.count(MISSING) for one in kept] == ([count - there] if there else [])
    if not there:
        return
    part = first.part(name)
    harm = data.draw(st.sampled_from(["none", "middle", "tail", "cut"]))
    good = there
    if harm == "cut":
        length = data.draw(st.integers(0, part.stat().st_size))
        os.truncate(part, length)
        good = min(there, length // SEGMENT)
    elif harm != "none":
        at = (there - 1) * SEGMENT if harm == "tail" else data.draw(st.integers(0, there * SEGMENT - 1))
        with part.open("r+b") as file:
            file.seek(at)
            old = file.read(1)
            file.seek(at)
            file.write(bytes([old[0] ^ 255]))
        good = there - 1

    second = Desk(home, {name: size}, begun={name: kept[0].as_begun()})
    second.finish()
    (landed,) = second.landed
    assert landed.problem is None
    assert part.read_bytes() == content(name, size)
    missing = size - min(size, good * SEGMENT)
    # A segment in the middle has full length; only the last of a file may be shorter, and that one never came.
    assert landed.fetched == missing


@pytest.mark.parametrize(
    "change", ["size", "mtime_ns", "source", "checksums", "segment_bytes", "hard link", "symlink", "longer", "gone"]
)
def test_a_part_of_anything_else_is_begun_anew_and_never_written_through(change: str, tmp_path: Path) -> None:
    """Another version, another source, an impossible note, a part that is another file by now."""
    name, size = "raw/a.h5", 5 * SEGMENT
    desk = Desk(tmp_path, {name: size})
    part, published = desk.part(name), tmp_path / "published.h5"
    part.parent.mkdir(parents=True)
    published.write_bytes(b"p" * size)
    good = content(name, size)
    part.write_bytes(good)
    parts = PartFile(part, desk.wanted(name).final, size=size, segment_bytes=SEGMENT, known=[0] * 5)
    begun = BegunPart(SOURCE, size, MTIME_NS, SEGMENT, tuple(parts.read_back(n) for n in range(5)))
    parts.close()
    match change:
        case "hard link" | "symlink":
            part.unlink()
            (part.hardlink_to if change == "hard link" else part.symlink_to)(published)
        case "longer":
            part.write_bytes(good + b"x")
        case "gone":
            part.unlink()
        case _:
            others = {
                "size": BegunPart(SOURCE, size - 1, MTIME_NS, SEGMENT, begun.checksums),
                "mtime_ns": BegunPart(SOURCE, size, MTIME_NS + 1, SEGMENT, begun.checksums),
                "source": BegunPart("sftp://elsewhere", size, MTIME_NS, SEGMENT, begun.checksums),
                "checksums": BegunPart(SOURCE, size, MTIME_NS, SEGMENT, begun.checksums[:-1]),
                "segment_bytes": BegunPart(SOURCE, size, MTIME_NS, 0, begun.checksums),
            }
            begun = others[change]
    again = Desk(tmp_path, {name: size}, begun={name: begun})
    again.finish()
    assert [one.fetched for one in again.landed] == [size]
    assert part.read_bytes() == good
    assert part.lstat().st_nlink == 1
    assert not part.is_symlink()
    assert published.read_bytes() == b"p" * size


def test_a_part_that_is_whole_only_has_to_be_read_back(tmp_path: Path) -> None:
    """Nothing travels."""
    name, size = "raw/a.h5", 3 * SEGMENT
    first = Desk(tmp_path, {name: size})
    spans = [first.dispatch.take(wait=False) for _ in range(3)]
    first.dispatch.halt()
    for span in spans:
        assert span is not None
        first.fill(span)
        first.dispatch.done(span)
    (kept,) = first.dispatch.end()
    second = Desk(tmp_path, {name: size}, begun={name: kept.as_begun()})
    assert second.dispatch.take(wait=True) is None
    second.dispatch.end()
    assert [(one.problem, one.fetched) for one in second.landed] == [(None, 0)]
    assert second.dispatch.moved == size


def test_a_run_that_is_stopped_while_it_reads_back_forgets_nothing(tmp_path: Path) -> None:
    """What was not compared yet stays in the journal; the next run compares it."""
    name, size = "raw/a.h5", 3 * SEGMENT
    first = Desk(tmp_path, {name: size})
    span = first.dispatch.take(wait=False)
    assert span is not None
    first.fill(span)
    first.dispatch.done(span)
    first.dispatch.halt()
    (kept,) = first.dispatch.end()
    begun = kept.as_begun()
    incoming = Incoming(first.wanted(name), source=SOURCE, segment_bytes=SEGMENT, begun=begun, count=lambda *_: None)
    assert incoming.to_recheck == [0]
    assert incoming.as_begun() == begun
    incoming.parts.close()


def test_a_file_fails_with_the_first_of_its_problems_and_waits_for_all_readers(tmp_path: Path) -> None:
    """A segment that another lane still reads keeps it open, so that nobody writes into a file that is buried."""
    desk = Desk(tmp_path, {"raw/a.h5": 3 * SEGMENT, "raw/b.h5": 10})
    one, two, three, other = (desk.dispatch.take(wait=False) for _ in range(4))
    assert one
    assert two
    assert three
    assert other
    desk.dispatch.failed(one, SourceError("first"))
    desk.dispatch.failed(two, SourceError("second"))
    assert desk.landed == []
    desk.fill(three)
    # Its last reader is lost instead of done: that buries it as well.
    desk.dispatch.given_back(three)
    desk.fill(other)
    desk.dispatch.done(other)
    assert desk.dispatch.take(wait=True) is None
    desk.dispatch.end()
    problem = desk.outcome()["raw/a.h5"]
    assert problem is not None
    assert problem.message == "first"
    assert desk.outcome()["raw/b.h5"] is None


def test_a_full_disk_stops_all_and_keeps_what_is_worth_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that met it too: making room and running again goes on with its segments."""
    desk = Desk(tmp_path, {"raw/a.h5": 3 * SEGMENT, "raw/b.h5": 3 * SEGMENT, "raw/c.h5": 50})
    spans = [desk.dispatch.take(wait=False) for _ in range(4)]
    for span in (spans[0], spans[3]):
        assert span is not None
        desk.fill(span)
        desk.dispatch.done(span)
    write = PartFile._write

    def full(self: PartFile, data: memoryview, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PartFile, "_write", full)
    assert spans[1] is not None
    assert spans[2] is not None
    with pytest.raises(DiskFullError) as caught:
        desk.fill(spans[1])
    desk.dispatch.failed(spans[1], caught.value)
    desk.dispatch.given_back(spans[2])
    kept = desk.dispatch.end()
    assert desk.dispatch.over
    assert all(isinstance(problem, DiskFullError) for problem in desk.outcome().values())
    assert set(desk.outcome()) == {"raw/a.h5", "raw/b.h5", "raw/c.h5"}
    assert sorted(str(one.info.path) for one in kept) == ["raw/a.h5", "raw/b.h5"]
    monkeypatch.setattr(PartFile, "_write", write)
    again = Desk(tmp_path, desk.sizes, begun={str(one.info.path): one.as_begun() for one in kept})
    again.finish()
    assert {str(one.wanted.file.path): one.fetched for one in again.landed} == {
        "raw/a.h5": 2 * SEGMENT, "raw/b.h5": 2 * SEGMENT, "raw/c.h5": 50,
    }  # fmt: skip
    for name, size in desk.sizes.items():
        assert again.part(name).read_bytes() == content(name, size)


def test_a_line_that_breaks_lands_every_file_once(tmp_path: Path) -> None:
    """Those that are whole are whole, all others have the same problem; what has one segment only is not kept."""
    desk = Desk(tmp_path, {f"raw/{n}.h5": 50 for n in range(5)})
    first, second = desk.dispatch.take(wait=False), desk.dispatch.take(wait=False)
    assert first
    assert second
    desk.fill(first)
    desk.dispatch.done(first)
    desk.fill(second, [(0, 20)])
    lost = ConnectionLostError("the line broke")
    desk.dispatch.stop(lost)
    desk.dispatch.given_back(second)
    assert desk.dispatch.end() == []
    outcome = desk.outcome()
    assert outcome.pop("raw/0.h5") is None
    assert set(outcome.values()) == {lost}
    assert sorted(path.name for path in tmp_path.rglob("*.danmax-part")) == [".0.h5.danmax-part"]


def test_a_disk_that_is_slow_to_sync_does_not_open_files_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process may have a few hundred files open; those that are being finished count."""
    monkeypatch.setattr(dispatching, "_MOST_OPEN", 8)
    gate, opened, most = threading.Event(), 0, 0
    lock = threading.Lock()
    finish, begin = PartFile.finish, PartFile.__init__

    def slow(self: PartFile, mtime_ns: int) -> None:
        nonlocal opened
        gate.wait(30)
        finish(self, mtime_ns)
        with lock:
            opened -= 1

    def counted(self: PartFile, *args: object, **more: object) -> None:
        nonlocal opened, most
        with lock:
            opened += 1
            most = max(most, opened)
        begin(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(PartFile, "finish", slow)
    monkeypatch.setattr(PartFile, "__init__", counted)
    desk = Desk(tmp_path, {f"raw/{n}.h5": 10 for n in range(30)})
    while (span := desk.dispatch.take(wait=False)) is not None:
        desk.fill(span)
        desk.dispatch.done(span)
    assert desk.landed == []
    gate.set()
    desk.finish()
    assert most <= 8
    assert list(desk.outcome().values()) == [None] * 30


def test_a_bug_in_a_thread_is_heard_and_ends_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a file that nobody finishes."""

    def broken(self: PartFile, mtime_ns: int) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(PartFile, "finish", broken)
    desk = Desk(tmp_path, {"raw/a.h5": 10})
    span = desk.dispatch.take(wait=False)
    assert span is not None
    desk.fill(span)
    desk.dispatch.done(span)
    assert desk.dispatch.take(wait=True) is None
    desk.dispatch.end()
    assert [str(bug) for bug in desk.bugs] == ["bug"]


def test_a_source_that_gives_files_whole_begins_parts_anew(tmp_path: Path) -> None:
    """A segment of an earlier road is nothing it could fill."""
    name, size = "raw/a.h5", 3 * SEGMENT
    first = Desk(tmp_path, {name: size})
    span = first.dispatch.take(wait=False)
    assert span is not None
    first.fill(span)
    first.dispatch.done(span)
    first.dispatch.halt()
    (kept,) = first.dispatch.end()
    second = Desk(tmp_path, {name: size}, begun={name: kept.as_begun()}, segment_bytes=None)
    span = second.dispatch.take(wait=False)
    assert span is not None
    assert (span.offset, span.length) == (0, size)
    second.dispatch.given_back(span)
    second.dispatch.halt()
    second.dispatch.end()


def test_many_lanes_at_once(tmp_path: Path) -> None:
    """Real threads, each honest or not, and every file ends once."""
    desk = Desk(tmp_path, {f"raw/{n}.h5": 37 * n + 1 for n in range(60)})
    chance = [random.Random(n) for n in range(6)]

    def lane(own: random.Random) -> Callable[[], None]:
        def run() -> None:
            while (span := desk.dispatch.take(wait=True)) is not None:
                if own.random() < 0.3:
                    desk.fill(span, [(0, span.length // 2)])
                    desk.dispatch.given_back(span)
                else:
                    desk.fill(span)
                    desk.dispatch.done(span)

        return run

    threads = [threading.Thread(target=lane(one)) for one in chance]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    desk.dispatch.end()
    assert desk.bugs == []
    assert list(desk.outcome().values()) == [None] * 60
    for name, size in desk.sizes.items():
        assert desk.part(name).read_bytes() == content(name, size)
