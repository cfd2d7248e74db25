"""Hand frames to the compiled kernel: the memory of one thread, and the arguments put together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from danmax_sync.integration.blocks import (
    COMPRESSED,
    DAMAGED,
    LANES,
    NOTHING,
    PLAIN,
    SLACK,
    TILE_BYTES,
    WORK,
)
from danmax_sync.integration.compiling import addresses
from danmax_sync.integration.layers import Layer
from danmax_sync.integration.machine import functions
from danmax_sync.integration.matrix import Matrix
from danmax_sync.integration.packing import most_bytes

Chunk = bytes | bytearray | memoryview
Lane = Chunk | NDArray[np.int32]
"""A chunk as stored with `SLACK` bytes behind it, or counts with negative numbers as marks."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What frames hold besides counts.

    Attributes
    ----------
    unsigned : bool
        Whether chunks hold uint32 (the largest number is a mark) instead of int32 (negative numbers are).
    ceiling : int
        Counts from here on are left out; 0 for none.
    """

    unsigned: bool = False
    ceiling: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """Patterns of up to eight frames; arrays (frames, bins).

    Attributes
    ----------
    intensity, sigma : ndarray of float32
        NaN in empty bins; sigma may be absent. Of cakes that are packed there are only the chunks.
    norms : list of ndarray of float32
        Of each frame; one and the same array where frames mark the same pixels.
    marked : ndarray of int64
        Pixels that each frame marks.
    wrong : ndarray of int64
        `DAMAGED`, `TOO_BRIGHT` or 0.
    chunks : list of bytes
        Of each frame, as the file will hold it; only where that was asked for.
    """

    intensity: NDArray[np.float32]
    sigma: NDArray[np.float32] | None
    norms: list[NDArray[np.float32]]
    marked: NDArray[np.int64]
    wrong: NDArray[np.int64]
    chunks: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Denominators:
    """Σ c·w, the number of shares, Σ c·dark; of patterns, or of cakes."""

    norm: NDArray[np.float64]
    entries: NDArray[np.int64]
    dark: NDArray[np.float64]
    _folded: dict[int, "Denominators"] = field(default_factory=dict)
    _single: list[NDArray[np.float32]] = field(default_factory=list)
    _inverse: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def inverse(self) -> NDArray[np.float64]:
        """1 / Σ c·w, NaN for bins without pixels, and Σ c·dark; both with eight more: bins are taken by eight."""
        if not self._inverse:
            filled = (self.entries > 0) & (self.norm > 0)
            both = np.zeros((2, len(self.norm) + 8))
            both[0] = np.nan
            np.divide(1.0, self.norm, out=both[0, :-8], where=filled)
            both[1, :-8] = self.dark
            self._inverse.append(both)
        return self._inverse[0]

    @property
    def norm_single(self) -> NDArray[np.float32]:
        """Σ c·w in single precision; the same array each time."""
        if not self._single:
            self._single.append(self.norm.astype(np.float32))
        return self._single[0]

    def folded(self, layer: Layer) -> "Denominators":
        """Return those of a layer."""
        if layer.fold == 1:
            return self
        if layer.rows not in self._folded:
            radial = len(self.norm) // (layer.rows * layer.fold)
            shape = (layer.rows, layer.fold, radial)
            parts = (each.reshape(shape).sum(axis=1).ravel() for each in (self.norm, self.entries, self.dark))
            self._folded[layer.rows] = Denominators(*parts)
        return self._folded[layer.rows]


@dataclass(frozen=True, slots=True, eq=False)
class Below:
    """What a frame is divided by."""

    patterns: Denominators
    cake: Denominators


class Shelf:
    """Where a chunk is read to, again and again."""

    def __init__(self) -> None:
        self._content = bytearray()

    def of(self, size: int) -> bytearray:
        """Return room for so many bytes; what was read before is overwritten."""
        if len(self._content) < size:
            self._content = bytearray(size + size // 4)
        return self._content


class Workspace:
    """Memory of one thread: made once, used for all its groups of frames.

    Parameters
    ----------
    matrix : Matrix
        Of the geometry.
    errors : bool
        Whether Poisson errors are wanted.
    """

    def __init__(self, matrix: Matrix, *, errors: bool) -> None:
        self.matrix, self.errors = matrix, errors
        # The loop that adds to a cake adds squares too, wanted or not.
        self._squares = not matrix.whole and (errors or matrix.cake_bins > 0)
        self._width = 2 * LANES if self._squares else LANES
        self._work = np.zeros(WORK + 64, dtype=np.uint8)
        self._work = self._work[-self._work.ctypes.data % 64 :]
        sums = np.zeros(matrix.bins * self._width + 16, dtype=np.float32)
        # Vectors of eight floats are loaded whole: they start at a multiple of their size.
        self._sums = sums[-sums.ctypes.data % 64 // 4 :]
        self._totals = np.zeros(matrix.fine * self._width, dtype=np.float64)
        self._marks = np.zeros((LANES, len(matrix.valid)), dtype=np.uint8)
        self._marked, self._wrong, self._places = (np.zeros(LANES, dtype=np.int64) for _ in range(3))
        self._shelves = [Shelf() for _ in range(LANES)]
        self._lost: tuple[bytes, Below] | None = None
        self._whole = Below(
            Denominators(matrix.norm, matrix.entries, matrix.dark),
            Denominators(matrix.cake_norm, matrix.cake_entries, matrix.cake_dark),
        )
        cake = np.zeros((matrix.cake_bins + 8) * LANES + 16 if matrix.cake_bins else 0, dtype=np.float32)
        self._cake = cake[-cake.ctypes.data % 64 // 4 :]
        self._chunks = np.empty((0, 0), dtype=np.uint8)

    def shelf(self, lane: int) -> Shelf:
        """Return where the chunk of a lane is read to."""
        return self._shelves[lane]

    def integrate(
        self,
        lanes: Sequence[Lane],
        reading: Reading,
        scales: NDArray[np.float64],
        layers: Sequence[Layer],
        *,
        pack_cake: bool = False,
    ) -> list[Finished]:
        """Integrate up to eight frames.

        Parameters
        ----------
        lanes : sequence
            Chunks or arrays.
        reading : Reading
            What they hold.
        scales : ndarray of float64, (frames,)
            What each frame's denominator is multiplied by: the monitor.
        layers : sequence of Layer
            What is wanted.
        pack_cake : bool
            Whether cakes are wanted as the chunks of a file, instead of as numbers.

        Returns
        -------
        list of Finished
            One a layer.
        """
        kinds = self._add(lanes, reading)
        below = [self._denominators(lane) for lane in range(len(lanes))]
        factors = np.ones(LANES)
        factors[: len(lanes)] = scales
        return [
            self._finish_cake(kinds, [each.cake for each in below], factors, packed=pack_cake)
            if layer.name == "cake"
            else self._finish(layer, kinds, [each.patterns for each in below], factors)
            for layer in layers
        ]

    def _finish(
        self, layer: Layer, kinds: NDArray[np.int64], below: Sequence[Denominators], factors: NDArray[np.float64]
    ) -> Finished:
        sums, totals, fine = self._sums, self._totals, self.matrix.fine
        bins = self.matrix.bins // layer.fold
        if layer.fold > 1:
            totals, fine = self._fold(layer), bins
        below = [each.folded(layer) for each in below]
        frames = len(below)
        intensity = np.empty((frames, bins), dtype=np.float32)
        sigma = np.empty((frames, bins), dtype=np.float32) if self.errors and layer.has_errors else None
        pointers = [
            np.array([getattr(each, name).ctypes.data for each in below] + [0] * (LANES - frames), dtype=np.int64)
            for name in ("norm", "entries", "dark")
        ]
        arguments, _alive = addresses(
            sums, totals, self._squares, bins, fine, kinds, *pointers, factors, intensity,
            sigma if sigma is not None else 0,
        )  # fmt: skip
        functions()["finish_frames"](arguments.ctypes.data)
        norms = [each.norm_single for each in below]
        return Finished(intensity, sigma, norms, self._marked[:frames].copy(), self._wrong[:frames].copy())

    def _finish_cake(
        self, kinds: NDArray[np.int64], below: Sequence[Denominators], factors: NDArray[np.float64], *, packed: bool
    ) -> Finished:
        frames, bins = len(below), self.matrix.cake_bins
        if packed and not self._chunks.size:
            self._chunks = np.empty((LANES, most_bytes(bins)), dtype=np.uint8)
        intensity = np.empty((0 if packed else frames, bins), dtype=np.float32)
        inverses, darks = (
            np.array([each.inverse[which].ctypes.data for each in [*below, *[below[0]] * LANES][:LANES]])
            for which in (0, 1)
        )
        alike = all(each is below[0] for each in below)
        ends, work = np.zeros(LANES, dtype=np.int64), np.empty((LANES + 1) * TILE_BYTES + 128, dtype=np.uint8)
        arguments, _alive = addresses(
            self._cake, bins, kinds, inverses, darks, 1.0 / factors, alike, 0 if packed else intensity,
            self._chunks if packed else 0, self._chunks.shape[1], ends, work,
        )  # fmt: skip
        functions()["finish_cake"](arguments.ctypes.data)
        chunks = []
        if packed:
            sizes = ends - self._chunks.ctypes.data - self._chunks.shape[1] * np.arange(LANES)
            chunks = [self._chunks[lane, : sizes[lane]].tobytes() for lane in range(frames)]
        norms = [each.norm_single for each in below]
        return Finished(intensity, None, norms, self._marked[:frames].copy(), self._wrong[:frames].copy(), chunks)

    def _fold(self, layer: Layer) -> NDArray[np.float64]:
        """Return the sums of a coarser layer."""
        radial = self.matrix.bins // (layer.rows * layer.fold)
        folded = np.zeros(layer.rows * radial * self._width)
        arguments, _alive = addresses(
            self._sums, self._totals, self.matrix.fine * self._width, layer.rows, layer.fold,
            radial * self._width, folded,
        )  # fmt: skip
        functions()["fold_rows"](arguments.ctypes.data)
        return folded

    def sums(
        self, lanes: Sequence[Lane], reading: Reading
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return Σ c·I and Σ c²·I of some frames, and Σ c·I of their cakes, (frames, bins).

        Averages and proofs are made of them.
        """
        self._add(lanes, reading)
        fine, bins = self.matrix.fine, self.matrix.bins
        both = np.zeros((bins, self._width))
        both[:fine] = self._totals.reshape(fine, self._width)
        coarse = self._sums[fine * self._width : bins * self._width]
        both[fine:] = coarse.reshape(bins - fine, self._width)
        coarse.fill(0)
        signal = both[:, : len(lanes)].T.copy()
        variance = both[:, LANES : LANES + len(lanes)].T.copy() if self._squares else signal
        bins = self.matrix.cake_bins
        cake = self._cake[: bins * LANES].reshape(bins, LANES)
        in_cake = cake[:, : len(lanes)].T.astype(np.float64)
        cake.fill(0)
        return signal, variance, in_cake

    def _add(self, lanes: Sequence[Lane], reading: Reading) -> NDArray[np.int64]:
        kinds = np.full(LANES, NOTHING, dtype=np.int64)
        frames, sizes = np.zeros(LANES, dtype=np.int64), np.zeros(LANES, dtype=np.int64)
        alive = []
        self._clear()
        for place, lane in enumerate(lanes):
            if isinstance(lane, np.ndarray):
                if lane.dtype != np.int32 or lane.size != self.matrix.pixels or not lane.flags.c_contiguous:
                    raise AssertionError("a plain lane is a whole frame of int32")
                kinds[place], array = PLAIN, lane
            else:
                array = np.frombuffer(lane, dtype=np.uint8)
                kinds[place], sizes[place] = COMPRESSED, len(lane) - SLACK
                if not _fits(lane, 4 * self.matrix.pixels):
                    self._wrong[place] = DAMAGED
            alive.append(array)
            frames[place] = array.ctypes.data
        matrix = self.matrix
        arguments, _alive = addresses(
            kinds, frames, sizes, reading.unsigned, reading.ceiling, self._squares, self._work, self._sums,
            self._totals, self._marks, self._marked, self._wrong, self._places, matrix.pixels, matrix.fine,
            matrix.whole, matrix.run_pixel, matrix.run_start, matrix.run_length, matrix.block_runs, matrix.block_shares,
            matrix.shares, matrix.valid, matrix.crowd, matrix.segment_bins,
            matrix.cake_start if matrix.cake_bins else 0, self._cake,
        )  # fmt: skip
        functions()["add_frames"](arguments.ctypes.data)
        return kinds

    def _clear(self) -> None:
        self._totals.fill(0)
        if self._marked.any():
            self._marks.fill(0)
        self._marked.fill(0)
        self._wrong.fill(0)

    def denominators(self, lanes: int) -> list[Below]:
        """Return what each of the frames just added is divided by."""
        return [self._denominators(lane) for lane in range(lanes)]

    @property
    def marked(self) -> NDArray[np.int64]:
        """How many pixels each of the frames just added marks."""
        return self._marked

    @property
    def wrong(self) -> NDArray[np.int64]:
        """What is wrong with each of the frames just added; 0 for nothing."""
        return self._wrong

    def _denominators(self, lane: int) -> Below:
        """Return what a frame is divided by: the whole, less the pixels that it marks."""
        if not self._marked[lane]:
            return self._whole
        marks = self._marks[lane].tobytes()
        # A detector marks the same pixels in most frames.
        if self._lost is None or self._lost[0] != marks:
            matrix, whole = self.matrix, self._whole
            patterns = self._less(whole.patterns, self._marks[lane], matrix.run_start)
            cake = self._less(whole.cake, self._marks[lane], matrix.cake_start) if matrix.cake_bins else whole.cake
            self._lost = (marks, Below(patterns, cake))
        return self._lost[1]

    def _less(self, whole: Denominators, marks: NDArray[np.uint8], run_start: NDArray[np.int32]) -> Denominators:
        """Take the pixels that a frame marks out of denominators."""
        matrix = self.matrix
        lost = Denominators(whole.norm.copy(), whole.entries.copy(), whole.dark.copy())
        arguments, _alive = addresses(
            marks, matrix.pixels, matrix.run_pixel, run_start, matrix.run_length,
            matrix.block_runs, matrix.block_shares, matrix.shares, matrix.weight, matrix.dark_image,
            matrix.dark_image.size > 0, lost.norm, lost.entries, lost.dark,
        )  # fmt: skip
        functions()["lose_shares"](arguments.ctypes.data)
        return lost


def _fits(chunk: Chunk, size: int) -> bool:
    """Say whether a chunk's header tells of a whole frame in blocks of 8 kB."""
    return len(chunk) >= SLACK + 12 and int.from_bytes(chunk[:8], "big") == size and chunk[8:12] == b"\0\0\x20\0"
