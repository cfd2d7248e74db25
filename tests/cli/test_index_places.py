"""Which places `index` looks at, and what it says of those that are away."""

import shutil
from pathlib import Path

import pytest

from danmax_sync.errors import ExitCode
from tests.conftest import RunLine
from tests.scanfile.writing import write_master


@pytest.fixture
def visits(tmp_path: Path, own_home: Path, run_line: RunLine) -> list[Path]:
    """Index two small visits; in the second is a file that cannot be read."""
    folders = [tmp_path / name for name in ("first", "second")]
    for number, folder in enumerate(folders):
        write_master(folder / "raw" / "Si" / f"scan-{number:04d}.h5")
    (folders[1] / "raw" / "Si" / "scan-0099.h5").write_bytes(b"no HDF5")
    run_line(["index", *map(str, folders)])
    return folders


def test_a_known_folder_that_is_away_is_not_taken_for_a_remote(
    visits: list[Path], run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is not connected: nothing known of it is marked or lost."""
    monkeypatch.chdir(visits[0].parent)
    shutil.rmtree(visits[0])
    said = run_line("index first", exit_code=ExitCode.SOURCE).err
    assert "the folder first is not there now; what is known of it stays" in said
    said = run_line("index").err
    assert f"{visits[0]}: not there now" in said
    assert f"{visits[1]}: 2 scans" in said
    assert run_line("search --count").out == "3\n"
    shutil.rmtree(visits[1])
    assert "not there now" in run_line("index", exit_code=ExitCode.SOURCE).err


def test_paths_of_problems_are_whole(visits: list[Path], run_line: RunLine) -> None:
    """As those of a search: a path below a place that is not named leads nowhere."""
    (path,) = run_line("problems -f paths").out.splitlines()
    assert Path(path) == visits[1] / "raw" / "Si" / "scan-0099.h5"
    assert Path(path).is_file()
