"""Pictures: what `plot` makes, where curves stand, and that labels can be read."""

import itertools
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from danmax_sync.errors import UsageError
from danmax_sync.integration.figure import _draw, draw_figure, save_figure
from danmax_sync.integration.patterns import Patterns, read_patterns
from danmax_sync.integration.waterfall import Curve, draw, heights, stack
from tests.integration.scenes import Home
from tests.needs import require_real_data

RADIAL = np.linspace(0.1, 20, 400)


def curve(temperature: float | None = None, *, label: str = "scan 1", height: float = 100.0) -> Curve:
    """Return a flat background of 1 with one peak."""
    intensity = 1 + height * np.exp(-0.5 * ((RADIAL - 8) / 0.1) ** 2)
    return Curve(label, "CeO2", RADIAL, intensity, temperature, 35.0)


def curves(temperatures: Sequence[float | None]) -> list[Curve]:
    """Return one curve for each temperature."""
    return [curve(each, label=f"scan {place}") for place, each in enumerate(temperatures)]


def patterns(frames: int = 1, temperatures: NDArray[np.float64] | None = None, *, sample: str = "CeO2") -> Patterns:
    """Return patterns as they are read from a file."""
    intensity = np.tile(curve().intensity.astype(np.float32), (frames, 1))
    return Patterns(Path("x.h5"), RADIAL, "2th", intensity, None, temperatures, 35.0, sample, "danmax-sync", "k")


# The command


def test_one_scan_makes_a_png(integrated: Home) -> None:
    """Its frames above each other, in a picture of README width that is not empty."""
    path = integrated.folder.parent / "one.png"
    ran = integrated.run_line(["plot", "51", "-o", str(path)])
    assert "4 patterns" in ran.err
    assert str(path) in ran.err
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width == 1280
        assert 700 <= picture.height <= 1200
        colours = picture.convert("RGB").getcolors(1 << 20)
        assert colours is not None
        assert len(colours) > 100


def test_several_scans_make_a_waterfall_against_temperature(integrated: Home) -> None:
    """One curve a scan, in whatever folder is named, made where it is missing."""
    path = integrated.folder.parent / "new folder" / "fall.PNG"
    ran = integrated.run_line(["plot", "sample:CeO2", "-o", str(path)])
    assert "5 patterns against temperature" in ran.err
    with Image.open(path) as picture:
        assert picture.format == "PNG"


def test_a_single_frame_is_drawn_with_its_facts(integrated: Home) -> None:
    """The title of one pattern says sample, scan, energy and temperature."""
    path = integrated.output(52)
    with h5py.File(path, "r+") as file:
        for name in ("entry/data/I", "entry/data/I_errors", "entry/sample/temperature"):
            first = file[name][:1]
            attributes = dict(file[name].attrs)
            del file[name]
            file[name] = first
            file[name].attrs.update(attributes)
    out = integrated.folder.parent / "single.svg"
    ran = integrated.run_line(["plot", "52", "-o", str(out)])
    assert "one pattern" in ran.err
    comments = out.read_text()
    assert "CeO2, scan 52, 34.99" in comments
    assert " K" in comments


@pytest.mark.parametrize("query", ["52", "sample:CeO2"])
def test_an_svg_is_valid_xml(integrated: Home, query: str) -> None:
    """An SVG parses, has a size, and names its axis."""
    path = integrated.folder.parent / "picture.svg"
    integrated.run_line(["plot", query, "-o", str(path)])
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox", "").startswith("0 0 576")
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 20
    assert "2θ (°)" in path.read_text()


def test_a_pdf_is_made(integrated: Home) -> None:
    """The third format."""
    path = integrated.folder.parent / "picture.pdf"
    integrated.run_line(["plot", "52", "-o", str(path)])
    assert path.read_bytes().startswith(b"%PDF")
    assert path.stat().st_size > 5000


@pytest.mark.parametrize("name", ["picture.jpg", "picture", "picture.h5"])
def test_another_suffix_is_a_wrong_word(integrated: Home, name: str) -> None:
    """2, what suffixes there are, and no file."""
    path = integrated.folder.parent / name
    ran = integrated.run_line(["plot", "52", "-o", str(path)], exit_code=2)
    assert ".svg" in ran.err
    assert not path.exists()


def test_a_picture_that_cannot_be_written_is_said(integrated: Home) -> None:
    """A folder of the picture's name: 2 and a sentence."""
    path = integrated.folder.parent / "folder.png"
    path.mkdir()
    assert "cannot be written" in integrated.run_line(["plot", "52", "-o", str(path)], exit_code=2).err


@pytest.mark.parametrize("output", [[], ["-o", "x.png"]])
def test_scans_that_are_not_integrated_lack_a_file(home: Home, output: list[str]) -> None:
    """5, with the command that makes patterns."""
    home.index()
    ran = home.run_line(["plot", "42", *output], exit_code=5)
    assert "danmax-sync integrate" in ran.err


def test_scans_without_patterns_among_others_are_left_out(integrated: Home) -> None:
    """What is integrated is drawn; a scan whose files have been deleted since does not stop it."""
    integrated.output(51).unlink()
    integrated.master(52).unlink()
    path = integrated.folder.parent / "x.png"
    assert "3 patterns" in integrated.run_line(["plot", "sample:CeO2", "-o", str(path)]).err


def test_mixed_units_are_refused(integrated: Home) -> None:
    """Q beside 2θ in one figure would be wrong (7); the hint tells how to make them alike; alone each is drawn."""
    integrated.integrate("52", "--unit", "q", "--overwrite")
    path = integrated.folder.parent / "x.svg"
    ran = integrated.run_line(["plot", "51-52", "-o", str(path)], exit_code=7)
    assert "--unit" in ran.err
    assert not path.exists()
    integrated.run_line(["plot", "52", "-o", str(path)])
    assert "q (1/Å)" in path.read_text()


# Where curves stand


def test_baselines_are_temperatures() -> None:
    """Against temperature each curve stands at its own, the coldest lowest, whatever the order of scans."""
    placed = stack(curves([400.0, 300.0, 350.0]))
    assert placed.at_temperature
    assert placed.baselines.tolist() == [300, 350, 400]
    assert [each.label for each in placed.curves] == ["scan 1", "scan 2", "scan 0"]
    assert placed.shades.tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("temperatures", [[None, None, None], [296.0, 296.4, 296.1]])
def test_without_temperatures_curves_keep_their_order(temperatures: Any) -> None:
    """Unknown or practically the same, temperature does not order anything."""
    placed = stack(curves(temperatures))
    assert not placed.by_temperature
    assert placed.baselines.tolist() == [0, 1, 2]
    assert [each.label for each in placed.curves] == ["scan 0", "scan 1", "scan 2"]


def test_one_unknown_temperature_leaves_the_order() -> None:
    """A curve that cannot stand at its temperature makes all of them stand in order."""
    assert not stack([curve(300.0), curve(None), curve(400.0)]).by_temperature


def test_colours_are_temperatures_or_nothing() -> None:
    """Where curves stand in order, all have one colour: from blue to orange would be taken for cold to hot."""
    cases: list[list[float | None]] = [[296.2, None, 296.0], [None, None, None], [296.4, 296.0, 296.2]]
    for temperatures in cases:
        assert len(set(stack(curves(temperatures)).shades.tolist())) == 1
        assert len({line.get_color() for line in drawn(curves(temperatures)).lines}) == 1
    labels = [each.get_text() for each in drawn(curves([296.2, None, 296.0])).get_yticklabels()]
    assert labels == ["scan 0, 296.2 K", "scan 1", "scan 2, 296.0 K"]


@pytest.mark.parametrize("temperatures", [[None] * 40, [300.0 + 10 * (n // 2) for n in range(40)]])
def test_every_curve_of_a_picture_of_forty_has_its_label(temperatures: Any) -> None:
    """As many as `get --plot` draws; none lies over another."""
    figure, _ = _draw(curves(temperatures), "q", "", overlaid=False)
    figure.draw_without_rendering()
    texts = [each for each in figure.axes[0].get_yticklabels() if each.get_text()]
    assert len(texts) == 40
    boxes = sorted((text.get_window_extent() for text in texts), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))


def test_many_scans_at_one_temperature_do_not_hide_each_other() -> None:
    """Four at room temperature and one hot one stand at equal distances, ordered by temperature."""
    placed = stack(curves([500.0, 296.0, 296.0, 296.0, 296.0]))
    assert placed.by_temperature
    assert not placed.at_temperature
    assert placed.baselines.tolist() == [0, 1, 2, 3, 4]
    assert placed.curves[-1].temperature_k == 500


def test_heights_are_roots_above_a_common_ground() -> None:
    """Intensities 1, 4 and 100 times the background: heights grow as the square root, the tallest is 1."""
    low, high = heights([curve(height=3.0), curve(height=99.0)])
    assert high.max() == pytest.approx(1.0, abs=1e-3)
    assert low.max() == pytest.approx((2 - 1) / (10 - 1), abs=1e-2)
    assert min(low.min(), high.min()) >= 0


def test_nan_stays_a_gap() -> None:
    """Bins without pixels are no zeros in a picture either, and a curve of nothing but NaN harms no other."""
    holed = curve()
    holed.intensity[100:110] = np.nan
    empty = replace(curve(), intensity=np.full(400, np.nan))
    one, other = heights([holed, empty])
    assert np.isnan(one[100:110]).all()
    assert np.isfinite(one[110:]).all()
    assert np.isnan(other).all()
    assert all(np.isnan(each).all() for each in heights([empty, empty]))


def drawn(some: list[Curve]) -> Any:
    """Return drawn axes, laid out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes, some)
    figure.draw_without_rendering()
    return axes


RAMPS = {
    "two": [300.0, 480.0],
    "five": [300.0, 325.7, 351.4, 402.9, 428.6],
    "a plateau": [*np.linspace(293, 289, 12), *np.linspace(289, 160, 40)],
    "sixty": [*np.linspace(100, 500, 60)],
    "none": [None] * 9,
    "many without": [None] * 60,
    "one temperature": [296.0] * 20 + [500.0],
}


@pytest.mark.parametrize("temperatures", RAMPS.values(), ids=RAMPS.keys())
def test_labels_can_be_read(temperatures: Any) -> None:
    """From two to sixty curves no label lies over another or outside the picture, and no curve leaves the axes."""
    axes = drawn(curves(temperatures))
    figure = axes.figure
    texts = [*axes.texts, *axes.get_yticklabels()] if axes.texts else axes.get_yticklabels()
    for group in (axes.texts, axes.get_yticklabels()):
        boxes = sorted((text.get_window_extent() for text in group if text.get_text()), key=lambda box: box.y0)
        assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert 2 <= len([text for text in texts if text.get_text()]) <= 40
    low, high = axes.get_ylim()
    tops = [float(np.nanmax(line.get_ydata())) for line in axes.lines]
    assert len(tops) == len(temperatures)
    assert low < min(float(np.nanmin(line.get_ydata())) for line in axes.lines)
    assert max(tops) < high


@pytest.mark.parametrize("temperatures", [RAMPS["five"], RAMPS["none"][:5]])
def test_few_curves_do_not_touch(temperatures: Any) -> None:
    """With a handful the strongest ring of one stays below the next one's baseline."""
    lines = sorted((line.get_ydata() for line in drawn(curves(temperatures)).lines), key=lambda data: data.min())
    assert len(lines) == 5
    assert all(below.max() < above.min() for below, above in itertools.pairwise(lines))


def contrast_on_white(colour: Any) -> float:
    """Return how a colour stands out on paper: WCAG 2, 1 for white, 21 for black; text is read from 4.5 on."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return 1.05 / (float(np.dot(linear, (0.2126, 0.7152, 0.0722))) + 0.05)


def test_colours_go_from_cold_to_hot() -> None:
    """From blue to orange, also in grey; and each is read on white, its label too."""
    axes = drawn(curves(RAMPS["sixty"]))
    by_baseline = sorted(axes.lines, key=lambda line: float(np.min(line.get_ydata())))
    colours = [line.get_color() for line in by_baseline]
    brightness = [sum(np.asarray(colour) * (0.3, 0.59, 0.11)) for colour in colours]
    assert brightness == sorted(brightness)
    assert colours[0][2] > 2 * colours[0][0]
    assert colours[-1][0] > 2 * colours[-1][2]
    labels = [text.get_color() for text in axes.texts]
    assert min(map(contrast_on_white, [*colours, *labels])) > 4.5


def test_curves_over_each_other_are_read_on_white() -> None:
    """As in the waterfall."""
    figure, _ = draw_figure([(f"scan {n}", patterns()) for n in range(5)], kind="overlay")
    assert len(figure.axes[0].lines) == 5
    assert min(contrast_on_white(line.get_color()) for line in figure.axes[0].lines) > 4.5


def test_names_with_formula_signs_are_names(tmp_path: Path) -> None:
    """A folder called in$0$itu or with a $ before its name is no formula: the picture is made and shows it."""
    some = [(rf"raw/in${n}$itu/$\frac.h5", patterns(sample=r"x$y$ & <z>")) for n in range(3)]
    path = tmp_path / "odd.svg"
    assert save_figure(some, path) == "3 patterns"
    ET.parse(path)  # noqa: S314 - our own file
    assert "raw/in$" in path.read_text().replace(r"\$", "$")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_takes_the_place_of_an_earlier_one_alone(tmp_path: Path, suffix: str) -> None:
    """A file that something else made stays, byte by byte, and the answer says so; nothing is left beside it."""
    path, some = tmp_path / f"waterfall{suffix}", [("scan 1", patterns())]
    path.write_bytes(b"a photograph")
    with pytest.raises(UsageError, match="no picture of this tool"):
        save_figure(some, path)
    assert path.read_bytes() == b"a photograph"
    path.unlink()
    save_figure(some, path)
    before = path.read_bytes()
    save_figure([*some, ("scan 2", patterns())], path)
    assert path.read_bytes() != before
    assert list(tmp_path.iterdir()) == [path]


def test_sixty_frames_are_the_most(tmp_path: Path) -> None:
    """A scan of a thousand frames is thinned out evenly, first to last."""
    path = tmp_path / "many.png"
    assert (
        save_figure([("scan 1", patterns(1000, np.linspace(100, 500, 1000)))], path)
        == "59 patterns against temperature"
    )


def test_the_beamlines_own_file_makes_a_waterfall(tmp_path: Path) -> None:
    """100 real frames on cooling, warmest on top."""
    path = tmp_path / "real.png"
    shutil.copy(require_real_data() / "danmax_scan-0100_nxazint1d.h5", tmp_path / "p.h5")
    what = save_figure([("scan 100", read_patterns(tmp_path / "p.h5"))], path)
    assert what == "50 patterns against temperature"
    assert path.stat().st_size > 50_000
