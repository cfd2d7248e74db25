"""Patterns that are done, kept one by one while a scan is being integrated: a kill at any moment loses none of them.

A header, a line of JSON that tells what they belong to; then a record a pattern, with a sum. HDF5 cannot promise that a
file which was being written can be opened again; this can, up to the last whole record.
"""

import json
import os
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from danmax_sync.errors import UnfinishedError
from danmax_sync.transfer.lock import hold

_RECORD = struct.Struct("<4sIIQQI")
"""Mark, index, pixels marked, offset and bytes of the frame in its file, length of what follows before the sum."""
_PATTERN, _NORM = b"PATT", b"NORM"
_FORMAT = 1
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Packed:
    """A pattern, ready for its file.

    Attributes
    ----------
    index : int
        Which pattern.
    marked : int
        Pixels that the frame itself marks.
    source : tuple of int
        Offset and bytes of the frame in its file, by which it is known again; zeros where they are not known.
    parts : sequence of bytes
        A chunk a dataset, compressed as the file will hold it.
    """

    index: int
    marked: int
    source: tuple[int, int]
    parts: Sequence[bytes]


@dataclass(slots=True)
class Journal:
    """The file of patterns that are done.

    Parameters
    ----------
    path : Path
        Of the journal.
    key : str
        What the patterns were made from; a journal of something else is begun anew.
    parts : sequence of str
        Names of the datasets that each pattern has a chunk of.
    """

    path: Path
    key: str
    parts: Sequence[str]
    _file: IO[bytes] | None = None
    _places: dict[int, int] = field(default_factory=dict)
    _sources: dict[int, tuple[int, int]] = field(default_factory=dict)
    _marked: dict[int, int] = field(default_factory=dict)
    _norm: bytes | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._held()
        header = json.dumps({"danmax-sync": _FORMAT, "key": self.key, "parts": list(self.parts)}).encode() + b"\n"
        self._file.seek(0)
        if self._file.read(len(header)) == header:
            end = self._scan(len(header))
            self._file.truncate(end)
        else:
            self._file.truncate(0)
            self._file.write(header)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _held(self) -> IO[bytes]:
        """Open the journal for this process alone: two that wrote into it would ruin each other's records."""
        while True:
            file = self.path.open("a+b", buffering=0)
            try:
                hold(file)
                # Who held it before may have ended and taken it away between the two.
                if self.path.exists() and os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                    return file
            except BlockingIOError:
                file.close()
                raise UnfinishedError(
                    f"another danmax-sync is integrating into {self.path.parent} from the same frames right now",
                    hint="wait for it, then run again",
                ) from None
            except OSError:
                file.close()
                raise
            file.close()

    def remove(self) -> None:
        """Take the journal away: what was in it stands in the file now."""
        if sys.platform == "win32":
            # There, open files cannot be deleted.
            self._open.close()
        self.path.unlink(missing_ok=True)

    @property
    def _open(self) -> IO[bytes]:
        if self._file is None:
            raise AssertionError("a journal is used within a with block")
        return self._file

    def _scan(self, at: int) -> int:
        """Note the records that are whole; return where the last of them ends."""
        while True:
            self._open.seek(at)
            head = self._open.read(_RECORD.size)
            if len(head) < _RECORD.size:
                return at
            mark, index, marked, offset, size, length = _RECORD.unpack(head)
            if mark not in {_PATTERN, _NORM} or length > _MOST_BYTES:
                return at
            content = self._open.read(length + 4)
            if len(content) < length + 4 or zlib.crc32(head + content[:length]) != int.from_bytes(
                content[length:], "little"
            ):
                return at
            if mark == _NORM:
                self._norm = content[:length]
            else:
                self._note(index, at, (offset, size), marked)
            at += _RECORD.size + length + 4

    def _note(self, index: int, at: int, source: tuple[int, int], marked: int) -> None:
        self._places[index], self._sources[index], self._marked[index] = at, source, marked

    @property
    def done(self) -> Mapping[int, tuple[int, int]]:
        """The patterns that are done, and where their frames were in their file."""
        return self._sources

    @property
    def marked(self) -> Mapping[int, int]:
        """Pixels that the frame of each pattern marks."""
        return self._marked

    @property
    def norm(self) -> bytes | None:
        """The norms as they were last noted."""
        return self._norm

    def forget(self) -> None:
        """Begin anew: what is in it is of another measurement."""
        self._open.truncate(len(json.dumps({"danmax-sync": _FORMAT, "key": self.key, "parts": list(self.parts)})) + 1)
        self._places.clear()
        self._sources.clear()
        self._marked.clear()
        self._norm = None

    def drop(self, index: int) -> None:
        """Take a pattern for not done: it will be made again."""
        for each in (self._places, self._sources, self._marked):
            each.pop(index, None)

    def add(self, pattern: Packed) -> None:
        """Keep a pattern."""
        lengths = struct.pack(f"<{len(pattern.parts)}I", *(len(part) for part in pattern.parts))
        at = self._append(_PATTERN, pattern.index, pattern.marked, pattern.source, lengths + b"".join(pattern.parts))
        self._note(pattern.index, at, pattern.source, pattern.marked)

    def add_norm(self, content: bytes) -> None:
        """Keep the norms, which later ones replace."""
        self._append(_NORM, 0, 0, (0, 0), content)
        self._norm = content

    def _append(self, mark: bytes, index: int, marked: int, source: tuple[int, int], content: bytes) -> int:
        at = self._open.seek(0, 2)
        head = _RECORD.pack(mark, index, marked, *source, len(content))
        record = head + content + zlib.crc32(head + content).to_bytes(4, "little")
        written = self._open.write(record)
        if written != len(record):
            raise OSError(28, "No space left on device")
        return at

    def patterns(self) -> Iterator[Packed]:
        """Yield all patterns in the order of their index."""
        for index in sorted(self._places):
            self._open.seek(self._places[index])
            _, _, marked, offset, size, length = _RECORD.unpack(self._open.read(_RECORD.size))
            content = self._open.read(length)
            count = len(self.parts)
            lengths = struct.unpack_from(f"<{count}I", content)
            ends = [4 * count]
            for each in lengths:
                ends.append(ends[-1] + each)
            parts = [content[start:end] for start, end in pairwise(ends)]
            yield Packed(index, marked, (offset, size), parts)
