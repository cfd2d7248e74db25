"""A terminal for tests: what somebody sees who sits at it, scrolled off lines included."""

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_CODE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")


class Screen:
    """Understands what our bar, prompts and shells write: text, colours, cursor up, erase a line or below."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[list[str]] = [[]]
        self._row = self._column = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """All lines from the first, without what is blank at their ends."""
        return ["".join(row).rstrip() for row in self._rows]

    @property
    def text(self) -> str:
        """The lines, without empty ones at the end."""
        return "\n".join(self.lines).rstrip("\n")

    @property
    def words(self) -> str:
        """All in one line, so that a break of a line hides nothing."""
        return " ".join(self.text.split())

    def feed(self, text: str) -> None:
        """Take what a program writes; a code that is cut in two waits for its end."""
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                code = _CODE.match(text, at)
                if code is None:
                    assert len(text) - at < 20, f"a code this terminal does not know: {text[at : at + 20]!r}"
                    self._rest = text[at:]
                    return
                self._obey(code[1], code[2])
                at = code.end()
                continue
            self._write(text[at])
            at += 1

    def _write(self, one: str) -> None:
        if one == "\r":
            self._column = 0
        elif one == "\n":
            self._down()
        elif one >= " ":
            if self._column == self._columns:
                self._down()
                self._column = 0
            row = self._rows[self._row]
            row.extend(" " * (self._column + 1 - len(row)))
            row[self._column] = one
            self._column += 1

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append([])

    def _obey(self, numbers: str, letter: str) -> None:
        if letter == "A":
            self._row = max(0, self._row - int(numbers or 1))
        elif letter == "K":
            assert numbers == "2", numbers
            self._rows[self._row] = []
        elif letter not in "mhl":
            raise AssertionError(f"a code this terminal does not know: {numbers}{letter}")


class Seat:
    """A program at a terminal, and who looks at it."""

    def __init__(self, process: "subprocess.Popen[bytes]", leader: int, columns: int) -> None:
        self.process, self.screen = process, Screen(columns)
        self._leader = leader

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._leader, text.encode())

    def stop(self) -> None:
        """Press Ctrl-C; look until the program has ended."""
        self.type("\x03")
        # The terminal shows ^C; the signal comes from us, for its terminal is not the one that controls it.
        time.sleep(0.05)
        self.process.send_signal(signal.SIGINT)
        self.watch(lambda: False)

    def linger(self, seconds: float) -> None:
        """Look for a while."""
        end = time.monotonic() + seconds
        self.watch(lambda: time.monotonic() > end, seconds + 1)

    def watch(self, until: Callable[[], bool], seconds: float = 30.0) -> None:
        """Look until something is true, or the program has ended."""
        end, left = time.monotonic() + seconds, b""
        while not until():
            assert time.monotonic() < end, f"it never came true:\n{self.screen.text}"
            if not select.select([self._leader], [], [], 0.1)[0]:
                continue
            # The reader's end says so with an error when the writer has gone.
            with contextlib.suppress(OSError):
                if part := os.read(self._leader, 65536):
                    whole = left + part
                    text = whole.decode(errors="ignore")
                    left = whole[len(text.encode()) :]
                    self.screen.feed(text)
                    continue
            self.process.wait(timeout=seconds)
            return


@contextlib.contextmanager
def at_terminal(command: Sequence[str | Path], *, columns: int = 80, lines: int = 24) -> Iterator[Seat]:
    """Run a program at a terminal of some size, without colours."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        try:
            yield Seat(process, leader, columns)
        finally:
            process.kill()
            os.close(leader)
