"""A folder behind the simulated Globus, opened as a remote; logins answered as a user in a browser would."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from danmax_sync.sources.globus import pace
from danmax_sync.sources.remotes import Remote, checked_remote
from danmax_sync.sources.ssh.prompts import Prompt
from danmax_sync.testing.globus import Collection, GlobusService


@dataclass
class Browser:
    """Opens the link it is shown, agrees, and types the code."""

    service: GlobusService
    shown: list[str] = field(default_factory=list)
    code: str | None = None
    told: list[str] = field(default_factory=list)

    def ask(self, title: str, instructions: str, prompts: Sequence[Prompt]) -> list[str]:
        """Answer the one question there is."""
        assert len(prompts) == 1
        [url] = [line for line in instructions.splitlines() if line.startswith("http")]
        self.shown.append(url)
        self.told.append(instructions)
        agreed = self.service.auth.agree(url)
        return [self.code or f" {agreed}\n"]

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Nobody asks."""
        raise AssertionError


@contextmanager
def pointed_at(service: GlobusService, *, unattended: bool = True) -> Iterator[GlobusService]:
    """Let the environment name a service for a while, and its home have no login; nobody waits for the pace."""
    wanted = service.unattended if unattended else service.environment
    before = {name: os.environ.get(name) for name in service.unattended}
    usual = pace.PACE
    pace.PACE = pace.Pace(10_000)
    for name in before:
        os.environ.pop(name, None)
    os.environ.update(wanted)
    try:
        with service:
            yield service
    finally:
        pace.PACE = usual
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def remote_at(collection: Collection, path: str = "/", name: str = "facility") -> Remote:
    """Name a folder of a collection."""
    return checked_remote(name, f"globus://{collection.id}{quote(path)}")


def set_up_personal(*, writable: str = "~/") -> Collection:
    """Set Globus Connect Personal up in the home of this test, and return its collection."""
    it = Collection.personal()
    folder = Path.home() / ".globusonline" / "lta"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client-id.txt").write_text(f"{it.id}\n", encoding="utf-8")
    (folder / "config-paths").write_text(f"{writable},0,1\n", encoding="utf-8")
    return it
