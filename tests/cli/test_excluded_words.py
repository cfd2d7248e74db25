"""A word with a dash before it leaves out, where it is no option."""

from pathlib import Path

import pytest

from danmax_sync.cli.exclusions import readable
from tests.conftest import RunLine

OPTIONS = {
    "-f": True, "--format": True, "-n": True, "-0": False, "--sort": True, "--count": False, "-h": False, "-c": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["-LaB6"], ["!LaB6"]),
        (["-state:partial", "-n", "2"], ["!state:partial", "-n", "2"]),
        (["-nonsense:1"], ["!nonsense:1"]),
        (["-(a OR b)"], ["!(a OR b)"]),
        (["-@hot"], ["!@hot"]),
        (["-n5", "-fjson"], ["-n5", "-fjson"]),
        (["--sort", "-energy,start"], ["--sort", "-energy,start"]),
        (["--sort=-energy", "-Si"], ["--sort=-energy", "!Si"]),
        (["-0f", "-x", "-xy"], ["-0f", "-x", "!xy"]),
        (["--count", "-Si"], ["--count", "!Si"]),
        (["--unknown", "-Si"], ["--unknown", "!Si"]),
        (["Si", "--", "-LaB6", "-n"], ["Si", "--", "-LaB6", "-n"]),
        (["-", "-n"], ["-", "-n"]),
        (["-42", "-40-50", "-K:1", "-n5b", "-W2"], ["!42", "!40-50", "!K:1", "-n5b", "!W2"]),
    ],
)
def test_what_an_options_parser_gets(typed: list[str], meant: list[str]) -> None:
    """Options, their values, and all behind ``--`` stay as they are."""
    assert readable(typed, OPTIONS) == meant


@pytest.mark.parametrize("line", ["search -LaB6", "search -- -LaB6", "search -sample:LaB6", "search !LaB6"])
def test_an_excluded_word_leaves_out(line: str, indexed: Path, run_line: RunLine) -> None:
    """In each of its spellings."""
    program, *words = line.split()
    numbers = run_line([program, "-f", "ids", *words]).out.split()
    assert len(numbers) == 9
    assert "42" not in numbers


def test_every_verb_takes_them(indexed: Path, run_line: RunLine) -> None:
    """A query means the same everywhere."""
    assert len(run_line("show -LaB6 -f json").json) == 9
    assert "ea_ppm3_1" in run_line("fields -LaB6 -f ids").out
    run_line("verify -LaB6 -Si -CeO2", exit_code=1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("get 42 -n 3", "danmax-sync get has no option -n"),
        ("get 42 -n44", "danmax-sync get has no option -n44"),
        ("get LaB6 -dry-run", "two dashes, --dry-run"),
        ("get 42 -to there", "two dashes, --to"),
        ("verify LaB6 -fjson", "danmax-sync verify has no option -fjson"),
        ("status -0", "danmax-sync status has no option -0"),
        ("search -x", "danmax-sync search has no option -x"),
        ("tag add 42 -v good", "danmax-sync tag add has no option -v"),
    ],
)
def test_what_looks_like_an_option_is_no_word_to_leave_out(
    line: str, said: str, indexed: Path, run_line: RunLine
) -> None:
    """``-n 3`` would leave out a word n and add scan 3; the answer says how a word is left out."""
    ran = run_line(line, exit_code=2)
    assert said in ran.err
    assert "to leave out a word: '!" in ran.err
    assert len(ran.err.splitlines()) <= 3


def test_a_word_of_one_letter_can_be_left_out(indexed: Path, run_line: RunLine) -> None:
    """Spelled with ``!``, or behind ``--``."""
    assert run_line("status --json !Z").json["scans"] == run_line("status --json -- -Z").json["scans"] == 12


def test_an_unknown_long_option_is_an_error(indexed: Path, run_line: RunLine) -> None:
    """It is a typing mistake, not a word to leave out."""
    assert "--lmit" in run_line("search --lmit 5", exit_code=2).err
