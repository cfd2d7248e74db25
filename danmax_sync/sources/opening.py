"""From a remote to an open source."""

from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.sources.remotes import Remote
from danmax_sync.sources.ssh import Call, dial
from danmax_sync.sources.ssh.prompts import Prompter


class Opening:
    """A source that is being opened: the login is under way while the caller does something else.

    Parameters
    ----------
    remote : Remote
        What is opened.
    prompter : Prompter
        Answers the server.
    with_lanes : bool
        Whether files are going to be read in lanes: a source that has such opens them from the first moment on.

    Examples
    --------
    >>> with Opening(remote, TerminalPrompter()) as opening:
    ...     catalogue = Catalogue.open()
    ...     with opening.source() as source:
    ...         index_source(catalogue, source)
    """

    def __init__(self, remote: Remote, prompter: Prompter, *, with_lanes: bool = False) -> None:
        self._remote, self._with_lanes = remote, with_lanes
        self._prompter = prompter
        self._call: Call | None = None
        if remote.scheme == "sftp":
            self._call = dial(remote.address, prompter=prompter)

    def source(self) -> Source:
        """Wait until it is open.

        Raises
        ------
        LoginError, SourceError
            If it cannot be reached or does not take us.
        UsageError
            If it is a local folder that is not there.
        """
        if self._remote.scheme == "globus":
            from danmax_sync.sources.globus.source import GlobusSource

            return GlobusSource.open(self._remote, self._prompter)
        if self._call is None:
            from urllib.request import url2pathname  # knows drive letters

            return FolderSource(Path(url2pathname(urlsplit(self._remote.uri).path)), name=self._remote.name)
        from danmax_sync.sources.sftp import SftpSource

        return SftpSource.open(self._remote, self._call, with_lanes=self._with_lanes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._call is not None:
            self._call.hang_up()


def open_source(remote: Remote, prompter: Prompter, *, with_lanes: bool = False) -> Source:
    """Connect to a remote, all at once; see `Opening`."""
    with Opening(remote, prompter, with_lanes=with_lanes) as opening:
        return opening.source()
