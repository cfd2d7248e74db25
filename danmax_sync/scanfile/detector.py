"""Read what a detector file holds, without its pixels, and check that it is whole."""

import math
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  # registers the bitshuffle filter with HDF5

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.blocks import check_frame
from danmax_sync.scanfile.hdf5 import UNREADABLE, check_own_data, open_hdf5
from danmax_sync.scanfile.record import DetectorFacts

_FILTERS = {32008: "bitshuffle", 32001: "blosc", 1: "gzip", 2: "shuffle", 32004: "lz4", 32015: "zstd"}


def reads_bitshuffle() -> bool:
    """Say whether HDF5 has the filter that detector files are compressed with."""
    return bool(h5py.h5z.filter_avail(next(number for number, name in _FILTERS.items() if name == "bitshuffle")))


def read_detector(path: Path, inner_path: str) -> DetectorFacts:
    """Return the facts of a detector file.

    Parameters
    ----------
    path : Path
        The file.
    inner_path : str
        The group, or the dataset itself, that the master's link names.

    Raises
    ------
    SourceError
        If it cannot be opened, or the data are not where the link says.
    """
    with open_hdf5(path) as file:
        data = frames_of(file, inner_path)
        group = data.parent
        if data.shape is None or data.ndim < 2:
            raise SourceError(f"{path} holds no frames at {inner_path!r}: its data have {data.ndim} axes")
        return DetectorFacts(
            frames=int(data.shape[0]),
            frame_shape=tuple(int(n) for n in data.shape[1:]),
            dtype=str(data.dtype),
            compression=_compression(data),
            chunks=data.chunks,
            energy_ev=_number(group, "energy"),
            threshold_ev=_number(group, "threshold"),
            exposure_s=_number(group, "exptime"),
        )


def frames_of(file: h5py.File, inner_path: str) -> h5py.Dataset:
    """Return the dataset of frames behind a link's inner path, in that very file.

    Raises
    ------
    SourceError
        If there is none, or if a link on the way leads into another file.
    """
    where = inner_path.strip("/") or "/"
    try:
        _check_way(file, where)
        found = file[where]
        data = found if isinstance(found, h5py.Dataset) else found["data"]
    except (KeyError, OSError, RuntimeError, ValueError) as problem:
        raise SourceError(f"{file.filename} holds no data at {where!r}, where its master's link points") from problem
    if not isinstance(data, h5py.Dataset) or data.ndim < 1:
        raise SourceError(f"{file.filename} holds no frames at {where!r}")
    if data.file.filename != file.filename:
        raise SourceError(f"{file.filename} is itself a link to {data.file.filename}; such chains are not followed")
    try:
        check_own_data(data.id)
    except ValueError as problem:
        raise SourceError(f"{where!r} in {file.filename}: {problem}") from problem
    return data


def _check_way(file: h5py.File, where: str) -> None:
    """Check that no step of a path is a link into another file, before HDF5 follows it."""
    parts = [part for part in where.split("/") if part]
    for depth in range(len(parts)):
        step = "/".join(parts[: depth + 1])
        if isinstance(file.get(step, getlink=True), h5py.ExternalLink):
            raise SourceError(f"{file.filename} is itself a link at {step!r}; such chains are not followed")


def check_storage(data: h5py.Dataset, path: Path) -> None:
    """Check that every frame was written and lies inside the file.

    Raises
    ------
    SourceError
        If the file ends before its data do, or frames were never written.
    """
    if data.chunks is None:
        if data.id.get_storage_size() < data.nbytes:
            raise SourceError(f"{path} holds no data yet: {data.nbytes} bytes were announced and never written")
        return
    stored = data.id.get_num_chunks()
    per_frame = 1
    for length, chunk in zip(data.shape[1:], data.chunks[1:], strict=True):
        per_frame *= -(-length // chunk)
    wanted = -(-data.shape[0] // data.chunks[0]) * per_frame
    if stored < wanted:
        raise SourceError(f"{path} holds {stored} of {wanted} chunks of data; it was still being written when copied")
    ends = [0]
    # Frames need not lie in the file in their own order.
    data.id.chunk_iter(lambda chunk: ends.append(chunk.byte_offset + chunk.size))
    size = path.stat().st_size
    if max(ends) > size:
        raise SourceError(f"{path} is cut short: {size} bytes, its last frame ends at {max(ends)}")


def read_all(data: h5py.Dataset, path: Path) -> None:
    """Read and decompress every frame.

    Raises
    ------
    SourceError
        Names the first frame that cannot be read.
    """
    for index in range(data.shape[0]):
        try:
            check_frame(data, index)
            data[index]
        except (OSError, RuntimeError, ValueError) as problem:
            raise SourceError(f"frame {index} of {path} cannot be read: {problem}") from problem


def _compression(data: h5py.Dataset) -> str:
    filters = data.id.get_create_plist()
    names = [
        _FILTERS.get(filters.get_filter(i)[0], str(filters.get_filter(i)[0])) for i in range(filters.get_nfilters())
    ]
    return "+".join(names)


def _number(group: h5py.Group, name: str) -> float | None:
    try:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            return None
        data = group[name]
        check_own_data(data.id)
        number = float(data[()]) if data.size == 1 and data.dtype.kind in "iuf" else math.nan
    except UNREADABLE:
        return None
    return number if math.isfinite(number) else None
