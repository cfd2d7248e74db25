"""`danmax-sync simulate`: a visit of one's own, never over somebody else's files."""

import hashlib
from pathlib import Path

import pytest

from tests.conftest import RunLine

SMALL = ["--small", "--scans", "3", "--frames", "2"]


def digests(folder: Path) -> dict[str, str]:
    """Return a hash of each file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_it_says_what_it_made_and_what_comes_next(tmp_path: Path, run_line: RunLine) -> None:
    """How many scans, where, and the command to go on with, which works."""
    folder = tmp_path / "visit"
    ran = run_line(["simulate", str(folder), *SMALL])
    assert "3 scans" in ran.err
    assert str(folder / "raw") in ran.err
    assert f"danmax-sync index {folder}" in ran.err
    assert ran.out == ""
    assert run_line(["index", str(folder), "--json"]).summary["scans"] == 3
    assert len(list((folder / "process").glob("*.poni"))) == 2


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, run_line: RunLine) -> None:
    """Twice the same seed: every file is the same to the byte; another seed: other frames."""
    for name, seed in (("one", "7"), ("two", "7"), ("other", "8")):
        run_line(["simulate", str(tmp_path / name), *SMALL, "--seed", seed])
    one, two, other = (digests(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert len(one) > 6
    frames = [name for name in one if name.endswith("_pilatus.h5")]
    assert len(frames) == 3
    assert all(one[name] != other[name] for name in frames)


def test_a_folder_of_someone_else_is_refused_and_kept(tmp_path: Path, run_line: RunLine) -> None:
    """A folder that holds anything: 2, and nothing in it has changed."""
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("one")
    ran = run_line(["simulate", str(folder), *SMALL], exit_code=2)
    assert "chapter.txt" in ran.err
    assert "→" in ran.err
    assert [path.name for path in folder.iterdir()] == ["chapter.txt"]


def test_a_file_is_no_folder(tmp_path: Path, run_line: RunLine) -> None:
    """A file of that name: 2, and it is kept."""
    path = tmp_path / "notes"
    path.write_text("mine")
    run_line(["simulate", str(path), *SMALL], exit_code=2)
    assert path.read_text() == "mine"


def test_run_again_it_goes_on_and_other_settings_are_refused(tmp_path: Path, run_line: RunLine) -> None:
    """The same words find it done; others would mix two visits."""
    folder = tmp_path / "visit"
    run_line(["simulate", str(folder), *SMALL])
    before = digests(folder)
    run_line(["simulate", str(folder), *SMALL])
    ran = run_line(["simulate", str(folder), *SMALL, "--seed", "5"], exit_code=2)
    assert "seed" in ran.err
    assert digests(folder) == before


@pytest.mark.parametrize("words", [["--scans", "0"], ["--frames", "0"], ["--seed", "-1"], ["--scans", "many"]])
def test_impossible_numbers_are_wrong_words(tmp_path: Path, run_line: RunLine, words: list[str]) -> None:
    """2, and no folder is made."""
    run_line(["simulate", str(tmp_path / "visit"), "--small", *words], exit_code=2)
    assert not (tmp_path / "visit").exists()


def test_awkward_adds_what_goes_wrong(tmp_path: Path, run_line: RunLine) -> None:
    """--awkward makes a visit with unreadable masters, which index names."""
    folder = tmp_path / "visit"
    run_line(["simulate", str(folder), *SMALL, "--awkward"])
    assert run_line(["index", str(folder), "--json"], exit_code=None).summary["problems"] >= 2
