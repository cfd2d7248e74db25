"""What stands already where patterns are to go: nothing, the very same, part of them, or something that is kept."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from danmax_sync.errors import SourceError, UsageError
from danmax_sync.integration.engine import Integrator
from danmax_sync.integration.journal import Journal, Packed
from danmax_sync.integration.newfile import NewFile
from danmax_sync.integration.nxazint import PROGRAM, PROGRESS, Large, large_parts_of, small_parts_of
from danmax_sync.scanfile.hdf5 import UNREADABLE, open_hdf5
from danmax_sync.scanfile.text import clean_text


@dataclass(frozen=True, slots=True)
class Present:
    """A file of patterns that is there.

    Attributes
    ----------
    key : str or None
        What it was made from; None when this tool did not make it.
    patterns : int
        How many it holds.
    done : mapping of int to tuple of int
        Those that are whole, with offset and bytes of their frames.
    source : tuple of int
        Size and time of the detector file then.
    is_final : bool
        Whether the scan had ended.
    """

    key: str | None
    patterns: int = 0
    done: dict[int, tuple[int, int]] = field(default_factory=dict)
    source: tuple[int, int] = (0, 0)
    is_final: bool = False


def file_key(path: Path) -> str | None:
    """Return what a file of patterns was made from, as a hash; None when we did not make it.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    return read_present(path).key


def read_present(path: Path) -> Present:
    """Look at a file of patterns.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    with open_hdf5(path) as file:
        try:
            program, found = (file.get(f"entry/reduction/{name}") for name in ("program", "input/key"))
            if not isinstance(program, h5py.Dataset) or clean_text(program[()]) != PROGRAM or found is None:
                return Present(None)
            progress = file.get(PROGRESS)
            if not isinstance(progress, h5py.Group):
                return Present(clean_text(found[()]))
            done = np.asarray(progress["done"][()], dtype=bool)
            places = zip(progress["source_offset"][()].tolist(), progress["source_bytes"][()].tolist(), strict=True)
            given = file["entry/reduction/input"]
            return Present(
                clean_text(found[()]),
                len(done),
                {index: place for index, place in enumerate(places) if done[index]},
                (int(given["source_size"][()]), int(given["source_mtime_ns"][()])),
                bool(progress["scan_has_ended"][()]),
            )
        except UNREADABLE as problem:
            raise SourceError(f"{path} cannot be read: {problem}") from problem


def look_at(output: Path, key: str, *, overwrite: bool) -> Present | None:
    """Return the patterns of the same making that are there; None where all are to be made.

    Raises
    ------
    UsageError
        If something else is there: others' files are never replaced, ours only when told to.
    """
    if not output.exists():
        return None
    try:
        present = read_present(output)
    except SourceError:
        present = Present(None)
    if present.key == key:
        return present
    if present.key is None:
        raise UsageError(f"{output} was not written by danmax-sync and is kept", hint="move it away, then run again")
    if not overwrite:
        raise UsageError(f"{output} was made with other settings or from another file", hint="replace it: --overwrite")
    return None


def adopt(output: Path, integrator: Integrator, journal: Journal, new: NewFile, wanted: Iterable[int]) -> None:
    """Take patterns that are whole from a file over into a new one.

    Parameters
    ----------
    output : Path
        Of the same making as the journal.
    integrator : Integrator
        Knows what there is of each pattern.
    journal, new : Journal, NewFile
        Get those they lack.
    wanted : iterable of int
        Which.
    """
    with open_hdf5(output) as file:
        try:
            small, large = (
                [file[name] for name in names] for names in (small_parts_of(integrator), large_parts_of(integrator))
            )
            marked = file[f"{PROGRESS}/marked_pixels"][()]
            places = [file[f"{PROGRESS}/{name}"][()] for name in ("source_offset", "source_bytes")]
            for index in wanted:
                if index in journal.done:
                    continue
                source = (int(places[0][index]), int(places[1][index]))
                chunks = [_chunk(each, index) for each in large]
                pattern = Packed(index, int(marked[index]), source, [_chunk(each, index) for each in small])
                new.add(pattern, [Large(chunk, zlib.crc32(chunk)) for chunk in chunks])
        except UNREADABLE:
            # What cannot be taken over is made again.
            return


def _chunk(data: Any, index: int) -> bytes:
    return bytes(data.id.read_direct_chunk((index, *[0] * (data.ndim - 1)))[1])
