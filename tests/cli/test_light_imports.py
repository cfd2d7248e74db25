"""Help and completion answer at once: they import nothing heavy."""

import json
import os
import subprocess
import sys

import pytest

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
        ["index", "--help"],
        ["integrate", "--help"],
        ["remote", "add", "--help"],
        ["remote", "list"],
    ],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    """Nor does a command that only reads the list of remotes."""
    modules, printed = imported(*words)
    assert "danmax_sync.cli.entry" in modules
    assert heavy(modules) == []
    assert printed or words == ["remote", "list"]


def test_completion_imports_nothing_heavy() -> None:
    """A shell asks at every press of the tabulator."""
    modules, printed = imported(_DANMAX_SYNC_COMPLETE="complete_bash", COMP_WORDS="danmax-sync ver", COMP_CWORD="1")
    assert printed.split() == ["verify"]
    assert heavy(modules) == []


def test_the_check_sees_a_heavy_import() -> None:
    """The catalogue does need its database."""
    modules, _ = imported("db", "upgrade")
    assert {"sqlalchemy", "alembic"} <= set(heavy(modules))
