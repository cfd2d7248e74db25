"""What a file of patterns says of its making: ours, and the beamline's of any generation."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.hdf5 import UNREADABLE, first_line, open_hdf5
from danmax_sync.scanfile.text import clean_text

_MOST_ITEMS = 64
_MOST_TEXT = 8192


@dataclass(frozen=True, slots=True)
class Making:
    """How patterns were made.

    Attributes
    ----------
    program, version, date : str
        Empty where it is not said.
    poni, poni_name : str
        The geometry, as text, and its file's name.
    mask : str
        Its file's name.
    settings : mapping
        All else that is written there, spelled.
    """

    program: str
    version: str
    date: str
    poni: str
    poni_name: str
    mask: str
    settings: dict[str, str]


def read_making(path: Path) -> Making:
    """Read how the patterns of a file were made.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    with open_hdf5(path) as file:
        try:
            return _read(file)
        except UNREADABLE as problem:
            raise SourceError(f"{path} cannot be read: {first_line(problem)}") from problem


def _read(file: h5py.File) -> Making:
    said: dict[str, str] = {}
    poni_name = ""
    for where in ("entry/reduction", "entry/azint1d/reduction", "entry/azint", "entry"):
        group = file.get(where)
        if isinstance(group, h5py.Group):
            said |= {key: text for key, text in _items(group).items() if key not in said}
    for where in ("entry/reduction/input", "entry/azint1d/reduction/input", "entry/azint/input", "/"):
        group = file.get(where)
        if isinstance(group, h5py.Group):
            said |= {key: text for key, text in _items(group).items() if key not in said}
            poni = group.get("poni")
            if isinstance(poni, h5py.Dataset):
                poni_name = poni_name or clean_text(poni.attrs.get("filename", ""))
    poni_text = said.pop("poni", "") or said.pop("poni_file", "")
    mask = said.pop("mask", "") or said.pop("mask_file", "")
    program, version, date = (said.pop(key, "") for key in ("program", "version", "date"))
    return Making(program, version, date, poni_text, poni_name, mask, said)


def _items(group: h5py.Group) -> dict[str, str]:
    """Return the texts and single numbers of a group, of this very file."""
    found: dict[str, str] = {}
    for name in group:
        if len(found) >= _MOST_ITEMS or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        data = group[name]
        if isinstance(data, h5py.Dataset) and data.shape == ():
            value = data[()]
            spelled = f"{value:g}" if isinstance(value, np.floating) else clean_text(value)
            found[clean_text(name)] = spelled[:_MOST_TEXT]
    return found
