"""Lines are broken at words where a person reads them; what is copied stays whole."""

import sys

import pytest

from danmax_sync.catalogue.labels import named, query_of_labels
from danmax_sync.cli.complaint import complain
from danmax_sync.cli.folding import folded
from tests.cli.conftest import Seen

HINT = "once that is mended at the source: danmax-sync index somewhere, then get again, or leave it as it stands there"


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_words_stay_whole_and_nothing_is_lost(width: int) -> None:
    """No line is longer than the screen, and the words are those that were there."""
    lines = folded(f"  → {HINT}", width).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()) == f"→ {HINT}"
    assert all(line.startswith("    ") for line in lines[1:])


@pytest.mark.parametrize("width", range(40, 110, 7))
def test_a_command_is_on_one_line_whatever_the_width(width: int) -> None:
    """One that is longer than the screen has a line of its own, which the terminal goes on below: no break is in it."""
    command = "danmax-sync integrate 42-44 46-61 71-72 3218 --recipe few.toml --overwrite"
    text = folded(f"  → replace it by what was made with other settings: {command}; or leave it", width)
    assert command in text


def test_paths_are_never_broken() -> None:
    """Nor at hyphens."""
    path = "/data/visitors/danmax/20259999/2025010108/raw/a-rather-long-sample-name/scan-0001_pilatus.h5"
    assert path in folded(f"the link to '{path}' is absolute and leaves the visit", 60)


def test_a_program_gets_lines_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Behind a pipe nothing is broken."""
    complain("x " * 200, hint=HINT * 3)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_messages_are_broken_at_the_width_of_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning and its remedy."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    complain("some words of a message " * 8, hint=HINT, kind="warning")
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("warning: some words")
    assert lines[-2:] == [
        "  → once that is mended at the source: danmax-sync index somewhere, then get",
        "    again, or leave it as it stands there",
    ]


@pytest.mark.parametrize("width", [80, 100])
def test_doctor_breaks_its_remedies_at_words(seen: Seen, width: int) -> None:
    """As its findings."""
    lines = seen("doctor", width=width).splitlines()
    assert max(len(line) for line in lines if "/" not in line) <= width
    assert "installed and run by users" in " ".join(" ".join(lines).split())


def test_scans_are_named_together() -> None:
    """Ranges of numbers; few things are named, the others counted; what has no number is spelled as it is."""
    assert named(["scan 42"]) == "scan 42"
    assert named(["scan 44", "scan 42", "scan 43"]) == "scans 42-44"
    assert named(["scan 42", "scan 44", "scan 50"]) == "scans 42, 44 and 50"
    assert named([f"scan {number}" for number in range(1, 41, 2)]) == "scans 1, 3, 5, 7, 9, 11, 13, 15 and 12 more"
    assert named(["scan 42", "raw/x.h5"]) == "scan 42 and raw/x.h5"
    assert named([f"raw/{number}.h5" for number in range(10)], most=2) == "raw/0.h5, raw/1.h5 and 8 more"
    assert query_of_labels(["scan 42", "scan 43", "scan 50"]) == "42-43 50"
    assert query_of_labels(["raw/x.h5"]) == "QUERY"
