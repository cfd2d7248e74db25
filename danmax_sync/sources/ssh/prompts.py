"""Questions of a login: what the server asks, and who answers."""

import getpass
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from danmax_sync.errors import LoginError

IN_A_TERMINAL = "Run `danmax-sync login NAME` in a terminal; later commands ride on that login."
HERE_IN_A_TERMINAL = (
    "Run the same command in a terminal (with OpenSSH, danmax-sync login asks once for all), or use a key that the "
    "server accepts."
)
"""Where no login can be kept."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question of the server.

    Attributes
    ----------
    text : str
        As the server sent it, without control characters.
    echo : bool
        Whether the answer may be seen while it is typed.
    """

    text: str
    echo: bool


class Prompter(Protocol):
    """Whoever answers a login's questions."""

    def ask(self, title: str, instructions: str, prompts: Sequence[Prompt]) -> list[str]:
        """Return one answer for each prompt.

        Raises
        ------
        LoginError
            If nobody is there to answer.
        """
        ...

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Say whether a server seen for the first time is the one that is meant."""
        ...


class NoTerminal:
    """Answers nothing; says what would have been asked."""

    def ask(self, title: str, instructions: str, prompts: Sequence[Prompt]) -> list[str]:
        """Refuse, naming the prompts."""
        asked = ", then ".join(repr(prompt.text.strip()) for prompt in prompts) or "a confirmation"
        heard = " ".join(text for text in (title, instructions) if text)
        said = f" ({heard})" if heard else ""
        raise LoginError(
            f"The server asks for {asked}{said}, and there is no terminal to answer in", hint=HERE_IN_A_TERMINAL
        )

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Refuse, naming the fingerprint."""
        raise LoginError(
            f"The host key of {host} is not known: {key_type} {fingerprint}, and there is no terminal to accept it in",
            hint=f"Compare the fingerprint with the one the facility publishes. {HERE_IN_A_TERMINAL}",
        )


class TerminalPrompter:
    """Asks the person at the terminal."""

    def ask(self, title: str, instructions: str, prompts: Sequence[Prompt]) -> list[str]:
        """Show the server's words and read the answers; hidden ones are typed unseen."""
        if not sys.stdin.isatty():
            return NoTerminal().ask(title, instructions, prompts)
        for text in (title, instructions):
            if text:
                sys.stderr.write(f"{text}\n")
        return [_read(prompt) for prompt in prompts]

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Show the fingerprint; only a typed-out ``yes`` accepts it."""
        if not sys.stdin.isatty():
            return NoTerminal().accept_host_key(host, key_type, fingerprint)
        sys.stderr.write(f"The host key of {host} is not known yet.\n{key_type} fingerprint: {fingerprint}\n")
        return _line("Is it the one the facility publishes? Type yes to go on: ").strip().lower() == "yes"


def printable(text: str) -> str:
    """Return a server's text without control characters, which could repaint the terminal; line breaks stay."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf"})


def _read(prompt: Prompt) -> str:
    return _line(prompt.text) if prompt.echo else getpass.getpass(prompt.text)


def _line(text: str) -> str:
    sys.stderr.write(text)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise LoginError("The terminal was closed instead of an answer", hint=HERE_IN_A_TERMINAL)
    return line.rstrip("\r\n")
