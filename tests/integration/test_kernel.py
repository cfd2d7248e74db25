"""The fast way against plain ones: whatever the layout, the threads, the frames beside it, the numbers are the same."""

import ast
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from danmax_sync.integration import compiling, packing
from danmax_sync.integration.blocks import SLACK
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.engine import Fault, Integrator, Pattern, Total, lane_of
from danmax_sync.integration.geometry import load_geometry
from danmax_sync.integration.recipe import ErrorModel, Recipe, Split
from danmax_sync.integration.stream import Bad, Good, Unit, integrate_units
from danmax_sync.integration.workspace import Reading
from danmax_sync.scanfile.frames import open_frames
from danmax_sync.testing.frames import compress
from tests.integration.scenes import SHAPE, poisson_frame

BINS = 200


def chunk_of(frame: NDArray[Any]) -> bytes:
    """Return a frame as stored."""
    return compress(frame[None]) + bytes(SLACK)


def frames_of(count: int, mean: float = 5.0) -> list[NDArray[np.int32]]:
    """Return some frames with marks of their own."""
    return [poisson_frame(mean, seed=seed) for seed in range(count)]


def bits(patterns: Sequence[Pattern | Fault]) -> list[bytes]:
    """Return all numbers of patterns, to be compared to the last bit."""
    found = []
    for each in patterns:
        assert isinstance(each, Pattern)
        rows = [rows.intensity.tobytes() for rows in each.layers.values()]
        found.append(each.intensity.tobytes() + each.sigma.tobytes() + each.norm.tobytes() + b"".join(rows))
    return found


@pytest.fixture(scope="module")
def integrators(calibration: Calibration) -> Callable[..., Integrator]:
    """Return integrators by their recipe, each made once."""
    made: dict[Recipe, Integrator] = {}

    def get(**options: Any) -> Integrator:
        recipe = Recipe(bins=BINS, **options)
        if recipe not in made:
            made[recipe] = Integrator(calibration, recipe, SHAPE)
        return made[recipe]

    return get


RECIPES: list[dict[str, Any]] = [
    {"split": Split.FULL},
    {"split": Split.BBOX, "errors": ErrorModel.NONE},
    {"split": Split.NONE},
    {"split": Split.FULL, "sectors": 4, "cake": 72},
    {"split": Split.NONE, "cake": 72},
    {"split": Split.BBOX, "errors": ErrorModel.NONE, "cake": 9},
    {"split": Split.NONE, "ceiling": 9},
    {"split": Split.FULL, "ceiling": 9},
]


@pytest.mark.parametrize("options", RECIPES, ids=str)
@pytest.mark.parametrize("mean", [0.3, 20, 3000, 90_000])
def test_chunks_give_what_arrays_give(
    integrators: Callable[..., Integrator], options: dict[str, Any], mean: float
) -> None:
    """Decoded from bit-planes or taken from an array, alone or with seven others: the same bits."""
    integrator, frames = integrators(**options), frames_of(8, mean)
    space = integrator.workspace()
    together = bits(integrator.integrate_group([chunk_of(frame) for frame in frames], workspace=space))
    plain = bits(integrator.integrate_group(frames, workspace=integrator.workspace()))
    alone = [bits(integrator.integrate_group([chunk_of(frame)], workspace=space))[0] for frame in frames]
    mixed = [chunk_of(frame) if place % 2 else frame for place, frame in enumerate(frames)]
    backwards = bits(integrator.integrate_group(mixed[::-1], workspace=space))[::-1]
    assert together == plain == alone == backwards


@pytest.mark.parametrize("mean", [0.02, 300, 2e5, 2e9])
def test_sums_without_splitting_are_those_of_bincount(integrators: Callable[..., Integrator], mean: float) -> None:
    """To the last count, also where single precision could not hold them."""
    integrator = integrators(split=Split.NONE)
    matrix = integrator.geometry.matrix
    blocks = np.repeat(np.arange(len(matrix.crowd)), np.diff(matrix.block_runs))
    pixel = blocks * 2048 + matrix.run_pixel
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, int(2 * mean) + 1, SHAPE).clip(max=2**31 - 1).astype(np.int32) for _ in range(3)]
    signal, _, _ = integrator.workspace().sums([chunk_of(frame) for frame in frames], Reading())
    for frame, sums in zip(frames, signal, strict=True):
        expected = np.zeros(matrix.bins, dtype=np.int64)
        np.add.at(expected, matrix.run_start, frame.ravel()[pixel].astype(np.int64))
        assert np.array_equal(sums, expected.astype(np.float64))


def test_the_pattern_is_the_sum_of_its_cake_and_of_its_sectors(integrators: Callable[..., Integrator]) -> None:
    """Weighted with their norms, rows add up to the pattern; so do the norms."""
    integrator = integrators(split=Split.FULL, sectors=4, cake=72)
    pattern = integrator.integrate(poisson_frame(20, seed=1))
    alone = integrators(split=Split.FULL).integrate(poisson_frame(20, seed=1))
    np.testing.assert_allclose(pattern.intensity, alone.intensity, rtol=1e-6)
    np.testing.assert_allclose(pattern.sigma, alone.sigma, rtol=1e-6)
    for rows in pattern.layers.values():
        norm = rows.norm.astype(np.float64)
        total = np.nansum(rows.intensity * norm, axis=0)
        below = np.maximum(norm.sum(axis=0), 1e-9)
        np.testing.assert_allclose(norm.sum(axis=0), pattern.norm, rtol=1e-5, atol=1e-6)
        filled = pattern.norm > 1
        np.testing.assert_allclose((total / below)[filled], pattern.intensity[filled], rtol=1e-5)
    sigma = pattern.layers["sectors"].sigma
    assert sigma is not None
    spread = np.sqrt(np.nansum((sigma * pattern.layers["sectors"].norm) ** 2, axis=0)) / np.maximum(pattern.norm, 1e-9)
    bright = pattern.norm > 20
    np.testing.assert_allclose(spread[bright], pattern.sigma[bright], rtol=1e-3)


@pytest.mark.parametrize("split", list(Split))
def test_a_cake_does_not_change_the_pattern(integrators: Callable[..., Integrator], split: Split) -> None:
    """The pattern all around has the same bits whether a cake is made with it or not."""
    frames = frames_of(8, 20)
    both = []
    for options in ({}, {"cake": 72}):
        integrator = integrators(split=split, **options)
        made = integrator.integrate_group(frames, workspace=integrator.workspace())
        both.append([each.intensity.tobytes() + each.sigma.tobytes() for each in made if isinstance(each, Pattern)])
    assert both[0] == both[1]
    assert len(both[0]) == 8


@pytest.mark.parametrize("split", list(Split))
@pytest.mark.parametrize("mean", [0.3, 20, 90_000])
def test_a_cake_is_what_the_matrix_says(
    integrators: Callable[..., Integrator], calibration: Calibration, split: Split, mean: float
) -> None:
    """Each bin is Σ c·I / Σ c·w over pyFAI's own shares, of pixels that the frame does not mark; else NaN."""
    integrator = integrators(split=split, cake=72)
    matrix = integrator.geometry.matrix
    blocks = np.repeat(np.arange(len(matrix.crowd)), np.diff(matrix.block_runs))
    length = matrix.run_length.astype(np.int64)
    pixel = np.repeat(blocks * 2048 + matrix.run_pixel, length)
    step = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    bin_ = np.repeat(matrix.cake_start, length) + step
    frames = frames_of(3, mean)
    space = integrator.workspace()
    for frame, made in zip(frames, integrator.integrate_group(frames, workspace=space), strict=True):
        assert isinstance(made, Pattern)
        seen = (frame.ravel() >= 0)[pixel]
        share, at, weight = matrix.shares[seen].astype(np.float64), bin_[seen], matrix.weight[pixel[seen]]
        signal = np.bincount(at, share * frame.ravel()[pixel[seen]], matrix.cake_bins)
        norm = np.bincount(at, share * weight, matrix.cake_bins)
        cake = made.layers["cake"].intensity.ravel()
        filled = np.bincount(at, minlength=matrix.cake_bins) > 0
        assert np.array_equal(np.isnan(cake), ~filled)
        assert 0 < filled.sum() < filled.size
        sure = filled & (norm > 1e-3)
        np.testing.assert_allclose(cake[sure], signal[sure] / norm[sure], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 0.37])
def test_a_packed_cake_holds_the_same_numbers(integrators: Callable[..., Integrator], scale: float) -> None:
    """A file gets as a chunk what notebooks get as an array, bit for bit; packed later it is the same chunk."""
    integrator = integrators(split=Split.FULL, cake=72)
    frames, scales = frames_of(5, 20), np.full(5, scale)
    plain, chunks = (
        integrator.integrate_group(frames, workspace=integrator.workspace(), scales=scales, pack_cake=packed)
        for packed in (False, True)
    )
    for one, other in zip(plain, chunks, strict=True):
        assert isinstance(one, Pattern)
        assert isinstance(other, Pattern)
        assert other.layers["cake"].chunk == packing.packed(one.layers["cake"].intensity, "cake")
        assert one.layers["cake"].chunk == b""


def store(path: Path, frames: NDArray[Any], **how: Any) -> None:
    """Write a detector file."""
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/instrument/eiger/data", data=frames, **how)


def run(path: Path, integrator: Integrator, **how: Any) -> list[bytes]:
    """Integrate all frames of a file."""
    with open_frames(path, "entry/instrument/eiger") as frames:
        units = [Unit(index, (index,), (1.0,)) for index in range(frames.count)]
        made = list(integrate_units(integrator, frames, units, make=lambda pattern: pattern, **how))
    assert not [each for each in made if isinstance(each, Bad)]
    return bits([each.made for each in made if isinstance(each, Good)])


BITSHUFFLE = dict(hdf5plugin.Bitshuffle(cname="lz4"))
LAYOUTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "pilatus": (np.int32, {"chunks": (1, *SHAPE), **BITSHUFFLE}),
    "eiger, uint32": (np.uint32, {"chunks": (1, *SHAPE), **BITSHUFFLE}),
    "eiger, uint16": (np.uint16, {"chunks": (1, *SHAPE), **BITSHUFFLE}),
    "other blocks": (np.int32, {"chunks": (1, *SHAPE), **dict(hdf5plugin.Bitshuffle(nelems=512, cname="lz4"))}),
    "gzip": (np.int32, {"chunks": (1, *SHAPE), "compression": "gzip"}),
    "contiguous": (np.int32, {}),
    "several frames a chunk": (np.int32, {"chunks": (2, *SHAPE), **BITSHUFFLE}),
    "tiles": (np.int32, {"chunks": (1, 64, 64), **BITSHUFFLE}),
    "bytes turned": (np.dtype(">i4"), {"chunks": (1, *SHAPE), **BITSHUFFLE}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_bits(integrators: Callable[..., Integrator], tmp_path: Path, layout: str) -> None:
    """Whatever type, compression and chunks a file has, with any number of threads, read fast or by HDF5."""
    kind, how = LAYOUTS[layout]
    signed = np.stack(frames_of(11))
    frames = signed.astype(kind)
    if np.dtype(kind).kind == "u":
        frames = np.where(signed < 0, np.iinfo(kind).max, signed).astype(kind)
    store(tmp_path / "e.h5", frames, **how)
    integrator = integrators(split=Split.FULL)
    expected = bits([integrator.integrate(frame) for frame in signed])
    for options in ({"threads": 1}, {"threads": 2}, {"plain": True}):
        assert run(tmp_path / "e.h5", integrator, **options) == expected


def lz4_of_repeats(rng: np.random.Generator, size: int, most: int) -> bytes:
    """Return a block of LZ4: strings repeated at distances up to `most`, then zeros, then some bytes as they are."""
    made, length = bytearray(), 0

    def more(rest: int) -> bytes:
        return bytes([255] * (rest // 255) + [rest % 255]) if rest >= 0 else b""

    def put(literals: bytes, distance: int, match: int) -> None:
        nonlocal length
        made.append(min(len(literals), 15) << 4 | min(match - 4, 15))
        made.extend(more(len(literals) - 15) + literals + distance.to_bytes(2, "little") + more(match - 19))
        length += len(literals) + match

    put(rng.bytes(20), int(rng.integers(1, 20)), 4)
    while length < size // 4:
        put(rng.bytes(int(rng.integers(0, 25))), int(rng.integers(1, most + 1)), int(rng.integers(4, 60)))
    put(b"\0", 1, size - length - 1 - 16)
    made.extend(b"\xf0\x01" + bytes(16))
    return bytes(made)


@pytest.mark.parametrize("most", [3, 8, 20])
def test_strings_are_repeated_at_any_distance(integrators: Callable[..., Integrator], most: int) -> None:
    """Blocks of short strings that overlap themselves, as in sparse bit-planes: decoded as HDF5 decodes them."""
    rng, pixels = np.random.default_rng(most), SHAPE[0] * SHAPE[1]
    chunk = (4 * pixels).to_bytes(8, "big") + (8192).to_bytes(4, "big")
    for first in range(0, pixels, 2048):
        block = lz4_of_repeats(rng, 4 * (min(2048, pixels - first) // 8 * 8), most)
        chunk += len(block).to_bytes(4, "big") + block
    chunk += bytes(4 * (pixels % 8))
    with h5py.File("chunk", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("data", shape=(1, *SHAPE), chunks=(1, *SHAPE), dtype=np.int32, **BITSHUFFLE)
        data.id.write_direct_chunk((0, 0, 0), chunk)
        frame: NDArray[np.int32] = data[0]
    assert 0 < (frame > 0).mean() < 1
    integrator = integrators(split=Split.NONE)
    (made,) = integrator.integrate_group([chunk + bytes(SLACK)], workspace=integrator.workspace())
    assert bits([made]) == bits([integrator.integrate(frame)])


def test_of_two_thresholds_the_wanted_one_is_taken(calibration: Calibration, tmp_path: Path) -> None:
    """Frames of (points, thresholds, rows, columns): each threshold is a measurement of its own."""
    low, high = np.stack(frames_of(3, 9.0)), np.stack(frames_of(3, 2.0))
    store(tmp_path / "e.h5", np.stack([low, high], axis=1), chunks=(1, 1, *SHAPE), **BITSHUFFLE)
    for threshold, images in ((0, low), (1, high)):
        integrator = Integrator(calibration, Recipe(bins=BINS, threshold=threshold), SHAPE)
        expected = bits([integrator.integrate(frame) for frame in images])
        assert run(tmp_path / "e.h5", integrator) == run(tmp_path / "e.h5", integrator, plain=True) == expected


def test_averages_are_sums_over_sums(integrators: Callable[..., Integrator], tmp_path: Path) -> None:
    """Eleven frames with marks and monitors of their own: counts over denominators."""
    signed = np.stack(frames_of(11))
    store(tmp_path / "e.h5", signed, chunks=(1, *SHAPE), **BITSHUFFLE)
    scales = tuple(1.0 + 0.1 * n for n in range(11))
    integrator = integrators(split=Split.FULL)
    with open_frames(tmp_path / "e.h5", "entry/instrument/eiger") as frames:
        unit = Unit(0, tuple(range(11)), scales)
        (made,) = integrate_units(integrator, frames, [unit], make=lambda pattern: pattern)
    assert isinstance(made, Good)
    singles = [integrator.integrate(frame) for frame in signed]
    norms = np.array([scale * each.norm for scale, each in zip(scales, singles, strict=True)], dtype=np.float64)
    counts = np.array([each.norm * np.nan_to_num(each.intensity) for each in singles], dtype=np.float64)
    filled = norms.sum(axis=0) > 1
    expected = counts.sum(axis=0)[filled] / norms.sum(axis=0)[filled]
    np.testing.assert_allclose(made.made.intensity[filled], expected, rtol=1e-5)


def test_one_average_is_made_by_all_threads(
    integrators: Callable[..., Integrator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames of one average are added up by two threads at once, and the result has the same bits as with one."""
    store(tmp_path / "e.h5", np.stack(frames_of(35)), chunks=(1, *SHAPE), **BITSHUFFLE)
    integrator = integrators(split=Split.FULL, cake=72)
    both_at_work = threading.Barrier(2, timeout=10)
    true_add = Total.add

    def add(self: Total, lanes: Any, *others: Any) -> Any:
        if len(lanes) == 8 and parties == 2:
            both_at_work.wait()
        return true_add(self, lanes, *others)

    monkeypatch.setattr("danmax_sync.integration.stream.threads_for", lambda wanted: wanted)
    monkeypatch.setattr(Total, "add", add)
    found = []
    for parties in (1, 2):
        with open_frames(tmp_path / "e.h5", "entry/instrument/eiger") as frames:
            units = [Unit(0, tuple(range(32)), (1.0,) * 32), Unit(1, (32, 33, 34), (2.0,) * 3)]
            made = list(integrate_units(integrator, frames, units, make=lambda pattern: pattern, threads=parties))
        found.append(bits([each.made for each in made if isinstance(each, Good)]))
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_a_bad_frame_spoils_its_own_average_only(integrators: Callable[..., Integrator], tmp_path: Path) -> None:
    """It is named, whichever of the eight that are added up together it is among; the average behind it is made."""
    store(tmp_path / "e.h5", np.stack(frames_of(24)), chunks=(1, *SHAPE), **BITSHUFFLE)
    with h5py.File(tmp_path / "e.h5", "r+") as file:
        file["entry/instrument/eiger/data"].id.write_direct_chunk((9, 0, 0), b"no chunk at all")
    with open_frames(tmp_path / "e.h5", "entry/instrument/eiger") as frames:
        units = [Unit(n, tuple(range(12 * n, 12 * n + 12)), (1.0,) * 12) for n in range(2)]
        bad, good = integrate_units(integrators(split=Split.FULL), frames, units, make=lambda pattern: pattern)
    assert isinstance(bad, Bad)
    assert (bad.index, bad.frame) == (0, 9)
    assert isinstance(good, Good)
    assert good.made.index == 1


@settings(max_examples=150, deadline=None)
@given(where=st.integers(0, 10_000), change=st.integers(1, 255), cut=st.integers(0, 3))
def test_no_chunk_can_hurt(
    calibration: Calibration, damaged_integrator: Integrator, where: int, change: int, cut: int
) -> None:
    """A flipped byte or a missing end gives a pattern or a fault for that frame, and the others are untouched."""
    good, victim = chunk_of(poisson_frame(3, seed=1)), bytearray(chunk_of(poisson_frame(3, seed=2))[:-SLACK])
    victim[where % len(victim)] ^= change
    victim = victim[: len(victim) * (3 - cut) // 3]
    space = damaged_integrator.workspace()
    before, _, after = damaged_integrator.integrate_group([good, bytes(victim) + bytes(SLACK), good], workspace=space)
    expected = bits([damaged_integrator.integrate(poisson_frame(3, seed=1))])[0]
    assert bits([before, after]) == [expected, expected]


@pytest.fixture(scope="module")
def damaged_integrator(calibration: Calibration) -> Integrator:
    """Return one integrator for all examples."""
    return Integrator(calibration, Recipe(bins=BINS), SHAPE)


def test_counts_beyond_31_bits_are_no_counts(integrators: Callable[..., Integrator], tmp_path: Path) -> None:
    """2³¹ in a frame of uint32 that is no mark: said, whichever way it is read."""
    frames = np.stack(frames_of(2)).clip(min=0).astype(np.uint32)
    frames[1, 100, 70] = 2**31 + 5
    store(tmp_path / "e.h5", frames, chunks=(1, *SHAPE), **BITSHUFFLE)
    integrator = integrators(split=Split.NONE)
    with open_frames(tmp_path / "e.h5", "entry/instrument/eiger") as opened:
        units = [Unit(index, (index,), (1.0,)) for index in range(2)]
        for plain in (False, True):
            good, bad = integrate_units(integrator, opened, units, make=lambda pattern: pattern, plain=plain)
            assert isinstance(good, Good)
            assert isinstance(bad, Bad)
            assert "no counts" in bad.message


def test_clipping_leaves_out_spots_and_keeps_rings(integrators: Callable[..., Integrator]) -> None:
    """A few pixels a thousand times too bright shift their bin without clipping, and do not with it."""
    frame = np.random.default_rng(5).poisson(20, SHAPE).astype(np.int32)
    spotted = frame.copy()
    spotted[80:82, 20:140:7] = 20_000
    plain, clipped = integrators(split=Split.NONE), integrators(split=Split.NONE, clip=5.0)
    clean = plain.integrate(frame)
    wide = clean.norm > 60
    assert np.nanmax(plain.integrate(spotted).intensity[wide] / clean.intensity[wide]) > 2
    ratio = clipped.integrate(spotted).intensity[wide] / clean.intensity[wide]
    assert np.nanmax(np.abs(ratio - 1)) < 0.05


def test_azimuthal_errors_are_the_scatter_of_pixels(integrators: Callable[..., Integrator]) -> None:
    """For counting statistics both error models agree; also for one that is flat and does not scatter."""
    frame = np.random.default_rng(6).poisson(30, SHAPE).astype(np.int32)
    bare = {"split": Split.NONE, "polarization": None, "solid_angle": False}
    azimuthal = integrators(errors=ErrorModel.AZIMUTHAL, **bare)
    ours, poisson = azimuthal.integrate(frame), integrators(**bare).integrate(frame)
    wide = ours.norm > 60
    assert np.median(ours.sigma[wide] / poisson.sigma[wide]) == pytest.approx(1.0, abs=0.05)
    flat = np.full(SHAPE, 7, dtype=np.int32)
    np.testing.assert_allclose(azimuthal.integrate(flat).sigma, integrators(**bare).integrate(flat).sigma, rtol=1e-6)


def test_azimuthal_errors_of_split_pixels_are_their_definition(
    integrators: Callable[..., Integrator], calibration: Calibration
) -> None:
    """√Σ c²·(value - mean)² over Σ c, worked out from pyFAI's own matrix; pyFAI's single pass is only near that."""
    frame = np.random.default_rng(6).poisson(30, SHAPE).astype(np.int32)
    bare: dict[str, Any] = {"polarization": None, "solid_angle": False, "range": (2.0, 18.0)}
    ours = integrators(errors=ErrorModel.AZIMUTHAL, **bare).integrate(frame)
    ai = load_geometry(calibration, SHAPE)
    ai.integrate1d(
        frame,
        BINS,
        unit="2th_deg",
        radial_range=bare["range"],
        mask=np.asarray(calibration.masked),
        correctSolidAngle=False,
        method=("full", "csr", "python"),
    )
    matrix = [each.engine for each in ai.engines.values() if each.engine is not None][-1]
    share, pixel = np.asarray(matrix.data, dtype=np.float64), np.asarray(matrix.indices)
    place = np.repeat(np.arange(BINS), np.diff(matrix.indptr))
    counts = frame.ravel()[pixel]

    def summed(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(place, values, BINS).astype(np.float64)

    mean = summed(share * counts) / summed(share)
    wanted = np.sqrt(summed(share**2 * (counts - mean[place]) ** 2)) / summed(share)
    np.testing.assert_allclose(ours.sigma, wanted, rtol=1e-6)


def test_lanes_of_any_type_are_int32_with_marks() -> None:
    """uint8, uint16, int16 and booleans become counts; the largest unsigned number is a mark."""
    assert lane_of(np.array([[0, 255]], dtype=np.uint8), "x").tolist() == [[0, -1]]
    assert lane_of(np.array([[3, 65535]], dtype=np.uint16), "x").tolist() == [[3, -1]]
    assert lane_of(np.array([[3, -2]], dtype=np.int16), "x").tolist() == [[3, -1]]
    assert lane_of(np.array([[True, False]]), "x").tolist() == [[1, 0]]


def test_all_that_compiled_code_is_made_of_is_in_its_key() -> None:
    """A module that was left out could change, and machines would go on with what they compiled before."""
    waiting, seen = {"kernel", "encoding", "finishing", "clipping"}, set[str]()
    while waiting:
        seen.add(name := waiting.pop())
        tree = ast.parse((Path(compiling.__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "danmax_sync.integration":
                waiting |= {alias.name for alias in node.names} - seen
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("danmax_sync.integration."):
                waiting |= {str(node.module).rpartition(".")[2]} - seen
    assert {"vectors", "lanes", "spelling", "lz4"} <= seen
    assert seen <= {name.removesuffix(".py") for name in compiling._SOURCES}
