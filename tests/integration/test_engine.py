"""The numbers: pyFAI's, bin for bin, with an unbiased error and without zeros for what nobody measured."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from danmax_sync.integration.calibration import Calibration, read_poni
from danmax_sync.integration.engine import Integrator, Pattern
from danmax_sync.integration.recipe import Recipe, Split, Unit
from tests.integration.scenes import ENERGY_KEV, SHAPE, TINY, poisson_frame

BINS = 300
SPLITS = list(Split)
UNITS = list(Unit)


class Oracle:
    """pyFAI itself, with a mask that holds the static mask and the frame's own marks."""

    def __init__(self, calibration: Calibration, integrator: Integrator) -> None:
        from pyFAI import load

        self.ai: Any = load(str(calibration.poni))
        self.static = np.zeros(SHAPE, dtype=bool) if calibration.masked is None else calibration.masked
        self.recipe = integrator.recipe
        self.range = (integrator.radial_edges[0], integrator.radial_edges[-1])

    def mask(self, frame: NDArray[Any]) -> NDArray[np.bool_]:
        """Return what is left out of a frame."""
        masked: NDArray[np.bool_] = self.static | (frame < 0)
        return masked

    def integrate(self, frame: NDArray[Any]) -> Any:
        """Return pyFAI's own result."""
        return self.ai.integrate1d_ng(
            frame.astype(np.float32),
            self.recipe.bins,
            unit=self.recipe.unit.pyfai,
            radial_range=self.range,
            mask=self.mask(frame).astype(np.int8),
            correctSolidAngle=self.recipe.solid_angle,
            polarization_factor=self.recipe.polarization,
            method=(self.recipe.split.pyfai, "csr", "cython"),
        )

    def matrix(self, frame: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return bin, pixel and share of each element of pyFAI's sparse matrix for a frame's mask."""
        self.integrate(frame)
        engine = next(iter(self.ai.engines.values())).engine
        rows = np.repeat(np.arange(BINS), np.diff(np.asarray(engine.indptr)))
        return rows, np.asarray(engine.indices), np.asarray(engine.data, dtype=np.float64)

    def response(self) -> NDArray[np.float64]:
        """Return solid angle times polarization of each pixel, as far as they are applied."""
        response = np.ones(SHAPE)
        if self.recipe.solid_angle:
            response *= self.ai.solidAngleArray(SHAPE)
        if self.recipe.polarization is not None:
            response *= self.ai.polarization(SHAPE, factor=self.recipe.polarization)
        return response.ravel()


def bare(**settings: Any) -> Recipe:
    """Return a recipe without corrections: sums of counts over numbers of pixels."""
    return Recipe(bins=BINS, solid_angle=False, polarization=None, **settings)


def same(one: Pattern, other: Pattern) -> bool:
    """Say whether two patterns are the same to the last bit."""
    names = ("intensity", "sigma", "norm")
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in names)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("corrected", [True, False])
def test_the_intensity_is_pyfais(calibration: Calibration, split: Split, unit: Unit, corrected: bool) -> None:
    """Every bin is what pyFAI gives for the static mask and the marks together, as float32; its zeros are our NaN."""
    recipe = Recipe(bins=BINS, split=split, unit=unit) if corrected else bare(split=split, unit=unit)
    integrator = Integrator(calibration, recipe, SHAPE)
    frame = poisson_frame(5, seed=1)
    ours, theirs = integrator.integrate(frame), Oracle(calibration, integrator).integrate(frame)
    filled = np.asarray(theirs.count) > 0
    assert 200 < filled.sum() < BINS
    np.testing.assert_allclose(ours.intensity[filled], theirs.intensity[filled], rtol=1e-6)
    np.testing.assert_allclose(ours.norm[filled], theirs.sum_normalization[filled], rtol=1e-6)
    assert np.isnan(ours.intensity[~filled]).all()
    assert np.isnan(ours.sigma[~filled]).all()
    np.testing.assert_allclose(integrator.radial, theirs.radial, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("unit", UNITS)
def test_without_splitting_sums_are_exact(calibration: Calibration, unit: Unit) -> None:
    """Counts and pixels of a bin are those of a histogram over pyFAI's pixel centres, to the last count."""
    integrator = Integrator(calibration, bare(split=Split.NONE, unit=unit), SHAPE)
    oracle = Oracle(calibration, integrator)
    frame = poisson_frame(50, seed=2)
    centres = oracle.ai.center_array(SHAPE, unit=unit.pyfai, scale=True)
    seen = ~oracle.mask(frame)
    pixels, _ = np.histogram(centres[seen], bins=integrator.radial_edges)
    counts, _ = np.histogram(centres[seen], bins=integrator.radial_edges, weights=frame[seen].astype(np.float64))
    pattern = integrator.integrate(frame)
    assert np.array_equal(pattern.norm, pixels)
    assert pixels.sum() == seen.sum()
    filled = pixels > 0
    assert np.array_equal(pattern.intensity[filled], (counts[filled] / pixels[filled]).astype(np.float32))
    assert counts.sum() == frame[seen].sum()


@pytest.mark.parametrize("split", SPLITS)
def test_a_frame_of_ones_counts_the_valid_pixels(calibration: Calibration, split: Split) -> None:
    """Without corrections every bin is 1 and the norm adds up to the number of pixels that are not left out."""
    integrator = Integrator(calibration, bare(split=split), SHAPE)
    frame = np.where(poisson_frame(1, seed=3) < 0, -1, 1).astype(np.int32)
    pattern = integrator.integrate(frame)
    valid = (~Oracle(calibration, integrator).mask(frame)).sum()
    assert float(pattern.norm.sum(dtype=np.float64)) == pytest.approx(valid, rel=1e-6)
    filled = np.isfinite(pattern.intensity)
    np.testing.assert_allclose(pattern.intensity[filled], 1.0, rtol=1e-6)


@pytest.mark.parametrize("split", SPLITS)
def test_bins_without_pixels_are_nan(calibration: Calibration, split: Split) -> None:
    """With more bins than rings of pixels, what nobody measured is NaN; a bin of a bright frame is never 0."""
    recipe = Recipe(bins=20_000, split=split)
    integrator = Integrator(calibration, recipe, SHAPE)
    pattern = integrator.integrate(np.full(SHAPE, 9, dtype=np.int32))
    empty = pattern.norm == 0
    assert empty.any()
    assert np.array_equal(np.isnan(pattern.intensity), empty)
    assert np.array_equal(np.isnan(pattern.sigma), empty)
    assert (pattern.intensity[~empty] > 8).all()
    assert not np.isinf(pattern.sigma).any()


@pytest.mark.parametrize("split", SPLITS)
def test_a_frame_that_is_all_bad_is_all_nan(calibration: Calibration, split: Split) -> None:
    """When every pixel is marked there is no number at all, and the next frame is not harmed by it."""
    integrator = Integrator(calibration, bare(split=split), SHAPE)
    good = poisson_frame(3, seed=4)
    before = integrator.integrate(good)
    nothing = integrator.integrate(np.full(SHAPE, -1, dtype=np.int32))
    assert np.isnan(nothing.intensity).all()
    assert np.isnan(nothing.sigma).all()
    assert (np.abs(nothing.norm) < 1e-6).all()
    assert same(integrator.integrate(good), before)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("mean", [0.02, 20])
def test_sigma_is_the_root_of_the_shares_squared(calibration: Calibration, split: Split, mean: float) -> None:
    """Sigma is √Σc²I / norm over pyFAI's own matrix; a bin with pixels but no counts has that of one count."""
    integrator = Integrator(calibration, Recipe(bins=BINS, split=split), SHAPE)
    oracle = Oracle(calibration, integrator)
    frame = poisson_frame(mean, seed=5)
    rows, pixels, shares = oracle.matrix(frame)
    counts, response = frame.ravel().astype(np.float64), oracle.response()
    signal = np.bincount(rows, shares * counts[pixels], BINS)
    variance = np.bincount(rows, shares**2 * counts[pixels], BINS)
    norm = np.bincount(rows, shares * response[pixels], BINS)
    filled = norm > 0
    dark = filled & (variance == 0)
    assert dark.any() == (mean < 1)
    pattern = integrator.integrate(frame)
    expected = np.sqrt(np.where(dark, 1.0, variance)[filled]) / norm[filled]
    np.testing.assert_allclose(pattern.sigma[filled], expected, rtol=2e-5)
    np.testing.assert_allclose(pattern.intensity[filled], signal[filled] / norm[filled], rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("split", [Split.NONE, Split.FULL])
@pytest.mark.parametrize("mean", [0.5, 20])
def test_sigma_is_the_scatter_of_repeats(tmp_path: Path, split: Split, mean: float) -> None:
    """Over 300 repeats of a measurement patterns scatter as their sigma says, within 3 % (statistics allow 1 %)."""
    poni = tmp_path / "tiny.poni"
    poni.write_text(TINY.poni_text(ENERGY_KEV))
    text, energy = read_poni(poni)
    integrator = Integrator(Calibration(poni, text, energy, None, None), Recipe(bins=40, split=split), TINY.shape)
    rng = np.random.default_rng(6)
    patterns = [integrator.integrate(rng.poisson(mean, TINY.shape).astype(np.int32)) for _ in range(300)]
    wide = patterns[0].norm > 30
    assert wide.sum() > 20
    scatter = np.var([pattern.intensity[wide] for pattern in patterns], axis=0, ddof=1, dtype=np.float64)
    told = np.mean([pattern.sigma[wide].astype(np.float64) ** 2 for pattern in patterns], axis=0)
    assert float(np.sqrt(np.mean(scatter / told))) == pytest.approx(1.0, abs=0.03)


def test_a_mark_takes_its_pixel_out_of_the_denominator_too(calibration: Calibration) -> None:
    """A flat frame stays flat when pixels are marked in it, and the norm falls by exactly these pixels."""
    integrator = Integrator(calibration, bare(split=Split.NONE), SHAPE)
    flat = np.full(SHAPE, 7, dtype=np.int32)
    marked = flat.copy()
    marked[40:60, 20:50] = -2
    hole = np.zeros(SHAPE, dtype=bool)
    hole[40:60, 20:50] = True
    assert calibration.masked is not None
    whole, holed = integrator.integrate(flat), integrator.integrate(marked)
    assert float(whole.norm.sum() - holed.norm.sum()) == (hole & ~calibration.masked).sum()
    filled = holed.norm > 0
    assert (holed.intensity[filled] == 7).all()


@pytest.mark.parametrize("kind", [np.uint32, np.uint16])
def test_unsigned_detectors_mark_with_their_largest_number(calibration: Calibration, kind: Any) -> None:
    """2³²-1 of an Eiger and 2¹⁶-1 of an Orca are left out like a negative pixel of a Pilatus."""
    signed = poisson_frame(30, seed=7)
    unsigned = np.where(signed < 0, np.iinfo(kind).max, signed).astype(kind)
    integrator = Integrator(calibration, Recipe(bins=BINS), SHAPE)
    assert same(integrator.integrate(unsigned), integrator.integrate(signed))


def test_signed_maxima_and_floats_are_judged_as_what_they_are(calibration: Calibration) -> None:
    """65535 counts in a signed frame are counts; NaN and negative numbers in a frame of floats are marks."""
    integrator = Integrator(calibration, bare(split=Split.NONE), SHAPE)
    bright = integrator.integrate(np.full(SHAPE, 65535, dtype=np.int32))
    assert np.nanmin(bright.intensity) == 65535
    signed = poisson_frame(30, seed=8)
    floating = np.where(signed == -1, np.nan, signed).astype(np.float32)
    assert same(integrator.integrate(floating), integrator.integrate(signed))


@pytest.mark.parametrize("split", SPLITS)
def test_q_and_two_theta_are_one_axis(calibration: Calibration, split: Split) -> None:
    """Edges agree by q = 4π sin θ / λ, and a thin ring of light is at the same place in both."""
    angle = Integrator(calibration, bare(split=split, unit=Unit.TWO_THETA), SHAPE)
    vector = Integrator(calibration, bare(split=split, unit=Unit.Q), SHAPE)
    wavelength = 12.398419843320026 / calibration.energy_kev

    def q(two_theta_deg: Any) -> Any:
        return 4 * np.pi * np.sin(np.radians(two_theta_deg) / 2) / wavelength

    ends = [0, -1]
    np.testing.assert_allclose(q(angle.radial_edges[ends]), vector.radial_edges[ends], rtol=1e-6)
    two_theta = Oracle(calibration, angle).ai.center_array(SHAPE, unit="2th_deg", scale=True)
    for ring in (6.0, 12.0, 18.0):
        frame = np.where(np.abs(two_theta - ring) < 0.3, 1000, 0).astype(np.int32)
        at = [float(np.nansum(i.radial * p) / np.nansum(p)) for i in (angle, vector) for p in [_summed(i, frame)]]
        assert at[0] == pytest.approx(ring, abs=0.05)
        assert q(at[0]) == pytest.approx(at[1], rel=3e-3)


def _summed(integrator: Integrator, frame: NDArray[Any]) -> NDArray[np.float64]:
    pattern = integrator.integrate(frame)
    return np.asarray(np.nan_to_num(pattern.intensity) * pattern.norm, dtype=np.float64)


def test_a_frame_does_not_depend_on_those_before_it(calibration: Calibration) -> None:
    """Frames in another order, with other marks, give the same bits."""
    frames = [poisson_frame(mean, seed=seed) for seed, mean in enumerate((0.1, 5, 300))]
    forward = Integrator(calibration, Recipe(bins=BINS), SHAPE)
    there = [forward.integrate(frame) for frame in frames]
    back = [forward.integrate(frame) for frame in reversed(frames)][::-1]
    fresh = [Integrator(calibration, Recipe(bins=BINS), SHAPE).integrate(frame) for frame in frames]
    assert all(same(one, other) for one, other in zip(there, back, strict=True))
    assert all(same(one, other) for one, other in zip(there, fresh, strict=True))


def test_the_axis_does_not_depend_on_the_mask(calibration: Calibration) -> None:
    """Two masks of one geometry give patterns that can be subtracted bin by bin."""
    half = np.zeros(SHAPE, dtype=bool)
    half[:90] = True
    other = Calibration(calibration.poni, calibration.poni_text, calibration.energy_kev, None, half)
    axes = [Integrator(each, Recipe(bins=BINS), SHAPE).radial_edges for each in (calibration, other)]
    assert np.array_equal(axes[0], axes[1])
    assert len(axes[0]) == BINS + 1
