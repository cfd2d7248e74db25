"""Read masks, dark images and flat fields: npy, edf, tif, or a dataset of an HDF5 file (``FILE.h5::/path``)."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import RefusalError, SourceError, UsageError

MASK_SUFFIXES = (".npy", ".edf", ".tif", ".tiff", ".h5", ".hdf5", ".nxs", ".msk")
_HDF5 = (".h5", ".hdf5", ".nxs")


def read_image(named: Path) -> NDArray[Any]:
    """Read a two-dimensional array of numbers.

    Parameters
    ----------
    named : Path
        A file; of HDF5 files ``FILE.h5::/path/of/dataset``, or the only image in it.

    Raises
    ------
    UsageError
        If there is none.
    """
    path, inner = _parts(named)
    try:
        image = _read(path, inner)
    except Exception as problem:  # fabio raises whatever its parsers trip over
        why = str(problem).partition("\n")[0]
        raise UsageError(f"{named} cannot be read as an image: {why}", hint=_HINT) from problem
    if image.ndim > 2 and np.prod(image.shape[:-2]) == 1:
        image = image.reshape(image.shape[-2:])
    if image.ndim != 2 or image.dtype.kind not in "biuf":
        raise UsageError(f"{named} is no image: {image.dtype} of shape {image.shape}", hint=_HINT)
    return image


_HINT = "needed are rows and columns of numbers: .npy, .edf, .tif, or FILE.h5::/path"


def _parts(named: Path) -> tuple[Path, str]:
    text, _, inner = str(named).partition("::")
    return Path(text), inner


def image_file(named: Path) -> Path:
    """Return the file part of ``FILE.h5::/path``."""
    return _parts(named)[0]


def _read(path: Path, inner: str) -> NDArray[Any]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.suffix.lower() == ".npy":
        # Never with pickles: an array from elsewhere must not run code.
        return np.asarray(np.load(path, allow_pickle=False))
    if path.suffix.lower() in _HDF5:
        return _from_hdf5(path, inner)
    import fabio

    return np.asarray(fabio.open(str(path)).data)


def _from_hdf5(path: Path, inner: str) -> NDArray[Any]:
    import h5py

    from danmax_sync.scanfile.hdf5 import check_own_data, open_hdf5

    with open_hdf5(path) as file:
        if inner:
            found = file.get(inner)
        else:
            images: list[h5py.Dataset] = []
            file.visititems(lambda _, each: images.append(each) if _is_image(each) else None)
            if len(images) != 1:
                raise SourceError(f"{path} holds {len(images)} images; say which: {path}::/path")
            found = images[0]
        if not isinstance(found, h5py.Dataset) or found.file.filename != file.filename:
            raise SourceError(f"there is no image at {inner}")
        check_own_data(found.id)
        return np.asarray(found[()])


def _is_image(item: Any) -> bool:
    shape: tuple[int, ...] = getattr(item, "shape", ())
    return len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)


def as_mask(image: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return True where a pixel is left out; None where an image has more values than 0 and one other."""
    masked: NDArray[np.bool_] = np.isnan(image) | (image != 0) if image.dtype.kind == "f" else image != 0
    # Flat fields and images are kept in the same folder: a mask has one value besides 0.
    left_out = image[masked]
    if image.dtype.kind == "f":
        left_out = left_out[~np.isnan(left_out)]
    return masked if not left_out.size or (left_out == left_out[0]).all() else None


def read_mask(path: Path, shape: tuple[int, ...], *, may_differ: bool) -> NDArray[np.bool_] | None:
    """Read a mask that was named.

    Parameters
    ----------
    path : Path
        See `read_image`.
    shape : tuple of int
        Of a frame.
    may_differ : bool
        Whether a mask of another shape is left away instead of refused.

    Raises
    ------
    UsageError
        If it is no mask.
    RefusalError
        If it is of another shape, or leaves no pixel.
    """
    try:
        masked = as_mask(read_image(path))
    except UsageError as problem:
        raise UsageError(f"{path} is no mask: {problem.message}", hint=problem.hint) from problem
    if masked is None:
        raise UsageError(f"{path} is no mask: it holds more values than two", hint="0 is kept, 1 is left out")
    if masked.shape != shape:
        if may_differ:
            return None
        raise RefusalError(
            f"the mask {path} is {masked.shape}, the frames are {shape}",
            hint="name another: --mask FILE; or leave it away: --allow mask",
        )
    return masked


def read_correction(path: Path, shape: tuple[int, ...], what: str) -> NDArray[np.float32]:
    """Read a dark image or a flat field; what detectors mark as bad is NaN.

    Raises
    ------
    UsageError
        If it is no image.
    RefusalError
        If it is of another shape, or holds nothing that can be used. Single NaN are left out like masked pixels.
    """
    stored = read_image(path)
    image = stored.astype(np.float32)
    if stored.dtype.kind == "u":
        # Detectors without negative numbers mark with the largest: as a dark count it would ruin its bins.
        image[stored == np.iinfo(stored.dtype).max] = np.nan
    if image.shape != shape:
        raise RefusalError(
            f"the {what} {path} is {image.shape}, the frames are {shape}", hint=f"name another: --{what} FILE"
        )
    good = np.isfinite(image) & (image > 0 if what == "flat" else image >= 0)
    if not good.any():
        raise RefusalError(f"the {what} {path} holds no number that can be used", hint=f"name another: --{what} FILE")
    return np.where(good, image, np.float32(np.nan))
