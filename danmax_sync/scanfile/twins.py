"""Read many small datasets at once: those whose headers are twins of one that the HDF5 library has decoded.

Opening a dataset costs the library some 30 µs, and a snapshot has 200 of them that differ in nothing but the address of
their data. So the library decodes the first of each kind; a dataset whose object header has the very same bytes, up to
and with its layout message and apart from that address, holds data of the same type and shape, and they are taken from
the file's bytes at the address it gives. No header is interpreted here, only compared: whatever differs in a single bit
(type, byte order, shape, filters, chunks, external or virtual storage, newer header formats with checksums) goes to the
library. Strings of variable length are taken from the heap their data point to. Object headers and contiguous layouts:
HDF5 File Format Specification 3.0, IV.A.1.a and IV.A.2.i.
"""

import struct
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from h5py import h5d, h5s, h5t
from numpy.typing import NDArray

from danmax_sync.scanfile.heap import REFERENCE_BYTES, GlobalHeap

_VERSION_1 = 1
_PREFIX = 16
"""Bytes of a version 1 header before its first message: version, counts and sizes, which attributes change."""
_LONGEST = 1024
_MOST_KINDS = 24
_LETTERS = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q"} | {
    "f2": "e",
    "f4": "f",
    "f8": "d",
}
_NUMBERS = {h5t.INTEGER: "iu", h5t.FLOAT: "f"}


@dataclass(frozen=True, slots=True)
class _Kind:
    after: bytes
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    nbytes: int
    single: struct.Struct | None
    """Takes the value out where there is just one, of a type that Python has."""


class Twins:
    """The datasets of one file, given as its bytes.

    Parameters
    ----------
    content : bytes
        The whole file, without a user block before it.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        # By the length of a header up to the address, then by its bytes.
        self._kinds: dict[int, dict[bytes, _Kind]] = {}
        self._count = 0
        self._heap = GlobalHeap(content)

    def read(self, address: int) -> NDArray[np.generic] | None:
        """Return the data of the dataset whose header is at an address; None where the library has to be asked."""
        found = self._find(address)
        if found is None or found[0].dtype.kind == "O":
            return None
        kind, data = found
        count = kind.nbytes // kind.dtype.itemsize
        return np.frombuffer(self._content, kind.dtype, count, data).reshape(kind.shape)

    def only(self, address: int) -> float | int | bytes | None:
        """Return the one number or string of a dataset; None where the library has to be asked, or holds several."""
        found = self._find(address)
        if found is None:
            return None
        kind, data = found
        if kind.single is None:
            return self._heap.string(data) if kind.dtype.kind == "O" else None
        number: float | int = kind.single.unpack_from(self._content, data)[0]
        return number

    def _find(self, address: int) -> tuple[_Kind, int] | None:
        """Return the kind of the dataset whose header is at an address, and where its data begin."""
        content, at = self._content, address + _PREFIX
        for end, kinds in self._kinds.items():
            middle = at + end
            kind = kinds.get(content[at:middle])
            if kind is None or content[middle + 8 : middle + 16] != kind.after:
                continue
            data = int.from_bytes(content[middle : middle + 8], "little")
            return (kind, data) if content[address] == _VERSION_1 and data + kind.nbytes <= len(content) else None
        return None

    def learn(self, address: int, dataset: h5d.DatasetID) -> None:
        """Take a dataset that the library has opened as an example of its kind."""
        if self._count >= _MOST_KINDS or self._content[address : address + 1] != bytes([_VERSION_1]):
            return
        # HDF5 gives an address for contiguous data of this very file only, not for external or virtual ones.
        offset, kind = dataset.get_offset(), dataset.get_type()
        dtype = None if offset is None else known_type(kind)
        if dtype is None:
            return
        header = self._content[address + _PREFIX : address + _LONGEST]
        where = header.find(offset.to_bytes(8, "little") + _size(dataset))
        space = dataset.get_space()
        if where < 0 or space.get_simple_extent_type() == h5s.NULL:
            return
        shape, count = space.get_simple_extent_dims(), space.get_simple_extent_npoints()
        if dtype.kind == "O" and count != 1:
            return
        nbytes = count * (REFERENCE_BYTES if dtype.kind == "O" else dtype.itemsize)
        if nbytes != dataset.get_storage_size():
            return
        kind_here = _Kind(_size(dataset), dtype, shape, nbytes, _single(dtype, shape))
        self._kinds.setdefault(where, {})[header[:where]] = kind_here
        self._count += 1


def known_type(kind: h5t.TypeID) -> np.dtype[Any] | None:
    """Return numpy's type for plain numbers, ``object`` for strings of variable length, None for all else."""
    if kind.get_class() == h5t.STRING:
        return np.dtype(object) if kind.is_variable_str() else None
    if kind.get_class() not in _NUMBERS:
        return None
    dtype = kind.dtype
    # Types of odd precision or padding are the library's business.
    return dtype if dtype.kind in _NUMBERS[kind.get_class()] and _is_plain(kind, dtype) else None


def letter_of(dtype: np.dtype[Any]) -> str | None:
    """Return the letter with which `struct` spells a type."""
    return _LETTERS.get(f"{dtype.kind}{dtype.itemsize}")


def _single(dtype: np.dtype[Any], shape: tuple[int, ...]) -> struct.Struct | None:
    """Return what takes a dataset's only value out of bytes."""
    letter = letter_of(dtype)
    if letter is None or any(length != 1 for length in shape):
        return None
    big = dtype.byteorder == ">" or (dtype.byteorder == "=" and sys.byteorder == "big")
    return struct.Struct((">" if big else "<") + letter)


def _size(dataset: h5d.DatasetID) -> bytes:
    """Return the last field of a contiguous layout message: the size of the data."""
    return int(dataset.get_storage_size()).to_bytes(8, "little")


def _is_plain(kind: h5t.TypeID, dtype: np.dtype[Any]) -> bool:
    try:
        return bool(kind.equal(h5t.py_create(dtype)))
    except (TypeError, ValueError):
        return False
