"""One contract for both carriers, against the real sshd and against the embedded server."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from danmax_sync.errors import ConnectionLostError
from danmax_sync.sources.ssh import Carrier, NoTerminal, Prompter, SshAddress, connect
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits
from tests.sources.ssh.answers import CONTENT, Answers, ssh_children

MASTER = "raw/LaB6/scan-0001.h5"


@dataclass
class Place:
    """Where a carrier goes in one variant of the contract."""

    address: SshAddress
    carrier: str
    root: str
    logins: Callable[[], int]
    prompter: Prompter = field(default_factory=NoTerminal)

    def connect(self) -> Carrier:
        """Log in."""
        return connect(self.address, prompter=self.prompter, carrier=self.carrier)


class CarrierContract:
    """What every carrier does, wherever it goes."""

    def test_a_file_comes_back_byte_for_byte(self, place: Place) -> None:
        """What is read through a channel is what is on the server's disk."""
        with place.connect() as carrier, carrier.open_sftp() as sftp, sftp.open(f"{place.root}/{MASTER}") as file:
            assert file.read() == CONTENT

    def test_a_folder_is_listed(self, place: Place) -> None:
        """Names and sizes arrive."""
        with place.connect() as carrier, carrier.open_sftp() as sftp:
            found = {one.filename: one.st_size for one in sftp.listdir_attr(f"{place.root}/raw/LaB6")}
        assert found == {"scan-0001.h5": len(CONTENT), "scan-0002.h5": 3}

    def test_others_may_open_channels_once_one_is_granted(self, place: Place) -> None:
        """Said once, before the channel is there or with it; from then on others are opened beside it."""
        before = place.logins()
        told: list[str] = []
        with place.connect() as carrier, carrier.open_sftp(granted=lambda: told.append("granted")) as first:
            assert told == ["granted"]
            with carrier.open_sftp() as second:
                assert second.stat(f"{place.root}/{MASTER}").st_size == len(CONTENT)
            assert first.stat(f"{place.root}/{MASTER}").st_size == len(CONTENT)
        assert place.logins() == before + 1

    def test_several_channels_cost_one_login(self, place: Place) -> None:
        """Four channels read at the same time on one login."""
        before = place.logins()
        got: list[bytes] = []

        def read(sftp: object) -> None:
            with sftp.open(f"{place.root}/{MASTER}") as file:  # type: ignore[attr-defined]
                got.append(file.read())

        with place.connect() as carrier:
            channels = [carrier.open_sftp() for _ in range(4)]
            workers = [threading.Thread(target=read, args=(sftp,)) for sftp in channels]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        assert got == [CONTENT] * 4
        assert place.logins() - before == 1

    def test_a_closed_channel_leaves_the_others_open(self, place: Place) -> None:
        """Channels come and go on one connection."""
        with place.connect() as carrier:
            carrier.open_sftp().close()
            with carrier.open_sftp() as second:
                assert second.stat(f"{place.root}/{MASTER}").st_size == len(CONTENT)

    def test_a_waiting_reader_ends_when_the_channel_is_closed(self, place: Place) -> None:
        """Closing from another thread wakes a reader, so that Ctrl-C need not wait for the server."""
        with place.connect() as carrier:
            channel = carrier.open_sftp().get_channel()
            ended = threading.Event()

            def wait() -> None:
                with contextlib.suppress(OSError, EOFError):
                    channel.recv(1)
                ended.set()

            reader = threading.Thread(target=wait)
            reader.start()
            channel.close()
            assert ended.wait(5)
            reader.join()

    def test_closing_ends_it_all(self, place: Place) -> None:
        """After close no channel can be opened, no process is left, and closing again is harmless."""
        carrier = place.connect()
        carrier.open_sftp()
        carrier.close()
        carrier.close()
        with pytest.raises(ConnectionLostError, match="has ended"):
            carrier.open_sftp()
        assert ssh_children(os.getpid()) == []

    def test_an_error_inside_closes_it_too(self, place: Place) -> None:
        """Leaving the context by Ctrl-C leaves nothing behind."""

        def stopped() -> None:
            with place.connect() as carrier:
                carrier.open_sftp()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            stopped()
        assert ssh_children(os.getpid()) == []


class TestOpensshToSshd(CarrierContract):
    """The system's ssh and sshd, with a key."""

    @pytest.fixture
    def place(self, sshd: RealSshd, tree: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
        """Say where to go."""
        monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(sshd.ssh_config))
        return Place(SshAddress("facility"), "openssh", str(tree), lambda: sshd.logins)


class TestParamikoToSshd(CarrierContract):
    """paramiko and the system's sshd, with a key, by the alias of an ssh_config."""

    @pytest.fixture
    def place(self, sshd: RealSshd, tree: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
        """Say where to go."""
        monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(sshd.ssh_config))
        return Place(SshAddress("facility"), "paramiko", str(tree), lambda: sshd.logins)


class TestParamikoToEmbedded(CarrierContract):
    """paramiko and the embedded server, with a password and a one-time code."""

    @pytest.fixture(params=["interactive", "partial"])
    def place(self, tree: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
        """Say where to go."""
        with EmbeddedSftpServer(tree, password="beam", one_time_code=six_digits, two_step=request.param) as server:
            yield Place(
                SshAddress(server.host, user=server.user, port=server.port),
                "paramiko",
                "",
                lambda: server.logins,
                Answers("beam", server.current_code()),
            )


class TestOpensshToEmbedded(CarrierContract):
    """The system's ssh and the embedded server, with a key."""

    @pytest.fixture
    def place(self, sshd: RealSshd, tree: Path, home: Path) -> Iterator[Place]:
        """Say where to go."""
        with EmbeddedSftpServer(tree, authorized_key=sshd.public_key.read_text()) as server:
            (home / "known").write_text(server.known_hosts_line())
            (home / ".ssh" / "config").write_text(
                f'Host *\n  IdentityFile "{sshd.identity}"\n  IdentitiesOnly yes\n'
                f'  UserKnownHostsFile "{home / "known"}"\n  GlobalKnownHostsFile none\n'
            )
            address = SshAddress(server.host, user=server.user, port=server.port)
            yield Place(address, "openssh", "", lambda: server.logins)
