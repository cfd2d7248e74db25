"""Ask a server what it serves, on a channel that paramiko's client talks on, without waiting for the answer."""

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
