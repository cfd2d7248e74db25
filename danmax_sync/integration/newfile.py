"""The file of patterns while it is being made: beside its place, and given its name when it is whole.

Patterns wait in the journal until all are there. A cake is a hundred times as large, and to write each one twice would
take longer than to make it: so cakes go straight into the new file, and the journal notes where in it their bytes are.
A kill leaves a file that HDF5 may not be able to open; but the bytes are where they were noted, with a sum, and the
next run takes them from there.
"""

import errno
import os
import shutil
import struct
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync.integration.engine import Integrator
from danmax_sync.integration.journal import Journal, Packed
from danmax_sync.integration.nxazint import (
    Large,
    Provenance,
    add_norms,
    describe,
    large_parts_of,
    layout,
    note_progress,
    small_parts_of,
)
from danmax_sync.integration.perframe import PerFrame

_PLACE = struct.Struct("<IQQI")
"""Which new file, offset, bytes, sum."""
_BESIDE = "beside"
_WRITEBACK_BYTES = 32 << 20
_OWN_BYTES, _CHUNK_BYTES = 1 << 20, 256
"""What a file of patterns holds beside them: in all, and a pattern."""
_NOT_WRITTEN = (OSError, RuntimeError, ValueError)


def journal_parts(integrator: Integrator) -> list[str]:
    """Return what the journal keeps of each pattern: chunks of these datasets, and where the large ones are."""
    return [*small_parts_of(integrator), _BESIDE] if large_parts_of(integrator) else small_parts_of(integrator)


class Writeback:
    """Has a file brought to disk bit by bit while it grows, so that not all of it is waited for at its end.

    Parameters
    ----------
    path : Path
        It is there.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb+")
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="writeback")
        self._under_way: Future[None] | None = None
        self._waiting = 0
        self._problem: OSError | None = None

    def add(self, size: int) -> None:
        """Note that so many bytes more were written."""
        self._waiting += size
        if self._waiting >= _WRITEBACK_BYTES and (self._under_way is None or self._under_way.done()):
            self._waiting = 0
            self._under_way = self._pool.submit(self._sync)

    def _sync(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as problem:
            # A system tells it once: later it would say that all is well.
            self._problem = problem

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown(wait=True)
        self._file.close()

    def check(self) -> None:
        """Raise what went wrong meanwhile."""
        if self._problem is not None:
            raise self._problem


class NewFile:
    """A file of patterns that is being made; its cakes are put into it one by one.

    Parameters
    ----------
    path : Path
        Its place: what stands there is replaced when the new file is whole.
    integrator : Integrator
        Gives the axes.
    journal : Journal
        The patterns that are done.
    patterns : int
        How many there are to be.
    """

    def __init__(self, path: Path, integrator: Integrator, journal: Journal, patterns: int) -> None:
        self.path, self._integrator, self._journal, self._patterns = path, integrator, journal, patterns
        self._large = large_parts_of(integrator)
        self._number = 0
        while self._part(self._number).exists():
            self._number += 1
        self._file: h5py.File | None = None
        self._cakes: list[h5py.Dataset] = []
        self._writeback: Writeback | None = None

    def _part(self, number: int) -> Path:
        return self.path.with_name(f".{self.path.name}.danmax-new-{number}")

    def __enter__(self) -> Self:
        others = list(self.path.parent.glob(f"{_escaped(self._part(0).name[:-1])}*"))
        if self._large:
            self._open()
            self._writeback = Writeback(self._part(self._number))
            self._take_over()
        for other in others:
            other.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writeback is not None:
            self._writeback.close()
        if self._file is not None:
            with suppress(*_NOT_WRITTEN):
                self._file.close()

    def _open(self) -> h5py.File:
        if self._file is None:
            self._file = h5py.File(self._part(self._number), "w", locking=False)
            layout(self._file, self._integrator, self._patterns)
            self._cakes = [self._file[name] for name in self._large]
        return self._file

    def add(self, pattern: Packed, large: Sequence[Large]) -> None:
        """Keep a pattern: its large chunks here, the rest in the journal.

        Raises
        ------
        OSError
            If the disk is full.
        """
        if self._large:
            self._check_room(sum(len(each.chunk) for each in large))
            places = [self._put(data, pattern.index, each) for data, each in zip(self._cakes, large, strict=True)]
            pattern = replace(pattern, parts=[*pattern.parts, b"".join(places)])
        self._journal.add(pattern)

    def _check_room(self, size: int) -> None:
        """See that so many bytes fit, and what HDF5 writes beside: where it cannot write it may crash as it closes."""
        if shutil.disk_usage(self.path.parent).free < size + _OWN_BYTES + _CHUNK_BYTES * self._patterns:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _put(self, data: h5py.Dataset, index: int, large: Large) -> bytes:
        """Write a chunk, at once and whole: large ones pass HDF5's own buffers by. Return where it is."""
        start = (index, *[0] * (data.ndim - 1))
        data.id.write_direct_chunk(start, large.chunk)
        stored = data.id.get_chunk_info_by_coord(start)
        if self._writeback is not None:
            self._writeback.add(stored.size)
        return _PLACE.pack(self._number, stored.byte_offset, stored.size, large.total)

    def _take_over(self) -> None:
        """Take what an earlier run put into its new file; what is not there as it was written is made again."""
        for pattern in self._journal.patterns():
            chunks = [self._written(*place) for place in _PLACE.iter_unpack(pattern.parts[-1])]
            whole = [chunk for chunk in chunks if chunk is not None]
            if len(whole) == len(chunks) == len(self._large) and pattern.index < self._patterns:
                self.add(replace(pattern, parts=pattern.parts[:-1]), whole)
            else:
                self._journal.drop(pattern.index)

    def _written(self, number: int, offset: int, size: int, total: int) -> Large | None:
        try:
            with self._part(number).open("rb") as file:
                file.seek(offset)
                chunk = file.read(size)
        except (OSError, OverflowError):
            return None
        return Large(chunk, total) if len(chunk) == size and zlib.crc32(chunk) == total else None

    def finish(
        self,
        *,
        norms: Mapping[str, NDArray[np.float32]],
        sample: str,
        provenance: Provenance,
        per_frame: PerFrame,
        is_final: bool,
    ) -> None:
        """Put the file together and give it its name.

        Parameters
        ----------
        norms : mapping
            Σ c·w by layer.
        sample, provenance, per_frame
            What else is known.
        is_final : bool
            Whether the scan has ended, so that no more patterns come.
        """
        self._check_room(sum(len(chunk) for pattern in self._journal.patterns() for chunk in pattern.parts))
        file, part = self._open(), self._part(self._number)
        add_norms(file, self._integrator, norms)
        describe(file, self._integrator, sample, provenance, per_frame)
        note_progress(file, self._journal, self._patterns, is_final=is_final)
        targets = [(data.id, (0,) * (data.ndim - 1)) for data in map(file.get, small_parts_of(self._integrator))]
        for pattern in self._journal.patterns():
            if pattern.index < self._patterns:
                for (data, rest), chunk in zip(targets, pattern.parts, strict=False):
                    data.write_direct_chunk((pattern.index, *rest), chunk)
        if self._writeback is not None:
            self._writeback.close()
            self._writeback.check()
        file.close()
        self._file = None
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(self.path)


def _escaped(name: str) -> str:
    return "".join(f"[{each}]" if each in "*?[" else each for each in name)
