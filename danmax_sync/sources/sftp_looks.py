"""Look at many files over SFTP, with many questions on their way at once."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import paramiko

_IN_FLIGHT = 256


class _Looks:
    """Hears the answers; paramiko calls whoever asked."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._asked: dict[int, int] = {}
        self.seen: dict[int, paramiko.SFTPAttributes] = {}

    def ask(self, which: int, path: str) -> None:
        from paramiko.sftp import CMD_STAT

        number = self._client._async_request(self, CMD_STAT, path.encode("utf-8"))  # noqa: SLF001 - as paramiko's files do
        self._asked[number] = which

    @property
    def waiting(self) -> int:
        return len(self._asked)

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        from paramiko import SFTPAttributes
        from paramiko.sftp import CMD_ATTRS

        which = self._asked.pop(number)
        if kind == CMD_ATTRS:
            self.seen[which] = SFTPAttributes._from_msg(message)  # noqa: SLF001


def stat_many(client: "paramiko.SFTPClient", paths: Sequence[str]) -> "Iterator[paramiko.SFTPAttributes | None]":
    """Yield what the server shows of each file; None for what is not there or may not be seen.

    Raises
    ------
    paramiko.SSHException, EOFError, OSError
        If the line breaks.
    """
    asker: Any = client
    looks = _Looks(asker)
    for which, path in enumerate(paths):
        looks.ask(which, path)
        while looks.waiting >= _IN_FLIGHT:
            asker._read_response()  # noqa: SLF001 - paramiko has no public way to wait for any answer
    while looks.waiting:
        asker._read_response()  # noqa: SLF001
    yield from (looks.seen.get(which) for which in range(len(paths)))
