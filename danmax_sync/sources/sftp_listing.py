"""List folders over SFTP, several under way at once, names as bytes: one that is not UTF-8 must not hide the others."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import paramiko


_AHEAD = 4
"""Portions of a folder asked for before the first has come; OpenSSH gives a hundred names in one."""
_MOST_ENTRIES = 1_000_000
"""No folder of a visit holds more; a listing that does not end must not fill the memory."""


class FolderListing:
    """One folder that is being listed; the answers come in while others are asked for.

    paramiko's own ``listdir_attr`` waits for every answer, a round trip each, and decodes every name strictly and gives
    up on the whole folder. Here bytes that are no text stay visible as lone surrogates, which no `TreePath` accepts, so
    that just this name is complained about.

    Parameters
    ----------
    client : paramiko.SFTPClient
        Not used by another thread meanwhile.
    path : str
        Absolute.
    """

    def __init__(self, client: "paramiko.SFTPClient", path: str) -> None:
        from paramiko.sftp import CMD_OPENDIR

        self._client: Any = client
        self._handle: bytes | None = None
        self._entries: list[paramiko.SFTPAttributes] = []
        self._failure: Exception | None = None
        self._done = False
        self._ask(CMD_OPENDIR, path.encode("utf-8"))

    def entries(self) -> "list[paramiko.SFTPAttributes]":
        """Wait for the end and return what the folder holds, in no order.

        Raises
        ------
        OSError, paramiko.SSHException
            What the server or the line has against it.
        """
        while not self._done:
            self._client._read_response()  # noqa: SLF001 - paramiko has no public way to wait for any answer
        if self._failure is not None:
            raise self._failure
        return self._entries

    def _ask(self, kind: int, *arguments: object) -> None:
        self._client._async_request(self, kind, *arguments)  # noqa: SLF001

    def _async_response(self, kind: int, message: Any, _number: int) -> None:
        """Take an answer; paramiko calls this on whoever asked."""
        from paramiko import SFTPError
        from paramiko.sftp import CMD_CLOSE, CMD_HANDLE, CMD_NAME, CMD_READDIR, CMD_STATUS

        if self._done:  # the answer to the closing, or to what was asked beyond the end
            return
        if kind == CMD_HANDLE:
            self._handle = message.get_binary()
            for _ in range(_AHEAD):
                self._ask(CMD_READDIR, self._handle)
        elif kind == CMD_NAME and len(self._entries) < _MOST_ENTRIES:
            self._take(message)
            self._ask(CMD_READDIR, self._handle)
        else:
            self._done = True
            if kind != CMD_STATUS:
                endless = f"the server lists more than {_MOST_ENTRIES} names"
                self._failure = SFTPError(endless if kind == CMD_NAME else "expected names")
                return
            try:
                self._client._convert_status(message)  # noqa: SLF001 - turns a status into the error it means
            except EOFError:
                pass  # so the server says that there are no more
            except (OSError, SFTPError) as problem:
                self._failure = problem
            if self._handle is not None:
                self._ask(CMD_CLOSE, self._handle)

    def _take(self, message: Any) -> None:
        from paramiko import SFTPAttributes

        for _ in range(message.get_int()):
            name = message.get_string().decode("utf-8", "surrogateescape")
            if not name and not message.get_remainder():
                # It announced more names than it sent.
                break
            message.get_string()  # the long name, for people
            entry = SFTPAttributes._from_msg(message, name, "")  # noqa: SLF001
            if name not in {".", ".."}:
                self._entries.append(entry)


def list_folder(client: "paramiko.SFTPClient", path: str) -> "list[paramiko.SFTPAttributes]":
    """Return what one folder holds, in no order; see `FolderListing`."""
    return FolderListing(client, path).entries()
