"""Recipes from files: a table in TOML, or what a file of patterns says about itself ("as the beamline did")."""

import json
import math
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from danmax_sync.errors import SourceError, UsageError
from danmax_sync.integration.recipe import ErrorModel, Recipe, Split, Unit, recipe_from
from danmax_sync.scanfile.hdf5 import UNREADABLE, open_hdf5
from danmax_sync.scanfile.text import clean_text

_TABLES = {"calibration"}
_CALIBRATION = ("poni", "mask", "dark", "flat", "detector")


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A recipe, and the calibration that stands beside it.

    Attributes
    ----------
    recipe : Recipe
        The settings.
    poni, dark, flat : Path or None
        Files it names, from its own folder on.
    masks : tuple of Path
        Likewise.
    detector : str or None
        Whose frames.
    said : tuple of str
        What could be read, and what not, in words.
    named : frozenset of str
        The settings that a recipe in TOML names.
    """

    recipe: Recipe
    poni: Path | None = None
    masks: tuple[Path, ...] = ()
    dark: Path | None = None
    flat: Path | None = None
    detector: str | None = None
    said: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()


def read_recipe(path: Path) -> RecipeFile:
    """Read a recipe in TOML: names as in `Recipe`, and a table ``calibration`` with files.

    Raises
    ------
    UsageError
        If it cannot be understood.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise UsageError(f"the recipe {path} cannot be read: {problem}", hint="it is TOML: bins = 3000") from problem
    files = table.pop("calibration", {})
    if not isinstance(files, dict) or set(files) - set(_CALIBRATION):
        raise UsageError(f"[calibration] in {path} is not understood", hint=f"it may name {', '.join(_CALIBRATION)}")
    masks = files.get("mask", [])
    masks = [masks] if isinstance(masks, str) else list(masks)

    def named(name: str) -> Path | None:
        return path.parent / str(files[name]) if name in files else None

    return RecipeFile(
        recipe_from(table, where=str(path)),
        named("poni"),
        tuple(path.parent / str(each) for each in masks),
        named("dark"),
        named("flat"),
        str(files["detector"]) if "detector" in files else None,
        named=frozenset(table),
    )


def recipe_like(path: Path, folder: Path) -> RecipeFile:
    """Return the recipe that a file of patterns was made with, ours or the beamline's of any generation.

    Parameters
    ----------
    path : Path
        The file.
    folder : Path
        Where its geometry is written to, for it is part of the file; made if needed.

    Raises
    ------
    SourceError
        If it cannot be read, or holds no patterns.
    """
    with open_hdf5(path) as file:
        try:
            return _like(file, path, folder)
        except UNREADABLE as problem:
            raise SourceError(f"{path} does not say how it was made: {problem}") from problem


def _like(file: h5py.File, path: Path, folder: Path) -> RecipeFile:
    given = _first(file, "entry/reduction/input", "entry/azint/input")
    own = _text(given, "recipe") if given is not None else ""
    poni = _poni(file, given, path, folder)
    masks, said = _masks(file, given, path)
    if own and given is not None:
        dark, flat = (_image(given, name, path) for name in ("dark", "flat"))
        return RecipeFile(recipe_from(json.loads(own), where=str(path)), poni, masks, dark, flat, said=said)
    data = _first(file, "entry/azint1d/data", "entry/data1d", "entry/data2d", "entry/data") or file
    edges, unit = _edges(data)
    if edges is None:
        raise SourceError(f"{path} holds no integrated patterns of a layout that is known")
    pieces = _number(given, "n_splitting") if given is not None else math.nan
    factor = _number(given if given is not None else file, "polarization_factor")
    applied = file.get("entry/polarization_applied")
    no_polarization = isinstance(applied, h5py.Dataset) and not bool(applied[()])
    model = (_text(given, "error_model") if given is not None else "").lower()
    recipe = Recipe(
        unit=unit,
        # n_splitting cuts each pixel into so many squared: in effect its true outline.
        split=Split.NONE if pieces == 1 else Split.FULL,
        polarization=None if no_polarization or not math.isfinite(factor) else factor,
        solid_angle=_flag(file, given),
        # Theirs has no errors, or some that are not to be had otherwise: ours come with it.
        errors=ErrorModel.POISSON,
        cake=_rows(file),
    )
    width = np.diff(edges)
    even = bool(np.allclose(width, width[0], rtol=1e-3))
    recipe = (
        replace(recipe, bins=len(width), range=(max(0.0, float(edges[0])), float(edges[-1])))
        if even
        else replace(recipe, edges=tuple(float(edge) for edge in edges))
    )
    more = [f"error model there: {model or 'not said'}; here: poisson"]
    monitored = _first_dataset(file, "entry/monitor_applied", "entry/azint1d/monitor_applied")
    if monitored is not None and bool(monitored[()]):
        more.append("it was divided by a monitor, whose name it does not say: name it with --monitor")
    return RecipeFile(recipe, poni, masks, said=(*said, *more))


def _first(file: h5py.File, *names: str) -> h5py.Group | None:
    found = (file.get(name) for name in names)
    return next((each for each in found if isinstance(each, h5py.Group)), None)


def _first_dataset(file: h5py.File, *names: str) -> h5py.Dataset | None:
    found = (file.get(name) for name in names)
    return next((each for each in found if isinstance(each, h5py.Dataset) and each.ndim == 0), None)


def _text(group: h5py.Group | h5py.File, name: str) -> str:
    data = group.get(name)
    return clean_text(data[()]) if isinstance(data, h5py.Dataset) and data.ndim == 0 else ""


def _number(group: h5py.Group | h5py.File, name: str) -> float:
    data = group.get(name)
    try:
        return float(data[()]) if isinstance(data, h5py.Dataset) and data.size == 1 else math.nan
    except (TypeError, ValueError):
        return math.nan


def _flag(file: h5py.File, given: h5py.Group | None) -> bool:
    for where in (file.get("entry/solid_angle_applied"), given.get("solid_angle") if given is not None else None):
        if isinstance(where, h5py.Dataset):
            return bool(where[()])
    return True


def _edges(data: h5py.Group) -> tuple[Any, Unit]:
    """Return edges of bins and their unit, in any of the three layouts."""
    axis = data.get("radial_axis")
    if isinstance(axis, h5py.Dataset):
        unit = Unit.Q if str(axis.attrs.get("long_name", "")).lower().startswith("q") else Unit.TWO_THETA
        stored = data.get("radial_axis_edges")
        return (stored[()] if isinstance(stored, h5py.Dataset) else _around(axis[()])), unit
    for name, unit in (("q", Unit.Q), ("2th", Unit.TWO_THETA)):
        centres = data.get(name)
        if isinstance(centres, h5py.Dataset) and centres.ndim == 1:
            stored = data.get(f"{name}_edges")
            bounds = data.get("bin_bounds")
            for edges in (stored, bounds):
                if isinstance(edges, h5py.Dataset) and edges.shape == (len(centres) + 1,):
                    return edges[()], unit
            return _around(centres[()]), unit
    return None, Unit.TWO_THETA


def _around(centres: Any) -> Any:
    middle = (centres[:-1] + centres[1:]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _rows(file: h5py.File) -> int:
    for name in ("entry/azint2d/data/I", "entry/data2d/cake", "entry/data/I", "I"):
        data = file.get(name)
        if isinstance(data, h5py.Dataset) and data.ndim == 3:
            return int(data.shape[1])
    return 0


def _poni(file: h5py.File, given: h5py.Group | None, path: Path, folder: Path) -> Path | None:
    text = _text(given, "poni") if given is not None else ""
    text = text or _text(file, "poni_file")
    if "\n" not in text:
        # A.. and B may only say where the file was.
        beside = path.parent / Path(text.replace("\\", "/")).name if text else None
        return beside if beside is not None and beside.is_file() else None
    folder.mkdir(parents=True, exist_ok=True)
    name = given["poni"].attrs.get("filename", "") if given is not None and "poni" in given else ""
    stem = Path(str(name).replace("\\", "/")).stem or path.stem
    copy = folder / f"{stem}.poni"
    copy.write_text(text, encoding="utf-8")
    return copy


def _image(given: h5py.Group, what: str, path: Path) -> Path | None:
    """Return the dark image or flat field of our own patterns; without it the numbers would not be theirs."""
    name = _text(given, what)
    if not name:
        return None
    here = _beside(name, path)
    if here is None:
        raise SourceError(
            f"{path} was made with the {what} {name}, which is neither in process/ nor beside it",
            hint=f"copy it there; or write the settings into a recipe: --recipe FILE, --{what} FILE",
        )
    return here


def _beside(name: str, path: Path) -> Path | None:
    """Return a file by its name, from ``process/`` or the folder of the patterns."""
    bare, colons, inner = name.strip().partition("::")
    bare = Path(bare.replace("\\", "/")).name
    places = [folder / bare for folder in path.parents if folder.name == "process"] + [path.parent / bare]
    return next((Path(f"{place}{colons}{inner}") for place in places if place.is_file()), None)


def _masks(file: h5py.File, given: h5py.Group | None, path: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Find the masks by their names: a file of patterns says only where they were."""
    text = next((found for found in (_text(given, "mask"), _text(given, "mask_file")) if found), "") if given else ""
    text = text or _text(file, "mask_file")
    if not text or text == "the detector's own gaps":
        return (), ("no mask but the gaps of the detector" if text else "it names no mask",)
    found, said = [], []
    for each in text.split(","):
        here = _beside(each, path)
        if here is None:
            name = Path(each.strip().replace("\\", "/")).name
            said.append(f"its mask {name} is not here: the one in process/ is used")
        else:
            found.append(here)
    return tuple(found), tuple(said)
