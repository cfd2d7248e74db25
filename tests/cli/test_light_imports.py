"""Help and completion answer at once: they import nothing heavy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.scenes import Home

HEAVY = (
    "h5py", "numpy", "sqlalchemy", "alembic", "pyFAI", "paramiko", "globus_sdk", "matplotlib", "numba", "fabio", "silx",
)  # fmt: skip
PROBE = """
import atexit, json, os, sys
atexit.register(lambda: os.write(2, json.dumps(sorted(sys.modules)).encode()))
from danmax_sync.cli import main
main(sys.argv[1:])
"""


def imported(*words: str, **environment: str) -> tuple[set[str], str]:
    """Return the modules that a command line has imported when it ends, and what it printed."""
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *words],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )
    return set(json.loads(ran.stderr.splitlines()[-1])), ran.stdout


def heavy(modules: set[str]) -> list[str]:
    """Return the heavy packages among them."""
    return [name for name in HEAVY if name in modules]


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["get", "--help"],
        ["search", "--help"],
        ["show", "--help"],
        ["fields", "--help"],
        ["diff", "--help"],
        ["index", "--help"],
        ["integrate", "--help"],
        ["plot", "--help"],
        ["report", "--help"],
        ["open", "--help"],
        ["calibrate", "--help"],
        ["notebook", "--help"],
        ["remote", "add", "--help"],
        ["sample", "set", "--help"],
        ["tag", "add", "--help"],
        ["logbook", "sync", "--help"],
        ["remote", "list"],
    ],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    """Nor does a command that only reads the list of remotes."""
    modules, printed = imported(*words)
    assert "danmax_sync.cli.entry" in modules
    assert heavy(modules) == []
    assert printed or words == ["remote", "list"]


def test_showing_a_scan_to_a_program_draws_nothing(integrated: Home) -> None:
    """Through a pipe neither numpy nor h5py is loaded, patterns or not."""
    modules, printed = imported("show", "52")
    assert "integrated" in printed
    assert {"numpy", "h5py", "matplotlib"}.isdisjoint(modules)


@pytest.mark.parametrize(
    ("shell", "typed", "offered"),
    [
        ("bash", "ver", "verify"),
        ("bash", "search temper", "temperature: temperature:*"),
        ("bash", "search ea_ppm3", "ea_ppm3_1: ea_ppm3_1:*"),
        ("bash", "get sample:Ce", "sample:CeO2"),
        ("bash", "fields -c +sca", "+scans"),
        ("fish", "show detector:fal", "detector:falconx"),
        ("zsh", "search state:par", "_arguments '*: :((\"state\\\\:partial\"))'"),
    ],
)
def test_completion_imports_nothing_heavy(shell: str, typed: str, offered: str, indexed: Path) -> None:
    """A shell asks at every press of the tabulator, also for names and values in the catalogue."""
    line = f"danmax-sync {typed}"
    modules, printed = imported(
        _DANMAX_SYNC_COMPLETE=f"complete_{shell}",
        COMP_WORDS=line,
        COMP_CWORD=str(len(line.split()) - 1),
        _TYPER_COMPLETE_ARGS=line,
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert " ".join(printed.split()) == offered
    assert heavy(modules) == []
    assert "rich" not in modules


@pytest.mark.parametrize(
    "words",
    [
        ["search"],
        ["search", "-c", "+ea_ppm3_1"],
        ["show", "42"],
        ["fields"],
        ["diff", "42", "44"],
        ["sample", "export"],
    ],
)
def test_asking_the_catalogue_imports_its_database_and_no_more(words: list[str], indexed: Path) -> None:
    """Reading rows takes no HDF5, no numpy, no migrations and no SSH; what is not drawn on a terminal no rich."""
    modules, printed = imported(*words)
    assert printed
    assert heavy(modules) == ["sqlalchemy"]
    assert "rich" not in modules


def test_the_check_sees_a_heavy_import() -> None:
    """A catalogue does need its database; alembic only where an old one is upgraded."""
    modules, _ = imported("db", "upgrade")
    assert heavy(modules) == ["sqlalchemy"]
