"""How well a file is known to be what its source has."""

from enum import Enum


class Level(Enum):
    """From the least to the most.

    Attributes
    ----------
    SIZE
        It has the source's size and time, and every byte came over a line that checks what it carries.
    STRUCTURE
        Besides, it is HDF5 that opens, every link of its master opens its own sibling, shapes agree, and the last chunk
        lies inside the file.
    HASH
        Besides, the source's own machine finds the same SHA-256 over it.
    DEEP
        It was read back from the disk, compared with what came over the line, and every frame decompresses.
    """

    SIZE = "size"
    STRUCTURE = "structure"
    HASH = "hash"
    DEEP = "deep"

    @property
    def rank(self) -> int:
        """Its place in the order."""
        return list(Level).index(self)
