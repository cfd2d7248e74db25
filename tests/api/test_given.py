"""What is handed to the Python API: what is plainly meant is taken, the rest is refused in a sentence."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import danmax_sync
from danmax_sync import Catalogue, Choice, NothingMatchedError, Recipe, ScanList, Source, Split, Unit, UsageError
from tests.integration.scenes import Home

PLAIN: Any = danmax_sync
"""The API as a notebook sees it, without types."""


@pytest.fixture
def catalogue(integrated: Home) -> Iterator[Catalogue]:
    """Open the catalogue of an integrated visit."""
    with Catalogue.open() as opened:
        yield opened


@pytest.fixture
def found(catalogue: Catalogue) -> ScanList:
    """Find two of its scans."""
    return catalogue.search("51 52")


def test_text_does_for_paths_and_choices(integrated: Home, catalogue: Catalogue, found: ScanList) -> None:
    """As everywhere in Python; one scan does for a list of one, one mask or name for several."""
    assert danmax_sync.index(catalogue, str(integrated.folder)).unchanged == 6
    assert danmax_sync.verify(catalogue, str(integrated.folder)).sets == 6
    assert danmax_sync.verify(catalogue, found[0]).ok == 1
    assert PLAIN.Recipe(unit="q", split="none", frames=1) == Recipe(unit=Unit.Q, split=Split.NONE, frames="1")
    poni, mask = integrated.process / "LaB6_35keV.poni", integrated.process / "mask.npy"
    recipe = PLAIN.Recipe(unit="q", bins=300)
    made = danmax_sync.integrate(found[0], recipe, poni=str(poni), masks=str(mask), allow="energy")
    assert len(list(made)) == 4
    assert danmax_sync.integrate_scans(found[0], Recipe(bins=300)).outcomes[0].exit_code == 0
    assert catalogue.tag(found[0], "hot") == 1
    assert PLAIN.Choice(detectors="pilatus") == Choice(detectors=("pilatus",))
    with PLAIN.Catalogue.open(Path("another.db")) as other:
        assert not other.search()
    Path("another.db").unlink()


Call = Callable[[Catalogue, ScanList, Source], object]
WRONG: tuple[tuple[str, Call], ...] = (
    ("expected the path of a folder, or what connect", lambda c, _s, _o: PLAIN.index(c, 5)),
    ("expected a catalogue first", lambda _c, _s, _o: PLAIN.index("visit", "visit")),
    ("expected one scan.* got str '57'", lambda _c, _s, _o: list(PLAIN.integrate("57"))),
    ("expected one scan.* got ScanList", lambda _c, s, _o: list(PLAIN.integrate(s))),
    ("expected a Recipe, got dict", lambda _c, s, _o: list(PLAIN.integrate(s[0], {"bins": 300}))),
    ("expected the path of a poni file, got int", lambda _c, s, _o: list(PLAIN.integrate(s[0], poni=5))),
    ("'99:' chooses none of 4 frames", lambda _c, s, _o: list(PLAIN.integrate(s[0], Recipe(frames="99:")))),
    ("no unit 'z'; there are q, 2th", lambda _c, _s, _o: PLAIN.Recipe(unit="z")),
    ("bins='300' .* whole number", lambda _c, _s, _o: PLAIN.Recipe(bins="300")),
    ("range='1..2' .* list of numbers", lambda _c, _s, _o: PLAIN.Recipe(range="1..2")),
    ("expected scans.* got str '57'", lambda c, _s, _o: PLAIN.Catalogue.tag(c, "57", "x")),
    ("in a list of nothing else, got int 57", lambda c, _s, _o: PLAIN.Catalogue.note(c, [57], "x")),
    ("expected one of sample, tag, note", lambda c, s, _o: PLAIN.Catalogue.unmark(c, s, "tags")),
    ("expected the id of a scan", lambda c, s, _o: PLAIN.Catalogue.values(c, s[0])),
    ("expected a query, got NoneType", lambda c, _s, _o: PLAIN.Catalogue.search(c, None)),
    ("expected scans.* got str '57'", lambda c, _s, o: PLAIN.plan(c, "57", o, "there")),
    ("expected a source.* got str 'far'", lambda c, s, _o: PLAIN.plan(c, s, "far", "there")),
    ("expected the path of a folder, got int 5", lambda c, s, o: PLAIN.plan(c, s, o, 5)),
    ("expected a plan, got ScanList", PLAIN.get),
    ("expected scans.* got NoneType", lambda _c, _s, _o: PLAIN.plot(None)),
    ("its folder is missing", lambda _c, s, _o: PLAIN.plot(s, Path("no such folder") / "x.png")),
    ("no unit 'zz'; there are q, 2th", lambda _c, s, _o: PLAIN.export(s, "out", unit="zz")),
    ("expected one scan", lambda _c, _s, _o: PLAIN.patterns_of([])),
    ("expected one scan", lambda _c, _s, _o: PLAIN.frames_of("57").__enter__()),
    ("the folder .*57 does not exist", lambda c, _s, _o: PLAIN.verify(c, "57")),
    ("expected the name of a remote", lambda _c, _s, _o: PLAIN.connect(None)),
    ("a remote is called so", lambda c, _s, _o: PLAIN.index(c, "far")),
)


def test_what_is_not_understood_is_refused_in_a_sentence(
    integrated: Home, catalogue: Catalogue, found: ScanList
) -> None:
    """It says what was expected and what came; never is it an error of Python's own."""
    danmax_sync.add_remote("far", integrated.folder)
    with danmax_sync.connect("far") as source:
        for message, call in WRONG:
            with pytest.raises(UsageError, match=message) as told:
                call(catalogue, found, source)
            assert len(told.value.message) < 250
    assert not Path("no such folder").exists()


def test_no_scans_are_called_that(integrated: Home, catalogue: Catalogue) -> None:
    """Nothing to index or to fetch would help."""
    danmax_sync.add_remote("far", integrated.folder)
    with danmax_sync.connect("far") as source:
        for call in (
            lambda: danmax_sync.plan(catalogue, [], source, "there"),
            lambda: danmax_sync.plot([]),
            lambda: danmax_sync.export([], "out"),
            lambda: danmax_sync.integrate_scans([]),
            lambda: danmax_sync.verify(catalogue, []),
        ):
            with pytest.raises(NothingMatchedError, match="no scans were given"):
                call()
    assert catalogue.tag([], "hot") == 0
