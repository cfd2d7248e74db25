"""`--help` teaches by example, and every example is true: it is run."""

import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer.main

from danmax_sync import settings
from danmax_sync.cli import context
from danmax_sync.cli.application import app
from danmax_sync.cli.mistakes import examples_of
from danmax_sync.testing.elogy import ElogyService
from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.docs.test_documented_commands import VISIT, Visitor

NOT_RUN = {
    "demo": "tests/journeys/test_demo.py walks it",
    "login": "needs OpenSSH: tests/journeys/test_login.py",
    "open": "needs a screen: tests/companions",
    "calibrate": "needs a screen: tests/companions",
    "cancel": "needs Globus: tests/journeys/test_globus.py",
    "settings edit": "needs an editor: tests/cli/test_settings.py",
    "--follow": "never ends: tests/integration/test_following.py",
}
FIRST = (
    "remote add",
    "index danmax",
    "simulate",
    "get",
    "integrate",
    "sample set",
    "tag add",
    "note add",
    "sample export",
    "logbook sync",
)
LAST = ("sample clear", "tag remove", "note clear", "logbook remove", "logout", "remote remove")
LOGBOOK = "https://elogy.example/logbooks/12/"


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command with its words."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, each in command.commands.items():
        yield from commands(each, f"{path} {name}".strip())


COMMANDS = dict(commands(typer.main.get_command(app)))


def examples() -> list[str]:
    """Return all examples in an order in which each finds what it needs."""
    whole = [each for command in COMMANDS.values() for each in examples_of(command.help or "")]
    lines = [each.removeprefix("danmax-sync ") for each in dict.fromkeys(whole)]

    def rank(line: str) -> int:
        first = next((at for at, start in enumerate(FIRST) if line.startswith(start)), len(FIRST))
        return 100 + LAST.index(last) if (last := next((s for s in LAST if line.startswith(s)), "")) else first

    return sorted(lines, key=rank)


@pytest.mark.parametrize("group", ["", *sorted({name.partition(" ")[0] for name in COMMANDS if " " in name})])
def test_summaries_are_whole(group: str, run_line: RunLine) -> None:
    """No sentence about a command ends in dots; in the first list each fits in its line."""
    told = run_line(f"{group} --help").out
    listed = told.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert listed
    assert not [line for line in listed if line.endswith("...")]
    if not group:
        assert len(listed) == len({name.partition(" ")[0] for name in COMMANDS})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_of_itself(name: str) -> None:
    """At least one; more may show what to do next."""
    found = [shlex.split(each.partition(" > ")[0]) for each in examples_of(COMMANDS[name].help or "")]
    assert any(words[1 : 1 + len(name.split())] == name.split() for words in found)


def test_every_example_does_what_it_says(
    small_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a server that holds the visit they name, in one go."""
    facility, here = tmp_path / "facility", tmp_path / "here"
    shutil.copytree(small_visit.folder, facility / VISIT)
    # Its only set that lacks a file gets one.
    complete = facility / VISIT / "raw/CeO2"
    shutil.copy(complete / "scan-0051_pilatus.h5", complete / "scan-0050_pilatus.h5")
    shutil.copytree(small_visit.folder / "process", here / "visit" / "process")
    monkeypatch.chdir(here)
    Path("ours.toml").write_text("bins = 300\n", encoding="utf-8")
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")
    with (
        EmbeddedSftpServer(facility, password="right", one_time_code=six_digits) as server,
        ElogyService() as elogy,
    ):
        elogy.write("Calibration", "<p>scan 43: the magnet did quench</p>", at=datetime(2025, 11, 2, 9, tzinfo=UTC))
        context.answer_with(Visitor(server))
        there = f"{server.user}@{server.host}:{server.port}"
        for line in examples():
            if any(line.startswith(start) or start in line.split() for start in NOT_RUN):
                continue
            if line.startswith("plot") and not Path("visit/process/azint/CeO2").exists():
                run_line("get sample:CeO2")
                run_line("integrate sample:CeO2")
            command, _, file = line.partition(" > ")
            words = shlex.split(command.replace(LOGBOOK, elogy.address).replace("you@sftp.maxiv.lu.se", there))
            ran = run_line(words, exit_code=None)
            # A small visit does not hold what every query asks for.
            assert ran.code in {0, 1}, (ran.line, ran.err)
            if file:
                Path(file).write_text(ran.out, encoding="utf-8")
