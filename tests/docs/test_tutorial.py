"""The tutorial shows what comes out today."""

import difflib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from danmax_sync.testing.__main__ import host_key, main
from reference.tutorial import PAGE, masked, retold


def test_the_tutorial_shows_what_its_commands_answer(own_home: Path, tmp_path: Path) -> None:
    """Every command of it, in order, against a server with one-time codes; times, keys and codes alone differ.

    ``uv run python -m reference.tutorial`` writes it anew. What it says to remove in the end is all that was made.
    """
    page = PAGE.read_text(encoding="utf-8")
    before, today = (masked(text).splitlines(keepends=True) for text in (page, retold(page, tmp_path)))
    assert before == today, "".join(difflib.unified_diff(before, today, "docs/tutorial.md", "today"))
    assert (tmp_path / "CeO2.png").stat().st_size > 10_000
    assert page.count("\n$ ") >= 14
    (removed,) = re.findall(r"rm -r ([^`\n]+)", page)
    # The settings' folder has another name here.
    assert set(removed.split()) == {path.name for path in tmp_path.iterdir()} - {".settings"} | {"tutorial-settings"}
    assert not (own_home / ".ssh").exists()
    assert "exit code" not in "".join(re.findall(r"```console\n.*?```", page, re.DOTALL))


def test_tables_and_pictures_are_those_of_a_usual_terminal() -> None:
    """Eighty columns: what is wider is a sentence, which a terminal and the site go on with below."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    wide = [line for block in blocks for line in block.splitlines() if len(line) > 80 and not line.startswith("$ ")]
    assert not [line for line in wide if "  " in line.strip() or re.search(r"[\u2581-\u2588\u2801-\u28ff]", line)]


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


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
def test_a_folder_is_served_until_ctrl_c(own_home: Path, tmp_path: Path) -> None:
    """It says where, and what to type; its key is the same at every start."""
    words = [sys.executable, "-m", "danmax_sync.testing", str(tmp_path), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        told = "".join(server.stdout.readline() for _ in range(4))
        where = re.search(r"sftp://visitor@127\.0\.0\.1:(\d+)/", told)
        assert where is not None, told
        with socket.create_connection(("127.0.0.1", int(where[1])), timeout=10) as line:
            assert line.recv(4) == b"SSH-"
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
    assert re.search(r"host key SHA256:(\S+)", told)
    assert host_key(tmp_path).asbytes() == host_key(tmp_path).asbytes()
    assert f"host key {host_key(tmp_path).fingerprint}" in told
    assert not own_home.joinpath("danmax-sync").exists(), "it left something outside of what it serves"
