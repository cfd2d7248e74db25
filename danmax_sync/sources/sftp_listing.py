"""List a folder over SFTP, names as bytes: one name that is not UTF-8 must not hide the others."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import paramiko


def list_folder(client: "paramiko.SFTPClient", path: str) -> "list[paramiko.SFTPAttributes]":
    """Return what a folder holds, in no order.

    paramiko's own ``listdir_attr`` decodes every name strictly and gives up on the whole folder. Here bytes that are
    no text stay visible as lone surrogates, which no `TreePath` accepts, so that just this name is complained about.

    Raises
    ------
    OSError, paramiko.SSHException
        What the server or the line has against it.
    """
    from paramiko import SFTPAttributes, SFTPError
    from paramiko.sftp import CMD_CLOSE, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READDIR

    asker: Any = client
    kind, message = asker._request(CMD_OPENDIR, path.encode("utf-8"))  # noqa: SLF001 - as paramiko's own does
    if kind != CMD_HANDLE:
        raise SFTPError("expected a handle")
    handle = message.get_binary()
    entries = []
    try:
        while True:
            kind, message = asker._request(CMD_READDIR, handle)  # noqa: SLF001
            if kind != CMD_NAME:
                raise SFTPError("expected names")
            for _ in range(message.get_int()):
                name = message.get_string().decode("utf-8", "surrogateescape")
                message.get_string()  # the long name, for people
                entry = SFTPAttributes._from_msg(message, name, "")  # noqa: SLF001
                if name not in {".", ".."}:
                    entries.append(entry)
    except EOFError:
        pass  # so the server says that there are no more
    asker._request(CMD_CLOSE, handle)  # noqa: SLF001
    return entries
