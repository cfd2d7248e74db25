"""Read many small files whole over SFTP, in one stream: every answer is awaited while others are on their way.

A file takes two round trips (open; read, look at it once more and close), but some dozen are under way at once, so a
link's delay is paid once and not for each. One thread; who takes the contents drives it.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from danmax_sync.sources.base import FileInfo

if TYPE_CHECKING:
    import paramiko

READ_BYTES = 261_120
"""What OpenSSH serves in one answer. Of a server that gives less, files are read one by one."""
BYTES_IN_FLIGHT = 8 << 20
"""More than a link of 100 ms and 80 MB/s holds, and than OpenSSH's window of 2 MiB."""
FILES_IN_FLIGHT = 128


class StreamedFile:
    """One file on its way.

    Attributes
    ----------
    info : FileInfo
        As it was listed.
    failure : Exception or None
        What the server has against it.
    seen : paramiko.SFTPAttributes or None
        The file as it was after the last read.
    """

    def __init__(self, client: Any, info: FileInfo, path: str) -> None:
        from paramiko import SFTPAttributes
        from paramiko.sftp import CMD_OPEN, SFTP_FLAG_READ

        self._client = client
        self.info = info
        self.failure: Exception | None = None
        self.seen: paramiko.SFTPAttributes | None = None
        self._handle: bytes | None = None
        self._blocks: dict[int, bytes] = {}
        self._wanted: dict[int, tuple[int, int]] = {}
        self._waiting = 1
        self._ask(CMD_OPEN, path.encode("utf-8"), SFTP_FLAG_READ, SFTPAttributes())

    @property
    def is_done(self) -> bool:
        """Whether nothing more will come."""
        return self._waiting == 0

    @property
    def content(self) -> bytes:
        """What was read, in order; shorter than announced where the file ended."""
        return b"".join(self._blocks[offset] for offset in sorted(self._blocks))

    def _ask(self, kind: int, *arguments: object) -> int:
        number: int = self._client._async_request(self, kind, *arguments)  # noqa: SLF001 - as paramiko's own file does
        return number

    def _read(self, offset: int, length: int) -> None:
        from paramiko.sftp import CMD_READ, int64

        self._waiting += 1
        self._wanted[self._ask(CMD_READ, self._handle, int64(offset), length)] = (offset, length)

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        """Take an answer; paramiko calls this on whoever asked."""
        from paramiko import SFTPAttributes, SFTPError
        from paramiko.sftp import CMD_ATTRS, CMD_DATA, CMD_HANDLE, CMD_STATUS

        self._waiting -= 1
        wanted = self._wanted.pop(number, None)
        if kind == CMD_HANDLE:
            self._opened(message.get_binary())
        elif kind == CMD_DATA and wanted is not None:
            self._arrived(*wanted, message.get_string())
        elif kind == CMD_ATTRS:
            self.seen = SFTPAttributes._from_msg(message)  # noqa: SLF001
        elif kind == CMD_STATUS:
            try:
                self._client._convert_status(message)  # noqa: SLF001 - turns a status into the error it means
            except EOFError:
                pass  # the file ends here: shorter than announced
            except (OSError, SFTPError) as problem:
                self.failure = self.failure or problem
        else:
            self.failure = SFTPError("an answer to something that was not asked")

    def _opened(self, handle: bytes) -> None:
        from paramiko.sftp import CMD_CLOSE, CMD_FSTAT

        self._handle = handle
        for offset in range(0, self.info.size, READ_BYTES):
            self._read(offset, min(READ_BYTES, self.info.size - offset))
        # Answered in order: so this is the file after it was read.
        self._waiting += 2
        self._ask(CMD_FSTAT, handle)
        self._ask(CMD_CLOSE, handle)

    def _arrived(self, offset: int, length: int, data: bytes) -> None:
        if not data or len(data) > length:
            self.failure = OSError(f"the server answered {len(data)} bytes to a request for {length}")
            return
        self._blocks[offset] = data
        if len(data) < length:
            # Behind the closing; whoever takes short answers apart asks for the file alone.
            self.failure = self.failure or ShortAnswerError()


class ShortAnswerError(OSError):
    """A server that answers with less than was asked for, in the middle of a file."""


def stream(
    client: "paramiko.SFTPClient", infos: Sequence[FileInfo], absolute: Callable[[FileInfo], str]
) -> Iterator[StreamedFile]:
    """Yield files in order, each when all of it is there.

    Parameters
    ----------
    client : paramiko.SFTPClient
        Not used by another thread meanwhile.
    infos : sequence of FileInfo
        What to read, with sizes as listed.
    absolute : callable
        Gives the path on the server.

    Raises
    ------
    paramiko.SSHException, EOFError, OSError
        If the line breaks.
    """
    asker: Any = client
    ahead: deque[StreamedFile] = deque()
    in_flight = 0
    for info in infos:
        while ahead and (len(ahead) >= FILES_IN_FLIGHT or in_flight + info.size > BYTES_IN_FLIGHT):
            done = _awaited(asker, ahead.popleft())
            in_flight -= done.info.size
            yield done
        ahead.append(StreamedFile(asker, info, absolute(info)))
        in_flight += info.size
    while ahead:
        yield _awaited(asker, ahead.popleft())


def _awaited(client: Any, file: StreamedFile) -> StreamedFile:
    while not file.is_done:
        client._read_response()  # noqa: SLF001 - paramiko has no public way to wait for any answer
    return file
