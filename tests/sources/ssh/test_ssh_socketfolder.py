"""Folders that killed processes leave behind are tidied by the next connection, and nothing else is."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.sources.ssh import NoTerminal, SshAddress, connect
from danmax_sync.sources.ssh.socketfolder import SocketFolder
from danmax_sync.testing.opensshd import ALIAS, RealSshd

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no ssh there that shares a connection")

KILLED = """
import os, signal, sys
from danmax_sync.sources.ssh import NoTerminal, SshAddress, connect
carrier = connect(SshAddress(sys.argv[1]), prompter=NoTerminal(), carrier="openssh")
print(carrier._folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(sockets: Path) -> Iterator[Path]:
    """Return where such folders are made, and clear it afterwards."""
    yield sockets
    for left in sockets.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def left_behind(place: Path, name: str, *files: str, age_s: float = 7200, mode: int = 0o700) -> Path:
    """Make a folder as a process that is gone would have left it."""
    folder = place / name
    folder.mkdir(mode=mode)
    for file in files:
        (folder / file).touch()
    age(folder, age_s)
    return folder


def age(folder: Path, seconds: float) -> None:
    """Let it be older."""
    then = time.time() - seconds
    os.utime(folder, (then, then))


def test_what_a_killed_process_left_is_tidied_by_the_next_connection(
    place: Path, sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock died with it; the connection of a process that lives stays as it is."""
    monkeypatch.setenv("DANMAX_SYNC_SSH_CONFIG", str(sshd.ssh_config))
    ran = subprocess.run([sys.executable, "-c", KILLED, ALIAS], check=False, capture_output=True, text=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    killed = Path(ran.stdout.strip())
    assert killed.parent == place
    address = SshAddress(ALIAS)
    with connect(address, prompter=NoTerminal(), carrier="openssh") as first:
        # It has just been made, and may be on its way to its lock.
        assert killed.is_dir()
        for folder in place.glob("dms-*"):
            age(folder, 120)
        with connect(address, prompter=NoTerminal(), carrier="openssh"):
            assert not killed.exists()
            assert len(list(place.glob("dms-*"))) == 2
            assert first.open_sftp().listdir("/")
    assert list(place.iterdir()) == []


def test_folders_of_earlier_versions_are_tidied_by_their_age(place: Path) -> None:
    """They have no lock: one whose socket answers stays, and one that may be in the middle of a login."""
    mine = SocketFolder()
    dead = left_behind(place, "dms-deadbeef", "master.log", "channel-1.log", "c")
    young = left_behind(place, "dms-12345678", "master.log", age_s=600)
    alive = left_behind(place, "dms-abcdef_9")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(alive / "c"))
        listener.listen()
        age(alive, 7200)
        mine.tidy_others()
    assert not dead.exists()
    assert young.is_dir()
    assert alive.is_dir()
    mine.remove()
    assert not mine.path.exists()


def test_nothing_else_is_touched(place: Path) -> None:
    """Another tool's folder, one that is open to others, a link, a file, a name that is nearly ours."""
    elsewhere = left_behind(place, "elsewhere", "lock")
    others = [
        left_behind(place, "dms-aaaaaaaa", "lock", "thesis.txt"),
        left_behind(place, "dms-bbbbbbbb", "lock", mode=0o755),
        left_behind(place, "dms-longer_name", "lock"),
        left_behind(place, "dms-SHOUTING", "lock"),
        elsewhere,
    ]
    (place / "dms-cccccccc").symlink_to(elsewhere)
    (place / "dms-dddddddd").touch()
    mine = SocketFolder()
    mine.tidy_others()
    assert all(folder.is_dir() and (folder / "lock").exists() for folder in others)
    assert (place / "dms-cccccccc").is_symlink()
    assert (place / "dms-dddddddd").is_file()
    mine.remove()
