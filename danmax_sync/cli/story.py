"""The demo: the main job, told as it happens.

Each step is the very command line a user would type, run as such; only the person at the terminal is played, because
somebody has to read the one-time code from the telephone.
"""

import contextlib
import io
import json
import os
import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.cli import context
from danmax_sync.cli.complaint import complain
from danmax_sync.cli.display import say
from danmax_sync.cli.progress import emit, listening
from danmax_sync.cli.speech import BOLD, CYAN
from danmax_sync.errors import ExitCode, UsageError
from danmax_sync.events import Event
from danmax_sync.settings import (
    CATALOGUE_VARIABLE,
    HOME_VARIABLE,
    SSH_CARRIER_VARIABLE,
    SSH_CONFIG_VARIABLE,
)

if TYPE_CHECKING:
    from danmax_sync.sources.ssh import Prompt
    from danmax_sync.testing.sftpserver import EmbeddedSftpServer

SCANS, FRAMES, INCOMPLETE = 16, 6, 11
"""Eleven scans before it, so that the incomplete set is in the middle of the temperature ramp."""
VISIT = ("data", "visitors", "danmax", "20251234", "2025110208")
REMOTE = "facility"
QUERY = "sample:CeO2 temperature:300..450"
MARKER = ".danmax-demo"
Run = Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class Places:
    """What lies where in the demo's folder."""

    folder: Path

    @property
    def facility(self) -> Path:
        """What the server shows."""
        return self.folder / "facility"

    @property
    def visit_there(self) -> Path:
        """The visit at the facility."""
        return self.facility.joinpath(*VISIT)

    @property
    def home(self) -> Path:
        """Where sets arrive."""
        return self.folder / "visit"

    @property
    def settings(self) -> Path:
        """The demo's own home."""
        return self.folder / "settings"

    @property
    def picture(self) -> Path:
        """The waterfall."""
        return self.folder / "waterfall.png"


def tell_story(folder: Path, *, as_json: bool, run: Run, over_globus: bool = False) -> None:
    """Walk the main job in a folder.

    Parameters
    ----------
    folder : Path
        New, empty, or from a demo before; everything stays in it.
    as_json : bool
        Events instead of a story.
    run : callable
        Runs a command line and returns its exit code.
    over_globus : bool
        Whether a smaller visit comes through a Globus on this machine, instead of SFTP.

    Raises
    ------
    UsageError
        If the folder holds something else, the other demo for one.
    SystemExit
        With the code of a step that ended as it should not.
    """
    places = Places(folder.expanduser().absolute())
    _claim(places, f"{MARKER}-globus" if over_globus else MARKER)
    started = time.monotonic()
    story: Story
    if over_globus:
        from danmax_sync.cli.globus_story import GlobusStory

        story = GlobusStory(places, run, as_json=as_json)
    else:
        story = Story(places, run, as_json=as_json)
    with _surroundings(places):
        story.simulate()
        with story.served():
            story.fetch()
        story.use()
    story.end(time.monotonic() - started)


def _claim(places: Places, marker: str) -> None:
    folder = places.folder
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="name another: danmax-sync demo DIR")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / marker).exists():
        raise UsageError(f"{folder} holds other things", hint="name a new or empty folder: danmax-sync demo DIR")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / marker).touch()
    except OSError as problem:
        raise UsageError(f"{folder} cannot be written to: {problem.strerror}", hint="danmax-sync demo DIR") from problem


@contextlib.contextmanager
def _surroundings(places: Places) -> Iterator[None]:
    """Keep the demo apart from the user's own settings, catalogue, keys and ssh_config."""
    places.settings.mkdir(exist_ok=True)
    ssh_config = places.settings / "ssh_config"
    ssh_config.write_text("# the demo's server needs nothing from your ssh_config\n", encoding="utf-8")
    ours = {
        HOME_VARIABLE: str(places.settings),
        CATALOGUE_VARIABLE: str(places.settings / "catalogue.db"),
        SSH_CONFIG_VARIABLE: str(ssh_config),
        SSH_CARRIER_VARIABLE: "paramiko",
    }
    with environment(ours):
        yield


@contextlib.contextmanager
def environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Change variables for a while; None takes one away."""
    before = {name: os.environ.get(name) for name in values}
    _set_variables(values)
    try:
        yield
    finally:
        _set_variables(before)


def _set_variables(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


class _Person:
    """Answers the server's two questions, as the user would: password, then the code on the telephone."""

    def __init__(self, server: "EmbeddedSftpServer", *, aloud: bool) -> None:
        self._server, self._aloud = server, aloud

    def ask(self, title: str, instructions: str, prompts: "Sequence[Prompt]") -> list[str]:  # noqa: ARG002
        return [self._answer(prompt.text) for prompt in prompts]

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:  # noqa: ARG002
        return fingerprint == self._server.host_key

    def _answer(self, text: str) -> str:
        is_password = "password" in text.lower()
        answer = str(self._server.password) if is_password else self._server.current_code()
        if self._aloud:
            shown = "········" if is_password else f"{answer}   (from the demo's telephone)"
            say(f"  {text.strip()} {shown}")
        return answer


class Story:
    """The steps, over SFTP.

    Parameters
    ----------
    places : Places
        What lies where.
    run : callable
        Runs a command line and returns its exit code.
    as_json : bool
        Events instead of a story.
    """

    small = False
    """Whether the visit's detector is a small one."""

    def __init__(self, places: Places, run: Run, *, as_json: bool) -> None:
        self.places, self.run, self.as_json = places, run, as_json
        self.steps = 0
        self.results: dict[str, dict[str, object]] = {}

    def simulate(self) -> None:
        """Make the visit."""
        from danmax_sync.testing.visit import simulate_visit

        title = f"A visit of {SCANS} scans stands at the facility"
        self.announce(title, f"three samples, two energies, a temperature ramp → {self.places.visit_there}")
        started = time.monotonic()
        with listening(as_json=self.as_json) as tell:
            visit = simulate_visit(
                self.places.visit_there,
                scans=SCANS,
                frames=FRAMES,
                incomplete=[INCOMPLETE],
                small=self.small,
                tell=tell,
            )
        self.left_out = visit.scans[INCOMPLETE].number
        if not self.as_json:
            say(f"  scan {self.left_out} has no detector file there, as when saving was off")
        self._took("simulate", started, ExitCode.DONE, {"scans": len(visit.scans)})

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Serve the facility over SSH on loopback for a while, with its own host key and one-time codes."""
        from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits

        password = secrets.token_urlsafe(9)
        with EmbeddedSftpServer(self.places.facility, password=password, one_time_code=six_digits) as server:
            known_hosts = self.places.settings / "known_hosts"
            known_hosts.write_text(server.known_hosts_line().rstrip("\n") + "\n", encoding="utf-8")
            self.uri = f"sftp://{server.user}@{server.host}:{server.port}/{'/'.join(VISIT)}"
            context.answer_with(_Person(server, aloud=not self.as_json))
            try:
                self.announce(
                    "It is served over SSH on this machine only",
                    f"host key {server.host_key}, password and one-time code",
                )
                yield
            finally:
                context.answer_with(None)

    def fetch(self) -> None:
        """Bring sets home, as a user would from an empty catalogue."""
        # The server's port is another one in every run, so the demo's own catalogue starts anew.
        for name in ("catalogue.db", "remotes.json", "globus-tokens.json"):
            (self.places.settings / name).unlink(missing_ok=True)
        self.step("Tell where it is, under a name", "remote", "add", REMOTE, self.uri)
        self.log_in()
        self.step("Read what is there; only masters travel", "index", REMOTE)
        self.step("Search by temperature", "search", *QUERY.split())
        self.step(
            f"Bring the complete sets home; scan {self.left_out} is incomplete there, is named and left out",
            "get", *QUERY.split(), "--from", REMOTE, "--to", str(self.places.home),
            expected=(ExitCode.SOURCE,),
        )  # fmt: skip

    def log_in(self) -> None:
        """Log in with a step of its own, where the next does not do it."""

    def use(self) -> None:
        """Work with what has come."""
        here = str(self.places.home)
        self.step("Check every set: each link opens its own sibling", "verify", here)
        state = "state:complete"
        self.step("Integrate, with the calibration that came along", "integrate", *QUERY.split(), state)
        self.step("Plot against temperature", "plot", *QUERY.split(), state, "-o", str(self.places.picture))

    def end(self, seconds: float) -> None:
        """Say what lies where."""
        if self.as_json:
            fields = {
                "folder": str(self.places.folder),
                "visit": str(self.places.home),
                "picture": str(self.places.picture),
                "steps": self.steps,
                "results": self.results,
                "seconds": round(seconds, 3),
            }
            emit(Event("summary", fields))
            return
        home, folder = self.places.home, self.places.folder
        say(f"\nDone in {seconds:.0f} s. What lies where:")
        for path, what in (
            (home / "raw", "complete sets, links intact"),
            (home / "process" / "azint", "patterns (NXazint1d): open them in silx view"),
            (self.places.picture, "the waterfall against temperature"),
            (self.places.facility, "the simulated facility"),
            (self.places.settings, "the demo's own catalogue and settings"),
        ):
            say(f"  {os.path.relpath(path, Path.cwd()) if path.is_relative_to(Path.cwd()) else path}  {what}")
        set_home = "set" if os.name == "nt" else "export"
        say(f"Look around:  {set_home} {HOME_VARIABLE}={shlex.quote(str(self.places.settings))}")
        say("              danmax-sync search energy:35     danmax-sync show 42     danmax-sync plot CeO2")
        say(f"Its server has ended with the demo: what was left there can no longer be fetched as {REMOTE}")
        say(f"Tidy up by deleting {folder}")

    def step(self, title: str, *words: str, expected: Sequence[ExitCode] = ()) -> None:
        """Run a command line.

        Raises
        ------
        SystemExit
            If it ended as it should not.
        """
        self.announce(title, f"$ danmax-sync {' '.join(map(_shell_word, words))}")
        started = time.monotonic()
        takes_json = words[0] in {"index", "get", "verify", "integrate"}
        heard = io.StringIO()
        if self.as_json:
            with contextlib.redirect_stdout(heard):
                code = self.run([*words, "--json"] if takes_json else words)
        else:
            code = self.run(words)
        if code == ExitCode.STOPPED:
            raise KeyboardInterrupt
        if code not in {ExitCode.DONE, *expected}:
            complain(
                f"the demo's step `danmax-sync {' '.join(words)}` ended with {code}",
                hint="the message above says why; a demo in a new folder: danmax-sync demo DIR",
            )
            raise SystemExit(code)
        result = _retold(heard.getvalue(), words[0]) if self.as_json else {}
        self._took(words[0], started, ExitCode(code), result)

    def announce(self, title: str, line: str) -> None:
        """Begin a step."""
        self.steps += 1
        if self.as_json:
            emit(Event("step", {"step": self.steps, "title": title, "command": line}))
            return
        say("")
        say(f"{self.steps}. {title}", style=BOLD)
        say(f"  {line}", style=CYAN)

    def _took(self, name: str, started: float, code: ExitCode, result: dict[str, object]) -> None:
        seconds = round(time.monotonic() - started, 3)
        if self.as_json:
            self.results[name] = result
            emit(Event("step_done", {"step": self.steps, "name": name, "exit_code": int(code), "seconds": seconds}))
        else:
            say(f"  ({seconds:.1f} s)")


def _retold(text: str, name: str) -> dict[str, object]:
    """Pass a command's own events on; its summary becomes the step's result."""
    result: dict[str, object] = {}
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if isinstance(told, dict) and told.get("event") == "summary":
                result = {key: value for key, value in told.items() if key != "event"}
            elif isinstance(told, dict) and "event" in told:
                emit(Event(str(told.pop("event")), {"of": name, **told}))
    return result


def _shell_word(word: str) -> str:
    # The words of a query are safe in every shell; shlex would put the `*` and `:` between quotes.
    return word if all(c.isalnum() or c in "-_.:/@,=*\\" for c in word) else shlex.quote(word)
