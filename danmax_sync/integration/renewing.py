"""Bring what a file of patterns says of its scan up to date, without integrating anew.

::

    file ─copied beside─▶ new ─described again─▶ on the disk ─renamed─▶ file
      │                                             │
      └── says all as the catalogue does: left       └── killed on the way: the file is as it was
"""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import h5py
import numpy as np

from danmax_sync.integration.nxazint import describe_again
from danmax_sync.integration.patterns import ORIGIN
from danmax_sync.integration.perframe import PerFrame
from danmax_sync.scanfile.hdf5 import UNREADABLE, open_hdf5
from danmax_sync.scanfile.text import clean_text

_OWN_BYTES = 1 << 20


def renew(path: Path, sample: str, energy_kev: float, per_frame: PerFrame) -> tuple[str, ...]:
    """Write sample, temperatures and energy anew where a file of ours says something else.

    Parameters
    ----------
    path : Path
        A whole file of patterns.
    sample, energy_kev, per_frame
        As the catalogue and the master have them, a value a pattern.

    Returns
    -------
    tuple of str
        What differed, of ``sample``, ``temperature`` and ``energy``.

    Raises
    ------
    OSError
        If the new file cannot be written; the old one stays.
    """
    before = path.stat()
    different = _different(path, sample, energy_kev, per_frame)
    if not different:
        return ()
    if shutil.disk_usage(path.parent).free < before.st_size + _OWN_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    # Named like a new file of patterns: what a kill leaves is taken away by the next integration into its place.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.danmax-new-", dir=path.parent)
    os.close(handle)
    new = Path(name)
    try:
        shutil.copyfile(path, new)
        shutil.copymode(path, new)
        with h5py.File(new, "r+", locking=False) as file:
            describe_again(file, sample, energy_kev, per_frame)
        with new.open("rb+") as written:
            os.fsync(written.fileno())
        if not os.path.samestat(before, path.stat()):
            # Another run has made it anew meanwhile, and knew as much.
            return ()
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return different


def _different(path: Path, sample: str, energy_kev: float, per_frame: PerFrame) -> tuple[str, ...]:
    with open_hdf5(path) as file:
        try:
            entry = file["entry"]
            same = {
                "sample": clean_text(entry["sample/name"][()]) == sample,
                "temperature": _is_same(entry.get("sample/temperature"), per_frame.temperature_k)
                and _is_of(entry.get("sample/temperature"), per_frame.temperature_origin),
                "energy": float(entry["instrument/monochromator/energy"][()]) == energy_kev
                and _is_same(entry.get("frames/energy"), per_frame.energy_kev),
            }
        except UNREADABLE:
            return ("sample", "temperature", "energy")
    return tuple(name for name, is_same in same.items() if not is_same)


def _is_same(stored: object, values: object) -> bool:
    if not isinstance(stored, h5py.Dataset) or values is None:
        return stored is None and values is None
    return np.array_equal(np.asarray(stored[()], dtype=np.float64), np.asarray(values), equal_nan=True)


def _is_of(stored: object, origin: str) -> bool:
    """Say whether a device is named, or none is: files of earlier versions name none."""
    told = clean_text(stored.attrs.get(ORIGIN, "")) if isinstance(stored, h5py.Dataset) else ""
    return told in {"", origin}
