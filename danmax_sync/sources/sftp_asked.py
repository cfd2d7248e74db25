"""Ask a server something on a channel that paramiko's client talks on, without waiting for the answer."""

import time
from typing import TYPE_CHECKING, Any

from danmax_sync.sources.wire import EXTENDED_REPLY, LIMITS_QUESTION, Limits, limits_in

if TYPE_CHECKING:
    import paramiko


class AskedLimits:
    """The answer to ``limits@openssh.com``, which comes before that to whatever is asked next.

    Parameters
    ----------
    client : paramiko.SFTPClient
        Not used by anybody else meanwhile.

    Attributes
    ----------
    limits : Limits or None
        None until the answer is there. A server that does not know the question is taken to serve the least.
    """

    def __init__(self, client: "paramiko.SFTPClient") -> None:
        from paramiko.sftp import CMD_EXTENDED

        self.limits: Limits | None = None
        asker: Any = client
        asker._async_request(self, CMD_EXTENDED, LIMITS_QUESTION)  # noqa: SLF001 - as paramiko's files do

    def _async_response(self, kind: int, message: Any, number: int) -> None:  # noqa: ARG002 - paramiko calls it so
        """Take the answer."""
        self.limits = limits_in(memoryview(message.get_remainder())) if kind == EXTENDED_REPLY else Limits()


class AskedFile:
    """The answer to what a file is.

    Parameters
    ----------
    client : paramiko.SFTPClient
        Not used by anybody else meanwhile.
    path : str
        Absolute, at the server.

    Attributes
    ----------
    took_s : float
        How long it was until the answer was heard.
    """

    def __init__(self, client: "paramiko.SFTPClient", path: str) -> None:
        from paramiko.sftp import CMD_STAT

        self.took_s = 0.0
        self._client: Any = client
        self._seen: paramiko.SFTPAttributes | None = None
        self._failure: Exception | None = None
        self._asked_at = time.monotonic()
        self._client._async_request(self, CMD_STAT, path.encode("utf-8"))  # noqa: SLF001 - as paramiko's files do

    def attributes(self) -> "paramiko.SFTPAttributes":
        """Wait for the answer.

        Raises
        ------
        OSError, paramiko.SSHException, EOFError
            What the server or the line has against it.
        """
        while self._seen is None:
            if self._failure is not None:
                raise self._failure
            self._client._read_response()  # noqa: SLF001 - paramiko has no public way to wait for any answer
        return self._seen

    def _async_response(self, kind: int, message: Any, number: int) -> None:  # noqa: ARG002 - paramiko calls it so
        """Take the answer."""
        from paramiko import SFTPAttributes, SFTPError
        from paramiko.sftp import CMD_ATTRS, CMD_STATUS

        self.took_s = time.monotonic() - self._asked_at
        if kind == CMD_ATTRS:
            self._seen = SFTPAttributes._from_msg(message)  # noqa: SLF001
            return
        try:
            if kind == CMD_STATUS:
                self._client._convert_status(message)  # noqa: SLF001 - turns a status into the error it means
            self._failure = SFTPError("an answer of another kind")
        except (OSError, EOFError, SFTPError) as problem:
            self._failure = problem
