"""One file on its way: its part file, and what has become of each of its segments."""

from collections import deque
from collections.abc import Callable

from danmax_sync.errors import DanmaxSyncError
from danmax_sync.sources.base import FileInfo
from danmax_sync.sources.spans import Span
from danmax_sync.transfer.arrival import part_of
from danmax_sync.transfer.journal import BegunPart
from danmax_sync.transfer.mover import Wanted
from danmax_sync.transfer.segments import MISSING, PartFile

Count = Callable[[int, str], None]


class Incoming:
    """A file whose segments are handed out, one by one, to whoever is free.

    Parameters
    ----------
    wanted : Wanted
        The file.
    source : str
        URI of its source, for the journal.
    segment_bytes : int
        Of the segments it is fetched in.
    begun : BegunPart, optional
        What an earlier run left; used where it is of the same version and its part file is untouched in kind.
    count : callable
        Told how many bytes have come, and of which file.

    Attributes
    ----------
    todo : deque of int
        Segments that nobody reads.
    to_recheck : list of int
        Segments of an earlier run that have not been compared with their checksums yet.
    reading : int
        Segments that somebody reads.
    failure : DanmaxSyncError or None
        Why it cannot be had; then no more segments are handed out.
    """

    def __init__(
        self, wanted: Wanted, *, source: str, segment_bytes: int, begun: BegunPart | None, count: Count
    ) -> None:
        self.wanted = wanted
        self.source = source
        self._count = count
        file = wanted.file
        self.info = FileInfo(file.path, file.size, file.mtime_ns)
        part = part_of(wanted.final)
        known = None
        if begun is not None and _may_go_on(begun, self.info, source, wanted):
            known, segment_bytes = begun.checksums, begun.segment_bytes
        self.segment_bytes = segment_bytes
        self.parts = PartFile(part, wanted.final, size=file.size, segment_bytes=segment_bytes, known=known)
        self.todo = deque(n for n, checksum in enumerate(self.parts.checksums) if checksum == MISSING)
        self.to_recheck = [n for n, checksum in enumerate(self.parts.checksums) if checksum != MISSING]
        self.reading = 0
        self.fetched = 0
        self.failure: DanmaxSyncError | None = None
        self.unsaved = False
        self._spans = {number: (offset, length) for number, offset, length in self.parts.spans}

    @property
    def is_over(self) -> bool:
        """Whether nobody works on it any more, for better or worse."""
        if self.reading or self.to_recheck:
            return False
        return self.failure is not None or not self.todo

    @property
    def is_worth_keeping(self) -> bool:
        """Whether what is there spares a later run some work."""
        return len(self.parts.checksums) > 1 and any(one != MISSING for one in self.parts.checksums)

    def next_span(self) -> tuple[Span, int] | None:
        """Hand out a segment, with its number."""
        if self.failure is not None or not self.todo:
            return None
        number = self.todo.popleft()
        self.reading += 1
        offset, length = self._spans[number]
        return Span(self.info, offset, length, self._write), number

    def there(self, number: int) -> None:
        """Note that a segment has come."""
        self.parts.complete(number)
        self.reading -= 1
        self.fetched += self.length_of(number)
        self.unsaved = True

    def broken(self, problem: DanmaxSyncError) -> None:
        """Note that a segment, and so the file, cannot be had."""
        self.reading -= 1
        self.failure = self.failure or problem

    def come_back(self, number: int) -> None:
        """Note that a segment is nobody's again."""
        self.parts.drop(number)
        self.reading -= 1
        self.todo.appendleft(number)

    def rechecked(self, number: int, *, good: bool) -> None:
        """Note how a segment of an earlier run compares with what the journal says of it."""
        self.to_recheck.remove(number)
        if not good:
            self.parts.drop(number)
            self.todo.append(number)
            self.unsaved = True

    def length_of(self, number: int) -> int:
        """Return the bytes of a segment."""
        return self._spans[number][1]

    def as_begun(self) -> BegunPart:
        """Return what the journal should remember; what is not rechecked yet will be, by the next run."""
        known = tuple(self.parts.checksums)
        return BegunPart(self.source, self.info.size, self.info.mtime_ns, self.segment_bytes, known)

    def _write(self, offset: int, data: memoryview) -> None:
        size = len(data)
        self.parts.write(offset, data)
        self._count(size, str(self.info.path))


def _may_go_on(begun: BegunPart, info: FileInfo, source: str, wanted: Wanted) -> bool:
    """Say whether a part is of this version, and a file that may be written to.

    After a kill in the middle of publishing it may be a second name of the published file: that must not be touched.
    """
    part = part_of(wanted.final)
    try:
        there = part.lstat()
    except OSError:
        return False
    expected = max(1, -(-info.size // begun.segment_bytes)) if begun.segment_bytes > 0 else 0
    return (
        part.is_file()
        and not part.is_symlink()
        and there.st_nlink == 1
        and there.st_size <= info.size
        and (begun.source, begun.size, begun.mtime_ns) == (source, info.size, info.mtime_ns)
        and len(begun.checksums) == expected
    )
