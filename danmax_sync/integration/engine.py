"""Frames to patterns.

Definition, that of pyFAI: intensity = Σ c·(I - dark) / Σ c·Ω·P·flat over the pixels of a bin, with c the share of a
pixel in it, Ω its solid angle and P its polarization factor. Poisson variance is Σ c²·I, unbiased at any count rate;
pyFAI's own error model takes max(1, I) for each pixel instead, which is seven times too wide at 0.02 counts a pixel. A
bin without pixels is NaN; a bin without counts has the error that one count would make.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import SourceError
from danmax_sync.integration.blocks import DAMAGED, LANES
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.exact import finished, folded, integrate_exactly
from danmax_sync.integration.geometry import Geometry
from danmax_sync.integration.layers import Layer, layers_of
from danmax_sync.integration.recipe import ErrorModel, Recipe
from danmax_sync.integration.store import ready_geometry
from danmax_sync.integration.workspace import Chunk, Denominators, Finished, Lane, Reading, Workspace

AnyLane = Lane | NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Patterns of one frame by azimuth; arrays (na, nr).

    Attributes
    ----------
    intensity, norm : ndarray of float32
    sigma : ndarray of float32 or None
    chunk : bytes
        The intensity as a file holds it, where it was asked for instead; then that has no rows.
    """

    intensity: NDArray[np.float32]
    sigma: NDArray[np.float32] | None
    norm: NDArray[np.float32]
    chunk: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One frame, integrated, or the average of several.

    Attributes
    ----------
    intensity, sigma : ndarray of float32, (bins,)
        Counts a pixel, corrected; NaN where no pixel falls into the bin. Without an error model sigma is NaN.
    norm : ndarray of float32, (bins,)
        Σ c·Ω·P·flat, without the monitor.
    index : int
        Which pattern of the scan.
    marked : int
        Pixels that the frame itself marks as bad or that are saturated, beside the mask.
    layers : mapping
        ``sectors`` and ``cake``, where the recipe asks for them.
    """

    intensity: NDArray[np.float32]
    sigma: NDArray[np.float32]
    norm: NDArray[np.float32]
    index: int = 0
    marked: int = 0
    layers: Mapping[str, Rows] = field(default_factory=dict)


class Integrator:
    """A geometry, made ready for frames of one shape. Threads may share it, each with a `Workspace` of its own.

    Parameters
    ----------
    calibration : Calibration
        Geometry and mask.
    recipe : Recipe
        The settings.
    frame_shape : tuple of int
        Rows and columns of a frame.
    waiting : callable, optional
        Called while the geometry is made ready; what it raises ends that.

    Raises
    ------
    RefusalError
        If the geometry is of another detector.
    UsageError
        If the geometry cannot be understood.
    """

    def __init__(
        self,
        calibration: Calibration,
        recipe: Recipe,
        frame_shape: tuple[int, ...],
        *,
        waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self.recipe = recipe
        self.geometry: Geometry = ready_geometry(calibration, recipe, frame_shape, waiting)
        self.radial_edges: NDArray[np.float64] = self.geometry.radial_edges
        self.radial: NDArray[np.float64] = self.geometry.radial
        self.layers: tuple[Layer, ...] = layers_of(recipe)
        self.frame_shape = tuple(frame_shape)
        self._own: Workspace | None = None

    def workspace(self) -> Workspace:
        """Return memory for one thread."""
        return Workspace(self.geometry.matrix, errors=self.recipe.errors is ErrorModel.POISSON)

    def empty_sums(self) -> "Total":
        """Return where frames to be averaged are added up."""
        return Total(self)

    def integrate(self, frame: NDArray[Any]) -> Pattern:
        """Integrate one frame; negative pixels are gaps or bad, and are left out of it."""
        if self._own is None:
            self._own = self.workspace()
        done = self.integrate_group([lane_of(frame, "this frame")], workspace=self._own)[0]
        if isinstance(done, Fault):
            raise SourceError(f"this frame {done.message}")
        return done

    def integrate_group(
        self,
        lanes: Sequence[AnyLane],
        *,
        workspace: Workspace,
        unsigned: bool = False,
        scales: NDArray[np.float64] | None = None,
        pack_cake: bool = False,
    ) -> list["Pattern | Fault"]:
        """Integrate up to eight frames at once; what one of them gives does not depend on the others.

        Parameters
        ----------
        lanes : sequence
            Chunks as stored, counts as int32 with negative marks, or floats with NaN for what is left out.
        workspace : Workspace
            Of this thread.
        unsigned : bool
            Whether chunks hold uint32.
        scales : ndarray, (frames,), optional
            What intensities are divided by.
        pack_cake : bool
            Whether the cake is wanted as a file holds it; it may come as numbers all the same.

        Returns
        -------
        list
            A pattern a frame, or what is wrong with it.
        """
        scales = np.ones(len(lanes)) if scales is None else scales
        if not self.recipe.is_linear or any(isinstance(lane, np.ndarray) and lane.dtype.kind == "f" for lane in lanes):
            return [self._exactly(lane, float(scale), unsigned) for lane, scale in zip(lanes, scales, strict=True)]
        whole: list[Lane] = list(lanes)  # type: ignore[arg-type]
        parts = workspace.integrate(whole, self.reading(unsigned=unsigned), scales, self.layers, pack_cake=pack_cake)
        wrong = parts[0].wrong
        return [
            Fault(reason(int(wrong[place]))) if wrong[place] else self.pattern_of(parts, place)
            for place in range(len(lanes))
        ]

    def reading(self, *, unsigned: bool) -> Reading:
        """Return how chunks are to be understood."""
        return Reading(unsigned, self.recipe.ceiling or 0)

    def pattern_of(self, parts: Sequence[Finished], place: int) -> Pattern:
        """Return what was computed for one frame, one part a layer, as a pattern."""
        rows = {}
        for layer, each in zip(self.layers[1:], parts[1:], strict=True):
            shape = (layer.rows, len(self.radial))
            norm = each.norms[place].reshape(shape)
            if each.chunks:
                rows[layer.name] = Rows(np.empty((0, shape[1]), dtype=np.float32), None, norm, each.chunks[place])
                continue
            sigma = None if each.sigma is None else each.sigma[place].reshape(shape)
            rows[layer.name] = Rows(each.intensity[place].reshape(shape), sigma, norm)
        first = parts[0]
        sigma = first.sigma[place] if first.sigma is not None else np.full_like(first.intensity[place], np.nan)
        norm = first.norms[place]
        return Pattern(first.intensity[place], sigma, norm, place, int(first.marked[place]), rows)

    def _exactly(self, lane: AnyLane, scale: float, unsigned: bool) -> "Pattern | Fault":
        try:
            values = lane if isinstance(lane, np.ndarray) else unpacked(lane, self.geometry.matrix.pixels, unsigned)
        except SourceError as problem:
            return Fault(problem.message)
        return self.pattern_of(integrate_exactly(self.geometry.matrix, self.recipe, self.layers, values, scale), 0)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no pattern of a frame."""

    message: str


def reason(wrong: int) -> str:
    """Return in words what the kernel found."""
    return "is damaged: its bytes do not decompress" if wrong == DAMAGED else "holds numbers that are no counts"


def lane_of(frame: NDArray[Any], what: str) -> "NDArray[np.int32] | NDArray[np.float64]":
    """Return a frame as the kernel takes it: int32 with negative marks, or floats with NaN.

    Raises
    ------
    SourceError
        If it holds counts beyond 2³¹.
    """
    if frame.dtype.kind == "f":
        values = np.ascontiguousarray(frame, dtype=np.float64)
        return np.where(np.isfinite(values) & (values >= 0), values, np.nan)
    if frame.dtype == np.int32:
        return np.ascontiguousarray(frame)
    if frame.dtype.kind == "b":
        return np.ascontiguousarray(frame, dtype=np.int32)
    most = np.iinfo(frame.dtype).max
    marks = frame == most if frame.dtype.kind == "u" else frame < 0
    if frame.dtype.itemsize >= 4 and bool((frame[~marks] > np.iinfo(np.int32).max).any()):
        raise SourceError(f"{what} holds numbers that are no counts")
    counts = frame.astype(np.int32)
    counts[marks] = -1
    return counts


def unpacked(chunk: Chunk, pixels: int, unsigned: bool) -> NDArray[np.int32]:
    """Decode a chunk by way of HDF5, for what the fast way cannot do.

    Raises
    ------
    SourceError
        If it is damaged.
    """
    import h5py
    import hdf5plugin

    from danmax_sync.integration.blocks import SLACK
    from danmax_sync.scanfile.blocks import check_blocks

    # HDF5 knows files in memory by their names, and threads decode at once.
    with h5py.File(f"chunk-{get_ident()}", "w", driver="core", backing_store=False) as file:
        kind = np.uint32 if unsigned else np.int32
        stored = {"shape": (pixels,), "chunks": (pixels,), "dtype": kind}
        data = file.create_dataset("chunk", **stored, **hdf5plugin.Bitshuffle(cname="lz4"))
        try:
            check_blocks(bytes(chunk[: len(chunk) - SLACK]), pixels, 4)
            data.id.write_direct_chunk((0,), bytes(chunk[: len(chunk) - SLACK]))
            values: NDArray[Any] = data[()]
        except (OSError, RuntimeError, ValueError) as problem:
            raise SourceError("is damaged: its bytes do not decompress") from problem
    return np.asarray(lane_of(values, "this frame"), dtype=np.int32)


GROUP = LANES
"""Frames that are integrated at once."""


class _Sums:
    """What an average is divided from."""

    def __init__(self, bins: int) -> None:
        self.signal, self.variance, self.norm, self.plain_norm = (np.zeros(bins) for _ in range(4))
        self.entries = np.zeros(bins, dtype=np.int64)

    def add(
        self, signal: NDArray[np.float64], variance: NDArray[np.float64], below: Denominators, scale: float
    ) -> None:
        """Add a frame."""
        self.signal += signal - below.dark
        self.variance += variance
        self.norm += below.norm * scale
        self.plain_norm += below.norm
        self.entries += below.entries

    def merge(self, other: "_Sums") -> None:
        """Add what was added elsewhere."""
        for name in ("signal", "variance", "norm", "plain_norm", "entries"):
            mine: NDArray[Any] = getattr(self, name)
            mine += getattr(other, name)


class Total:
    """Sums of several frames, for their average.

    Parameters
    ----------
    integrator : Integrator
        Whose layers are wanted.
    """

    def __init__(self, integrator: Integrator) -> None:
        self._integrator = integrator
        matrix = integrator.geometry.matrix
        self._patterns, self._cake = _Sums(matrix.bins), _Sums(matrix.cake_bins)
        self._frames = self._marked = 0

    def add(
        self, lanes: Sequence[AnyLane], workspace: Workspace, unsigned: bool, scales: Sequence[float]
    ) -> tuple[int, Fault] | None:
        """Add up to eight frames, in their order; return the first that is wrong, and why."""
        if any(isinstance(lane, np.ndarray) and lane.dtype.kind == "f" for lane in lanes):
            return 0, Fault("holds floats, whose sums are not kept: integrate without averaging")
        reading = self._integrator.reading(unsigned=unsigned)
        signal, variance, cake = workspace.sums(lanes, reading)  # type: ignore[arg-type]
        wrong = np.flatnonzero(workspace.wrong[: len(lanes)])
        if wrong.size:
            return int(wrong[0]), Fault(reason(int(workspace.wrong[wrong[0]])))
        for lane, below in enumerate(workspace.denominators(len(lanes))):
            self._patterns.add(signal[lane], variance[lane], below.patterns, scales[lane])
            self._cake.add(cake[lane], cake[lane], below.cake, scales[lane])
            self._marked += int(workspace.marked[lane])
            self._frames += 1
        return None

    def merge(self, other: "Total") -> None:
        """Add frames that were added up elsewhere, and come behind these."""
        self._patterns.merge(other._patterns)  # noqa: SLF001 - one of us
        self._cake.merge(other._cake)  # noqa: SLF001
        self._frames += other._frames  # noqa: SLF001
        self._marked += other._marked  # noqa: SLF001

    def pattern(self) -> Pattern:
        """Return the average."""
        parts = []
        recipe = self._integrator.recipe
        for layer in self._integrator.layers:
            sums = self._cake if layer.name == "cake" else self._patterns
            values = (sums.signal, sums.variance, sums.norm, sums.entries)
            parts.append(finished(recipe, layer, [folded(each, layer) for each in values], 1.0, self._marked))
            parts[-1].norms[0] = (folded(sums.plain_norm, layer) / self._frames).astype(np.float32)
        return self._integrator.pattern_of(parts, 0)
