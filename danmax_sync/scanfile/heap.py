"""Strings of variable length in a file's global heap, from the file's bytes.

HDF5 File Format Specification 3.0, III.E: a collection is ``GCOL``, a version and its size, then objects, each with its
index and size, padded to 8 bytes; index 0 is free space, and the last. Whatever looks otherwise is the library's
business, as are collections that only look whole: None sends the question there.
"""

import struct

_SIGNATURE = b"GCOL\x01\x00\x00\x00"
_HEAD = 16
_OBJECT = struct.Struct("<HH4xQ")
_REFERENCE = struct.Struct("<IQI")
REFERENCE_BYTES = _REFERENCE.size
_MOST_OBJECTS = 100_000


class GlobalHeap:
    """The global heap of one file.

    Parameters
    ----------
    content : bytes
        The whole file, with addresses and sizes of 8 bytes.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._collections: dict[int, dict[int, tuple[int, int]] | None] = {}

    def string(self, at: int) -> bytes | None:
        """Return the string that a reference leads to, up to its first NUL, as the library does.

        Parameters
        ----------
        at : int
            Where the reference is: length, address of a collection, index in it.
        """
        length, address, index = _REFERENCE.unpack_from(self._content, at)
        if address not in self._collections:
            self._collections[address] = self._parsed(address)
        found = (self._collections[address] or {}).get(index)
        if found is None or length != found[1]:
            return None
        return self._content[found[0] : found[0] + length].split(b"\0", 1)[0]

    def collection_of(self, at: int) -> tuple[int, int] | None:
        """Return from where to where the collection is that a reference leads to; None where there is no such."""
        _, address, _ = _REFERENCE.unpack_from(self._content, at)
        if self.string(at) is None:
            return None
        return address, address + int.from_bytes(self._content[address + 8 : address + _HEAD], "little")

    def _parsed(self, address: int) -> dict[int, tuple[int, int]] | None:
        """Return where each object of a collection is, and its size."""
        content = self._content
        if content[address : address + 8] != _SIGNATURE:
            return None
        end = address + int.from_bytes(content[address + 8 : address + _HEAD], "little")
        if end > len(content):
            return None
        objects: dict[int, tuple[int, int]] = {}
        at = address + _HEAD
        while at + _OBJECT.size <= end:
            index, _, size = _OBJECT.unpack_from(content, at)
            at += _OBJECT.size
            if index == 0:
                break
            if index in objects or at + size > end or len(objects) >= _MOST_OBJECTS:
                return None
            objects[index] = (at, size)
            at += size + -size % 8
        return objects
