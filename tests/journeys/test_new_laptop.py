"""What was fetched is known on another machine: a folder of any name says which visit it is of."""

import json
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.sources.visitmark import MARK_NAME, SEVERAL, VisitName, mark_visit, marked_visit
from tests.conftest import RunLine


def new_laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Begin without settings, remotes and catalogue."""
    monkeypatch.setenv(settings.HOME_VARIABLE, str(tmp_path / "new-laptop"))


def visits(run_line: RunLine) -> set[tuple[str | None, str | None]]:
    """Return proposal and visit of all scans."""
    return {(scan["proposal"], scan["visit"]) for scan in run_line("search -f json").json}


def test_a_fetched_visit_is_known_elsewhere(
    folder_remote: Path, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a name of the user's, moved, indexed by a fresh catalogue: its visit, and the names of the samples."""
    home, table = tmp_path / "visit", str(tmp_path / "mine.csv")
    run_line(["get", "42-44", "--to", str(home)])
    run_line("sample set 42 'LaB6/660c' --yes")
    run_line("tag add 43 good")
    run_line(["sample", "export", "-o", table])
    moved = tmp_path / "disk" / "renamed"
    moved.parent.mkdir()
    home.rename(moved)
    new_laptop(monkeypatch, tmp_path)
    # The folder around it is indexed, too: each visit's own folder is asked.
    run_line(["index", str(moved.parent)])
    assert visits(run_line) == {("20251234", "2025110208")}
    run_line(["sample", "import", table, "--yes"])
    assert run_line("search sample:LaB6/660c -f ids").out.split() == ["42"]
    assert run_line("search visit:2025110208 tag:good -f ids").out.split() == ["43"]


def test_without_the_mark_the_start_is_enough(
    folder_remote: Path, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was copied by other means: its visit is not known, and the table still finds its scans."""
    home, table = tmp_path / "visit", str(tmp_path / "mine.csv")
    run_line(["get", "42-44", "--to", str(home)])
    run_line("sample set 42 mine --yes")
    run_line(["sample", "export", "-o", table])
    (home / MARK_NAME).unlink()
    new_laptop(monkeypatch, tmp_path)
    run_line(["index", str(home)])
    # Some masters tell their proposal, none its visit.
    assert {visit for _, visit in visits(run_line)} == {None}
    run_line(["sample", "import", table, "--yes"])
    assert run_line("search sample:mine -f ids").out.split() == ["42"]


def test_folders_that_tell_need_no_mark(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """And get none."""
    home = tmp_path / "20251234" / "2025110208"
    run_line(["get", "42", "--to", str(home)])
    assert not list(tmp_path.rglob(MARK_NAME))


def test_a_folder_of_two_visits_is_of_none(tmp_path: Path) -> None:
    """Nobody can tell then which scan is of which."""
    mark_visit(tmp_path, VisitName("20251234", "2025110208"))
    assert marked_visit(tmp_path) == ("20251234", "2025110208")
    mark_visit(tmp_path, VisitName("20251234", "2025112208"))
    mark_visit(tmp_path, VisitName("20251234", "2025110208"))
    assert marked_visit(tmp_path) == SEVERAL
    mark_visit(tmp_path / "nowhere", VisitName("20251234", "2025110208"))
    assert [path.name for path in tmp_path.iterdir()] == [MARK_NAME]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "7",
        "{",
        "[" * 5000,
        json.dumps({"proposal": "20251234"}),
        json.dumps({"proposal": "20251234", "visit": "../../etc"}),
        json.dumps({"proposal": "2025123a", "visit": "2025110208"}),
        json.dumps({"proposal": 20251234, "visit": 2025110208}),
        json.dumps({"proposal": "20251234", "visit": "2025110208", "more": "x" * 5000}),
    ],
)
def test_a_mark_that_is_none_says_nothing(said: str, tmp_path: Path) -> None:
    """It may have come from anybody: only digits are taken from it."""
    (tmp_path / MARK_NAME).write_text(said, encoding="utf-8")
    assert marked_visit(tmp_path) is None
