"""Settings from options, from TOML, and from files of patterns that exist; and what is refused unless allowed."""

import json
from pathlib import Path
from typing import Any

import fabio
import h5py
import numpy as np
import pytest
from fabio.edfimage import EdfImage
from fabio.tifimage import TifImage

from danmax_sync.errors import CatalogueError, UsageError
from danmax_sync.indexing import arrived
from danmax_sync.integration.chosen import choices_of
from danmax_sync.integration.recipe import ErrorModel, Recipe, Split, Unit, frame_slice
from danmax_sync.integration.recipefile import read_recipe, recipe_like
from danmax_sync.settings import settings_file
from tests.conftest import RunLine
from tests.integration.nxdl import problems
from tests.integration.scenes import ENERGY_KEV, SHAPE, Home, stored_frames, without
from tests.needs import require_real_data


def data_of(home: Home, number: int, name: str = "entry/data/I") -> Any:
    """Return an array of a file of patterns."""
    with h5py.File(home.output(number)) as file:
        return file[name][()]


def test_sectors_and_cake_are_nxazint2d_by_the_official_definition(home: Home) -> None:
    """Each is a subentry that holds all that its definition asks for; the entry's data lead to the patterns."""
    folder = require_real_data()
    home.index()
    home.integrate("42", "--sectors", "4", "--cake", "36", "--unit", "q")
    with h5py.File(home.output(42)) as file:
        for name, definition in (
            ("azint1d", "NXazint1d"), ("azint2d", "NXazint2d"), ("azint2d_sectors", "NXazint2d"),
        ):  # fmt: skip
            alone = h5py.File(f"{name}.h5", "w", driver="core", backing_store=False)
            file.copy(f"entry/{name}", alone, "entry", expand_refs=True)
            alone["entry"].attrs["NX_class"] = "NXentry"
            assert problems(folder / f"{definition}.nxdl.xml", alone) == []
            assert alone["entry/definition"][()].decode() == definition
            alone.close()
        assert file["entry/data/I"].shape == (4, 300)
        assert file["entry/azint2d/data/I"].shape == (4, 36, 300)
        assert file["entry/azint2d_sectors/data/I_errors"].shape == (4, 4, 300)
        assert file["entry/azint2d/data/azimuthal_axis"][0] == 5
        assert file.attrs["default"] == "entry"
        assert file["entry"].attrs["default"] == "data"


def test_a_recipe_in_toml_is_what_options_are(home: Home) -> None:
    """The same settings give the same bits; options beside a recipe win."""
    home.index()
    recipe = home.folder / "recipe.toml"
    recipe.write_text(
        'bins = 150\nunit = "q"\npolarization = 0.97\nrange = [0.5, 6]\n'
        '[calibration]\nponi = "process/LaB6_35keV.poni"\n'
    )
    home.run_line(["integrate", "42", "--recipe", str(recipe)])
    from_recipe = data_of(home, 42)
    words = "integrate 42 --bins 150 --unit q --polarization 0.97 --range 0.5..6 --overwrite"
    assert home.run_line([*words.split(), "--json"]).summary["skipped_frames"] == 4
    home.run_line(["integrate", "43", "--recipe", str(recipe), "--bins", "100"])
    assert from_recipe.shape == (4, 150)
    assert data_of(home, 43).shape == (4, 100)


@pytest.mark.parametrize("place", ["recipe.toml", "process/our_recipe_2.toml"])
def test_a_recipe_that_lies_in_the_visit_is_named_and_not_used(home: Home, place: str, tmp_path: Path) -> None:
    """Once a run, and only where no other was named; a file of another name is nobody's business."""
    (home.folder / place).write_text("bins = 150\n")
    (home.folder / "other.toml").write_text("bins = 160\n")
    home.index()
    ran = home.integrate("42-43")
    (said,) = [line for line in ran.err.splitlines() if line.startswith("warning:")]
    assert str(home.folder / place) in said
    assert "not used" in said
    assert "--recipe FILE" in ran.err
    assert data_of(home, 42).shape == (4, 300)
    mine = tmp_path / "mine.toml"
    mine.write_text("bins = 120\n")
    assert "not used" not in home.run_line(["integrate", "42", "--recipe", str(mine), "--overwrite"]).err
    assert "not used" not in home.run_line(["integrate", "42", "--like", str(home.output(42))]).err
    settings_file().write_text(f"[integrate]\nrecipe = {json.dumps(str(mine))}\n", encoding="utf-8")
    assert "not used" not in home.run_line(["integrate", "42"]).err


def test_help_says_where_a_recipe_comes_from(run_line: RunLine) -> None:
    """Who never heard of recipes learns of both ways there."""
    told = " ".join(run_line("integrate --help").out.split())
    assert "below [integrate]" in told
    assert "integrate 42 --recipe ours.toml" in told


@pytest.mark.parametrize(
    "text",
    ["bins = 3", "colour = 1", 'bins = "many"', "range = [1]", "= 3", "[calibration]\nlens = 1", "solid_angle = 1"],
)
def test_a_recipe_that_is_not_understood_is_a_wrong_word(home: Home, text: str) -> None:
    """Exit 2, and what is wrong with it."""
    home.index()
    path = home.folder / "recipe.toml"
    path.write_text(text)
    ran = home.run_line(["integrate", "42", "--recipe", str(path)], exit_code=2)
    assert "error" in ran.err


def test_a_recipe_is_read_back_from_our_own_file(home: Home) -> None:
    """Patterns made like a file are those of that file, to the bit."""
    home.index()
    home.integrate("42", "--unit", "q", "--sectors", "3", "--polarization", "0.9")
    like = str(home.output(42))
    home.run_line(["integrate", "43", "--like", like])
    home.integrate("42", "--unit", "q", "--sectors", "3", "--polarization", "0.9", "--overwrite")
    with h5py.File(home.output(42)) as one, h5py.File(home.output(43)) as other:
        for name in ("recipe", "poni", "mask_sha256"):
            assert one[f"entry/reduction/input/{name}"][()] == other[f"entry/reduction/input/{name}"][()]


def test_the_beamlines_recorded_file_tells_its_recipe(tmp_path: Path) -> None:
    """Bins, axis, polarization and geometry of a real file; its mask is not here, which is said."""
    path = require_real_data() / "danmax_scan-0100_nxazint1d.h5"
    found = recipe_like(path, tmp_path / "calibration")
    assert (found.recipe.bins, found.recipe.unit, found.recipe.polarization) == (2000, Unit.TWO_THETA, 0.965)
    assert found.recipe.split is Split.FULL
    assert found.poni is not None
    assert "PilatusCdTe2M" in found.poni.read_text()
    assert any("pxrd_cryo_hot_px_mask.npy" in said for said in found.said)


@pytest.mark.parametrize("generation", ["A", "B"])
def test_older_generations_tell_their_recipe(tmp_path: Path, generation: str) -> None:
    """Arrays at the root, or groups data1d: axis, bins and polarization are found."""
    q = np.linspace(0.5, 9.5, 10)
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        if generation == "A":
            file["I"], file["q"], file["polarization_factor"] = np.ones((2, 10)), q, 0.99
        else:
            file["entry/data1d/I"], file["entry/data1d/q"] = np.ones((2, 10)), q
            file["entry/data1d/q_edges"] = np.linspace(0, 10, 11)
            file["entry/azint/input/polarization_factor"] = 0.99
            file["entry/azint/input/n_splitting"] = 1
    recipe = recipe_like(path, tmp_path).recipe
    assert (recipe.bins, recipe.unit, recipe.range, recipe.polarization) == (10, Unit.Q, (0.0, 10.0), 0.99)
    assert recipe.split is (Split.NONE if generation == "B" else Split.FULL)


def test_masks_of_every_kind_are_combined(home: Home) -> None:
    """npy, edf, tif and HDF5, booleans and integers: a pixel that one of them leaves out is left out."""
    home.index()
    parts = [np.zeros(SHAPE, dtype=np.uint8) for _ in range(4)]
    for place, part in enumerate(parts):
        part[20 * place : 20 * place + 20] = 1
    names = ["a.npy", "b.edf", "c.tif", "d.h5"]
    paths = [home.folder / name for name in names]
    np.save(paths[0], parts[0].astype(bool))
    EdfImage(data=parts[1]).write(str(paths[1]))
    TifImage(data=parts[2]).write(str(paths[2]))
    with h5py.File(paths[3], "w") as file:
        file["mask"] = parts[3]
    assert fabio.open(str(paths[1])).data.shape == SHAPE
    words = [word for path in paths for word in ("--mask", str(path) + ("::/mask" if path.suffix == ".h5" else ""))]
    home.integrate("42", *words)
    combined = home.folder / "all.npy"
    np.save(combined, np.logical_or.reduce(parts))
    home.integrate("43", "--mask", str(combined))
    for name in ("mask_sha256",):
        assert data_of(home, 42, f"entry/reduction/input/{name}") == data_of(home, 43, f"entry/reduction/input/{name}")


def test_dark_and_flat_are_applied_and_nan_in_them_left_out(home: Home) -> None:
    """A frame of flat·k + dark is flat again; a NaN in the dark takes that pixel out, all NaN are refused."""
    home.index()
    rng = np.random.default_rng(0)
    flat, dark = rng.uniform(0.5, 2.0, SHAPE), rng.integers(1, 9, SHAPE).astype(np.float64)
    frames = np.broadcast_to(np.round(1000 * flat + dark), (4, *SHAPE)).astype(np.int32)
    with h5py.File(home.frames(42), "r+") as file:
        group = file["entry/instrument/pilatus"]
        del group["data"]
        group["data"] = frames
    dark[5, 5] = np.nan
    np.save(home.folder / "dark.npy", dark)
    np.save(home.folder / "flat.npy", flat)
    home.index()
    words = ["--dark", str(home.folder / "dark.npy"), "--flat", str(home.folder / "flat.npy")]
    home.integrate("42", *words, "--no-polarization", "--no-solid-angle")
    pattern = data_of(home, 42)
    assert np.nanmax(np.abs(pattern / 1000 - 1)) < 2e-3
    np.save(home.folder / "dark.npy", np.full(SHAPE, np.nan))
    ran = home.integrate("43", *words, exit_code=7)
    assert "no number that can be used" in ran.err


def test_the_monitor_divides_and_is_checked(home: Home) -> None:
    """Each frame by its own value; a channel that is missing or 0 somewhere is refused, or NaN where allowed."""
    with h5py.File(home.master(42), "r+") as file:
        channel = file["entry/instrument/albaem-xrd_ch2/data"]
        channel[...] = [1.0, 2.0, 4.0, 0.0]
    home.index()
    home.integrate("42")
    plain = data_of(home, 42)
    words = ["42", "--monitor", "albaem-xrd_ch2", "--overwrite"]
    ran = home.integrate(*words, exit_code=7)
    assert "not positive at 1 of 4" in ran.err
    home.integrate(*words, "--allow", "monitor")
    divided = data_of(home, 42)
    for index, by in enumerate((1.0, 2.0, 4.0)):
        np.testing.assert_allclose(divided[index], plain[index] / by, rtol=1e-6)
    assert np.isnan(divided[3]).all()
    assert data_of(home, 42, "entry/monitor_applied")
    ran = home.integrate("43", "--monitor", "no_such", exit_code=7)
    assert "no_such" in ran.err


def test_chosen_frames_and_averages(home: Home) -> None:
    """Two of four frames, or averages of two; what was measured along is chosen and averaged too."""
    home.index()
    home.integrate("42")
    whole = data_of(home, 42)
    home.integrate("42", "--frames", "1::2", "--overwrite")
    assert data_of(home, 42).tobytes() == whole[1::2].tobytes()
    assert len(data_of(home, 42, "entry/sample/temperature")) == 2
    home.integrate("42", "--average", "2", "--overwrite")
    np.testing.assert_allclose(data_of(home, 42), (whole[::2] + whole[1::2]) / 2, rtol=1e-5)
    home.integrate("42", "--frames", "90:", exit_code=2)


def test_what_a_recipe_names_wins_over_a_file_also_where_it_is_usual(home: Home) -> None:
    """Without a cake, over 2θ, with corrections: named in TOML, this replaces what the patterns were made with."""
    home.index()
    words = ["--unit", "q", "--cake", "24", "--no-polarization", "--no-solid-angle", "--split", "none"]
    home.integrate("42", *words)
    like = home.output(42)
    assert choices_of({}, like=like).recipe.cake == 24
    recipe = home.folder / "usual.toml"
    recipe.write_text('unit = "2th"\ncake = 0\npolarization = 0.999\nsolid_angle = true\nsplit = "full"\naverage = 1\n')
    assert choices_of({}, like=like, recipe=recipe).recipe == Recipe(bins=300)
    recipe.write_text("cake = 0\npolarization = 0.9\n")
    merged = choices_of({"polarization": 0.999, "split": "full"}, like=like, recipe=recipe).recipe
    assert merged == Recipe(bins=300, unit=Unit.Q, solid_angle=False)
    edges = home.folder / "edges.toml"
    edges.write_text("edges = [2.0, 4.0, 5.0, 9.0]\n")
    assert choices_of({}, recipe=edges, like=like).recipe.edges == (2.0, 4.0, 5.0, 9.0)


@pytest.mark.parametrize(
    ("words", "refusal", "allowed"),
    [
        (["--poni", "process/LaB6_20keV.poni"], "keV", "energy"),
        (["--bins", "5000"], "third of a pixel", "bins"),
        (["--mask", "turned.npy"], "mask", "mask"),
        (["--poni", "nine.poni"], "orientation", "orientation"),
    ],
)
def test_each_refusal_is_lifted_by_its_own_name(home: Home, words: list[str], refusal: str, allowed: str) -> None:
    """7 with a reason; another name does not help, its own does, and the file says so."""
    np.save(home.folder / "turned.npy", np.zeros(SHAPE[::-1], dtype=np.uint8))
    text = (home.process / "LaB6_35keV.poni").read_text()
    (home.folder / "nine.poni").write_text(text.replace('"orientation": 3', '"orientation": 0'))
    home.index()
    line = [
        "integrate",
        "42",
        *(str(home.folder / word) if word.endswith((".poni", ".npy")) else word for word in words),
    ]
    other = "bins" if allowed != "bins" else "energy"
    ran = home.run_line([*line, "--allow", other], exit_code=7)
    assert refusal in ran.err
    home.run_line([*line, "--allow", allowed])
    assert data_of(home, 42, "entry/reduction/input/allowed").decode() == allowed


def test_frames_unlike_points_are_allowed_by_name(home: Home) -> None:
    """Five frames for four points: the fifth has no temperature."""
    frames = stored_frames(home.frames(42))
    with h5py.File(home.frames(42), "r+") as file:
        group = file["entry/instrument/pilatus"]
        del group["data"]
        group["data"] = np.concatenate([frames, frames[:1]])
    without(home.master(42), "entry/none")
    home.index()
    home.integrate("42", exit_code=7)
    home.integrate("42", "--allow", "frames")
    assert data_of(home, 42).shape == (5, 300)


@pytest.mark.parametrize(
    "settings",
    [
        {"clip": 3.0}, {"average": 0}, {"average": 2, "errors": ErrorModel.AZIMUTHAL}, {"sectors": 7, "cake": 360},
        {"range": (5.0, 2.0)}, {"edges": (1.0, 3.0, 2.0)}, {"frames": "a:b"}, {"frames": "::0"}, {"ceiling": 0},
        {"polarization": 2.0}, {"sectors": 1}, {"azimuth": (0.0, 400.0)}, {"threshold": -1},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_said(settings: dict[str, Any]) -> None:
    """Each ends as a wrong word before anything is read."""
    with pytest.raises(UsageError):
        Recipe(**settings)


def test_frames_are_chosen_as_python_slices() -> None:
    """One, a range, every so many, the last."""
    everything = list(range(10))
    for text, expected in (
        ("", everything),
        ("3", [3]),
        ("-1", [9]),
        ("2:4", [2, 3]),
        ("::4", [0, 4, 8]),
        ("-2:", [8, 9]),
    ):
        assert everything[frame_slice(text)] == expected


def test_bins_of_given_edges(home: Home) -> None:
    """Uneven bins hold what the even ones between the same edges hold together."""
    home.index()
    recipe = home.folder / "r.toml"
    recipe.write_text('edges = [2.0, 4.0, 5.0, 9.0]\nsplit = "none"\n')
    home.run_line(["integrate", "42", "--recipe", str(recipe)])
    uneven, norm = data_of(home, 42), data_of(home, 42, "entry/data/norm")
    home.run_line("integrate 42 --range 2..9 --bins 14 --split none --overwrite")
    even, norms = data_of(home, 42), data_of(home, 42, "entry/data/norm").astype(np.float64)
    for place, part in enumerate((slice(0, 4), slice(4, 6), slice(6, 14))):
        assert norm[place] == pytest.approx(norms[part].sum(), rel=5e-3)
        assert uneven[0, place] == pytest.approx((even[0, part] * norms[part]).sum() / norms[part].sum(), rel=5e-3)
    assert read_recipe(recipe).recipe.edges == (2.0, 4.0, 5.0, 9.0)
    assert ENERGY_KEV


def test_new_patterns_can_be_searched_for_at_once(home: Home) -> None:
    """Without another index; `show` names them too."""
    home.index()
    home.run_line("search integrated:* --count", exit_code=1)
    home.run_line("integrate 42 --bins 200 --split none")
    assert home.run_line("search integrated:* -f ids").out.split() == ["42"]
    assert "azint" in home.run_line("show 42").out


def test_patterns_stand_though_the_catalogue_cannot_hear_of_them(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning; the next index finds them."""

    def refuse(*_: object) -> None:
        raise CatalogueError("the catalogue may only be read")

    home.index()
    monkeypatch.setattr(arrived, "index_patterns", refuse)
    ran = home.run_line("integrate 42 --bins 200 --split none")
    assert "not in the catalogue yet: the catalogue may only be read" in ran.err
    assert list((home.folder / "process").rglob("*.h5"))
