"""The tutorial shows what comes out today."""

import difflib
import re
from pathlib import Path

import pytest

from danmax_sync.testing.__main__ import main
from reference.tutorial import PAGE, masked, retold


def test_the_tutorial_shows_what_its_commands_answer(own_home: Path, tmp_path: Path) -> None:
    """Every command of it, in order, against a server with one-time codes; times, keys and codes alone differ.

    ``uv run python -m reference.tutorial`` writes it anew.
    """
    page = PAGE.read_text(encoding="utf-8")
    before, today = (masked(text).splitlines(keepends=True) for text in (page, retold(page, tmp_path)))
    assert before == today, "".join(difflib.unified_diff(before, today, "docs/tutorial.md", "today"))
    assert (tmp_path / "CeO2.png").stat().st_size > 10_000
    assert page.count("\n$ ") >= 14
    assert "exit code" not in "".join(re.findall(r"```console\n.*?```", page, re.DOTALL))


@pytest.mark.parametrize("hidden", ["in 0.3 s", "12.3 MB/s", "SHA256:abc+/", "one-time code 123456", "password x_Y-z"])
def test_what_differs_from_run_to_run_is_hidden_and_nothing_else(hidden: str) -> None:
    """A number of scans, of bytes or of bins is compared."""
    assert masked(hidden) != hidden
    for kept in ("12 scans", "336.0 K", "465.5 kB", "scan 49: 219.5 kB", "3000 bins"):
        assert masked(kept) == kept


def test_a_folder_that_cannot_be_served_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a usage error, before anything listens."""
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "nowhere")])
    assert "danmax-sync simulate" in capsys.readouterr().err
