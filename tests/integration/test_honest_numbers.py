"""Numbers that look right and are not: each is refused, told, or made right."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from danmax_sync import Catalogue, Recipe, integrate
from danmax_sync.errors import RefusalError, SourceError, UsageError
from danmax_sync.integration.blocks import SLACK
from danmax_sync.integration.calibration import Calibration
from danmax_sync.integration.engine import Integrator, unpacked
from danmax_sync.integration.export import TextFormat, export_patterns
from danmax_sync.integration.images import as_mask, read_correction
from danmax_sync.integration.patterns import Patterns, read_patterns
from danmax_sync.integration.recipe import ErrorModel, Split
from danmax_sync.integration.recipefile import recipe_like
from danmax_sync.quantities import wavelength_angstrom
from tests.integration.scenes import SHAPE, Home, stored_frames


def intensity_of(home: Home, number: int) -> Any:
    """Return the patterns of a scan."""
    with h5py.File(home.output(number)) as file:
        return file["entry/data/I"][()]


def test_threads_decode_at_once(tmp_path: Path) -> None:
    """For clipping, chunks are decoded in memory by several threads: none sees the file of another."""
    frames = np.random.default_rng(0).poisson(3, (8, *SHAPE)).astype(np.int32)
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        packing = dict(hdf5plugin.Bitshuffle(cname="lz4"))
        data = file.create_dataset("data", data=frames, chunks=(1, *SHAPE), **packing)
        chunks = [data.id.read_direct_chunk((n, 0, 0))[1] + bytes(SLACK) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: unpacked(chunks[n % 8], frames[0].size, False), range(64)))
    for place, each in enumerate(found):
        assert np.array_equal(each, frames[place % 8].ravel())


def test_marks_of_unsigned_darks_and_flats_are_left_out(tmp_path: Path) -> None:
    """Four thousand million dark counts are a mark, as in the frames of the same detector."""
    image = np.ones((4, 4), dtype=np.uint32)
    image[1, 2] = 2**32 - 1
    np.save(tmp_path / "image.npy", image)
    for what in ("dark", "flat"):
        found = read_correction(tmp_path / "image.npy", (4, 4), what)
        assert np.argwhere(np.isnan(found)).tolist() == [[1, 2]]


def test_nan_in_a_mask_is_left_out() -> None:
    """Beside ones or alone."""
    image = np.zeros((2, 3))
    image[0, 0], image[1, 1] = np.nan, 1
    masked = as_mask(image)
    assert masked is not None
    assert masked.tolist() == [[True, False, False], [False, True, False]]


def test_an_azimuth_of_nothing_is_no_azimuth() -> None:
    """From 10 to 10 is not all around; from 0 to 360 is."""
    with pytest.raises(UsageError, match="no azimuth"):
        Recipe(azimuth=(10, 10))
    Recipe(azimuth=(0, 360))


def test_patterns_without_any_number_are_told(home: Home) -> None:
    """A mask that leaves but the gaps of the detector: the file is NaN, and that is said; so is what it leaves out."""
    frames = stored_frames(home.frames(42))
    np.save(home.folder / "inverted.npy", (frames >= 0).any(axis=0))
    home.index()
    ran = home.integrate("42", "--mask", str(home.folder / "inverted.npy"))
    assert np.isnan(intensity_of(home, 42)).all()
    assert "none of its patterns holds a number" in ran.err + ran.out
    assert "the mask leaves out 9" in ran.err + ran.out


def test_an_axis_without_pixels_is_refused_as_such(home: Home) -> None:
    """Not for its fine bins, and without a word from the libraries below."""
    home.index()
    ran = home.integrate("42", "--range", "150..160", exit_code=7)
    assert "no pixel" in ran.err
    assert "Sparse" not in ran.err


@pytest.mark.parametrize("orientation", ["[3]", "{}", "7", "null"])
def test_an_orientation_of_any_kind_is_judged(home: Home, orientation: str) -> None:
    """What is no number from 1 to 4 is refused; allowed, it is taken for the usual 3."""
    path = home.process / "LaB6_35keV.poni"
    home.index()
    home.integrate("42")
    usual = intensity_of(home, 42)
    path.write_text(path.read_text().replace('"orientation": 3', f'"orientation": {orientation}'))
    assert "orientation" in home.integrate("42", "--overwrite", exit_code=7).err
    home.integrate("42", "--overwrite", "--allow", "orientation")
    assert np.array_equal(intensity_of(home, 42), usual, equal_nan=True)


def test_patterns_like_ours_have_dark_and_flat_too(home: Home) -> None:
    """Made like a file with a dark image they are that file's; without that image there are none."""
    np.save(home.process / "dark.npy", np.full(SHAPE, 2.0))
    home.index()
    words = ["--mask", str(home.process / "mask.npy"), "--dark", str(home.process / "dark.npy")]
    home.integrate("42", *words)
    like = home.folder / "like.h5"
    like.write_bytes(home.output(42).read_bytes())
    (home.folder / "dark.npy").write_bytes((home.process / "dark.npy").read_bytes())
    (home.folder / "mask.npy").write_bytes((home.process / "mask.npy").read_bytes())
    before = intensity_of(home, 42)
    home.run_line(["integrate", "42", "--like", str(like), "--overwrite"])
    assert np.array_equal(intensity_of(home, 42), before, equal_nan=True)
    (home.folder / "dark.npy").unlink()
    with pytest.raises(SourceError, match=r"dark dark\.npy"):
        recipe_like(like, home.folder / "calibration")


def test_the_monitor_is_asked_about_chosen_frames_only(home: Home) -> None:
    """What the refusal proposes helps; averages and single frames alike."""
    with h5py.File(home.master(42), "r+") as file:
        file["entry/instrument/albaem-xrd_ch2/data"][...] = [1.0, 1.0, 1.0, np.nan]
    home.index()
    assert "--frames" in home.integrate("42", "--monitor", "albaem-xrd_ch2", exit_code=7).err
    home.integrate("42", "--monitor", "albaem-xrd_ch2", "--frames", "0:3")
    ran = home.integrate("42", "--monitor", "albaem-xrd_ch2", "--allow", "monitor", "--overwrite")
    assert "pattern 3 of 4 without any number: the monitor" in ran.err + ran.out


def test_frames_beyond_the_points_are_of_no_point(home: Home) -> None:
    """Twice as many frames, allowed: they are no burst, and nobody recorded a temperature for the second half."""
    frames = stored_frames(home.frames(42))
    with h5py.File(home.frames(42), "r+", locking=False) as file:
        group = file["entry/instrument/pilatus"]
        del group["data"]
        group["data"] = np.concatenate([frames, frames])
    home.index()
    ran = home.integrate("42", "--allow", "frames")
    assert "8 frames for 4 points" in ran.err + ran.out
    with h5py.File(home.output(42)) as file:
        assert np.isnan(file["entry/monitor/data"][()]).tolist() == [False] * 4 + [True] * 4


def test_the_iterator_refuses_what_the_command_does(home: Home) -> None:
    """Bins finer than a third of a pixel; and it takes dark images."""
    np.save(home.folder / "dark.npy", np.ones(SHAPE))
    home.index()
    with Catalogue.open() as catalogue:
        scan = catalogue.search("42")[0]
        with pytest.raises(RefusalError, match="third of a pixel"):
            next(iter(integrate(scan, Recipe(bins=5000))))
        plain = next(iter(integrate(scan, Recipe(bins=300))))
        recipe = Recipe(bins=300, solid_angle=False, polarization=None)
        dark = next(iter(integrate(scan, recipe, dark=home.folder / "dark.npy")))
        without = next(iter(integrate(scan, recipe)))
    assert len(plain.radial) == 300
    assert np.nanmax(np.abs(without.intensity - dark.intensity - 1)) < 1e-3


@pytest.mark.parametrize("recipe", [Recipe(bins=300, sectors=2, cake=4), Recipe(bins=300, average=2)])
def test_the_iterator_goes_on_past_a_bad_frame_when_told_to(home: Home, recipe: Recipe) -> None:
    """Those before and after are the same to the last bit; the bad one is NaN, of the usual shapes, and named."""
    home.index()
    with Catalogue.open() as catalogue:
        scan = catalogue.search("42")[0]
        whole = list(integrate(scan, recipe))
        with h5py.File(home.frames(42), "r+", locking=False) as file:
            file["entry/instrument/pilatus/data"].id.write_direct_chunk((2, 0, 0), b"no chunk at all")
        with pytest.raises(SourceError, match=r"frame 2 of .*scan-0042_pilatus\.h5") as raised:
            list(integrate(scan, recipe))
        assert "keep_bad=True" in raised.value.hint
        kept = list(integrate(scan, recipe, keep_bad=True))
    assert [each.frame for each in kept] == [each.frame for each in whole]
    (bad,) = [each for each in kept if each.problem]
    assert bad.frame == 2
    assert "frame 2 of" in bad.problem
    for one, was in zip(kept, whole, strict=True):
        pairs = [(one.intensity, was.intensity), (one.sigma, was.sigma)]
        for layer, before in ((one.cake, was.cake), (one.sectors, was.sectors)):
            assert (layer is None) == (before is None)
            if layer is not None and before is not None:
                assert (layer.sigma is None) == (before.sigma is None)
                pairs.append((layer.intensity, before.intensity))
        for now, then in pairs:
            assert (now.shape, now.dtype) == (then.shape, then.dtype)
            assert np.isnan(now).all() if one is bad else now.tobytes() == then.tobytes()


def made_up(intensity: Any, sigma: Any, *, unit: str = "2th", geometry_kev: float | None = None) -> Patterns:
    """Return patterns that no file holds."""
    axis = np.linspace(1.0, 2.0, intensity.shape[1])
    return Patterns(
        Path("scan-0001_pilatus_integrated.h5"), axis, unit, intensity, sigma, None, 35.0, "S", "", "",
        geometry_kev=geometry_kev,
    )  # fmt: skip


def test_small_numbers_are_numbers_in_fxye(tmp_path: Path) -> None:
    """Divided by a monitor of a million counts, errors are not rounded to nothing."""
    intensity = np.full((1, 20), 2.5e-6, dtype=np.float32)
    export_patterns([("scan 1", made_up(intensity, intensity / 10))], tmp_path, TextFormat.FXYE)
    table = np.loadtxt(next(tmp_path.rglob("*.fxye")), skiprows=2)
    np.testing.assert_allclose(table[:, 1:], np.tile([2.5e-6, 2.5e-7], (20, 1)), rtol=1e-6)


def test_the_error_of_an_average_is_that_of_its_counts(tmp_path: Path) -> None:
    """A frame without counts has the error of one, but a hundred such frames do not have a hundred."""
    counts = np.random.default_rng(0).poisson(0.05, (400, 200)).astype(np.float32)
    counts[:, 0] = 0
    sigma = np.sqrt(np.maximum(counts, 1)).astype(np.float32)
    export_patterns([("scan 1", made_up(counts, sigma))], tmp_path, TextFormat.XYE, average=True)
    table = np.loadtxt(next(tmp_path.rglob("*.xye")))
    np.testing.assert_allclose(table[1:, 2], np.sqrt(counts.sum(axis=0))[1:] / 400, rtol=1e-5)
    assert table[0, 2] == pytest.approx(1 / 400)


def test_q_goes_back_to_the_angles_it_was_made_of(home: Home, tmp_path: Path) -> None:
    """By the geometry's energy, which may be a permille off the scan's: peaks stay where they were."""
    found = made_up(np.ones((1, 5), dtype=np.float32), None, unit="q", geometry_kev=35.03)
    export_patterns([("scan 1", found)], tmp_path, TextFormat.XY, unit="2th")
    table = np.loadtxt(next(tmp_path.rglob("*.xy")))
    angle = np.degrees(2 * np.arcsin(found.radial * wavelength_angstrom(35.03) / (4 * np.pi)))
    np.testing.assert_allclose(table[:, 0], angle, atol=1e-6)
    home.index()
    home.integrate("42", "--unit", "q")
    assert read_patterns(home.output(42)).geometry_kev == pytest.approx(34.9988, rel=1e-5)


@pytest.mark.parametrize("mean", [0.02, 0.5, 20.0])
def test_clipping_leaves_counts_alone(calibration: Calibration, mean: float) -> None:
    """Of frames without outliers nothing is lost, also where nearly all pixels are 0; a hot pixel is left out."""
    rng = np.random.default_rng(1)
    recipe = Recipe(bins=50, split=Split.NONE, clip=5)
    clipped = Integrator(calibration, recipe, SHAPE)
    plain = Integrator(calibration, replace(recipe, clip=None), SHAPE)
    frame = rng.poisson(mean, SHAPE).astype(np.int32)
    without = plain.integrate(frame)
    found = np.nansum(clipped.integrate(frame).intensity) / np.nansum(without.intensity)
    assert found == pytest.approx(1, abs=2e-3)
    place = tuple(np.argwhere((frame >= 0) & ~np.asarray(calibration.masked))[5000])
    frame[place] = 100_000
    assert np.nansum(clipped.integrate(frame).intensity) / np.nansum(without.intensity) == pytest.approx(1, abs=2e-2)


def test_pixels_that_do_not_scatter_have_an_error(calibration: Calibration) -> None:
    """Azimuthal errors of bins without counts, or of one pixel, are those of counting: 0 would outweigh all others."""
    recipe = Recipe(bins=300, errors=ErrorModel.AZIMUTHAL)
    pattern = Integrator(calibration, recipe, SHAPE).integrate(np.zeros(SHAPE, dtype=np.int32))
    counted = Integrator(calibration, replace(recipe, errors=ErrorModel.POISSON), SHAPE)
    np.testing.assert_allclose(pattern.sigma, counted.integrate(np.zeros(SHAPE, dtype=np.int32)).sigma, rtol=1e-6)
