"""Names of folders are somebody else's: people see them, and no terminal obeys; programs get them exactly."""

import json
import math
import re
from pathlib import Path

import pytest

from tests.conftest import RunLine
from tests.scanfile.writing import write_master

_ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]")
FOLDER = "x\u202egnp\x9b2J\u200b"


@pytest.fixture
def heard(tmp_path: Path, own_home: Path, run_line: RunLine) -> str:
    """Index a folder of such a name, and return what was said."""
    folder = tmp_path / "visit" / "raw" / FOLDER
    write_master(folder / "scan-0042.h5", snapshot={"inf": math.inf, "low": -math.inf, "nan": math.nan})
    (folder / "scan-0043.h5").write_bytes(b"no HDF5")
    return run_line(["index", str(tmp_path / "visit")]).err


@pytest.mark.parametrize("command", ["problems", "search", "show 42", "status", "search sample:nothing", "fields"])
def test_lists_for_people_hold_no_orders_to_a_terminal(heard: str, run_line: RunLine, command: str) -> None:
    """Also through a pipe, behind which is a pager or a terminal."""
    ran = run_line(command, exit_code=None)
    assert not _ORDERS.search(heard + ran.out + ran.err)
    if command in {"problems", "search", "show 42"}:
        assert r"x\u202egnp\u009b2J\u200b" in ran.out
        assert r"x\u202egnp\u009b2J\u200b" in heard


@pytest.mark.usefixtures("heard")
def test_programs_get_names_as_they_are(run_line: RunLine) -> None:
    """A path that is spelled otherwise names no file."""
    (path,) = run_line("search 42 -f paths").out.splitlines()
    assert Path(path).is_file()
    assert run_line("search 42 -f json").json[0]["sample"] == FOLDER


@pytest.mark.usefixtures("heard")
def test_json_knows_no_infinity(run_line: RunLine) -> None:
    """Python would write a word that other programs stumble over."""

    def refuse(word: str) -> float:
        raise AssertionError(word)

    for command in ("search 42 -c +inf,low -f json", "fields -f json", "search 42 -c +inf -f jsonl"):
        assert json.loads(run_line(command).out, parse_constant=refuse)
    assert run_line("search 42 -c +inf,low -f json").json[0]["fields"] == {"inf": "Infinity", "low": "-Infinity"}
