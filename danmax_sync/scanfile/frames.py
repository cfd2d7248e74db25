"""Frames and columns of one scan, for computing with them."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.blocks import check_blocks, has_only_bitshuffle
from danmax_sync.scanfile.detector import frames_of
from danmax_sync.scanfile.hdf5 import UNREADABLE, first_line, open_hdf5


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Where a frame lies in its file."""

    offset: int
    size: int
    is_filtered: bool


@dataclass(frozen=True, slots=True)
class Frames:
    """Open frames of a detector file; use within `open_frames`.

    Attributes
    ----------
    count : int
        How many there are now; a file may still grow.
    shape : tuple of int
        Of one frame, rows and columns.
    dtype : str
        As numpy names it.
    thresholds : int
        How many images each frame has, of detectors that count above several thresholds; else 1.
    packed : bool
        Whether frames can be had as stored, each a chunk of bitshuffle and LZ4 with four bytes a pixel.
    """

    path: Path
    count: int
    shape: tuple[int, ...]
    dtype: str
    thresholds: int
    packed: bool
    _data: h5py.Dataset
    _chunks: dict[tuple[int, ...], _Chunk]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _size: int = 0
    _alone: bool = False

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for index in range(self.count):
            yield self[index]

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return one frame, of the first threshold where there are several.

        Raises
        ------
        SourceError
            If its bytes cannot be read or decompressed.
        """
        return self.image(index, 0)

    def image(self, index: int, threshold: int) -> NDArray[Any]:
        """Return one frame of one threshold, read by HDF5.

        Raises
        ------
        SourceError
            If it was never written, or its bytes cannot be read or decompressed.
        """
        self._check_written(index, threshold)
        try:
            with self._lock:
                self._check_blocks(index, threshold)
                image: NDArray[Any] = self._data[index] if self._data.ndim < 4 else self._data[index, threshold]
        except UNREADABLE as problem:
            raise SourceError(f"frame {index} of {self.path} cannot be read: {first_line(problem)}") from problem
        return image

    def chunk(self, index: int, threshold: int, *, slack: int, into: bytearray) -> memoryview | None:
        """Return one frame as stored, with some more bytes behind it; None where it has to be read by HDF5.

        It lies in `into` where that is long enough: to get new memory for each frame takes as long as to read it.

        Raises
        ------
        SourceError
            If it was never written, or lies outside the file.
        """
        self._check_written(index, threshold)
        chunk = self._chunks.get(self._key(index, threshold))
        if not self.packed or chunk is None or not chunk.is_filtered:
            return None
        wanted = chunk.size + slack
        content = memoryview(into if len(into) >= wanted else bytearray(wanted))
        try:
            # Opened each time: threads read at once, and where one file has one place, they would move it.
            with self.path.open("rb", buffering=0) as file:
                file.seek(chunk.offset)
                got = file.readinto(content[: chunk.size])
        except OSError as problem:
            raise SourceError(f"frame {index} of {self.path} cannot be read: {problem.strerror}") from problem
        if got != chunk.size:
            raise SourceError(f"frame {index} of {self.path} is cut short: {got} of {chunk.size} bytes")
        return content[:wanted]

    def _check_blocks(self, index: int, threshold: int) -> None:
        """Check a chunk of bitshuffle and LZ4 before HDF5 decodes it: a wrong length in it crashes the plugin."""
        key = self._key(index, threshold)
        if key not in self._chunks or not self._chunks[key].is_filtered or not has_only_bitshuffle(self._data):
            return
        start = (*key, *[0] * (self._data.ndim - len(key)))
        content = self._data.id.read_direct_chunk(start)[1]
        check_blocks(content, int(np.prod(self._data.chunks)), self._data.dtype.itemsize)

    def whereabouts(self, index: int, threshold: int = 0) -> tuple[int, int]:
        """Return offset and bytes of a frame in its file; they change when it is measured again. Zeros: not known.

        Frames that are not compressed, or not alone in a chunk, have the same place and size whatever is in them.
        """
        chunk = self._chunks.get(self._key(index, threshold))
        known = chunk is not None and chunk.is_filtered and self._alone
        return (chunk.offset, chunk.size) if chunk is not None and known else (0, 0)

    def _key(self, index: int, threshold: int) -> tuple[int, ...]:
        return (index, threshold) if self._data.ndim == 4 else (index,)

    def _check_written(self, index: int, threshold: int) -> None:
        """Check that a frame is there: HDF5 would read one that was never written as zeros."""
        if self._data.chunks is None:
            if self._data.id.get_storage_size() < self._data.nbytes:
                raise SourceError(f"{self.path} holds no data yet")
            return
        if self._data.chunks[0] != 1 or self._data.chunks[-2:] != self._data.shape[-2:]:
            return
        chunk = self._chunks.get(self._key(index, threshold))
        if chunk is None:
            raise SourceError(f"frame {index} of {self.path} was never written")
        if chunk.offset + chunk.size > self._size:
            raise SourceError(f"frame {index} of {self.path} is cut short: the file ends before it")


@contextmanager
def open_frames(path: Path, inner_path: str) -> Iterator[Frames]:
    """Open the frames of a detector file.

    Raises
    ------
    SourceError
        If there are none where the master's link points.
    """
    with open_hdf5(path) as file:
        data = frames_of(file, inner_path)
        thresholds = int(data.shape[1]) if data.ndim == 4 else 1
        shape = tuple(int(n) for n in (data.shape[2:] if data.ndim == 4 else data.shape[1:]))
        try:
            packed, chunks = _is_packed(data), _chunks_of(data)
            size = path.stat().st_size
        except UNREADABLE as problem:
            raise SourceError(f"the frames of {path} cannot be found: {first_line(problem)}") from problem
        yield Frames(
            path, int(data.shape[0]), shape, str(data.dtype), thresholds, packed, data, chunks, threading.Lock(), size,
            # Asked once a file: each time it takes HDF5 longer than to integrate a frame.
            data.chunks is not None and all(length == 1 for length in data.chunks[:-2]),
        )  # fmt: skip


def _is_packed(data: h5py.Dataset) -> bool:
    if data.chunks is None or data.dtype.kind not in "iu" or data.dtype.itemsize != 4 or data.dtype.byteorder == ">":
        return False
    if any(length != 1 for length in data.chunks[:-2]) or data.chunks[-2:] != data.shape[-2:]:
        return False
    return has_only_bitshuffle(data)


def _chunks_of(data: h5py.Dataset) -> dict[tuple[int, ...], _Chunk]:
    """Return where each frame lies that was written, asked for once: one by one it takes longer than integrating."""
    found: dict[tuple[int, ...], _Chunk] = {}
    if data.chunks is None or data.ndim < 3:
        return found
    has_filters = data.id.get_create_plist().get_nfilters() > 0
    most = 2 * int(np.prod(data.chunks)) * data.dtype.itemsize + 4096

    def note(stored: Any) -> None:
        # A length no frame can have comes from a damaged index; such a frame counts as missing.
        if stored.size <= most:
            start = stored.chunk_offset[: data.ndim - 2]
            found[tuple(int(n) for n in start)] = _Chunk(
                stored.byte_offset, stored.size, has_filters and stored.filter_mask == 0
            )

    data.id.chunk_iter(note)
    return found


def read_columns(master: Path, entry: str, names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """Return motors and channels of a scan, a value a point; names that are not there are left out.

    Raises
    ------
    SourceError
        If the master cannot be opened, or a column that is there cannot be read.
    """
    found = {}
    with open_hdf5(master) as file:
        for name in names:
            try:
                column = _column(file, entry, name)
            except UNREADABLE as problem:
                raise SourceError(f"{name!r} in {entry} of {master} cannot be read: {problem}") from problem
            if column is not None:
                found[name] = column
    return found


def _column(file: h5py.File, entry: str, name: str) -> NDArray[np.float64] | None:
    for where in (f"instrument/{name}/data", f"instrument/{name}/value", f"measurement/{name}"):
        data = _local_dataset(file, f"{entry}/{where}")
        if data is not None and data.ndim == 1 and data.dtype.kind in "fiub":
            return np.asarray(data[()], dtype=np.float64)
    return None


def _local_dataset(file: h5py.File, path: str) -> h5py.Dataset | None:
    """Return a dataset of this very file, data and all, without following a link on the way."""
    group = file
    for part in path.split("/"):
        if not isinstance(group, h5py.Group) or not isinstance(group.get(part, getlink=True), h5py.HardLink):
            return None
        group = group[part]
    return group if isinstance(group, h5py.Dataset) and not group.is_virtual and not group.external else None


def motor_names(master: Path, entry: str) -> list[str]:
    """Return the motors that a scan moved: what has a ``value`` a point.

    Raises
    ------
    SourceError
        If the master cannot be opened.
    """
    with open_hdf5(master) as file:
        try:
            instrument = file.get(f"{entry}/instrument")
            names = list(instrument) if isinstance(instrument, h5py.Group) else []
            found = []
            for name in names:
                data = _local_dataset(file, f"{entry}/instrument/{name}/value")
                if data is not None and data.ndim == 1 and data.shape[0] > 1 and data.dtype.kind in "fiu":
                    found.append(name)
        except UNREADABLE as problem:
            raise SourceError(f"the motors of {entry} in {master} cannot be read: {first_line(problem)}") from problem
    return found
