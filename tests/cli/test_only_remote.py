"""Commands that speak of a remote need no name where only one can be meant."""

from pathlib import Path

import pytest

from danmax_sync.cli.choosing import the_remote
from danmax_sync.errors import UsageError
from tests.conftest import RunLine


def test_the_only_remote_is_meant(indexed: Path, run_line: RunLine) -> None:
    """Looked at without a name; of several, the answer names them and is what to type."""
    assert "danmax-sync remote add NAME URI" in run_line("remote test", exit_code=2).err
    run_line(["remote", "add", "usb", str(indexed)])
    assert "usb" in run_line("remote test").err
    run_line(["remote", "add", "copy", str(indexed)])
    ran = run_line("remote test", exit_code=2)
    assert "which one? There are copy, usb" in ran.err
    assert "danmax-sync remote test copy" in ran.err


def test_a_login_is_to_a_server(indexed: Path, run_line: RunLine) -> None:
    """Folders need none and are never meant; two visits at one server are one login; of two servers one is named."""
    run_line(["remote", "add", "usb", str(indexed)])
    for line in ("login", "logout"):
        assert "none of the remotes needs a login: usb" in run_line(line, exit_code=2).err
    run_line("remote add danmax sftp://you@127.0.0.1:1/data/visitors/danmax/20251234/2025110208")
    assert the_remote(None, "danmax-sync login", with_login=True).name == "danmax"
    assert "danmax: nobody was logged in" in run_line("logout").err
    run_line("remote add nov sftp://you@127.0.0.1:1/data/visitors/danmax/20251234/2025112208")
    assert the_remote(None, "danmax-sync login", with_login=True).name == "danmax"
    run_line("remote add other sftp://me@127.0.0.1:1/data/visitors/danmax/20251234/2025112208")
    with pytest.raises(UsageError, match="which one") as told:
        the_remote(None, "danmax-sync login", with_login=True)
    assert told.value.hint == "name one: danmax-sync login danmax"
