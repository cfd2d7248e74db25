"""A home of its own for each test, a tree to read, a real sshd, and a look at what is left behind."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.testing.opensshd import RealSshd
from tests.needs import require_sshd
from tests.sources.ssh.answers import CONTENT, ssh_children


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home and an ssh_config of its own."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("DANMAX_SYNC_HOME", str(folder / "danmax-sync"))
    # OpenSSH takes the home of the passwd file, so it must be told of a configuration that is not the developer's.
    monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(folder / ".ssh" / "config"))
    (folder / ".ssh" / "config").write_text("")
    for name in ("SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY", "DANMAX_SYNC_SSH"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two small files in a visit's shape."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "raw" / "LaB6").mkdir(parents=True)
    (folder / "raw" / "LaB6" / "scan-0001.h5").write_bytes(CONTENT)
    (folder / "raw" / "LaB6" / "scan-0002.h5").write_bytes(b"two")
    return folder


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSshd]:
    """Run the real sshd, once for all tests of a worker."""
    require_sshd()
    with RealSshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where the carrier's sockets stand; pytest's own folders have too long a path for them."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture(autouse=True)
def _nothing_left(home: Path, sockets: Path) -> Iterator[None]:
    """Each test leaves the threads, ssh processes and sockets as it found them."""
    threads = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2
    while (left := [one for one in threading.enumerate() if one not in threads]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []
    assert ssh_children(os.getpid()) == []
    assert list(sockets.iterdir()) == []
