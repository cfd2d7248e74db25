"""Write patterns as NXazint1d and NXazint2d, the official NeXus application definitions for integrated data.

A file is put together beside its place and gets its name when it is whole. Patterns alone stand in the entry itself;
with sectors or a cake each kind is a subentry, and the entry's data lead to the patterns.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync import __version__
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.engine import Integrator, Pattern
from danmax_sync.integration.journal import Journal, Packed
from danmax_sync.integration.layers import Layer
from danmax_sync.integration.packing import packed, packing_of
from danmax_sync.integration.patterns import ORIGIN
from danmax_sync.integration.perframe import PerFrame
from danmax_sync.integration.recipe import ErrorModel, Recipe
from danmax_sync.integration.versions import version
from danmax_sync.quantities import wavelength_angstrom

PROGRAM = "danmax-sync"
PROGRESS = "entry/reduction/progress"
"""Where a file says which patterns are done, and of which frames they are."""
_NOTE = (
    "intensity = sum(c*(I-dark)) / sum(c*solid_angle*polarization*flat) over the pixels of a bin, c the share of a "
    "pixel in it. Poisson errors: sqrt(sum(c*c*I)) / norm, a bin without counts as if it had one. Bins without pixels "
    "are NaN. "
    "Pixels that a frame marks as bad are left out of that frame; norm is of the frame that lost the fewest. "
    "Pixels are split along the radius; in azimuth the bin of their centre has them whole.\n"
    "Azimuthal origin in the horizontal plane to the right of the beam position, i.e., at 3 o'clock, on the detector "
    "face. Positive azimuthal direction: clockwise."
)
_GROUPS = {"pattern": "azint1d", "sectors": "azint2d", "cake": "azint2d"}


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a file of patterns says about where it comes from.

    Attributes
    ----------
    key : str
        A hash of everything the patterns depend on, but for the frames themselves.
    source : mapping
        Name, size and time of the detector file, the master, the entry.
    """

    key: str
    calibration: Calibration
    recipe: Recipe
    energy_kev: float
    source: Mapping[str, str | int]


def group_of(layer: Layer, layers: Sequence[Layer]) -> str:
    """Return the group of a layer: the entry itself where there is only one."""
    if len(layers) == 1:
        return "entry"
    name = _GROUPS[layer.name]
    both = {"sectors", "cake"} <= {each.name for each in layers}
    return f"entry/{name}_sectors" if both and layer.name == "sectors" else f"entry/{name}"


class Large(NamedTuple):
    """A chunk of a cake, and its sum."""

    chunk: bytes
    total: int


def small_parts_of(integrator: Integrator) -> list[str]:
    """Return the datasets that have a small chunk a pattern."""
    names = []
    for layer in integrator.layers:
        group = group_of(layer, integrator.layers)
        if layer.name != "cake":
            names.append(f"{group}/data/I")
            if integrator.recipe.errors is not ErrorModel.NONE:
                names.append(f"{group}/data/I_errors")
    return names


def large_parts_of(integrator: Integrator) -> list[str]:
    """Return the datasets that have a chunk a pattern a hundred times as large: cakes."""
    layers = integrator.layers
    return [f"{group_of(layer, layers)}/data/I" for layer in layers if layer.name == "cake"]


def pack(integrator: Integrator, pattern: Pattern, source: tuple[int, int]) -> tuple[Packed, list[Large]]:
    """Compress a pattern as its file will hold it; cakes stand beside the rest."""
    parts, large = [], []
    for layer in integrator.layers:
        if layer.name == "cake":
            cake = pattern.layers["cake"]
            chunk = cake.chunk or packed(cake.intensity, layer.name)
            large.append(Large(chunk, zlib.crc32(chunk)))
            continue
        rows = pattern if layer.name == "pattern" else pattern.layers[layer.name]
        parts.append(packed(rows.intensity, layer.name))
        if integrator.recipe.errors is not ErrorModel.NONE and rows.sigma is not None:
            parts.append(packed(rows.sigma, layer.name))
    return Packed(pattern.index, pattern.marked, source, parts), large


def layout(file: h5py.File, integrator: Integrator, patterns: int) -> None:
    """Make a file's groups, axes, and the datasets that patterns are put into."""
    file.attrs["NX_class"], file.attrs["default"] = "NXroot", "entry"
    entry = _group(file, "entry", "NXentry")
    entry.attrs["default"] = "data"
    for layer in integrator.layers:
        name = group_of(layer, integrator.layers)
        parent = entry if name == "entry" else _group(file, name, "NXsubentry")
        parent.attrs["default"] = "data"
        _data(_group(parent, "data", "NXdata"), integrator, layer, patterns)
    if len(integrator.layers) > 1:
        entry["data"] = h5py.SoftLink(f"/{group_of(integrator.layers[0], integrator.layers)}/data")


def _data(data: h5py.Group, integrator: Integrator, layer: Layer, patterns: int) -> None:
    is_flat = layer.name == "pattern"
    radial = len(integrator.radial)
    shape = (radial,) if is_flat else (layer.rows, radial)
    data.attrs.update({"signal": "I", "interpretation": "spectrum" if is_flat else "image"})
    data.attrs["axes"] = [".", "radial_axis"] if is_flat else [".", "azimuthal_axis", "radial_axis"]
    stored = {"shape": (patterns, *shape), "chunks": (1, *shape), "dtype": "<f4", "fillvalue": np.nan}
    kinds = [("I", "intensity")]
    if integrator.recipe.errors is not ErrorModel.NONE and layer.has_errors:
        kinds.append(("I_errors", "estimated intensity error"))
    for name, long_name in kinds:
        made = data.create_dataset(name, **stored, **packing_of(layer.name))
        made.attrs.update({"long_name": long_name, "units": "arbitrary units"})
    name, unit = integrator.recipe.unit.nexus
    _axis(data, "radial", integrator.radial_edges, (name, f"{name} bin edges"), unit)
    if not is_flat:
        _axis(data, "azimuthal", layer.azimuthal_edges, ("azimuthal bin center", "azimuthal bin edges"), "degrees")


def add_norms(file: h5py.File, integrator: Integrator, norms: Mapping[str, NDArray[np.float32]]) -> None:
    """Write Σ c·w of each layer, by its name."""
    for layer in integrator.layers:
        data = file[f"{group_of(layer, integrator.layers)}/data"]
        norm = norms[layer.name].reshape(data["I"].shape[1:])
        stored = data.create_dataset("norm", data=norm, **packing_of(layer.name))
        stored.attrs["long_name"] = "effective number of pixels contributing to the corresponding bin"
        stored.attrs["units"] = "arbitrary units"


def _axis(data: h5py.Group, kind: str, edges: NDArray[np.float64], names: tuple[str, str], unit: str) -> None:
    for name, values, long_name in (
        (f"{kind}_axis", (edges[:-1] + edges[1:]) / 2, names[0]),
        (f"{kind}_axis_edges", edges, names[1]),
    ):
        data[name] = values
        data[name].attrs.update({"long_name": long_name, "units": unit})


def describe(file: h5py.File, integrator: Integrator, sample: str, provenance: Provenance, per_frame: PerFrame) -> None:
    """Write where patterns come from and what was measured beside them."""
    entry, recipe = file["entry"], provenance.recipe
    _instrument(entry, provenance.energy_kev)
    _reduction(entry, provenance, len(integrator.radial))
    _sample(entry, sample, per_frame)
    _frames(entry, per_frame)
    if per_frame.monitor is not None:
        monitor = _group(entry, "monitor", "NXmonitor")
        monitor["data"] = per_frame.monitor
        monitor["data"].attrs["long_name"] = per_frame.monitor_name
    for layer in integrator.layers:
        parent = file[group_of(layer, integrator.layers)]
        parent["definition"] = "NXazint1d" if layer.name == "pattern" else "NXazint2d"
        parent["solid_angle_applied"] = np.bool_(recipe.solid_angle)
        parent["polarization_applied"] = np.bool_(recipe.polarization is not None)
        parent["normalization_applied"] = np.bool_(True)
        parent["monitor_applied"] = np.bool_(recipe.monitor is not None and per_frame.monitor is not None)
        if parent != entry:
            # Each method tells the whole story; the groups are the entry's own.
            for name in ("instrument", "reduction", "sample", "monitor"):
                if name in entry:
                    parent[name] = entry[name]


def describe_again(file: h5py.File, sample: str, energy_kev: float, per_frame: PerFrame) -> None:
    """Write sample, temperatures and energy anew; nothing else in a file of patterns changes."""
    entry = file["entry"]
    for name in ("instrument", "sample", "frames"):
        if name in entry:
            del entry[name]
    _instrument(entry, energy_kev)
    _sample(entry, sample, per_frame)
    _frames(entry, per_frame)
    for method in [name for name in _methods(entry) if f"{name}/definition" in entry]:
        for name in ("instrument", "sample"):
            if name in entry[method]:
                del entry[method][name]
            entry[method][name] = entry[name]


def _methods(entry: h5py.Group) -> list[str]:
    return [name for name in entry if isinstance(entry.get(name, getlink=True), h5py.HardLink)]


def note_progress(file: h5py.File, journal: Journal, patterns: int, *, is_final: bool) -> None:
    """Write which patterns are done."""
    progress = file["entry/reduction"].create_group("progress")
    progress.attrs["NX_class"] = "NXcollection"
    done = np.zeros(patterns, dtype=bool)
    places = np.zeros((patterns, 2), dtype=np.uint64)
    marked = np.zeros(patterns, dtype=np.int64)
    for index, source in journal.done.items():
        if index < patterns:
            done[index], places[index], marked[index] = True, source, journal.marked[index]
    progress["done"] = done
    progress["source_offset"], progress["source_bytes"] = places[:, 0], places[:, 1]
    progress["marked_pixels"] = marked
    progress["scan_has_ended"] = np.bool_(is_final)


def _group(parent: h5py.Group, name: str, nx_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _instrument(entry: h5py.Group, energy_kev: float) -> None:
    instrument = _group(entry, "instrument", "NXinstrument")
    instrument["name"] = "DanMAX"
    monochromator = _group(instrument, "monochromator", "NXmonochromator")
    for name, value, unit in (
        ("wavelength", wavelength_angstrom(energy_kev), "angstrom"),
        ("energy", energy_kev, "keV"),
    ):
        monochromator[name] = value
        monochromator[name].attrs["units"] = unit
    source = _group(instrument, "source", "NXsource")
    source["name"], source["type"], source["probe"] = "MAX IV", "Synchrotron X-ray Source", "x-ray"


def _reduction(entry: h5py.Group, provenance: Provenance, bins: int) -> None:
    calibration, recipe = provenance.calibration, provenance.recipe
    reduction = _group(entry, "reduction", "NXprocess")
    reduction["program"] = PROGRAM
    reduction["version"] = f"danmax-sync {__version__}\npyFAI {version('pyFAI')}"
    reduction["date"] = datetime.now(UTC).isoformat()
    reduction["reference"] = "Kieffer, J. et al. (2025). J. Appl. Cryst. 58. https://pyfai.readthedocs.io"
    reduction["note"] = _NOTE
    given = _group(reduction, "input", "NXparameters")
    given["poni"] = calibration.poni_text
    given["poni"].attrs["filename"] = calibration.poni.name
    given["mask"] = ", ".join(path.name for path in calibration.masks) or "the detector's own gaps"
    for name, digest in zip(("mask", "dark", "flat"), calibration.hashes(), strict=True):
        given[f"{name}_sha256"] = digest
    for name, file in (("dark", calibration.dark_file), ("flat", calibration.flat_file)):
        if file is not None:
            given[name] = file.name
    given["radial_bins"] = bins
    given["azimuth_bins"] = recipe.azimuthal_bins
    given["unit"] = recipe.unit.value
    given["splitting"] = recipe.split.value
    given["solid_angle"] = np.bool_(recipe.solid_angle)
    given["polarization_factor"] = np.nan if recipe.polarization is None else recipe.polarization
    given["error_model"] = recipe.errors.value
    given["wavelength"] = wavelength_angstrom(calibration.energy_kev)
    given["wavelength"].attrs["units"] = "angstrom"
    given["recipe"] = _json(recipe)
    given["allowed"] = ", ".join(sorted(calibration.allowed))
    given["key"] = provenance.key
    for name, value in provenance.source.items():
        given[name] = value


def _json(recipe: Recipe) -> str:
    import json

    return json.dumps(recipe.to_json())


def _sample(entry: h5py.Group, name: str, per_frame: PerFrame) -> None:
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = name
    if per_frame.temperature_k is not None:
        sample["temperature"] = per_frame.temperature_k
        sample["temperature"].attrs.update({"units": "K", ORIGIN: per_frame.temperature_origin})
    if per_frame.time_s is not None:
        sample["time"] = per_frame.time_s
        sample["time"].attrs.update({"units": "s", "start": per_frame.start})


def _frames(entry: h5py.Group, per_frame: PerFrame) -> None:
    """Write what else is known of each pattern: energy, and where the motors stood."""
    known: dict[str, Any] = dict(per_frame.motors)
    if per_frame.energy_kev is not None:
        known["energy"] = per_frame.energy_kev
    if not known:
        return
    frames = _group(entry, "frames", "NXcollection")
    for name, values in known.items():
        frames[name] = values
    if per_frame.energy_kev is not None:
        frames["energy"].attrs["units"] = "keV"
