"""The page about some scans: what it tells, what it never contains, where it is put, and what a browser makes of it."""

import base64
import hashlib
import os
import re
import shutil
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import pytest
from sqlalchemy import update

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.schema import scan
from danmax_sync.integration.placing import put_in_place
from danmax_sync.integration.waterfall import Curve
from danmax_sync.report.axes import time_ticks, value_ticks
from danmax_sync.report.charts import Trace, single, traces, waterfall
from danmax_sync.report.markup import Markup, joined, table, tag
from danmax_sync.report.words import day_of, maker_of, settings_of
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.integration.scenes import Home
from tests.needs import require_real_data
from tests.report.browser import Seen, look_at, sheets_of

EVIL_TITLE = '</td><script>alert("t")</script><img src="http://127.0.0.1:9/t.png" onerror="alert(1)">\u202e<!--'
EVIL_SAMPLE = "<svg onload=alert(1)>&amp;\"'`style=x"
EVIL_PONI = "</pre></style><script src=http://127.0.0.1:9/p.js></script>"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "a", "b", "span", "div", "table", "thead",
    "tbody", "tr", "th", "td", "details", "summary", "section", "pre", "code", "figure", "figcaption", "footer", "svg",
    "path", "line", "text", "script",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "viewbox", "role", "aria-label", "d",
    "stroke", "data-of", "x", "y", "x1", "x2", "y1", "y2", "text-anchor",
}  # fmt: skip


class Parsed(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.text = ""
        self._ours = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count a tag."""
        self.tags[tag] += 1
        self._ours = tag in {"style", "script"}
        for name, value in attrs:
            self.attributes.add(name)
            self.values.append(value or "")
            if name == "href":
                self.links.append(value or "")
            elif name == "id":
                self.anchors.add(value or "")

    def handle_comment(self, data: str) -> None:
        """Take note of a comment, which the page has none of."""
        self.tags["comment"] += 1

    def handle_data(self, data: str) -> None:
        """Keep what a person reads."""
        if not self._ours:
            self.text += data
        self._ours = False


def written(home: Home, query: str = "", *words: str) -> tuple[str, Parsed]:
    """Write a report of a query; return it as it is and as it is understood."""
    path = home.folder.parent / "page.html"
    home.run_line(["report", *query.split(), "-o", str(path), *words])
    text = path.read_text(encoding="utf-8")
    return text, Parsed(text)


@pytest.fixture
def hostile(integrated_once: Path, tmp_path: Path, run_line: RunLine) -> Home:
    """Give a visit whose every text tries to become markup."""
    folder = tmp_path / "20251234" / "2025110208"
    shutil.copytree(integrated_once, folder)
    for parent in ("raw", "process/azint"):
        (folder / parent / "CeO2").rename(folder / parent / EVIL_SAMPLE)
    for master in folder.glob("raw/*/scan-????.h5"):
        with h5py.File(master, "r+", locking=False) as file:
            del file["entry/title"]
            file["entry/title"] = EVIL_TITLE
    for path in folder.glob("process/azint/*/*.h5"):
        with h5py.File(path, "r+", locking=False) as file:
            given = file["entry/reduction/input"]
            for name in ("poni", "mask", "recipe"):
                del given[name]
                given[name] = EVIL_PONI
            given["poni"].attrs["filename"] = EVIL_PONI
            for name in ("program", "version", "date"):
                del file[f"entry/reduction/{name}"]
                file[f"entry/reduction/{name}"] = EVIL_PONI
            del file["entry/sample/name"]
            file["entry/sample/name"] = EVIL_SAMPLE
    home = Home(folder, run_line)
    home.index()
    return home


# What it tells


def test_a_page_tells_what_there_is_to_know(integrated: Home) -> None:
    """Each scan with command, energy, temperature, state, link states, patterns; sums of all; and where it is from."""
    text, page = written(integrated)
    assert page.tags["svg"] >= 1 + 2 + 5
    for number in range(48, 54):
        assert re.search(rf'<a href="#scan-\d+">{number}</a>', text)
    for told in (
        "CeO2 · visit 20251234/2025110208", "6 scans", "5 of 6", "ascan pd_sam_x", "pilatus\u00a0ok",
        "pilatus\u00a0missing", "4 × 300", "temperature (K), over time", "energy (keV), over time", "480.0–480.5",
        "LaB6_35keV.poni", "Distance: ", "mask.npy", "danmax-sync report", "bins 300", "split full",
        "scans 48–49, 51–53",
    ):  # fmt: skip
        assert told in page.text, told
    assert "the mean of each of 5 scans" in page.text
    assert set(page.links) <= {f"#{anchor}" for anchor in page.anchors}


def test_what_is_missing_is_said_first(integrated: Home) -> None:
    """With its place and its file, before the table; a page without faults has no such heading."""
    _, page = written(integrated)
    assert (
        page.text.index("Not as it should be") < page.text.index("scan-0050_pilatus.h5") < page.text.index("√intensity")
    )
    assert "Not as it should be" not in written(integrated, "51-52")[1].text


def test_a_few_scans_show_their_frames(integrated: Home) -> None:
    """Of one scan the four patterns stand above each other."""
    text, page = written(integrated, "52")
    assert "its 4 patterns" in page.text
    assert text.count('class="under"') == 4


def test_a_page_travels_without_telling_of_this_disk(integrated: Home) -> None:
    """Names of folders here stay here."""
    text, _ = written(integrated)
    assert str(integrated.folder.parent) not in text
    assert ">here<" in text


def test_scans_whose_files_are_elsewhere_are_told_from_the_catalogue(integrated: Home) -> None:
    """No pattern, no trace from a master, and yet a page."""
    shutil.rmtree(integrated.folder)
    text, page = written(integrated)
    assert "None of these scans has been integrated here" in page.text
    assert "temperature (K), over time" in page.text
    assert text.count('class="trace warm"') == 6


def test_damaged_patterns_and_masters_are_said(integrated: Home) -> None:
    """The others are drawn all the same."""
    integrated.output(52).write_bytes(b"not HDF5")
    integrated.master(53).write_bytes(b"nor this")
    text, page = written(integrated)
    assert "process/azint/CeO2/scan-0052_pilatus_integrated.h5 cannot be read" in page.text
    assert "raw/CeO2/scan-0053.h5 cannot be read" in page.text
    assert "the mean of each of 4 scans" in page.text
    assert str(integrated.folder) not in text


def rows_of(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, as a person reads them."""
    below = text[text.index(f">{heading}</h2>") :]
    body = re.search(r"<tbody>(.*?)</tbody>", below, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    return [[unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td.*?</td>", row)] for row in rows]


def test_what_is_wrong_anywhere_is_said_without_telling_of_a_disk(integrated: Home) -> None:
    """Masters that nobody could read, here and at a remote, and a scan that is still measured, each once."""
    far = integrated.folder.parent / "far away"
    shutil.copytree(integrated.folder, far / "visit")
    (far / "visit/raw/CeO2/scan-0049.h5").write_bytes(b"damaged at its source")
    integrated.master(53).write_bytes(b"damaged here")
    with h5py.File(integrated.master(52), "r+", locking=False) as file:
        del file["entry/end_time"]
    shutil.copy(integrated.master(52), far / "visit/raw/CeO2/")
    integrated.run_line(["remote", "add", "danmax", far.as_uri()])
    integrated.run_line("index danmax")
    integrated.index()
    text, _ = written(integrated)
    rows = rows_of(text, "Not as it should be")
    assert ["49", "danmax", "master", "unreadable"] in [row[:4] for row in rows]
    assert ["53", "here", "master", "unreadable"] in [row[:4] for row in rows]
    assert ["52", "here, danmax", "scan", "running"] in [row[:4] for row in rows]
    why = {row[0]: row[4] for row in rows}
    assert why["49"].startswith("raw/CeO2/scan-0049.h5 cannot be read as HDF5")
    assert why["53"].startswith("raw/CeO2/scan-0053.h5 cannot be read as HDF5")
    assert len(rows) == len({tuple(row) for row in rows})
    for folder in (integrated.folder, far):
        assert str(folder) not in text


def replaced(path: Path, name: str, value: object) -> None:
    """Put another value in the place of a dataset, with its attributes."""
    with h5py.File(path, "r+", locking=False) as file:
        kept = dict(file[name].attrs)
        del file[name]
        file[name] = value
        file[name].attrs.update(kept)


def test_patterns_whose_axis_is_none_are_said(integrated: Home) -> None:
    """Whatever a file holds in its place; the others are drawn, as with a damaged file."""
    axes = (
        np.linspace(1, 2, 299),
        np.zeros(0),
        1.5,
        np.linspace(2, 1, 300),
        np.arange(300) * 5e-324,
        np.r_[np.linspace(1, 2, 299), np.inf],
        np.r_[-1e308, np.linspace(1, 2, 298), 1e308],
    )
    for axis in axes:
        replaced(integrated.output(52), "entry/data/radial_axis", axis)
        _, page = written(integrated, "51-52")
        assert "its axis does not rise, or is that of other patterns" in page.text
        assert "scan 51, the mean of 4 patterns" in page.text


def test_numbers_that_cannot_be_are_left_out(integrated: Home) -> None:
    """Of a file of patterns: a temperature, an energy, settings in brackets without end; the pattern is drawn.

    Of a scan whose energy the catalogue does not know, too; over 2θ that cannot be compared with others.
    """
    path = integrated.output(52)
    replaced(path, "entry/sample/temperature", np.full(4, 1e308))
    replaced(path, "entry/instrument/monochromator/energy", np.nan)
    replaced(path, "entry/reduction/input/recipe", "[" * 8000)
    text, page = written(integrated)
    # They are those of the catalogue.
    assert "the mean of each of 5 scans" in page.text
    assert not re.search(r"\bnan\b|\binf\b|e\+308", text)
    with Catalogue.open() as catalogue, catalogue.engine.begin() as connection:
        connection.execute(update(scan).where(scan.c.number == 52).values(energy_kev=None))
    text, page = written(integrated)
    assert "the mean of each of 4 scans" in page.text
    assert "CeO2, scan 52, the mean of 4 patterns" in page.text
    assert not re.search(r"\bnan\b|\binf\b|e\+308", text)


def test_points_that_were_never_reached_are_left_out(integrated: Home) -> None:
    """Of an aborted scan: moments of zero or without sense, temperatures of a device that did not answer."""
    plain = written(integrated, "52")[0]
    with h5py.File(integrated.master(52), "r", locking=False) as file:
        triggers = file["entry/instrument/pcap_trigts/data"][()]
        kelvins = file["entry/instrument/cryo_temp/data"][()]
    for moment in (0.0, 1e18, -np.inf):
        replaced(integrated.master(52), "entry/instrument/pcap_trigts/data", np.r_[triggers[:-1], moment])
        text, page = written(integrated, "52")
        assert re.findall(r">(20\d\d-\d\d-\d\d)[ <]", text) == re.findall(r">(20\d\d-\d\d-\d\d)[ <]", plain)
        assert "1970" not in page.text
    replaced(integrated.master(52), "entry/instrument/pcap_trigts/data", triggers)
    replaced(integrated.master(52), "entry/instrument/cryo_temp/data", np.r_[kelvins[:-1], -1e308])
    assert written(integrated, "52")[0].count('class="trace warm"') == 1


def test_many_scans_are_folded_and_few_are_not(integrated: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of scans their details open on a click; beyond another the table alone has them."""
    assert written(integrated)[1].tags["details"] == 0
    monkeypatch.setattr("danmax_sync.report.page._OPEN", 5)
    assert written(integrated)[1].tags["details"] == 6
    monkeypatch.setattr("danmax_sync.report.page._MOST_DETAILS", 2)
    _, page = written(integrated)
    assert page.tags["details"] == 2
    assert "and 4 more, which the table lists" in page.text
    # Nothing leads to what is not there.
    assert set(page.links) <= {f"#{anchor}" for anchor in page.anchors}


# What it never contains


def test_nothing_that_was_read_becomes_markup(hostile: Home) -> None:
    """Titles, samples, links, masks and geometries that are HTML are text in the page, and nothing is fetched."""
    text, page = written(hostile, "", "--title", EVIL_TITLE)
    assert set(page.tags) <= TAGS
    assert page.tags["script"] == 1
    assert page.attributes <= ATTRIBUTES
    assert not [value for value in page.values if value.lstrip().lower().startswith(("http:", "javascript:", "data:"))]
    assert set(page.links) <= {f"#{anchor}" for anchor in page.anchors}
    for evil in (EVIL_TITLE.replace("\u202e", ""), EVIL_SAMPLE, EVIL_PONI):
        assert evil in page.text
    assert "\u202e" not in text


def hash_of(text: str) -> str:
    """Return a policy's word for a style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_forbids_all_but_our_style_and_script(integrated: Home) -> None:
    """A browser would run no other script even if one got in: the hashes are those of what stands there."""
    text, _ = written(integrated, "52")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert policy is not None
    rules = policy[1].replace("&#x27;", "'").split("; ")
    assert rules == [
        "default-src 'none'",
        f"style-src {hash_of(style)}",
        f"script-src {hash_of(script)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert not re.search(r"https?:|fetch|XMLHttp|import|eval|innerHTML", script)


def test_only_markup_is_not_escaped() -> None:
    """Text, attributes and numbers are; control characters and turns of direction are left out."""
    assert (
        tag("p", "<b>", Markup("<i>"), 1.5, None, ["&"], title='"\x07x')
        == '<p title="&quot;x">&lt;b&gt;<i>1.5&amp;</p>'
    )
    assert joined(["\u202ea", None, "\ud800"]) == "a?"
    assert table(("<",), [("\0>",)], "n") == (
        '<div class="wide"><table><thead><tr><th class="n">&lt;</th></tr></thead>'
        '<tbody><tr><td class="n" data-of="&lt;">&gt;</td></tr></tbody></table></div>'
    )


def test_the_beamlines_own_patterns_are_told_too(integrated: Home) -> None:
    """A real file: its program, its geometry and how it was made."""
    shutil.copy(require_real_data() / "danmax_scan-0100_nxazint1d.h5", integrated.output(52))
    _, page = written(integrated, "52")
    for told in ("azint", "PilatusCdTe2M", "pxrd_cryo_hot_px_mask.npy", "50 of its 100 patterns", "n splitting"):
        assert told in page.text, told


# In a browser


def coloured(seen: Seen) -> int:
    """Count what is no shade of grey: text and tables nearly are, curves are not."""
    levels = seen.pixels.astype(int)
    return int((levels.max(axis=2) - levels.min(axis=2) > 60).sum())


def test_a_browser_shows_the_page_and_fetches_nothing(hostile: Home, tmp_path: Path) -> None:
    """On a bright screen and a dark one: drawn in many colours, nothing on the network, no error, only our script."""
    path = tmp_path / "page.html"
    hostile.run_line(["report", "-o", str(path)])
    bright, dark = (look_at(path, tmp_path, dark=is_dark) for is_dark in (False, True))
    for seen in (bright, dark):
        assert seen.requested == ()
        assert seen.console == ()
        assert "the mean of each of 5 scans" in seen.dom
        assert seen.dom.count("<script") == 1
        assert seen.pixels.shape == (1400, 1000, 3)
        assert coloured(seen) > 1000
    assert bright.pixels[5, 5].min() > 240
    assert dark.pixels[5, 5].max() < 60
    assert np.median(bright.pixels) > 200
    assert np.median(dark.pixels) < 80


def sorted_by(path: Path, scratch: Path, *clicks: str) -> list[list[str]]:
    """Press the headings of the table of scans, as Enter does, and return its cells; the policy allows the hand."""
    hand = f"""
for(const name of {list(clicks)}){{
const found=[...document.querySelectorAll("#scans+.wide th button")].find(each=>each.textContent===name);
found.focus();
if(document.activeElement!==found)throw new Error("no key reaches "+name);
found.click()}}
"""
    text = path.read_text(encoding="utf-8").replace("script-src ", f"script-src {hash_of(hand)} ", 1)
    (scratch / "touched.html").write_text(text.replace("</body>", f"<script>{hand}</script></body>"), encoding="utf-8")
    seen = look_at(scratch / "touched.html", scratch)
    assert seen.console == ()
    below = seen.dom[seen.dom.index('id="scans"') :]
    (head, *rows) = re.findall(r"<tr>(.*?)</tr>", below[: below.index("</table>")], re.DOTALL)
    assert head.count("aria-sort") == bool(clicks)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", row)] for row in rows]


def test_a_click_on_a_heading_sorts_the_table(integrated: Home, tmp_path: Path) -> None:
    """Numbers by value, text as people order it, up and then down; what is missing is last both ways."""
    path = tmp_path / "page.html"
    integrated.run_line(["report", "-o", str(path)])
    assert "<button" not in path.read_text(encoding="utf-8")
    numbers = [str(number) for number in range(48, 54)]
    assert [row[0] for row in sorted_by(path, tmp_path)] == numbers
    down = sorted_by(path, tmp_path, "scan", "scan")
    assert [row[0] for row in down] == numbers[::-1]
    up = sorted_by(path, tmp_path, "patterns")
    assert [row[0] for row in up] == ["48", "49", "51", "52", "53", "50"]
    assert [row[0] for row in sorted_by(path, tmp_path, "patterns", "patterns")][-1] == "50"
    kelvins = [float(row[5].partition("–")[0]) for row in sorted_by(path, tmp_path, "scan", "K", "K")]
    assert kelvins == sorted(kelvins, reverse=True)
    assert len(set(kelvins)) > 1


@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_nothing_is_wider_than_the_screen(integrated: Home, tmp_path: Path, width: int) -> None:
    """Neither a table nor a chart is to be pushed sideways, be a title of thousands of letters without a space."""
    replaced(integrated.master(51), "entry/title", "x" * 5000)
    integrated.index()
    path = tmp_path / "page.html"
    integrated.run_line(["report", "-o", str(path)])
    ruler = """
const wide=[...document.querySelectorAll(".wide,figure,body")].filter(each=>each.scrollWidth>each.clientWidth+1);
const cut=[...document.querySelectorAll("td")].filter(each=>each.getBoundingClientRect().right>innerWidth);
document.title=`${wide.length} wide, ${cut.length} cut`
"""
    text = path.read_text(encoding="utf-8").replace("script-src ", f"script-src {hash_of(ruler)} ", 1)
    path.write_text(text.replace("</body>", f"<script>{ruler}</script></body>"), encoding="utf-8")
    seen = look_at(path, tmp_path, size=(width, 1400))
    assert seen.console == ()
    assert "<title>0 wide, 0 cut</title>" in seen.dom


def test_paper_has_what_a_screen_folds(integrated: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scan with its links and states, with and without the page's script; no title shrinks the others."""
    replaced(integrated.master(51), "entry/title", "x" * 5000)
    integrated.index()
    path = tmp_path / "page.html"
    integrated.run_line(["report", "-o", str(path)])
    unfolded = sheets_of(path, tmp_path)
    monkeypatch.setattr("danmax_sync.report.page._OPEN", 5)
    text, page = written(integrated)
    assert page.tags["details"] == 6
    for content in (text, re.sub(r"<script>.*</script>", "", text, flags=re.DOTALL)):
        path.write_text(content, encoding="utf-8")
        assert sheets_of(path, tmp_path) == pytest.approx(unfolded, abs=1)
    path.write_text(re.sub(r"<div id=.*?</div>\s*</details>", "</details>", text), encoding="utf-8")
    assert sheets_of(path, tmp_path) < unfolded - 1


def test_the_look_would_notice(tmp_path: Path) -> None:
    """A page that fetches and complains is seen to do so."""
    path = tmp_path / "bad.html"
    path.write_text('<script>console.error("oh")</script><img src="http://127.0.0.1:9/x.png">', encoding="utf-8")
    seen = look_at(path, tmp_path)
    assert seen.requested == ("http://127.0.0.1:9/x.png",)
    assert any("oh" in line for line in seen.console)
    assert coloured(seen) < 1000


# Where it is put


def test_an_earlier_report_is_replaced_and_nothing_else(integrated: Home, tmp_path: Path) -> None:
    """Somebody's page of the same name is kept, unless told otherwise."""
    path = tmp_path / "new folder" / "page.html"
    first = integrated.run_line(["report", "51", "-o", str(path)])
    assert "1 scan, " in first.err
    assert str(path) in first.err
    integrated.run_line(["report", "52", "-o", str(path)])
    assert ">52</a>" in path.read_text()
    path.write_text("<p>mine</p>")
    ran = integrated.run_line(["report", "52", "-o", str(path)], exit_code=2)
    assert "--overwrite" in ran.err
    assert path.read_text() == "<p>mine</p>"
    integrated.run_line(["report", "52", "-o", str(path), "--overwrite"])
    assert ">52</a>" in path.read_text()
    assert [each.name for each in path.parent.iterdir()] == ["page.html"]


def test_a_file_that_came_meanwhile_is_kept(integrated: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of many scans takes minutes, in which somebody may save a file of that name."""
    path = tmp_path / "page.html"

    def slowly(*_: object, **__: object) -> str:
        path.write_text("mine")
        return "<p>"

    monkeypatch.setattr("danmax_sync.report.writing.page", slowly)
    assert "--overwrite" in integrated.run_line(["report", "52", "-o", str(path)], exit_code=2).err
    assert path.read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="not everybody may make links there")
def test_what_stands_beside_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link where the part is to be is not followed; another run's part is not touched; of ours nothing is left."""
    others, aim, path = tmp_path / ".page.html.part", tmp_path / "aim", tmp_path / "page.html"
    others.write_text("another run's")
    aim.write_text("mine")
    (tmp_path / f".page.html.{os.getpid()}.part").symlink_to(aim)
    put_in_place(path, b"<p>\n")
    assert (path.read_bytes(), aim.read_text(), others.read_text()) == (b"<p>\n", "mine", "another run's")
    monkeypatch.setattr(Path, "replace", mock.Mock(side_effect=PermissionError(13, "no")))
    with pytest.raises(PermissionError):
        put_in_place(path, b"other")
    assert path.read_bytes() == b"<p>\n"
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == [".page.html.part", "aim", "page.html"]


@pytest.mark.skipif(os.name == "nt", reason="folders are opened otherwise there")
def test_a_place_that_cannot_be_written_is_said(integrated: Home, tmp_path: Path) -> None:
    """2 and a sentence; so for a suffix no browser opens."""
    (tmp_path / "file").write_text("x")
    assert (
        "cannot be written"
        in integrated.run_line(["report", "52", "-o", str(tmp_path / "file" / "page.html")], exit_code=2).err
    )
    assert "page.html" in integrated.run_line(["report", "52", "-o", "page.pdf"], exit_code=2).err
    assert "none of" in integrated.run_line("report 4711 -o x.html", exit_code=1).err


def test_scans_without_patterns_are_counted(small_visit: SimulatedVisit, run_line: RunLine, tmp_path: Path) -> None:
    """A report may come before integration."""
    run_line(["index", str(small_visit.folder)])
    ran = run_line(["report", "42-44", "-o", str(tmp_path / "r.html")])
    assert "3 scans, 3 of them without patterns here" in ran.err


# Charts


def curve(temperature: float | None, *, bins: int = 3000) -> Curve:
    """Return a peak on a background, with a gap."""
    radial = np.linspace(0.1, 20, bins)
    intensity = 1 + 50 * np.exp(-0.5 * ((radial - 8) / 0.05) ** 2)
    intensity[500:600] = np.nan
    return Curve(f"scan {temperature}", "CeO2", radial, intensity, temperature, 35.0)


def test_a_waterfall_is_small_and_has_gaps() -> None:
    """Sixty curves of 3000 bins take less than a megabyte; a gap is two pieces of a line, and no NaN is spelled."""
    drawn = waterfall([curve(300.0 + n) for n in range(60)], "2th")
    assert len(drawn) < 1_000_000
    lines = re.findall(r'class="curve" stroke="#[0-9a-f]{6}" d="([^"]+)"', drawn)
    assert len(lines) == 60
    assert all(line.count("M") == 2 for line in lines)
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_labels_of_a_waterfall_keep_their_distance() -> None:
    """However many curves: no two closer than a line of text."""
    for count in (2, 7, 60):
        drawn = waterfall([curve(300.0 + n) for n in range(count)], "q")
        places = [float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="start">scan', drawn)]
        assert 2 <= len(places) <= count
        assert min(abs(np.diff(places))) >= 14 - 0.2


def test_curves_without_any_number_are_drawn_as_nothing() -> None:
    """Alone and among others."""
    empty = Curve("scan 1", "", np.linspace(0, 1, 50), np.full(50, np.nan), None, None)
    assert "nan" not in single(empty, "2th")
    assert "nan" not in waterfall([empty, curve(None)], "2th")


def test_a_trace_of_one_moment_is_a_dot() -> None:
    """A scan of a second in a week is still to be seen."""
    week = 7 * 86400.0
    dot = Trace("scan 1", np.array([1.7e9]), np.array([300.0]))
    line = Trace("scan 2", np.array([1.7e9 + week / 2, 1.7e9 + week]), np.array([300.0, 400.0]))
    drawn = traces([dot, line], "temperature (K)", "warm", period=(1.7e9, 1.7e9 + week))
    paths = re.findall(r'class="trace warm" d="(M[^"]+)"', drawn)
    assert re.fullmatch(r"M[\d.]+ [\d.]+l0 0", paths[0])
    assert "2023-11-" in drawn


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1), (34.998, 35.001), (300, 300), (-5, 1e6), (1e-9, 2e-9), (0, 0), (300, np.nextafter(300, 301))],
)
def test_ticks_are_round_and_enclose_the_range(low: float, high: float) -> None:
    """From two to a dozen, rising, each spelled with the digits that tell it from its neighbours."""
    ticks = value_ticks(low, high)
    places = [at for at, _ in ticks]
    assert 2 <= len(ticks) <= 12
    assert places == sorted(places)
    assert places[0] <= low + 1e-12
    assert places[-1] >= high - 1e-12
    assert len({spelled for _, spelled in ticks}) == len(ticks)
    assert all(float(spelled) == pytest.approx(at, abs=1e-12) for at, spelled in ticks)


@pytest.mark.parametrize("seconds", [0.4, 3, 50, 1000, 40_000, 3e5, 1e7, 3e8])
def test_ticks_of_time_are_few_and_within(seconds: float) -> None:
    """From a scan of a moment to ten years; the first names the day."""
    ticks = time_ticks(1.762e9 + 0.3, 1.762e9 + 0.3 + seconds)
    assert 1 <= len(ticks) <= 9
    assert all(1.762e9 <= at <= 1.762e9 + 1 + seconds for at, _ in ticks)
    assert re.match(r"\d{4}-\d\d-\d\d", ticks[0][1])
    days = [spelled for _, spelled in ticks if "-" in spelled]
    assert days == sorted(set(days))


def test_settings_and_makers_are_spelled_for_people() -> None:
    """What is not set is left out; text that is no JSON stays."""
    recipe = '{"bins": 300, "clip": null, "solid_angle": true, "frames": "", "cake": 0}'
    assert settings_of({"recipe": recipe, "n_splitting": "9"}) == "bins 300, solid angle"
    assert settings_of({"n_splitting": "15", "error_model": "None", "note": "x", "long": "y" * 99}) == (
        "n splitting 15, error model None"
    )
    assert settings_of({"recipe": "[1]"}) == "recipe [1]"
    assert (day_of("2025-11-02T10:00:00"), day_of("Monday, September 1")) == ("2025-11-02", "Monday, September 1")
    assert maker_of("danmax-sync", "danmax-sync 1.0\npyFAI 2") == "danmax-sync 1.0, pyFAI 2"
    assert maker_of("azint", "1.2") == "azint, 1.2"
