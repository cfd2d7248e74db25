"""From a remote to an open source."""

from pathlib import Path
from urllib.parse import urlsplit

from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.sources.remotes import Remote
from danmax_sync.sources.ssh.prompts import Prompter


def open_source(remote: Remote, prompter: Prompter) -> Source:
    """Connect to a remote.

    Raises
    ------
    LoginError, SourceError
        If it cannot be reached or does not take us.
    UsageError
        If it is a local folder that is not there.
    """
    if remote.scheme == "file":
        from urllib.request import url2pathname  # knows drive letters

        return FolderSource(Path(url2pathname(urlsplit(remote.uri).path)), name=remote.name)
    from danmax_sync.sources.sftp import SftpSource

    return SftpSource.open(remote, prompter)
