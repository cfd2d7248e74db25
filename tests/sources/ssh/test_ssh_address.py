"""Addresses and aliases."""

from pathlib import Path

import pytest

from danmax_sync.errors import LoginError, UsageError
from danmax_sync.sources.ssh import SshAddress
from danmax_sync.sources.ssh.alias import resolve


@pytest.mark.parametrize("bad", ["", "-oProxyCommand=x", "a b", "a\n", "a;b", "$(x)", "a`b`", "\x07", "a\u202eb", "'a"])
def test_what_could_be_an_option_or_a_command_is_no_name(bad: str) -> None:
    """Neither as host nor as user does it come near a command line."""
    with pytest.raises(UsageError):
        SshAddress(bad)
    with pytest.raises(UsageError):
        SshAddress("host", user=bad)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_a_port(port: int) -> None:
    """Outside 1 to 65535 there is none."""
    with pytest.raises(UsageError):
        SshAddress("host", port=port)


def test_an_address_is_shown_with_what_is_known() -> None:
    """As messages need it."""
    assert str(SshAddress("sftp.maxiv.lu.se", user="ada", port=2222)) == "ada@sftp.maxiv.lu.se:2222"
    assert str(SshAddress("facility")) == "facility"
    assert str(SshAddress("::1", port=22)) == "[::1]:22"


def test_an_alias_is_resolved(home: Path) -> None:
    """Host, port, user, keys and known hosts come from the ssh_config; what the user says wins."""
    (home / ".ssh" / "config").write_text(
        "Host max\n  HostName sftp.example\n  Port 2022\n  User ada\n  IdentityFile ~/a key\n"
        '  UserKnownHostsFile "~/k one" ~/two\n  IdentitiesOnly yes\n'
    )
    target = resolve(SshAddress("max"))
    assert (target.host, target.port, target.user, target.only_these_keys) == ("sftp.example", 2022, "ada", True)
    assert target.keys == (home / "a key",)
    assert target.known_hosts == (home / "k one", home / "two")
    said = resolve(SshAddress("max", user="eve", port=3))
    assert (said.host, said.port, said.user) == ("sftp.example", 3, "eve")


def test_no_ssh_config_is_no_trouble(home: Path) -> None:
    """The usual port and files hold."""
    (home / ".ssh" / "config").unlink()
    target = resolve(SshAddress("host"))
    assert (target.host, target.port, target.known_hosts) == ("host", 22, (home / ".ssh" / "known_hosts",))


@pytest.mark.parametrize("line", ["ProxyJump gate", "ProxyCommand nc %h %p"])
def test_a_way_through_another_host_is_for_openssh(home: Path, line: str) -> None:
    """The message says which carrier can."""
    (home / ".ssh" / "config").write_text(f"Host max\n  {line}\n")
    with pytest.raises(LoginError, match="another host") as caught:
        resolve(SshAddress("max"))
    assert "openssh" in caught.value.hint
    (home / ".ssh" / "config").write_text(f"Host max\n  {line.split(maxsplit=1)[0]} none\n")
    assert resolve(SshAddress("max")).host == "max"


@pytest.mark.parametrize("text", ["Host max\n  nonsense\n", "Match exec true\n  User a\n", "Host *\n  Port x\n"])
def test_a_config_that_cannot_be_read_is_a_users_error(home: Path, text: str) -> None:
    """Named with the file."""
    (home / ".ssh" / "config").write_text(text)
    with pytest.raises(UsageError, match="config"):
        resolve(SshAddress("max"))
