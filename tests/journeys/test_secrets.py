"""Password and one-time code are asked for, used, and kept nowhere."""

import logging
import os
import re
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.sources import probing
from danmax_sync.testing.sftpfiles import CutLineError, Faults
from tests.conftest import RunLine
from tests.journeys.conftest import Serve
from tests.journeys.places import DANMAX_SYNC, PASSWORD


def files_with(secret: str, *folders: Path) -> list[Path]:
    """Return the files below some folders that hold a secret."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if secret.encode() in path.read_bytes()]


def test_secrets_are_in_no_output_event_or_file(
    serve: Serve, tmp_path: Path, own_home: Path, run_line: RunLine
) -> None:
    """Neither when all goes well nor when the login is rejected or something breaks."""
    person = serve()
    home = str(tmp_path / "home")
    heard = ""
    lines = (
        (["remote", "test", "facility"], 0),
        (["index", "facility", "--json"], 0),
        (["get", "42", "--from", "facility", "--to", home, "--json"], 0),
        (["--debug", "get", "44", "--from", "facility", "--to", home], 0),
    )
    for words, code in lines:
        ran = run_line(words, exit_code=code)
        heard += ran.out + ran.err
    person.code = "918273645"
    rejected = run_line("remote test facility", exit_code=4)
    heard += rejected.out + rejected.err
    secrets = {*person.said, person.server.current_code()}
    assert PASSWORD in secrets
    assert len(secrets) > 4
    for secret in secrets:
        assert secret not in heard
        assert files_with(secret, own_home, tmp_path / "home") == []


def test_secrets_are_in_no_trace_of_a_transfer_that_breaks(
    serve: Serve, tmp_path: Path, own_home: Path, run_line: RunLine, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in its events, the journal and the parts it leaves, nor in any log, however much is logged."""
    home = tmp_path / "home"

    class Cut(Faults):
        done = False

        def reading(self, path: str, offset: int, data: bytes) -> bytes:
            if path.endswith("scan-0043_pilatus.h5") and not self.done:
                self.done = True
                raise CutLineError
            return data

    person = serve(Cut())
    get = ["--debug", "get", "LaB6", "--from", "facility", "--to", str(home), "--json"]
    with caplog.at_level(logging.DEBUG):
        broken = run_line(get, exit_code=3)
        again = run_line(get)
    heard = broken.out + broken.err + again.out + again.err + caplog.text
    assert (own_home / "danmax-sync" / "transfers.db").exists()
    assert '"event": "file"' in broken.out
    secrets = {*person.said, person.server.current_code()}
    assert PASSWORD in secrets
    assert len(secrets) > 3
    for secret in secrets:
        assert secret not in heard
        assert files_with(secret, own_home, home) == []


def test_a_bug_s_report_holds_no_secret(
    serve: Serve, own_home: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the traceback, without the values."""
    person = serve()

    def broken(*_: object) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(probing, "probe", broken)
    run_line("remote test facility", exit_code=70)
    assert list((own_home / "danmax-sync" / "reports").iterdir())
    for secret in person.said:
        assert files_with(secret, own_home) == []


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_a_person_at_a_terminal_is_asked_and_not_echoed(
    serve: Serve, visit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's prompts are shown as they are; what is typed is not, and is in no process's arguments."""
    person = serve(indexed=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    screen, arguments = _at_a_terminal(
        ["index", "facility"],
        [("Password: ", lambda: PASSWORD), ("One-time code: ", person.server.current_code)],
    )
    assert "Open the app on your phone." in screen
    assert "4 scans (4 new" in screen
    assert PASSWORD not in screen
    assert re.search(r"One-time code: \S", screen) is None
    assert PASSWORD not in arguments
    # No bar stood over the questions.
    assert "━" not in screen[: screen.index("One-time code")]


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_an_unknown_host_key_is_shown_and_remembered_only_when_accepted(
    serve: Serve, own_home: Path, run_line: RunLine
) -> None:
    """The question stands there before an answer is awaited; no is no."""
    person = serve(indexed=False)
    settings.known_hosts_file().unlink()
    screen, _ = _at_a_terminal(["index", "facility"], [("Type yes to go on: ", lambda: "no")])
    assert person.server.host_key in screen.replace("\r\n", "")
    assert person.server.attempts == 0
    assert not settings.known_hosts_file().exists()


def _at_a_terminal(words: list[str], talk: list[tuple[str, Callable[[], str]]]) -> tuple[str, str]:
    """Type answers when their questions stand on the screen; return the screen and every process's arguments."""
    import pty

    ours, theirs = pty.openpty()
    command = [*DANMAX_SYNC, *words]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    screen, arguments, deadline = "", "", time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                block = os.read(ours, 65_536)
            except OSError:
                break
            if not block:
                break
            screen += block.decode(errors="replace")
            if talk and screen.rstrip("\r\n").endswith(talk[0][0]):
                _, answer = talk.pop(0)
                listed = subprocess.run(["ps", "-A", "-o", "args="], check=True, capture_output=True, text=True)
                arguments += listed.stdout
                time.sleep(0.1)
                os.write(ours, answer().encode() + b"\n")
        assert talk == [], screen
    finally:
        if time.monotonic() > deadline:
            process.kill()
        process.wait(30)
        os.close(ours)
    return screen, arguments
