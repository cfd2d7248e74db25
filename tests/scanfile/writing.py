"""Tiny masters and detector files with any content, for the rooms that read or index them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, Sequence[float] | NDArray[Any]]
Links = Mapping[str, tuple[str, str]]
TITLE = "timescan 3 0.1 0.1"
START = "2025-11-02T08:42:07.482913+01:00"
END = "2025-11-02T08:43:00+01:00"
DETECTOR_GROUP = "/entry/instrument/pilatus"


def write_entry(
    file: h5py.File,
    name: str = "entry",
    *,
    title: str | bytes | None = TITLE,
    start: str | None = START,
    end: str | None = END,
    channels: Columns | None = None,
    motors: Columns | None = None,
    snapshot: Mapping[str, Any] | None = None,
    links: Links | None = None,
) -> h5py.Group:
    """Write one scan; `links` maps a detector to file name and inner path."""
    entry = file.create_group(name)
    for field, text in (("title", title), ("start_time", start), ("end_time", end)):
        if text is not None:
            entry[field] = text
    instrument = entry.create_group("instrument")
    for column, values in ({"pcap_trigts": [1.0, 2.0, 3.0]} if channels is None else channels).items():
        instrument.create_group(column)["data"] = np.asarray(values, dtype=np.float64)
    for column, values in (motors or {}).items():
        instrument.create_group(column)["value"] = np.asarray(values, dtype=np.float64)
    positioners = instrument.create_group("start_positioners")
    for parameter, value in (snapshot or {}).items():
        positioners[parameter] = value
    for detector, (filename, inner) in (links or {}).items():
        instrument[detector] = h5py.ExternalLink(filename, inner)
    return entry


def write_master(path: Path, *, detectors: Sequence[str] = ("pilatus",), **content: Any) -> Path:
    """Write a master of one scan; without `links` it links to ``<stem>_<detector>.h5`` beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    links = {name: (f"{path.stem}_{name}.h5", f"/entry/instrument/{name}") for name in detectors}
    with h5py.File(path, "w", locking=False) as file:
        write_entry(file, **{"links": links, **content})
    return path


def write_frames(path: Path, frames: int = 3, *, inner: str = DETECTOR_GROUP, compressed: bool = True) -> Path:
    """Write a detector file of tiny frames, each filled with its own number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", locking=False) as file:
        group = file.create_group(inner)
        data = np.broadcast_to(np.arange(frames, dtype=np.int32)[:, None, None], (frames, 5, 7))
        how = {"chunks": (1, 5, 7), **hdf5plugin.Bitshuffle(cname="lz4")} if compressed else {}
        group.create_dataset("data", data=data, **how)
        group["energy"] = 35000.0
        group["threshold"] = 17500.0
    return path


def write_set(path: Path, *, frames: int = 3, **content: Any) -> Path:
    """Write a master with its detector file."""
    write_frames(path.with_name(f"{path.stem}_pilatus.h5"), frames)
    return write_master(path, **content)
