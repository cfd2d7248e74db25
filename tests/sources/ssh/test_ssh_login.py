"""Who gets in, who does not, and how often the server hears of it."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from danmax_sync.errors import ExitCode, LoginError, SourceError, UsageError
from danmax_sync.sources.ssh import NoTerminal, Prompter, SshAddress, connect
from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits
from tests.sources.ssh.answers import CONTENT, Answers


@pytest.fixture(params=["interactive", "partial"])
def facility(tree: Path, request: pytest.FixtureRequest, home: Path) -> Iterator[EmbeddedSftpServer]:
    """Run a server that wants password and code, in either way of asking; its host key is known."""
    with EmbeddedSftpServer(tree, password="beam", one_time_code=six_digits, two_step=request.param) as server:
        (home / ".ssh" / "known_hosts").write_text(server.known_hosts_line())
        yield server


@pytest.fixture
def plain(tree: Path, home: Path) -> Iterator[EmbeddedSftpServer]:
    """Run a server that wants a password only; its host key is known."""
    with EmbeddedSftpServer(tree, password="beam") as server:
        (home / ".ssh" / "known_hosts").write_text(server.known_hosts_line())
        yield server


def address_of(server: EmbeddedSftpServer) -> SshAddress:
    """Return where a server is."""
    return SshAddress(server.host, user=server.user, port=server.port)


def log_in(server: EmbeddedSftpServer, prompter: Prompter) -> None:
    """Log in with paramiko and read a file."""
    with (
        connect(address_of(server), prompter=prompter, carrier="paramiko") as carrier,
        carrier.open_sftp() as sftp,
        sftp.open("/raw/LaB6/scan-0001.h5") as file,
    ):
        assert file.read() == CONTENT


def test_password_and_code_are_asked_in_the_servers_words(facility: EmbeddedSftpServer) -> None:
    """Both are asked once, and the code is used up."""
    code = facility.current_code()
    prompter = Answers("beam", code)
    log_in(facility, prompter)
    assert prompter.asked[1] == "One-time code: "
    assert facility.logins == 1
    assert facility.attempts == 2
    assert facility.current_code() != code


def test_a_used_code_does_not_work_again(facility: EmbeddedSftpServer) -> None:
    """A code is good for one login."""
    code = facility.current_code()
    log_in(facility, Answers("beam", code))
    with pytest.raises(LoginError):
        log_in(facility, Answers("beam", code))


def test_a_wrong_code_is_not_tried_again(facility: EmbeddedSftpServer) -> None:
    """The server hears one password and one code, and the message says where."""
    with pytest.raises(LoginError, match=f"visitor@127.0.0.1:{facility.port} rejected the login") as caught:
        log_in(facility, Answers("beam", "no code"))
    assert caught.value.exit_code is ExitCode.LOGIN
    assert "no code" not in str(caught.value)
    assert (facility.attempts, facility.logins, facility.connections) == (2, 0, 1)


def test_a_wrong_password_is_not_tried_again(facility: EmbeddedSftpServer) -> None:
    """The server hears it once, on one connection."""
    with pytest.raises(LoginError) as caught:
        log_in(facility, Answers("secret", "0"))
    assert caught.value.exit_code is ExitCode.LOGIN
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert (facility.attempts, facility.connections) == (1, 1)


def test_a_password_alone_is_enough_where_the_server_says_so(plain: EmbeddedSftpServer) -> None:
    """Without a code there is one prompt."""
    prompter = Answers("beam")
    log_in(plain, prompter)
    assert prompter.asked == ["visitor@127.0.0.1's password: "]


def test_a_wrong_password_alone_is_not_tried_again(plain: EmbeddedSftpServer) -> None:
    """One attempt is one attempt with the password method too."""
    with pytest.raises(LoginError, match="does not accept the password"):
        log_in(plain, Answers("secret"))
    assert (plain.attempts, plain.connections) == (1, 1)


def test_without_a_terminal_it_says_what_would_have_been_asked(facility: EmbeddedSftpServer) -> None:
    """Nobody is there to answer: the message holds the prompt, the hint the command."""
    with pytest.raises(LoginError, match=r"assword:.*no terminal") as caught:
        log_in(facility, NoTerminal())
    assert "danmax-sync login" in caught.value.hint
    assert "same command in a terminal" in caught.value.hint
    assert facility.attempts == 0


def test_ctrl_c_at_a_prompt_leaves_nothing_behind(facility: EmbeddedSftpServer) -> None:
    """The prompt is on the caller's thread, so Ctrl-C reaches it."""

    class Stopped(Answers):
        def ask(self, *_: object) -> list[str]:
            assert threading.current_thread() is threading.main_thread()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log_in(facility, Stopped())


def test_the_servers_control_characters_do_not_reach_the_terminal(tree: Path, home: Path) -> None:
    """A prompt arrives verbatim but for what could repaint the screen."""
    asked = paramiko.InteractiveQuery("", "\x1b[2Jlook", ("Pass\x07word\u202e: ", False))

    class Rounds(paramiko.ServerInterface):  # type: ignore[misc]
        """Asks nothing in the first round, something in the second."""

        def get_allowed_auths(self, username: str) -> str:
            return "keyboard-interactive"

        def check_auth_interactive(self, username: str, submethods: str) -> object:
            return paramiko.InteractiveQuery("empty", "")

        def check_auth_interactive_response(self, responses: list[str]) -> object:
            return asked if not responses else paramiko.AUTH_SUCCESSFUL

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    key = paramiko.ECDSAKey.generate()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    held: list[paramiko.Transport] = []

    def serve() -> None:
        transport = paramiko.Transport(listener.accept()[0])
        held.append(transport)
        transport.add_server_key(key)
        transport.start_server(event=threading.Event(), server=Rounds())

    thread = threading.Thread(target=serve)
    thread.start()
    prompter = Answers("x")
    with connect(SshAddress("127.0.0.1", user="a", port=port), prompter=prompter, carrier="paramiko"):
        pass
    thread.join()
    listener.close()
    held[0].close()
    held[0].join()
    assert prompter.asked == ["Password: "]
    assert prompter.heard == ["[2Jlook"]


def test_a_key_of_the_home_folder_is_enough(tree: Path, home: Path) -> None:
    """A default key is tried before anything is asked."""
    public = write_key(home / ".ssh" / "id_ed25519")
    with EmbeddedSftpServer(tree, password="beam", authorized_key=public) as server:
        (home / ".ssh" / "known_hosts").write_text(server.known_hosts_line())
        log_in(server, NoTerminal())
        assert (server.logins, server.attempts) == (1, 0)


def test_an_encrypted_key_that_is_named_asks_for_its_passphrase(tree: Path, home: Path) -> None:
    """IdentityFile in the ssh_config is worth a question; the usual keys are not."""
    public = write_key(home / "key", passphrase=b"open")
    (home / ".ssh" / "config").write_text(f'Host *\n  IdentityFile "{home / "key"}"\n')
    with EmbeddedSftpServer(tree, authorized_key=public) as server:
        (home / ".ssh" / "known_hosts").write_text(server.known_hosts_line())
        prompter = Answers("open")
        log_in(server, prompter)
        assert prompter.asked == [f"Passphrase of the key {home / 'key'}: "]
        with pytest.raises(LoginError, match="passphrase does not open"):
            log_in(server, Answers("shut"))


def test_an_encrypted_usual_key_is_passed_over(plain: EmbeddedSftpServer, home: Path) -> None:
    """A key that may be for anything asks for nothing."""
    write_key(home / ".ssh" / "id_ed25519", passphrase=b"open")
    prompter = Answers("beam")
    log_in(plain, prompter)
    assert len(prompter.asked) == 1


def test_a_rejected_key_says_what_the_server_wants(tree: Path, home: Path) -> None:
    """Where only keys count, nothing is asked."""
    write_key(home / ".ssh" / "id_ed25519")
    other = write_key(home / "other")
    with EmbeddedSftpServer(tree, authorized_key=other) as server:
        (home / ".ssh" / "known_hosts").write_text(server.known_hosts_line())
        with pytest.raises(LoginError, match="accepts publickey, and none of our keys"):
            log_in(server, NoTerminal())


@pytest.mark.parametrize("carrier", ["paramiko", "openssh"])
def test_a_host_that_is_down_is_named_with_its_port(carrier: str) -> None:
    """Connection refused is an error of the source, with the next step."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceError, match=f"127.0.0.1:{port}.*Connection refused") as caught:
        connect(SshAddress("127.0.0.1", user="a", port=port), prompter=NoTerminal(), carrier=carrier)
    assert caught.value.exit_code is ExitCode.SOURCE
    assert "network" in caught.value.hint


@pytest.mark.parametrize("carrier", ["paramiko", "openssh"])
def test_something_that_is_no_ssh_server_is_an_error_of_the_source(carrier: str) -> None:
    """A server that hangs up, or talks another language, is named."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def hang_up() -> None:
        with listener.accept()[0] as line:
            line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            line.recv(100)

    thread = threading.Thread(target=hang_up)
    thread.start()
    with pytest.raises(SourceError, match=str(port)):
        connect(SshAddress("127.0.0.1", user="a", port=port), prompter=NoTerminal(), carrier=carrier)
    thread.join()
    listener.close()


def test_paramiko_says_nothing_on_stderr(
    plain: EmbeddedSftpServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log goes nowhere unless the program has set up logging."""
    # pytest's own handlers would hide what a bare program shows.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log_in(plain, Answers("beam"))
    connection = connect(address_of(plain), prompter=Answers("beam"), carrier="paramiko")
    plain.cut()
    deadline = time.monotonic() + 5

    def open_until_it_fails() -> None:
        while time.monotonic() < deadline:
            connection.open_sftp()

    with pytest.raises(SourceError):
        open_until_it_fails()
    connection.close()
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_an_unknown_carrier_is_a_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's word is named."""
    monkeypatch.setenv("DANMAX_SYNC_SSH", "putty")
    with pytest.raises(UsageError, match="DANMAX_SYNC_SSH"):
        connect(SshAddress("a"), prompter=NoTerminal())


def write_key(file: Path, passphrase: bytes | None = None) -> str:
    """Write a private key in OpenSSH's form and return the public one."""
    key = Ed25519PrivateKey.generate()
    cover = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, cover))
    file.chmod(0o600)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return public.decode()
