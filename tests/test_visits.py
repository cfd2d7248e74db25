"""The geography of a visit, and that no text leads out of it."""

import string
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.errors import UnsafePathError
from danmax_sync.visits import (
    ROOT,
    FileKind,
    TreePath,
    integrated_path,
    kind_of,
    link_target,
    place,
    scan_number,
    visible,
    visit_folder,
)

# Parts that paths are made of when somebody means harm, or is a beamline.
PARTS = st.one_of(
    st.sampled_from(["..", ".", "", " ", "raw", "C:", "c:x", "1:x", "con", "~", "\\..", "a\x00b", "scan-0042.h5"]),
    st.text(max_size=6),
    st.text(alphabet=string.ascii_letters + string.digits + " ._-", min_size=1, max_size=8),
)
PATHS = st.one_of(st.text(max_size=40), st.lists(PARTS, max_size=6).map("/".join), PARTS.map(lambda part: f"/{part}"))


def parsed(text: str) -> TreePath | None:
    """Return a path, None where it is refused."""
    try:
        return TreePath.parse(text)
    except UnsafePathError:
        return None


@given(PATHS)
@settings(deadline=None)
def test_a_path_reads_back_as_itself(text: str) -> None:
    """Whatever is accepted is spelled so that it is accepted again, and is the same."""
    path = parsed(text)
    if path is not None:
        assert TreePath.parse(str(path)) == path
        assert path.parts


@given(PATHS)
@settings(deadline=None)
def test_no_text_leads_out_of_its_root(text: str) -> None:
    """Below a root is below it, whatever the text and on whichever system."""
    path = parsed(text)
    if path is None:
        return
    for root in (PurePosixPath("/data/visit"), PureWindowsPath("D:/data/visit"), PureWindowsPath("//server/share/x")):
        try:
            local = path.below(cast("Path", root))
        except UnsafePathError:
            assert isinstance(root, PureWindowsPath)
            continue
        assert local.is_relative_to(root)
        assert ".." not in local.parts
        assert len(local.parts) == len(root.parts) + len(path.parts)


@pytest.mark.parametrize("text", ["data/C:evil", "data/C:/evil"])
def test_a_drive_in_the_middle_leads_nowhere_on_windows(text: str) -> None:
    """A legal name on Linux, but Windows would leave the root for the drive's current folder."""
    path = TreePath.parse(text)
    assert path.below(Path("/data")) == Path("/data") / text
    with pytest.raises(UnsafePathError, match="leaves"):
        path.below(cast("Path", PureWindowsPath("D:/data")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "/",
        "/etc/passwd",
        "\\\\server\\x",
        "C:/x",
        "c:x",
        "..",
        "raw/../..",
        "raw/../x",
        "a\\b",
        "a\nb",
        "a\x7f",
    ],
)
def test_a_path_that_could_leave_is_refused(text: str) -> None:
    """Absolute paths, climbing, control characters, backslashes and nothing at all."""
    with pytest.raises(UnsafePathError):
        TreePath.parse(text)


def test_a_name_that_is_no_text_is_refused() -> None:
    """A lone surrogate is what Python makes of a file name that is not UTF-8."""
    with pytest.raises(UnsafePathError, match="UTF-8"):
        TreePath.parse("raw/caf\udce9.h5")


@given(st.lists(st.text(alphabet="ab. ", min_size=1, max_size=3), min_size=1, max_size=5))
@settings(deadline=None)
def test_parts_of_a_path(parts: list[str]) -> None:
    """Name, parent and joining agree with each other."""
    path = parsed("/".join(parts).lstrip("/"))
    if path is None:
        return
    assert (path.parent / path.name) == path
    assert path.is_below(path.parent)
    assert path.is_below(ROOT)
    assert path.name.startswith(path.stem)


def test_below_is_by_whole_components() -> None:
    """``raw2`` is not below ``raw``."""
    assert not TreePath.parse("raw2/x").is_below(TreePath.parse("raw"))
    assert TreePath.parse("raw/x").is_below(TreePath.parse("raw"))
    assert ROOT.parent == ROOT


@given(st.sampled_from(["raw/LaB6/scan-0042.h5", "scan-0042.h5", "raw/a b/c.d/scan-10001.h5"]), PATHS)
@settings(deadline=None)
def test_a_link_never_escapes_the_visit(master: str, filename: str) -> None:
    """Whatever a link says, it is refused or stays in the visit, and is not the master itself."""
    at = TreePath.parse(master)
    try:
        target = link_target(at, filename)
    except UnsafePathError:
        return
    assert target != at
    assert target.parts
    assert not {"", ".", ".."}.intersection(target.parts)
    assert target.below(Path("/data/visit")).is_relative_to("/data/visit")


@given(PATHS)
@settings(deadline=None)
def test_a_link_stays_below_the_folder_it_must_not_leave(filename: str) -> None:
    """The visit may be a folder of the root; then that is the border."""
    visit = TreePath.parse("20251234/2025110208")
    try:
        target = link_target(visit / "raw/LaB6/scan-0042.h5", filename, visit_root=visit)
    except UnsafePathError:
        return
    assert target.is_below(visit)
    assert target != visit


@pytest.mark.parametrize(
    ("filename", "target"),
    [
        ("scan-0042_pilatus.h5", "raw/LaB6/scan-0042_pilatus.h5"),
        ("./scan-0042_pilatus.h5", "raw/LaB6/scan-0042_pilatus.h5"),
        ("../Si/scan-0042_pilatus.h5", "raw/Si/scan-0042_pilatus.h5"),
        ("frames//scan-0042_pilatus.h5", "raw/LaB6/frames/scan-0042_pilatus.h5"),
    ],
)
def test_a_link_is_resolved_against_its_master(filename: str, target: str) -> None:
    """Siblings, and files elsewhere in the same visit."""
    assert str(link_target(TreePath.parse("raw/LaB6/scan-0042.h5"), filename)) == target


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("/data/other/scan-0001_pilatus.h5", "absolute"),
        ("C:/other.h5", "absolute"),
        ("../../../outside.h5", "leaves the visit"),
        ("../..", "leaves the visit"),
        ("scan-0042.h5", "its own file"),
        ("../LaB6/./scan-0042.h5", "its own file"),
        ("scan-%04d_pilatus.h5", "pattern"),
        ("a\x00b.h5", "control character"),
    ],
)
def test_a_hostile_link_is_refused_with_its_reason(filename: str, reason: str) -> None:
    """The message says what is wrong with it."""
    with pytest.raises(UnsafePathError, match=reason):
        link_target(TreePath.parse("raw/LaB6/scan-0042.h5"), filename)


VISIT = ("20251234", "2025110208")
NOWHERE = (None, None)


@pytest.mark.parametrize(
    ("path", "root", "visit", "visit_root", "sample"),
    [
        ("raw/LaB6/scan-0042.h5", "", NOWHERE, "", "LaB6"),
        ("raw/LaB6/scan-0042.h5", "/data/visitors/danmax/20251234/2025110208", VISIT, "", "LaB6"),
        (
            "20251234/2025110208/raw/a/b/scan-0042.h5",
            "/gpfs/offline1/visitors/danmax",
            VISIT,
            "20251234/2025110208",
            "a/b",
        ),
        ("raw/raw/scan-0042.h5", "/home/u", NOWHERE, "", "raw"),
        ("raw/raw data.v2/run 1/scan-10001.h5", "", NOWHERE, "", "raw data.v2/run 1"),
        ("raw/Si_640d.v1.0/scan-0042.h5", "/usb/raw.old", NOWHERE, "", "Si_640d.v1.0"),
        ("LaB6/scan-0042.h5", "/data/20251234/2025110208/raw", VISIT, "", "LaB6"),
        ("scan-0042.h5", "/data/20251234/2025110208/raw/a/b", VISIT, "", "a/b"),
        ("stuff/scan-0042.h5", "/home/u/20251234/2025110208", VISIT, "", "stuff"),
        ("scan-0042.h5", "/home/u/stuff", NOWHERE, "", ""),
        ("raw data.v2/scan-0042.h5", "/home/u", NOWHERE, "", "raw data.v2"),
        # A folder called raw above the visit does not confuse it.
        ("raw/20251234/2025110208/raw/LaB6/scan-0042.h5", "/backup", VISIT, "raw/20251234/2025110208", "LaB6"),
        ("trip/raw/LaB6/scan-0042.h5", "/backup/raw", NOWHERE, "trip", "LaB6"),
        # A proposal needs eight digits and a visit ten, whole.
        ("2025123/2025110208/raw/x/scan-0042.h5", "", (None, "2025110208"), "2025123/2025110208", "x"),
    ],
)
def test_a_master_is_placed_in_its_visit(
    path: str, root: str, visit: tuple[str | None, str | None], visit_root: str, sample: str
) -> None:
    """Odd folder names, nested samples and roots at any depth."""
    found = place(TreePath.parse(path), root=root)
    assert (found.proposal, found.visit) == visit
    assert (str(found.visit_root), found.sample) == (visit_root, sample)
    assert (*found.visit_root.parts, *found.path.parts) == TreePath.parse(path).parts


@given(st.lists(st.sampled_from(["raw", "20251234", "2025110208", "a b", "raw.v2", "x"]), min_size=1, max_size=6))
@settings(deadline=None)
def test_a_place_keeps_the_whole_path(folders: list[str]) -> None:
    """Visit's folder and the path in it are the path again: nothing is replaced, wherever ``raw`` stands."""
    path = TreePath((*folders, "scan-10001.h5"))
    for root in ("", "/home/raw/x", "/data/20251234/2025110208/raw"):
        found = place(path, root=root)
        assert (*found.visit_root.parts, *found.path.parts) == path.parts
        assert found.number == 10001


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("scan-0042.h5", FileKind.MASTER, 42),
        ("scan-10001.h5", FileKind.MASTER, 10001),
        ("scan-7.h5", FileKind.MASTER, 7),
        ("scan-0042_pilatus.h5", FileKind.DETECTOR, 42),
        ("scan-0042_xspress3-dtc-2d.h5", FileKind.DETECTOR, 42),
        ("scan-10001_brand_new.h5", FileKind.DETECTOR, 10001),
        ("insitu.h5", FileKind.CANDIDATE, None),
        ("scan-.h5", FileKind.CANDIDATE, None),
        ("my-scan-0042.h5", FileKind.CANDIDATE, None),
        (".scan-0042.h5.part", FileKind.OTHER, None),
        (".hidden.h5", FileKind.OTHER, None),
        ("notes.txt", FileKind.OTHER, None),
        ("scan-0042.h5\n", FileKind.OTHER, None),
    ],
)
def test_a_name_tells_a_files_kind(name: str, kind: FileKind, number: int | None) -> None:
    """A master is recognised for itself, not by what it is not."""
    assert kind_of(name) is kind
    assert scan_number(name) == number


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 250, "9" * 5000, "٤٢"])
def test_a_number_nobody_can_store_is_no_scan_number(digits: str) -> None:
    """Databases keep 64 bits and Python reads 4300 digits; such a file is looked at for what it holds."""
    assert kind_of(f"scan-{digits}.h5") is FileKind.CANDIDATE
    assert scan_number(f"scan-{digits}.h5") is None
    assert scan_number(f"scan-{digits}_pilatus.h5") is None


def test_the_visits_folder_of_any_folder_in_it() -> None:
    """From ``raw`` up; a folder outside any visit is itself."""
    visit = "/data/visitors/danmax/20251234/2025110208"
    assert visit_folder(f"{visit}/raw/LaB6/heating") == visit
    assert visit_folder(f"{visit}/raw/raw") == visit
    assert visit_folder(f"{visit}/raw") == visit
    assert visit_folder(visit) == visit
    assert visit_folder("/home/u/stuff") == "/home/u/stuff"
    assert visit_folder("/raw") == "/"


def test_patterns_are_named_after_the_detector_file() -> None:
    """They stand under ``process/azint``, in the folders of ``raw``."""
    for path, expected in (
        ("raw/a b/run.1/scan-10001_pilatus.h5", "process/azint/a b/run.1/scan-10001_pilatus_integrated.h5"),
        ("scan-0042_pilatus.h5", "process/azint/scan-0042_pilatus_integrated.h5"),
        ("raw/raw/scan-0042_pilatus.h5", "process/azint/raw/scan-0042_pilatus_integrated.h5"),
    ):
        assert str(integrated_path(TreePath.parse(path))) == expected


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("raw/LaB6/scan-0042.h5", None),
        ("raw/con/scan-0042.h5", "device"),
        ("raw/NUL.txt/x.h5", "device"),
        ("raw/T=300?/x.h5", "character"),
        ("raw/10:30/x.h5", "character"),
        ("raw/ends. /x.h5", "character"),
        ("raw/ends./x.h5", "character"),
    ],
)
def test_names_windows_cannot_store_are_known(path: str, problem: str | None) -> None:
    """Before a byte travels."""
    said = TreePath.parse(path).windows_problem()
    assert said is None if problem is None else said is not None and problem in said


def test_what_is_not_seen_is_spelled_out() -> None:
    """Controls, turns of direction and what has no width; letters of any script stay."""
    assert visible("scan\u202e5h\x1b[2J\x9bm\u200b\ud800") == r"scan\u202e5h\u001b[2J\u009bm\u200b\ud800"
    assert visible("Malmö CeO₂ 温度 🔥") == "Malmö CeO₂ 温度 🔥"
    assert visible("two\nlines", keep="\n") == "two\nlines"
