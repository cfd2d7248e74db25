"""The folder of a connection's socket and of what its processes complain about; tidied when its process was killed.

::

    made ──locked by its process──▶ used ──▶ removed with the connection
                │
                └── kill -9 ──▶ the lock is gone ──▶ removed by the next connection of the same user
"""

import contextlib
import os
import re
import shutil
import socket
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from danmax_sync import settings
from danmax_sync.errors import SourceError
from danmax_sync.sources.ssh.session import LONGEST_SOCKET_PATH

SOCKET = "c"
_LOCK = "lock"
_OURS = re.compile(r"dms-[a-z0-9_]{8}")
# ssh makes its socket under a longer name first.
_CONTENT = re.compile(r"lock|c(\..*)?|master\.log|channel-\d+\.log")
_AGE_S = 60.0
"""Younger ones may not have their lock yet."""
_AGE_WITHOUT_LOCK_S = 3600.0
"""A login takes minutes at most; after it, a socket answers."""
_ANSWERS_S = 0.5


class SocketFolder:
    """A folder closed to others whose path leaves room for a socket's name, held by this process.

    Raises
    ------
    SourceError
        If there is nowhere to make one.
    """

    def __init__(self) -> None:
        self.path = _made()
        self._lock: IO[bytes] | None = None
        # Without a lock it is merely tidied later.
        with contextlib.suppress(OSError):
            self._lock = (self.path / _LOCK).open("wb")
            _hold(self._lock)

    def remove(self) -> None:
        """Remove it with all that is in it. Again is harmless."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()

    def tidy_others(self) -> None:
        """Remove those that processes of the same user left behind in the same place when they were killed."""
        with contextlib.suppress(OSError), os.scandir(self.path.parent) as entries:
            left = [Path(entry.path) for entry in entries if _OURS.fullmatch(entry.name)]
        for folder in left:
            if folder != self.path:
                with contextlib.suppress(OSError):
                    _tidy(folder)


def _made() -> Path:
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), str(settings.ensured_home())):
        if parent and len(os.fsencode(parent)) + len(f"/dms-12345678/{SOCKET}") <= LONGEST_SOCKET_PATH:
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="dms-", dir=parent))
    raise SourceError(
        f"No folder for temporary files is writable and short enough for a socket (tried {tempfile.gettempdir()})",
        hint=f"Set TMPDIR to a folder of at most {LONGEST_SOCKET_PATH - 16} characters.",
    )


def _tidy(folder: Path) -> None:
    """Remove a folder that is ours in every respect and that nobody uses."""
    info = folder.lstat()
    if (
        not stat.S_ISDIR(info.st_mode)
        or info.st_mode & 0o077
        or (sys.platform != "win32" and info.st_uid != os.getuid())
    ):
        return
    age_s = time.time() - info.st_mtime
    names = os.listdir(folder)  # noqa: PTH208 - names
    if age_s < _AGE_S or not all(map(_CONTENT.fullmatch, names)):
        return
    if _LOCK in names:
        with (folder / _LOCK).open("r+b") as lock:
            # Raises where its process lives.
            _hold(lock)
            shutil.rmtree(folder, ignore_errors=True)
    elif age_s >= _AGE_WITHOUT_LOCK_S and not _answers(folder / SOCKET):
        shutil.rmtree(folder, ignore_errors=True)


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_ANSWERS_S)
        try:
            line.connect(str(place))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            pass
    return True


def _hold(file: IO[bytes]) -> None:
    """Lock a file until it is closed; OSError where that cannot be done."""
    if sys.platform == "win32":
        raise OSError("there is no ssh here that shares a connection")
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
