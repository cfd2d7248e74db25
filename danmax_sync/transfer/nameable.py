"""Which paths the disk of a destination can name, as far as that can be told without writing to it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from danmax_sync.transfer.arrival import part_of
from danmax_sync.visits import TreePath

_USUAL_NAME = 255
_USUAL_PATH = 4096
_WINDOWS_PATH = 260


@dataclass(frozen=True, slots=True)
class NameLimits:
    """How long names and paths may be below a destination, in bytes.

    Attributes
    ----------
    name, path : int
        Of a file with its part file's ending; of all of its path.
    """

    destination: Path
    name: int
    path: int

    @classmethod
    def of(cls, destination: Path) -> Self:
        """Ask the system; the destination need not be there yet."""
        there = nearest_folder(destination)
        longest = _WINDOWS_PATH - 1 if os.name == "nt" else _limit(there, "PC_PATH_MAX", _USUAL_PATH)
        return cls(destination, _limit(there, "PC_NAME_MAX", _USUAL_NAME), longest)

    def problem(self, path: TreePath) -> str:
        """Say why a file cannot be stored there under its path; empty where it can."""
        final = path.below(self.destination)
        part = part_of(final)
        longest = max((*path.parts[:-1], part.name), key=lambda name: len(os.fsencode(name)))
        if (length := len(os.fsencode(longest))) > self.name:
            ending = "with its part file's ending, " if longest == part.name else "in one of its folders, "
            return f"{final} is too long a name here: {length} bytes {ending}{self.name} are possible"
        if (length := len(os.fsencode(part))) > self.path:
            return (
                f"{final} is too long a path here: {length} bytes with its part file's ending, {self.path} are possible"
            )
        windows = path.windows_problem() if os.name == "nt" else None
        return f"{path} cannot be stored here: {windows}" if windows else ""


def nearest_folder(folder: Path) -> Path:
    """Return the folder itself, or the one above it that is there."""
    return next((each for each in (folder, *folder.parents) if os.path.isdir(each)), Path())  # noqa: PTH112 - never raises


def _limit(folder: Path, name: str, usual: int) -> int:
    if not hasattr(os, "pathconf"):
        return usual
    try:
        limit = os.pathconf(folder, name)
    except (OSError, ValueError):
        return usual
    return limit if limit > 0 else usual
