"""Whether it is the server it says it is."""

import base64
import hashlib
import hmac
import stat
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from danmax_sync import settings
from danmax_sync.errors import ExitCode, LoginError
from danmax_sync.sources.ssh import NoTerminal, Prompter, SshAddress, connect, hostkeys
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.sftpserver import EmbeddedSftpServer
from tests.sources.ssh.answers import Answers


@pytest.fixture
def server(tree: Path) -> Iterator[EmbeddedSftpServer]:
    """Run a server that nobody knows yet."""
    with EmbeddedSftpServer(tree, password="beam") as one:
        yield one


def log_in(server: EmbeddedSftpServer, prompter: Prompter, carrier: str = "paramiko") -> None:
    """Log in and out."""
    connect(SshAddress(server.host, user=server.user, port=server.port), prompter=prompter, carrier=carrier).close()


def other_line(server: EmbeddedSftpServer) -> str:
    """Return a line that knows the server by another key."""
    key = paramiko.ECDSAKey.generate()
    return f"[{server.host}]:{server.port} {key.get_name()} {key.get_base64()}\n"


def hashed(line: str) -> str:
    """Hash a line's host as `ssh-keygen -H` does."""
    name, rest = line.split(" ", 1)
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()} {rest}"


def test_an_unknown_key_is_refused_without_a_terminal(server: EmbeddedSftpServer) -> None:
    """The message holds the fingerprint to compare; nothing is sent to the server."""
    with pytest.raises(LoginError) as caught:
        log_in(server, NoTerminal())
    assert server.host_key in str(caught.value)
    assert caught.value.exit_code is ExitCode.LOGIN
    assert server.attempts == 0
    assert not settings.known_hosts_file().exists()


def test_an_accepted_key_is_remembered(server: EmbeddedSftpServer) -> None:
    """It is asked about once, and filed where only we can read."""
    prompter = Answers("beam", "beam")
    log_in(server, prompter)
    log_in(server, prompter)
    assert prompter.fingerprints == [server.host_key]
    assert settings.known_hosts_file().read_text() == server.known_hosts_line()
    assert stat.S_IMODE(settings.known_hosts_file().stat().st_mode) == 0o600


def test_a_key_that_is_not_accepted_ends_the_login(server: EmbeddedSftpServer) -> None:
    """A no is a no."""
    with pytest.raises(LoginError, match="was not accepted"):
        log_in(server, Answers("beam", accepts=False))
    assert not settings.known_hosts_file().exists()


@pytest.mark.parametrize("form", ["plain", "hashed", "wildcard", "among others", "our own file"])
def test_a_known_key_is_not_asked_about(server: EmbeddedSftpServer, home: Path, form: str) -> None:
    """Every form of a known_hosts line counts."""
    line = server.known_hosts_line()
    shapes = {
        "hashed": hashed(line),
        "wildcard": line.replace("127.0.0.1", "127.0.*.?"),
        "among others": f"other.example,{line}",
    }
    file = settings.known_hosts_file() if form == "our own file" else home / ".ssh" / "known_hosts"
    file.parent.mkdir(exist_ok=True)
    file.write_text(shapes.get(form, line))
    prompter = Answers("beam", accepts=False)
    log_in(server, prompter)
    assert prompter.fingerprints == []


def test_a_line_that_excludes_the_host_does_not_count(server: EmbeddedSftpServer, home: Path) -> None:
    """``!`` before a name takes it out of the line."""
    (home / ".ssh" / "known_hosts").write_text(f"![{server.host}]:{server.port},{server.known_hosts_line()}")
    with pytest.raises(LoginError, match="not known"):
        log_in(server, NoTerminal())


def test_lines_that_cannot_be_read_are_passed_over(server: EmbeddedSftpServer, home: Path) -> None:
    """Neither a @cert-authority nor rubbish keeps anybody from logging in, and neither vouches for a server."""
    authority = f"@cert-authority {server.known_hosts_line()}"
    rubbish = "rubbish\n\n# comment\n|1|x|y ssh-rsa AAAA\nhost ssh-rsa !!!\n@other x y z\n\xff\n"
    file = home / ".ssh" / "known_hosts"
    file.write_text(authority + rubbish, encoding="latin-1")
    with pytest.raises(LoginError, match="not known"):
        log_in(server, NoTerminal())
    file.write_text(authority + rubbish + server.known_hosts_line(), encoding="latin-1")
    log_in(server, Answers("beam", accepts=False))


def test_a_changed_key_is_never_accepted(server: EmbeddedSftpServer, home: Path) -> None:
    """Both fingerprints are shown, nobody is asked, and the remedy names the file."""
    line = other_line(server)
    (home / ".ssh" / "known_hosts").write_text(line)
    prompter = Answers("beam")
    with pytest.raises(LoginError, match="not the one known") as caught:
        log_in(server, prompter)
    assert server.host_key in str(caught.value)
    known = hostkeys.read([home / ".ssh" / "known_hosts"])[0].key.fingerprint
    assert known in str(caught.value)
    assert f'-R "[127.0.0.1]:{server.port}"' in caught.value.hint
    assert (prompter.asked, prompter.fingerprints, server.attempts) == ([], [], 0)


def test_a_key_of_another_kind_counts_as_changed(server: EmbeddedSftpServer, home: Path) -> None:
    """A server that suddenly has no key of the known kind is not the one known."""
    key = paramiko.RSAKey.generate(2048)
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} ssh-rsa {key.get_base64()}\n")
    with pytest.raises(LoginError, match=r"not the one known.*ssh-rsa SHA256"):
        log_in(server, Answers("beam"))


def test_a_revoked_key_is_refused(server: EmbeddedSftpServer, home: Path) -> None:
    """Known elsewhere or not."""
    (home / ".ssh" / "known_hosts").write_text(server.known_hosts_line() + f"@revoked {server.known_hosts_line()}")
    with pytest.raises(LoginError, match="revoked"):
        log_in(server, Answers("beam"))


def test_strict_checking_in_the_ssh_config_forbids_asking(server: EmbeddedSftpServer, home: Path) -> None:
    """The user's own policy holds for this carrier too."""
    (home / ".ssh" / "config").write_text("StrictHostKeyChecking yes\n")
    prompter = Answers("beam")
    with pytest.raises(LoginError, match="StrictHostKeyChecking yes"):
        log_in(server, prompter)
    assert prompter.fingerprints == []


def test_openssh_names_the_file_and_the_fingerprint_of_a_changed_key(
    sshd: RealSshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ssh shows in a screenful becomes one sentence and the command, with its condition."""
    wrong = home / "wrong hosts"
    blob = sshd.known_hosts.read_text().split()[2]
    changed = base64.b64decode(blob)[:-1] + b"x"
    wrong.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 {base64.b64encode(changed).decode()}\n")
    config = home / ".ssh" / "config"
    config.write_text(sshd.ssh_config.read_text().replace(str(sshd.known_hosts), str(wrong)))
    with pytest.raises(LoginError, match="not the one known") as caught:
        connect(SshAddress("facility"), prompter=NoTerminal(), carrier="openssh")
    fingerprint = hostkeys.HostKey("ssh-ed25519", base64.b64decode(blob)).fingerprint
    assert fingerprint in str(caught.value)
    assert f"{wrong}, line 1" in str(caught.value)
    assert caught.value.hint.startswith("Only if the facility confirms")
    assert "ssh-keygen" in caught.value.hint


def test_openssh_refuses_an_unknown_key_without_a_terminal(server: EmbeddedSftpServer, home: Path) -> None:
    """No ssh-keygen -R is advised: there is nothing to forget."""
    (home / ".ssh" / "config").write_text(
        f"UserKnownHostsFile {home / 'none'}\nGlobalKnownHostsFile none\nStrictHostKeyChecking ask\n"
    )
    with pytest.raises(LoginError, match="not known") as caught:
        log_in(server, NoTerminal(), "openssh")
    assert "ssh-keygen" not in caught.value.hint
    assert server.attempts == 0
