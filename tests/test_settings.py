"""Where the tool keeps its things, and what moves them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.errors import UsageError


def test_the_home_moves_with_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogue, remotes and host keys all stand below it; nothing is made by asking."""
    monkeypatch.setenv(settings.HOME_VARIABLE, str(tmp_path / "elsewhere"))
    assert settings.home() == tmp_path / "elsewhere"
    assert settings.catalogue_location() == str(tmp_path / "elsewhere" / "catalogue.db")
    assert settings.remotes_file().parent == settings.known_hosts_file().parent == tmp_path / "elsewhere"
    assert not (tmp_path / "elsewhere").exists()


def test_the_catalogue_moves_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own variable wins, and may be a URL."""
    monkeypatch.setenv(settings.CATALOGUE_VARIABLE, "postgresql://group/catalogue")
    assert settings.catalogue_location() == "postgresql://group/catalogue"


def test_without_a_variable_it_is_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform says where; the tool's name ends it."""
    monkeypatch.delenv(settings.HOME_VARIABLE)
    assert settings.home().is_absolute()
    assert settings.home().name == "danmax-sync"


def test_a_tilde_and_a_relative_home_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later change of folder does not move the catalogue's name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(settings.HOME_VARIABLE, "here")
    assert settings.home() == tmp_path / "here"
    monkeypatch.setenv(settings.HOME_VARIABLE, "~/there")
    assert settings.home() == Path.home() / "there"


@pytest.mark.skipif(sys.platform == "win32", reason="any user may be known there")
@pytest.mark.parametrize(
    ("variable", "where"),
    [(settings.HOME_VARIABLE, settings.home), (settings.SSH_CONFIG_VARIABLE, settings.ssh_config_file)],
)
def test_a_user_who_is_none_is_said(variable: str, where: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable that names it."""
    monkeypatch.setenv(variable, "~no such user/x")
    with pytest.raises(UsageError, match=f"{variable} is '~no such user/x'"):
        where()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_home_is_closed_to_others(own_home: Path) -> None:
    """Host keys and catalogues are nobody else's business."""
    folder = settings.ensured_home()
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o077 == 0
    assert settings.ensured_home() == folder


def test_the_ssh_config_can_be_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default it is the user's own."""
    assert settings.ssh_config_file() == Path.home() / ".ssh" / "config"
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(tmp_path / "config"))
    assert settings.ssh_config_file() == tmp_path / "config"
