"""The demo over Globus: Transfer, Auth and two collections run on this machine; a person with a browser is played."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from danmax_sync.cli import context
from danmax_sync.cli.display import say
from danmax_sync.cli.story import REMOTE, VISIT, Story, environment

if TYPE_CHECKING:
    from danmax_sync.sources.ssh import Prompt
    from danmax_sync.testing.globus import GlobusService

_SECRET = "DANMAX_SYNC_GLOBUS_CLIENT_SECRET"  # noqa: S105 - a name


class _Browser:
    """Opens the link that is shown, agrees, and types the code."""

    def __init__(self, service: "GlobusService", *, aloud: bool) -> None:
        self._service, self._aloud = service, aloud

    def ask(self, title: str, instructions: str, prompts: "Sequence[Prompt]") -> list[str]:  # noqa: ARG002
        link = next(line for line in instructions.splitlines() if line.startswith("http"))
        code = self._service.auth.agree(link)
        if self._aloud:
            say(f"  the link is opened, the login there allowed, and the code typed: {code}   (by the demo)")
        return [code]

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:  # noqa: ARG002
        return False


class GlobusStory(Story):
    """The same steps through tasks of Globus, with a smaller detector."""

    small = True

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Run Globus on loopback: the facility is one collection of it, this machine another."""
        from danmax_sync.testing.globus import Collection, GlobusService

        facility = Collection(self.places.facility, "The facility", https=True)
        here = Collection.personal(writable=(self.places.home,))
        self.uri = f"globus://{facility.id}/{'/'.join(VISIT)}"
        with GlobusService([facility, here]) as service:
            context.answer_with(_Browser(service, aloud=not self.as_json))
            try:
                with environment({**service.environment, **self._personal(here.id), _SECRET: None}):
                    self.announce(
                        "A Globus runs on this machine only", f"Transfer, Auth and two collections at {service.url}"
                    )
                    yield
            finally:
                context.answer_with(None)

    def log_in(self) -> None:
        """Allow danmax-sync to use both collections."""
        self.step("Log in once, in a browser", "login", REMOTE)

    def _personal(self, key: str) -> dict[str, str | None]:
        """Set up what Globus Connect Personal leaves in a user's folder, in one of the demo's own."""
        if os.name == "nt":
            folder = self.places.settings / "Globus Connect"
            variable = "LOCALAPPDATA"
        else:
            folder = self.places.settings / ".globusonline" / "lta"
            variable = "HOME"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "client-id.txt").write_text(f"{key}\n", encoding="utf-8")
        (folder / "config-paths").write_text(f"{self.places.home.as_posix()}/,0,1\n", encoding="utf-8")
        return {variable: str(self.places.settings)}
