"""Find a program that has windows, and start it: by its path and with a list of words, never through a shell."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from danmax_sync.errors import UsageError

_QT = ("PySide6", "PyQt6", "PyQt5")
_SECONDS_TO_FAIL = 3.0
"""Within this a program that cannot show its window has given up."""
_MOST_SAID = 300


def installing(package: str) -> str:
    """Return the line that installs a program for whoever runs us, however we were installed."""
    prefix = Path(sys.prefix)
    if "pipx" in prefix.parts:
        return f'pipx install "{package}"'
    # uv makes environments without pip; a tool of its own comes onto the PATH, where we look first.
    if importlib.util.find_spec("pip") is None and (_is_of_uv(prefix) or shutil.which("uv")):
        return f'uv tool install "{package}"'
    return f'python -m pip install "{package}"'


def _is_of_uv(prefix: Path) -> bool:
    try:
        words = (prefix / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        words = []
    return (prefix / "uv-receipt.toml").exists() or any(word.split("=")[0].strip() == "uv" for word in words)


def find_program(name: str, *, install: str) -> Path:
    """Return where a program is: on the PATH, or beside our own Python, which `uv run` puts there first.

    Parameters
    ----------
    name : str
        Of the program.
    install : str
        The command that installs it.

    Raises
    ------
    UsageError
        If it is not installed, lacks a toolkit for windows, or there is no screen to show them on.
    """
    beside = Path(sys.executable).parent
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = find_on_path(name, path=os.pathsep.join(each for each in folders if Path(each) != beside))
    if found is None:
        # Our own environment has silx and pyFAI for their numbers, and most often no toolkit for windows.
        found = find_on_path(name, path=str(beside))
        if found is None:
            raise UsageError(f"{name} is not installed", hint=install)
        if not any(importlib.util.find_spec(each) for each in _QT):
            raise UsageError(f"{name} is installed without a toolkit for its windows", hint=install)
    _check_screen(name)
    return Path(found)


def find_on_path(name: str, *, path: str | None = None) -> str | None:
    """Return where a program is on the PATH; None where it is not, or only in the folder that one happens to be in.

    Windows looks there first, and a folder that was fetched may hold anything. A name with a folder is taken as it is.
    """
    if Path(name).name != name:
        return shutil.which(name)
    folders = (os.environ.get("PATH", os.defpath) if path is None else path).split(os.pathsep)
    found = shutil.which(name, path=os.pathsep.join(each for each in folders if Path(each).is_absolute()))
    return found if found is not None and Path(found).is_absolute() else None


def _check_screen(name: str) -> None:
    named = any(os.environ.get(each) for each in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform.startswith("linux") and not named:
        raise UsageError(
            f"there is no screen here for {name} to show its window on",
            hint="run it at a desktop, or log in with ssh -X",
        )


def start(program: Path, words: Sequence[str], *, install: str) -> None:
    """Start a program that lives on when this one ends; `install` is what helps where it lacks something.

    Raises
    ------
    UsageError
        If it ends at once with an error; the message has its last words.
    """
    with tempfile.TemporaryFile() as said:
        # A session of its own: closing the terminal or pressing Ctrl-C in it leaves the window alone.
        apart = {"creationflags": 0x00000200} if os.name == "nt" else {"start_new_session": True}
        try:
            child = subprocess.Popen(  # noqa: S603 - a path and a list
                [str(program), *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                **apart,
            )
        except OSError as problem:
            raise UsageError(f"{program} cannot be started: {problem.strerror}") from problem
        with contextlib.suppress(subprocess.TimeoutExpired):
            if child.wait(_SECONDS_TO_FAIL):
                raise UsageError(f"{program.name} ended with {child.returncode}: {_last_words(said)}", hint=install)
        # It goes on without us, so nobody waits for it.
        child.returncode = child.returncode or 0


def run(program: Path, words: Sequence[str], *, folder: Path) -> int:
    """Run a program until it is closed, in a folder; return its exit code.

    Raises
    ------
    UsageError
        If it cannot be started.
    """
    try:
        done = subprocess.run([str(program), *words], cwd=folder, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - a path and a list
    except OSError as problem:
        raise UsageError(f"{program} cannot be started: {problem.strerror}") from problem
    return done.returncode


def _last_words(said: IO[bytes]) -> str:
    from danmax_sync.scanfile.text import clean_name

    said.seek(0)
    lines = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return clean_name(lines[-1])[:_MOST_SAID] if lines else "it said nothing"
