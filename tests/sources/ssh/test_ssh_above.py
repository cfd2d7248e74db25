"""Instructions stand above the prompt, although ``ssh`` was faster with it."""

import os
import struct

import pytest

from danmax_sync.sources.ssh.above import show_above_prompt
from tests.sources.ssh.screen import Screen

fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")
PROMPT = "(you@server) One-time code: "


def written(lines: list[str], *, rows: int = 24, columns: int = 40) -> str:
    """Return what arrives at a terminal of that size."""
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        with os.fdopen(theirs, "w", closefd=False) as stream:
            show_above_prompt(lines, stream)
        return os.read(ours, 4096).decode()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("before", [0, 3, 22, 23, 60])
@pytest.mark.parametrize("lines", [["Open the app."], ["Welcome.", "x" * 70, "Open the app."]])
@pytest.mark.parametrize("prompt", [PROMPT, ""])
def test_it_is_above(before: int, lines: list[str], prompt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anywhere on the screen, whether the prompt is there by now or comes after; and the cursor is behind it."""
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen(24, 40)
    screen.show("".join(f"{at}\r\n" for at in range(before)) + prompt)
    screen.show(written(lines))
    screen.show(PROMPT.removeprefix(prompt))
    shown = [line for line in screen.cells if line.strip()]
    wrapped = [line[at : at + 40] for line in lines for at in range(0, len(line), 40)]
    assert shown[-len(wrapped) - 1 :] == [*wrapped, PROMPT]
    assert shown[: -len(wrapped) - 1] == [str(at) for at in range(before)][-(24 - len(wrapped) - 1) :][: before or None]
    assert screen.cells[screen.row] == PROMPT
    assert screen.column == len(PROMPT)


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_where_there_is_no_such_screen_it_is_below(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that takes no orders, and a text that is longer than the screen: plain lines."""
    monkeypatch.setenv("TERM", term)
    lines = ["a"] if term == "dumb" else ["a"] * 23
    assert written(lines).replace("\r", "") == "\n" + "\n".join(lines) + "\n"
