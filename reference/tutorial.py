"""Run what a page shows in its console blocks, and put the real output below each command.

``uv run python -m reference.tutorial`` writes the tutorial anew; a test compares it with what comes out today.
"""

import contextlib
import getpass
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from danmax_sync.cli.entry import run
from danmax_sync.settings import CATALOGUE_VARIABLE, HOME_VARIABLE, SSH_CARRIER_VARIABLE, SSH_CONFIG_VARIABLE
from danmax_sync.testing.__main__ import USUAL_PORT, greeting
from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"
SERVE = "python -m danmax_sync.testing facility"
WIDTH = 80
_BLOCK = re.compile(r"(?<=```console\n)\$ .*?(?=```)", re.DOTALL)
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_VOLATILE = (
    # Libraries may differ in the last digit, and a dot of a picture with them.
    (r"(?m)^.*[\u2581-\u2588\u2801-\u28ff].*$", "…"),
    (r"SHA256:[\w+/]+", "SHA256:…"),
    (r"(?m)^password \S+$", "password …"),
    (r"one-time code \d{6}", "one-time code …"),
    (r"\d+(\.\d+)? s\b", "… s"),
    (r"\d+(\.\d+)? frames/s", "… frames/s"),
    (r"\d+(\.\d+)? [kMG]?B/s", "… B/s"),
)


def masked(text: str) -> str:
    """Return a page with that hidden which differs from run to run: times, rates, keys and codes."""
    for pattern, instead in _VOLATILE:
        text = re.sub(pattern, instead, text)
    return text


def retold(page: str, folder: Path) -> str:
    """Return a page with the output of its commands as it is today; they run in `folder`, one after the other."""
    with _surroundings(folder), _Terminal() as terminal:
        return _BLOCK.sub(lambda block: terminal.block(block[0]), page)


class _Screen(io.StringIO):
    """Both streams; only what is printed as a result sees a terminal, for a bar would paint over the text."""

    def __init__(self, heard: list[str], *, tty: bool) -> None:
        super().__init__()
        self._heard, self._tty = heard, tty

    @property
    def encoding(self) -> str:  # type: ignore[override]  # fixed in its base
        """Of a usual terminal: pictures are made of braille."""
        return "utf-8"

    def isatty(self) -> bool:
        return self._tty

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError  # click tries whether it may write bytes
        self._heard.append(text)
        return len(text)


class _Terminal(contextlib.ExitStack):
    """Somebody at a terminal, who reads the server's code from the other one."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: list[str] = []
        self._server: EmbeddedSftpServer | None = None

    def block(self, text: str) -> str:
        """Return a block with the output of each of its commands."""
        commands = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
        return "".join(f"$ {command}\n{self._output(command)}" for command in commands)

    def _output(self, command: str) -> str:
        self._heard.clear()
        if command.endswith(SERVE):
            self._server = self.enter_context(
                EmbeddedSftpServer(Path("facility"), password="kVvRk3Zz", one_time_code=six_digits)  # noqa: S106
            )
            self._heard.append(greeting(self._server) + "\n")
        else:
            self._run(command)
        port = f":{self._server.port}" if self._server else ":0"
        shown = (
            _STYLE.sub("", "".join(self._heard)).replace(port, f":{USUAL_PORT}").replace(str(Path.cwd()), "/home/you")
        )
        return "".join(f"{line.rstrip()}\n" for line in shown.splitlines())

    def _run(self, command: str) -> None:
        port = f":{self._server.port}" if self._server else ""
        program, *words = shlex.split(command.replace(f":{USUAL_PORT}", port))
        if program != "danmax-sync":
            raise ValueError(f"nothing runs {command!r}")
        keyboard = mock.Mock(isatty=lambda: True, readline=lambda: self._type(self._answer("".join(self._heard)), ""))
        with (
            contextlib.redirect_stdout(_Screen(self._heard, tty=True)),
            contextlib.redirect_stderr(_Screen(self._heard, tty=False)),
            mock.patch.object(sys, "stdin", keyboard),
            mock.patch.object(getpass, "getpass", lambda prompt: self._type("", prompt) and self._answer(prompt)),
        ):
            code = run(words)
        if code:
            self._heard.append(f"(exit code {code})\n")

    def _type(self, answer: str, prompt: str) -> str:
        """Show what the screen shows of an answer, and return it."""
        self._heard.append(f"{prompt}{answer}\n")
        return f"{answer}\n"

    def _answer(self, asked: str) -> str:
        server = self._server
        if asked.rstrip().endswith("Type yes to go on:"):
            return "yes"
        if server is None:
            raise ValueError(f"nobody serves, and somebody asks {asked!r}")
        return str(server.password) if "assword" in asked.rsplit("\n", 1)[-1] else server.current_code()


@contextlib.contextmanager
def _surroundings(folder: Path) -> Iterator[None]:
    """Work in a folder, with a home of its own in it."""
    ours = {
        HOME_VARIABLE: str(folder / ".settings"),
        CATALOGUE_VARIABLE: str(folder / ".settings" / "catalogue.db"),
        SSH_CONFIG_VARIABLE: os.devnull,
        SSH_CARRIER_VARIABLE: "paramiko",
        "COLUMNS": str(WIDTH),
        "NO_COLOR": "1",
        "TERM": "xterm",
    }
    with mock.patch.dict(os.environ, ours), contextlib.chdir(folder):
        yield


def main() -> None:
    """Write the tutorial anew."""
    with tempfile.TemporaryDirectory() as scratch:
        text = retold(PAGE.read_text(encoding="utf-8"), Path(scratch).resolve())
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
