"""Frames and columns of one scan, for computing with them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.detector import frames_of
from danmax_sync.scanfile.hdf5 import UNREADABLE, open_hdf5


@dataclass(frozen=True, slots=True)
class Frames:
    """Open frames of a detector file; use within `open_frames`.

    Attributes
    ----------
    shape : tuple of int
        Of one frame, rows and columns.
    """

    path: Path
    count: int
    shape: tuple[int, ...]
    dtype: str
    _data: h5py.Dataset

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for index in range(self.count):
            yield self[index]

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return one frame.

        Raises
        ------
        SourceError
            If its bytes cannot be read or decompressed.
        """
        try:
            frame: NDArray[Any] = self._data[index]
        except (OSError, RuntimeError, ValueError) as problem:
            raise SourceError(f"frame {index} of {self.path} cannot be read: {problem}") from problem
        return frame


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
        yield Frames(path, int(data.shape[0]), tuple(int(n) for n in data.shape[1:]), str(data.dtype), data)


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
