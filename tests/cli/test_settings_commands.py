"""Settings are written with comments at first use, are checked, and what was said once need not be said again."""

import json
import os
import sys
import tomllib
from pathlib import Path
from unittest import mock

import pytest

from danmax_sync import settings
from danmax_sync.settings import KNOWN_SETTINGS, settings_file
from danmax_sync.sources.destinations import last_destination, remember_destination, usual_destination
from danmax_sync.sources.remotes import Remote
from tests.conftest import RunLine

MAXIV = "sftp://you@sftp.maxiv.lu.se/data/visitors/danmax/20251234/2025110208"


def write(text: str) -> None:
    """Write the user's settings."""
    settings.ensured_home()
    settings_file().write_text(text, encoding="utf-8")


def test_the_first_command_writes_settings_that_change_nothing(run_line: RunLine) -> None:
    """Everything that can be set is in the file, switched off, and each line would do when switched on."""
    run_line("remote list")
    run_line(["remote", "add", "danmax", MAXIV])
    text = settings_file().read_text(encoding="utf-8")
    assert tomllib.loads(text) == {section: {} for section in KNOWN_SETTINGS}
    switched_on = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    write(switched_on)
    assert {section: tuple(names) for section, names in settings.read_settings().items()} == KNOWN_SETTINGS


@pytest.mark.parametrize("line", ["search", "status", "doctor", f"remote add danmax {MAXIV}"])
def test_whatever_command_is_the_first(line: str, run_line: RunLine) -> None:
    """Also in a folder that was made for it, empty; and doctor says so where the file is not there."""
    settings.home().mkdir(parents=True)
    run_line(line, exit_code=None)
    assert settings_file().is_file()
    settings_file().unlink()
    (settings.home() / "notes").touch()
    assert f"{settings_file()} is not there, so nothing is set" in run_line("doctor").out.replace(
        "\n             ", " "
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[get]\nto = "~/x/{visitt}"', "cannot be filled in"),
        ('[get]\nto = "visits/{visit}"', "is not absolute"),
        ('[get]\nlimit_rate = "fast"', "'fast' is no amount of bytes"),
        ('[integrate]\nrecipe = "/nowhere/at.toml"', "there is no recipe /nowhere/at.toml"),
        ("[globus]\nclient_id = 3", "client_id in [globus] is no text"),
        ("[temperature]\ndevices = 3", "is not a list of names"),
    ],
)
def test_values_are_checked_as_the_commands_will(
    text: str, said: str, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whatever says that the file is understood; what holds is shown nevertheless."""
    write(text)
    monkeypatch.setenv("EDITOR", "true")
    for line, code in (("settings show", 0), ("settings edit", 2)):
        ran = run_line(line, exit_code=code)
        assert said in ran.err
        assert str(settings_file()) in ran.err
        assert "is understood" not in ran.err
    (finding,) = [one for one in run_line("doctor --json", exit_code=None).events if one["topic"] == "settings"]
    assert said in str(finding["message"])
    assert finding["ready"] is False


def test_a_file_that_is_there_is_never_written_to(run_line: RunLine) -> None:
    """Nor is one written again that the user has deleted, until it is asked for."""
    write("# mine\n")
    run_line("settings path")
    assert settings_file().read_text(encoding="utf-8") == "# mine\n"
    run_line(["remote", "add", "danmax", MAXIV])
    settings_file().unlink()
    run_line(["remote", "add", "other", MAXIV])
    assert not settings_file().exists()
    assert Path(run_line("settings path").out.strip()).is_file()


def test_show_says_what_holds(run_line: RunLine, tmp_path: Path) -> None:
    """Set and not set, and where each remote went last."""
    run_line(["remote", "add", "danmax", MAXIV])
    write('[temperature]\ndevices = ["gas_blower_T"]\n')
    told = run_line("settings show").out
    assert '[temperature] devices = ["gas_blower_T"]' in told
    assert "[get] to is not set" in told
    assert "remote danmax was never fetched" in told
    remember_destination(Remote("danmax", MAXIV), tmp_path)
    found = json.loads(run_line("settings show --json").out)
    assert found["destinations"] == {"danmax": str(tmp_path)}
    assert found["settings"]["temperature"] == {"devices": ["gas_blower_T"]}


def test_edit_opens_the_file_and_checks_it(run_line: RunLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake is told at once, and not by the command that stumbles over it next week."""
    editor = tmp_path / "editor.py"
    editor.write_text("import sys; open(sys.argv[1], 'a').write('[get]\\nto = \"~/{visit}\"\\n')", encoding="utf-8")
    monkeypatch.setenv("EDITOR", f"python {editor}")
    settings.ensured_home()
    settings_file().write_text("", encoding="utf-8")
    assert "is understood" in run_line("settings edit").err
    ran = run_line("settings edit", exit_code=2)
    assert str(settings_file()) in ran.err
    assert "settings edit" in ran.err
    monkeypatch.setenv("EDITOR", "no-such-editor --wait")
    assert "no-such-editor" in run_line("settings edit", exit_code=2).err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[temperature]\ndevices = "x"', "devices in [temperature] is not a list of names"),
        ("[globus]\nclient_id = 3", "client_id in [globus] is no text"),
        ("[get]\nto = 2020-01-01", "to in [get] is no text"),
        ('[get]\nlimit_rate = "fast"', "is no amount of bytes"),
    ],
)
def test_edit_checks_what_settings_say_too(
    text: str, said: str, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only how they are called; and whatever is there can be shown."""
    monkeypatch.setenv("EDITOR", f"{sys.executable} -c pass")
    write(text)
    assert said in run_line("settings edit", exit_code=2).err
    (value,) = (
        each for of in run_line("settings show --json").json["settings"].values() for each in of.values() if each
    )
    assert str(value) in text
    assert str(value) in run_line("settings show").out


def test_settings_of_any_editor_are_read(run_line: RunLine) -> None:
    """Some of Windows begin a file with a mark that is no letter."""
    write('\ufeff[temperature]\ndevices = ["gas_blower_T"]\n')
    assert "gas_blower_T" in run_line("settings show").out
    write("[get]\nlimit_rate = nan\n")
    assert run_line("settings show --json").json["settings"]["get"]["limit_rate"] == "NaN"


@pytest.mark.skipif(os.name == "nt", reason="scripts name no program there")
def test_an_editor_that_cannot_be_is_said(run_line: RunLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote without end, a script for a program that is not there: with the file to open by oneself."""
    monkeypatch.setenv("EDITOR", "vim '")
    assert "a quote that does not end" in run_line("settings edit", exit_code=2).err
    script = tmp_path / "editor"
    script.write_text("#!/no/such/program\n")
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))
    assert "cannot be started" in run_line("settings edit", exit_code=2).err


@pytest.mark.skipif(os.name == "nt", reason="a program is one by its mode elsewhere")
def test_the_editor_is_started_where_it_was_found(
    run_line: RunLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows knows `code` only as code.cmd; and what lies in a folder that was fetched is not the editor."""
    started = mock.Mock(return_value=mock.Mock(returncode=0))
    monkeypatch.setattr("subprocess.run", started)
    program = tmp_path / "programs" / "code"
    program.parent.mkdir()
    for path in (program, tmp_path / "code"):
        path.write_text("")
        path.chmod(0o755)
    monkeypatch.setenv("EDITOR", "code --wait")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}{program.parent}")
    run_line("settings edit")
    assert started.call_args.args[0] == [str(program), "--wait", str(settings_file())]
    monkeypatch.setenv("PATH", ".")
    assert "is not there" in run_line("settings edit", exit_code=2).err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[temprature]\ndevices = ["x"]', "did you mean temperature?"),
        ('[temperature]\ndevice = ["x"]', "did you mean devices?"),
        ("get = 3", "get is a section"),
        ("[get]\nto = 3", "to in [get] is no text"),
        ("[get", "cannot be read"),
        ('[get]\nto = "{sample}"', "cannot be filled in"),
        ('[get]\nto = "{visit}"', "is not absolute"),
        ('[get]\nlimit_rate = "fast"', "is no amount of bytes"),
    ],
)
def test_what_is_no_setting_is_named(text: str, said: str, run_line: RunLine, folder_of_a_visit: Remote) -> None:
    """With the file it is in; a name spelled wrong would do nothing, silently."""
    write(text)
    ran = run_line("get 42", exit_code=2)
    assert said in ran.err
    assert len(ran.err.splitlines()) <= 4


@pytest.fixture
def folder_of_a_visit(indexed: Path, run_line: RunLine) -> Remote:
    """Let the user know the small visit as the remote ``usb``."""
    run_line(["remote", "add", "usb", indexed.as_uri()])
    run_line("index usb --json")
    return Remote("usb", indexed.as_uri())


def test_where_it_went_is_remembered(folder_of_a_visit: Remote, run_line: RunLine, tmp_path: Path) -> None:
    """The second time neither remote nor folder need be said; a plan alone is not remembered."""
    ran = run_line("get 42", exit_code=2)
    assert "where to?" in ran.err
    assert "danmax-sync get 42 --to 2025110208" in ran.err
    run_line(["get", "42", "--to", str(tmp_path / "plan"), "--dry-run"])
    run_line("get 42", exit_code=2)
    run_line(["get", "42", "--to", str(tmp_path / "home")])
    run_line("get temperature:290..310 LaB6")
    assert len([*(tmp_path / "home").rglob("scan-????.h5")]) >= 1
    assert str(tmp_path / "home") in run_line("remote list").out
    assert run_line("remote list -f json").json[0]["to"] == str(tmp_path / "home")


def test_where_nothing_came_is_not_remembered(folder_of_a_visit: Remote, run_line: RunLine, tmp_path: Path) -> None:
    """A file is no destination, and a run that left everything out says nothing about where the visit goes."""
    picture = tmp_path / "CeO2.png"
    picture.write_bytes(b"a picture")
    run_line(["get", "42", "--to", str(picture)], exit_code=2)
    assert run_line("remote list -f json").json[0]["to"] is None
    run_line(["get", "42", "--to", str(tmp_path / "home")])
    run_line(["get", "43", "--to", str(tmp_path / "otherplace"), "--max-total", "1"])
    assert run_line("remote list -f json").json[0]["to"] == str(tmp_path / "home")


def test_settings_say_where_a_visit_goes_at_first(
    folder_of_a_visit: Remote, run_line: RunLine, own_home: Path, tmp_path: Path
) -> None:
    """With proposal and visit filled in; what was said later wins."""
    write('[get]\nto = "~/danmax/{proposal}/{visit}"\n')
    run_line("get 42")
    assert (own_home / "danmax/20251234/2025110208/raw/LaB6/scan-0042.h5").is_file()
    run_line(["get", "43", "--to", str(tmp_path / "other")])
    run_line("get 44")
    assert (tmp_path / "other/raw/LaB6/scan-0044.h5").is_file()


def test_another_visit_under_the_same_name_goes_elsewhere(own_home: Path, tmp_path: Path) -> None:
    """What is remembered belongs to the visit, not to the name."""
    remember_destination(Remote("danmax", MAXIV), tmp_path / "old")
    assert last_destination(Remote("danmax", MAXIV)) == tmp_path / "old"
    new = Remote("danmax", MAXIV.replace("2025110208", "2026030108"))
    assert last_destination(new) is None
    assert usual_destination(new) is None
    settings.destinations_file().write_text("[1, {", encoding="utf-8")
    assert last_destination(Remote("danmax", MAXIV)) is None


def test_several_remotes_that_have_a_scan_are_named(
    folder_of_a_visit: Remote, run_line: RunLine, tmp_path: Path
) -> None:
    """And one that has none is not asked."""
    run_line(["remote", "add", "empty", str(tmp_path)])
    run_line(["get", "42", "--to", str(tmp_path / "home")])
    ran = run_line("get --follow sample:none", exit_code=2)
    assert "several remotes to follow: empty, usb" in ran.err
    assert "--from NAME" in ran.err
