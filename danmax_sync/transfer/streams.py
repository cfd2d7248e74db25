"""Move files in streams: several lanes, each with a thread, share the segments of large files and many small ones."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

from danmax_sync.errors import UnfinishedError
from danmax_sync.sources.base import Source
from danmax_sync.sources.spans import Lane
from danmax_sync.sources.whole_lane import WholeFileLane
from danmax_sync.transfer.allowance import Allowance
from danmax_sync.transfer.arrival import discard, part_of
from danmax_sync.transfer.crew import Crew, Landings
from danmax_sync.transfer.dispatch import Dispatch
from danmax_sync.transfer.incoming import Incoming
from danmax_sync.transfer.journal import BegunPart, Journal
from danmax_sync.transfer.mover import Landed, Moved, Wanted
from danmax_sync.transfer.plan import PlannedFile
from danmax_sync.transfer.segments import SEGMENT_BYTES

_TICK_S = 0.2
_SAVE_S = 1.0
"""Between two notes of how far parts have come: so much work a kill may cost."""
_BYTES_A_LANE = 4 << 20
_FILES_A_LANE = 16
_SMALLEST_SEGMENT = 1 << 20
_SEGMENTS_A_LANE = 32
"""So many that lanes end at about the same time: the last segment of one takes a few round trips."""


class StreamMover:
    """Brings files from a source that can be read; see `danmax_sync.transfer.mover.Mover`.

    Parameters
    ----------
    source : Source
        Open. One that opens lanes is read in segments by several at once, any other file by file.
    destination : Path
        For the journal.
    journal : Journal
        Remembers how far parts have come.
    bytes_per_s : float, optional
        The highest rate.
    """

    def __init__(
        self, source: Source, destination: Path, journal: Journal, *, bytes_per_s: float | None = None
    ) -> None:
        self._source, self._destination, self._journal = source, destination, journal
        self._allowance = Allowance(bytes_per_s)
        open_lane = getattr(source, "open_lane", None)
        self._in_segments = open_lane is not None
        self._open_lane: Callable[[], Lane] = open_lane or (lambda: WholeFileLane(source))

    def check(self) -> None:
        """Streams lead everywhere."""

    def staged_bytes(self, files: Sequence[PlannedFile]) -> int:  # noqa: ARG002 - there is no staging
        """Nothing stands anywhere but in part files."""
        return 0

    def settle(self) -> None:
        """Nothing is left over: the journal is kept up to date file by file."""

    def move(self, wanted: Sequence[Wanted], *, moved: Moved) -> Iterator[Landed | None]:
        """Bring files; see `Mover.move`."""
        if not wanted:
            return
        landings, lanes = Landings(), self._lanes_for(wanted)
        dispatch = Dispatch(
            wanted,
            source=self._source.uri,
            begun=self._journal.begun(self._destination),
            segment_bytes=_segment_bytes(wanted, lanes) if self._in_segments else None,
            allowance=self._allowance,
            landed=landings.put,
            report=landings.fail,
        )
        # Where a line stands still, Ctrl-C would wait for an answer that does not come.
        crew = Crew(self._open_lane, dispatch, landings.fail, cut=self._source.close)
        crew.start(lanes)
        left, saver, given_up = len(wanted), _Saver(dispatch, self._save), True
        try:
            while left:
                landed = landings.next(_TICK_S)
                saver.tick()
                moved(dispatch.moved, dispatch.latest)
                if landed is None and dispatch.over and landings.empty:
                    break
                left -= landed is not None
                yield landed
            # What has landed can be dealt with while the lanes close.
            if not left:
                yield None
            given_up = False
        finally:
            crew.stop(hurry=given_up)
            for incoming in dispatch.end():
                # Without a note it is fetched anew; that must not hide why the run ends.
                with contextlib.suppress(UnfinishedError):
                    self._save(incoming)
            if given_up:
                # Nobody hears of these any more.
                self._put_aside(landings)
        for _ in range(left):
            yield landings.next(0)

    def _lanes_for(self, wanted: Sequence[Wanted]) -> int:
        """Return how many lanes are worth their start."""
        if not self._in_segments:
            return 1
        size = sum(one.file.size for one in wanted)
        useful = max(size // _BYTES_A_LANE, len(wanted) // _FILES_A_LANE)
        return int(max(1, min(useful, getattr(self._source, "most_lanes", 1))))

    def _put_aside(self, landings: Landings) -> None:
        """Keep files that are worth it for a later run."""
        while not landings.empty:
            landed = landings.next(0)
            if landed is None or landed.problem is not None:
                continue
            file = landed.wanted.file
            if len(landed.checksums) > 1:
                segment = landed.segment_bytes
                begun = BegunPart(self._source.uri, file.size, file.mtime_ns, segment, landed.checksums)
                with contextlib.suppress(UnfinishedError):
                    self._journal.keep_part(self._destination, str(file.path), begun)
            else:
                discard(part_of(landed.wanted.final))

    def _save(self, incoming: Incoming) -> None:
        """Note how far a part has come, once that is safely on disk."""
        # In this order: what the journal says is there must be there after a power cut, too.
        part = incoming.as_begun()
        incoming.unsaved = False
        incoming.parts.sync()
        self._journal.keep_part(self._destination, str(incoming.info.path), part)


def _segment_bytes(wanted: Sequence[Wanted], lanes: int) -> int:
    """Return how large segments are: large ones are less work, small ones are shared better."""
    fair = sum(one.file.size for one in wanted) // (lanes * _SEGMENTS_A_LANE)
    return min(SEGMENT_BYTES, max(_SMALLEST_SEGMENT, fair >> 20 << 20))


class _Saver:
    """Notes once in a while how far parts have come, in a thread, because a disk takes its time."""

    def __init__(self, dispatch: Dispatch, save: Callable[[Incoming], None]) -> None:
        self._dispatch, self._save = dispatch, save
        self._last = time.monotonic()
        self._saving: Future[None] | None = None

    def tick(self) -> None:
        """Begin to save, where it is time, and hear what became of the last time."""
        if time.monotonic() - self._last < _SAVE_S or (self._saving is not None and not self._saving.done()):
            return
        if self._saving is not None:
            # A disk or a journal in trouble is heard of where it matters: when the file is finished, or its set.
            with contextlib.suppress(UnfinishedError):
                self._saving.result()
        self._saving, self._last = self._dispatch.save_with(self._save), time.monotonic()
