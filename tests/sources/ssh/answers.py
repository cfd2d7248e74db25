"""What the tests of the carriers share: prepared answers, a file's content, a look at the processes."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from danmax_sync.sources.ssh import Prompt

CONTENT = bytes(range(256)) * 4096
"""1 MiB, more than one READ."""


class Answers:
    """A Prompter that gives prepared answers, one a prompt, and remembers what was asked."""

    def __init__(self, *answers: str, accepts: bool = True) -> None:
        self.answers = list(answers)
        self.accepts = accepts
        self.asked: list[str] = []
        self.heard: list[str] = []
        self.fingerprints: list[str] = []

    def ask(self, title: str, instructions: str, prompts: Sequence[Prompt]) -> list[str]:
        """Give the next answers."""
        self.asked += [prompt.text for prompt in prompts]
        self.heard += [text for text in (title, instructions) if text]
        return [self.answers.pop(0) for _ in prompts]

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Say what was prepared."""
        self.fingerprints.append(fingerprint)
        return self.accepts


def ssh_children(parent: int) -> list[str]:
    """Return the ssh processes a process has started and not reaped."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,comm="], check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return [" ".join(row) for row in rows if row[1] == str(parent) and Path(row[2].split()[0]).name in {"ssh", "sh"}]
