"""Read one file over SFTP with many requests under way, in one thread.

paramiko's own ``prefetch`` sends its requests from a thread that nobody can stop: when the line breaks it dies with a
traceback on the user's terminal, and when the reader gives up it spins on for ever. Here the requests are sent by who
reads the answers, and end with it. A short answer is asked for again from where it ended.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import paramiko

READ_BYTES = 32_768
"""What every server serves in one answer."""
REQUESTS_IN_FLIGHT = 64
"""So at most 2 MiB are under way, the channel's window of OpenSSH."""


class PipelinedReader:
    """Reads a file's bytes up to `size` in order.

    Parameters
    ----------
    client : paramiko.SFTPClient
        Not used by anybody else meanwhile.
    file : paramiko.SFTPFile
        Open for reading.
    size : int
        Where to end; the file may turn out to be shorter.
    start : int
        Where to begin.
    """

    def __init__(self, client: "paramiko.SFTPClient", file: "paramiko.SFTPFile", size: int, *, start: int = 0) -> None:
        self._client: Any = client
        self._file: Any = file
        self._start, self._size = start, size
        self._wanted: dict[int, tuple[int, int]] = {}
        self._arrived: dict[int, bytes] = {}
        self._end = size
        self._failure: BaseException | None = None

    def blocks(self) -> Iterator[bytes]:
        """Yield the content, block by block, until `size` bytes or the end of the file.

        Raises
        ------
        OSError, paramiko.SSHException
            What the server or the line has against it.
        """
        asked = given = self._start
        while given < self._end:
            while asked < self._end and len(self._wanted) + len(self._arrived) < REQUESTS_IN_FLIGHT:
                length = min(READ_BYTES, self._size - asked)
                self._ask(asked, length)
                asked += length
            block = self._arrived.pop(given, None)
            if block is not None:
                given += len(block)
                yield block
                continue
            self._client._read_response()  # noqa: SLF001 - paramiko has no public way to wait for any answer
            if self._failure is not None:
                raise self._failure

    def _ask(self, offset: int, length: int) -> None:
        from paramiko.sftp import CMD_READ, int64

        number = self._client._async_request(self, CMD_READ, self._file.handle, int64(offset), length)  # noqa: SLF001
        self._wanted[number] = (offset, length)

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        """Take an answer; paramiko calls this on whoever asked."""
        from paramiko.sftp import CMD_DATA, CMD_STATUS

        offset, length = self._wanted.pop(number)
        if kind == CMD_STATUS:
            try:
                self._client._convert_status(message)  # noqa: SLF001 - turns a status into the error it means
            except EOFError:
                self._end = min(self._end, offset)
            except OSError as problem:
                self._failure = problem
            return
        data = message.get_string() if kind == CMD_DATA else b""
        if not data or len(data) > length:
            self._failure = OSError(f"the server answered {len(data)} bytes to a request for {length}")
            return
        self._arrived[offset] = data
        if len(data) < length:
            self._ask(offset + len(data), length - len(data))
