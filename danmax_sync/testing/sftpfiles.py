"""A folder as an SFTP server shows it: read-only, nothing above it, with faults on request.

A fault is an object with any of the three methods of `Faults`; it sees each request and can change the answer.
"""

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

import paramiko
from paramiko.sftp import CMD_EXTENDED, CMD_EXTENDED_REPLY, CMD_INIT, CMD_VERSION

LARGEST_READ = 261_120
"""Bytes a READ may ask for, as with OpenSSH."""
_LARGEST_PACKET = 262_144
_T = TypeVar("_T")


class CutLineError(Exception):
    """Raised by a fault: the server drops the connection without a word."""


class Faults:
    """No fault at all; override what should go wrong.

    Each method may raise OSError, which the client gets as that error, or `CutLineError`.
    """

    def opening(self, path: str) -> None:
        """See a file being opened; `path` starts with ``/``."""

    def reading(self, path: str, offset: int, data: bytes) -> bytes:  # noqa: ARG002 - for those who override it
        """Return what the client gets instead of `data`; nothing is the end of the file."""
        return data

    def listing(self, path: str, names: list[str]) -> list[str]:  # noqa: ARG002 - for those who override it
        """Return the names a folder is said to hold."""
        return names


@dataclass
class CutAfter(Faults):
    """Drop the connection once this many bytes of files have gone out, once."""

    size: int
    sent: int = 0
    cut: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def reading(self, path: str, offset: int, data: bytes) -> bytes:  # noqa: ARG002 - any file counts
        """Count, and cut."""
        with self._lock:
            self.sent += len(data)
            if self.sent >= self.size and not self.cut:
                self.cut = True
                raise CutLineError
        return data


@dataclass
class EarlyEnd(Faults):
    """Let the files whose path ends so end after `size` bytes, whatever their stat says."""

    ending: str
    size: int

    def reading(self, path: str, offset: int, data: bytes) -> bytes:
        """Cut the data short."""
        return data[: max(0, self.size - offset)] if path.endswith(self.ending) else data


class Tree(paramiko.SFTPServerInterface):  # type: ignore[misc]  # paramiko is untyped
    """The files below a root."""

    def __init__(self, server: object, *_: object, root: Path, faults: Faults, hang_up: Callable[[], None]) -> None:
        super().__init__(server)
        self._root = root.resolve()
        self._faults = faults
        self._hang_up = hang_up

    def open(self, path: str, flags: int, attr: object) -> "paramiko.SFTPHandle | int":  # noqa: ARG002
        """Open a file for reading; anything else is denied."""
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            return paramiko.SFTP_PERMISSION_DENIED
        shown = self.canonicalize(path)

        def opened() -> "paramiko.SFTPHandle":
            self._faults.opening(shown)
            local = self._inside(path)
            # Opened without waiting, and only then looked at: a named pipe must not hold the server up.
            descriptor = os.open(local, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
            file = os.fdopen(descriptor, "rb", buffering=0)
            return _File(file, shown, self._faults, self._hang_up)

        return self._answer(opened)

    def list_folder(self, path: str) -> "list[paramiko.SFTPAttributes] | int":
        """List a folder; symbolic links are listed as such."""

        def listed() -> "list[paramiko.SFTPAttributes]":
            folder = self._inside(path)
            names = self._faults.listing(self.canonicalize(path), sorted(os.listdir(folder)))  # noqa: PTH208 - names
            return [_attributes(folder / name, name) for name in names]

        return self._answer(listed)

    def stat(self, path: str) -> "paramiko.SFTPAttributes | int":
        """Stat what a path leads to."""
        return self._answer(lambda: paramiko.SFTPAttributes.from_stat(self._inside(path).stat()))

    def lstat(self, path: str) -> "paramiko.SFTPAttributes | int":
        """Stat a symbolic link itself."""
        virtual = self.canonicalize(path)
        parent, _, name = virtual.rpartition("/")
        return self._answer(lambda: paramiko.SFTPAttributes.from_stat((self._inside(parent) / name).lstat()))

    def readlink(self, path: str) -> str | int:
        """Return a link's text."""
        parent, _, name = self.canonicalize(path).rpartition("/")
        return self._answer(lambda: os.readlink(self._inside(parent) / name))  # noqa: PTH115 - the text as it is

    def _inside(self, path: str) -> Path:
        local = Path(self._root, self.canonicalize(path).lstrip("/")).resolve()
        if not local.is_relative_to(self._root):
            raise PermissionError(errno.EACCES, "outside the tree", path)
        return local

    def _answer(self, act: Callable[[], _T]) -> _T | int:
        try:
            return act()
        except OSError as error:
            return int(paramiko.SFTPServer.convert_errno(error.errno))
        except CutLineError:
            self._hang_up()
            return int(paramiko.SFTP_FAILURE)


class _File(paramiko.SFTPHandle):  # type: ignore[misc]  # paramiko is untyped
    def __init__(self, file: BinaryIO, path: str, faults: Faults, hang_up: Callable[[], None]) -> None:
        super().__init__(os.O_RDONLY)
        self._file = file
        self._path = path
        self._faults = faults
        self._hang_up = hang_up

    def close(self) -> None:
        self._file.close()

    def stat(self) -> "paramiko.SFTPAttributes":
        return paramiko.SFTPAttributes.from_stat(os.fstat(self._file.fileno()))

    def read(self, offset: int, length: int) -> bytes | int:
        try:
            self._file.seek(offset)
            data = self._file.read(min(length, LARGEST_READ))
            return self._faults.reading(self._path, offset, data)
        except (OSError, OverflowError) as error:
            return int(paramiko.SFTPServer.convert_errno(getattr(error, "errno", None)))
        except CutLineError:
            self._hang_up()
            return int(paramiko.SFTP_FAILURE)


def _attributes(local: Path, name: str) -> "paramiko.SFTPAttributes":
    try:
        return paramiko.SFTPAttributes.from_stat(local.lstat(), name)
    except (OSError, ValueError):
        # A fault may name what is not there, or cannot be.
        attributes = paramiko.SFTPAttributes()
        attributes.filename, attributes.st_mode = name, stat.S_IFREG | 0o644
        return attributes


class SftpSubsystem(paramiko.SFTPServer):  # type: ignore[misc]  # paramiko is untyped
    """paramiko's server, which also answers ``limits@openssh.com`` as OpenSSH does."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True

    def start_subsystem(self, *args: object) -> None:
        """Serve until the client hangs up, at whatever moment."""
        with contextlib.suppress(EOFError, OSError):
            super().start_subsystem(*args)

    def _send_server_version(self) -> int:
        kind, _ = self._read_packet()
        if kind != CMD_INIT:
            raise paramiko.sftp.SFTPError("the client did not begin with INIT")
        message = paramiko.Message()
        message.add_int(3)
        message.add_string("limits@openssh.com")
        message.add_string("1")
        self._send_packet(CMD_VERSION, message)
        return 3

    def _process(self, kind: int, request: int, message: paramiko.Message) -> None:
        if kind == CMD_EXTENDED and message.get_text() == "limits@openssh.com":
            answer = paramiko.Message()
            answer.add_int(request)
            for limit in (_LARGEST_PACKET, LARGEST_READ, LARGEST_READ, 0):
                answer.add_int64(limit)
            self._send_packet(CMD_EXTENDED_REPLY, answer)
            return
        if kind == CMD_EXTENDED:
            self._send_status(request, paramiko.SFTP_OP_UNSUPPORTED)
            return
        super()._process(kind, request, message)
