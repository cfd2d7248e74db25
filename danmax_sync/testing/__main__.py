"""Serve a folder over SFTP on this machine, with a password and one-time codes: ``python -m danmax_sync.testing DIR``.

For trying things without a facility. Nothing outside this machine can reach it, and nothing can be written through it.
Its host key is kept in DIR, in the hidden file ``.danmax-testing-key``.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import paramiko

from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits

USUAL_PORT = 2222
KEY_NAME = ".danmax-testing-key"
_LOOK_S = 0.2


def greeting(server: EmbeddedSftpServer) -> str:
    """Return what somebody has to know to log in."""
    return (
        f"{server.root} is served at sftp://{server.user}@{server.host}:{server.port}/ until Ctrl-C\n"
        f"host key {server.host_key}\npassword {server.password}\none-time code {server.current_code()}"
    )


def host_key(folder: Path) -> paramiko.PKey:
    """Return the key of the server of a folder, kept in it: with a new one each time, clients would refuse the next.

    Where nothing can be written, on a disk that is read only, it is new each time.
    """
    path = folder / KEY_NAME
    try:
        if not path.exists():
            paramiko.ECDSAKey.generate().write_private_key_file(str(path))
        return paramiko.ECDSAKey.from_private_key_file(str(path))
    except (OSError, paramiko.SSHException):
        return paramiko.ECDSAKey.generate()


def main(words: Sequence[str]) -> int:
    """Serve until Ctrl-C; a code that was used is followed by the next one."""
    parser = argparse.ArgumentParser(prog="python -m danmax_sync.testing", description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--port", type=int, default=USUAL_PORT)
    asked = parser.parse_args(words)
    if not asked.folder.is_dir():
        parser.error(f"{asked.folder} is not a folder; danmax-sync simulate makes one")
    password = secrets.token_urlsafe(6)
    try:
        server = EmbeddedSftpServer(
            asked.folder, password=password, one_time_code=six_digits, host_key=host_key(asked.folder), port=asked.port
        )
    except OSError as problem:
        parser.error(f"port {asked.port} cannot be used: {problem.strerror}; name another with --port")
    with server:
        try:
            shown = server.current_code()
            _say(greeting(server))
            while True:
                time.sleep(_LOOK_S)
                if server.current_code() != shown:
                    shown = server.current_code()
                    _say(f"one-time code {shown}")
        except KeyboardInterrupt:
            return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
