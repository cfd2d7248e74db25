"""Who answers the server."""

import getpass
import io
import subprocess
import sys

import pytest

from danmax_sync.errors import ExitCode, LoginError
from danmax_sync.sources.ssh import NoTerminal, Prompt, TerminalPrompter

CODE = Prompt("One-time code: ", echo=False)


class Typed(io.StringIO):
    """A terminal somebody has typed on."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


@pytest.mark.parametrize("prompter", [NoTerminal(), TerminalPrompter()])
def test_without_a_terminal_the_prompt_is_named(
    prompter: NoTerminal | TerminalPrompter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what was asked, the hint what to run."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("123456\n"))
    with pytest.raises(LoginError, match="'One-time code:'") as caught:
        prompter.ask("", "Look at your phone", [CODE])
    assert caught.value.exit_code is ExitCode.LOGIN
    assert "danmax-sync login" in caught.value.hint
    with pytest.raises(LoginError, match="SHA256:abc"):
        prompter.accept_host_key("host", "ssh-ed25519", "SHA256:abc")


def test_hidden_answers_are_read_unseen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Echo is the server's to decide; its words are shown."""
    monkeypatch.setattr(sys, "stdin", Typed("ada\n"))
    monkeypatch.setattr(getpass, "getpass", lambda text: f"hidden for {text}")
    answers = TerminalPrompter().ask("Facility", "Two questions", [Prompt("Name: ", echo=True), CODE])
    assert answers == ["ada", "hidden for One-time code: "]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Facility\nTwo questions\nName: "


@pytest.mark.parametrize(("typed", "accepted"), [("yes\n", True), ("y\n", False), ("\n", False)])
def test_only_a_whole_yes_accepts_a_host_key(typed: str, accepted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the finger accepts nothing."""
    monkeypatch.setattr(sys, "stdin", Typed(typed))
    assert TerminalPrompter().accept_host_key("host", "ssh-ed25519", "SHA256:abc") is accepted


def test_a_terminal_that_is_closed_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-D is not an empty password."""
    monkeypatch.setattr(sys, "stdin", Typed(""))
    with pytest.raises(LoginError, match="closed"):
        TerminalPrompter().ask("", "", [Prompt("Name: ", echo=True)])


def test_looking_at_addresses_and_prompts_loads_no_paramiko() -> None:
    """Light commands stay light."""
    code = "import sys, danmax_sync.sources.ssh; sys.exit('paramiko' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
