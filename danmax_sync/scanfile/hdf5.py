"""Open HDF5 files that may be damaged or hostile, and stay inside them."""

from pathlib import Path

import h5py
from h5py import h5d, h5f, h5p

from danmax_sync.errors import SourceError
from danmax_sync.scanfile.text import clean_name

# What h5py raises on malformed content, seen by fuzzing: everything from KeyError to bare RuntimeError.
UNREADABLE = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError, MemoryError)
_IMAGE_GROWS_BY = 1 << 16


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading, without a lock: locks fail or hang on network drives.

    Raises
    ------
    SourceError
        If it is not there or not HDF5.
    """
    try:
        return h5py.File(path, "r", locking=False)
    except FileNotFoundError:
        raise _missing(path) from None
    except UNREADABLE as problem:
        raise SourceError(f"{path} cannot be read as HDF5: {first_line(problem)}") from problem


def open_content(content: bytes, name: str) -> h5py.File:
    """Open the whole content of a file; no disk is touched, so no link in it leads anywhere.

    Raises
    ------
    SourceError
        If it is not HDF5.
    """
    if not content:  # the library says something about its own pointers
        raise SourceError(f"{name} cannot be read as HDF5: it is empty")
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fapl_core(_IMAGE_GROWS_BY, False)
    try:
        access.set_file_image(content)
        # The image needs a name, and two that are open at once need two.
        return h5py.File(h5f.open(f"image-{id(access)}".encode(), h5f.ACC_RDONLY, access))
    except UNREADABLE as problem:
        raise SourceError(f"{name} cannot be read as HDF5: {first_line(problem)}") from problem


def content_of(path: Path) -> bytes:
    """Read a whole file.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as problem:
        raise SourceError(f"{path} cannot be read: {problem.strerror}") from problem


def check_own_data(data: h5d.DatasetID) -> None:
    """Check that a dataset's data are in its own file.

    External storage and virtual datasets read from any file of this disk that a hostile file names.

    Raises
    ------
    ValueError
        If they are elsewhere.
    """
    # Contiguous data of this file have an address; then the slower questions need not be asked.
    if data.get_offset() is not None:
        return
    layout = data.get_create_plist()
    if layout.get_layout() == h5d.VIRTUAL or layout.get_external_count():
        raise ValueError("its data are kept in another file, which is not followed")


def subgroup(group: h5py.Group, name: str) -> h5py.Group | None:
    """Return a group of this very file; None where there is none, or only a link to one."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    found = group[name]
    return found if isinstance(found, h5py.Group) else None


def first_line(problem: BaseException) -> str:
    """Return the first line of what an exception says, fit to be shown."""
    return clean_name(str(problem).splitlines()[0] if str(problem) else type(problem).__name__)


def _missing(path: Path) -> SourceError:
    return SourceError(f"{path} is not there", hint="index the folder again: danmax-sync index DIR")
