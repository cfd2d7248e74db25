"""A folder served over SFTP by this process, opened as a remote."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from danmax_sync.sources.base import Source
from danmax_sync.sources.opening import open_source
from danmax_sync.sources.remotes import Remote, checked_remote
from danmax_sync.testing.sftpfiles import Faults
from danmax_sync.testing.sftpserver import EmbeddedSftpServer
from tests.sources.ssh.answers import Answers


def remote_at(server: EmbeddedSftpServer, path: str) -> Remote:
    """Name a folder of a server."""
    return checked_remote("facility", f"sftp://{server.user}@{server.host}:{server.port}{quote(path)}")


@contextmanager
def served(folder: Path, faults: Faults | None = None, *, above: int = 1) -> Iterator[Source]:
    """Open a folder over SFTP; the server shows what stands some folders `above` it."""
    shown = folder.parents[above - 1]
    with (
        EmbeddedSftpServer(shown, password="beam", faults=faults) as server,
        open_source(remote_at(server, f"/{folder.relative_to(shown).as_posix()}"), Answers("beam")) as source,
    ):
        yield source
