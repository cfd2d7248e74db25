"""A part file that fills up in segments, from several threads, each with the checksum of what came over the wire."""

import contextlib
import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from danmax_sync.errors import VerificationError
from danmax_sync.transfer.arrival import writing

SEGMENT_BYTES = 4 << 20
_BLOCK = 1 << 20
MISSING = -1
"""Instead of the checksum of a segment that is not there."""


class PartFile:
    """The part file of one file.

    Parameters
    ----------
    part, final : Path
        The file itself, and what it will be called.
    size : int
        Bytes of the whole.
    segment_bytes : int
        Of each segment; the last may be shorter.
    known : sequence of int, optional
        Checksums that an earlier run noted: then its file is gone on with, else it is made anew.

    Raises
    ------
    UnfinishedError
        If it cannot be made or opened.
    """

    def __init__(
        self, part: Path, final: Path, *, size: int, segment_bytes: int, known: Sequence[int] | None = None
    ) -> None:
        self.part, self.final, self.size = part, final, size
        self._segment_bytes = segment_bytes
        count = max(1, -(-size // segment_bytes))
        self.checksums = list(known) if known is not None else [MISSING] * count
        self._running: dict[int, tuple[int, int]] = {}
        """By segment: the offset that continues it, and the checksum so far."""
        self._lock = threading.Lock()
        with writing(final):
            final.parent.mkdir(parents=True, exist_ok=True)
            if known is None:
                # Made anew and never opened again: after a kill it may be a second name of a file that is published.
                part.unlink(missing_ok=True)
            flags = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
            self._descriptor = os.open(part, flags | (os.O_CREAT | os.O_EXCL if known is None else 0), 0o666)
        self._closed = False

    @property
    def spans(self) -> Iterator[tuple[int, int, int]]:
        """Yield number, offset and length of each segment."""
        for number in range(len(self.checksums)):
            offset = number * self._segment_bytes
            yield number, offset, min(self._segment_bytes, self.size - offset)

    @property
    def is_whole(self) -> bool:
        """Whether every segment is there."""
        return MISSING not in self.checksums

    def write(self, offset: int, data: memoryview) -> None:
        """Write bytes where they belong.

        Raises
        ------
        UnfinishedError
            If the disk does not take them.
        """
        number = offset // self._segment_bytes
        follows, checksum = self._running.get(number, (number * self._segment_bytes, 0))
        if offset == follows:
            self._running[number] = (offset + len(data), zlib.crc32(data, checksum))
        with writing(self.final):
            while data:
                written = self._write(data, offset)
                data, offset = data[written:], offset + written

    def complete(self, number: int) -> None:
        """Note that a segment is there."""
        length = min(self._segment_bytes, self.size - number * self._segment_bytes)
        offset, checksum = self._running.pop(number, (number * self._segment_bytes, 0))
        if offset != number * self._segment_bytes + length:
            # Its bytes came out of order.
            checksum = self.read_back(number)
        self.checksums[number] = checksum

    def drop(self, number: int) -> None:
        """Forget what came of a segment."""
        self._running.pop(number, None)
        self.checksums[number] = MISSING

    def read_back(self, number: int) -> int:
        """Return the checksum of a segment as it is on disk; `MISSING` where it is cut short."""
        offset = number * self._segment_bytes
        end = min(offset + self._segment_bytes, self.size)
        checksum = 0
        with writing(self.final):
            while offset < end:
                block = self._read(min(_BLOCK, end - offset), offset)
                if not block:
                    return MISSING
                checksum = zlib.crc32(block, checksum)
                offset += len(block)
        return checksum

    def sync(self) -> None:
        """Put what was written safely on disk, unless it is closed and so finished or given up."""
        with self._lock:
            if self._closed:
                return
            # A descriptor of its own: the file may be closed meanwhile.
            descriptor = os.dup(self._descriptor)
        try:
            with writing(self.final):
                getattr(os, "fdatasync", os.fsync)(descriptor)
        finally:
            os.close(descriptor)

    def finish(self, mtime_ns: int) -> None:
        """Put it safely on disk and close it, with a time.

        Raises
        ------
        VerificationError
            If it is not as long as it should be.
        """
        with writing(self.final):
            os.fsync(self._descriptor)
            size = os.fstat(self._descriptor).st_size
            self.close()
            if size != self.size:
                raise VerificationError(
                    f"{self.part} holds {size} bytes instead of {self.size}: something else wrote to it",
                    hint="run again: it is fetched anew",
                )
            os.utime(self.part, ns=(mtime_ns, mtime_ns))

    def close(self) -> None:
        """Close it. Again is harmless."""
        with self._lock:
            if not self._closed:
                self._closed = True
                # What the disk has to say of the bytes it said when they were synced.
                with contextlib.suppress(OSError):
                    os.close(self._descriptor)

    if hasattr(os, "pwrite"):

        def _write(self, data: memoryview, offset: int) -> int:
            return os.pwrite(self._descriptor, data, offset)

        def _read(self, size: int, offset: int) -> bytes:
            return os.pread(self._descriptor, size, offset)

    else:  # Windows

        def _write(self, data: memoryview, offset: int) -> int:
            with self._lock:
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                return os.write(self._descriptor, data)

        def _read(self, size: int, offset: int) -> bytes:
            with self._lock:
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                return os.read(self._descriptor, size)
