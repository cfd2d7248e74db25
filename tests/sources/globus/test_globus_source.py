"""A collection of Globus as a source: the same contract as folder and SFTP, over HTTPS and with tasks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from danmax_sync.sources.base import Source
from danmax_sync.sources.opening import open_source
from danmax_sync.sources.ssh import NoTerminal
from danmax_sync.testing.globus import Collection, GlobusService
from danmax_sync.testing.globus.collections import GUEST
from tests.sources.contract import SourceContract
from tests.sources.globus.places import pointed_at, remote_at, set_up_personal


@contextmanager
def opened_at(folder: Path, *, https: bool, kind: str = GUEST) -> Iterator[Source]:
    """Open a folder of a collection that shows what stands above it."""
    it = Collection(folder.parent, "DanMAX", kind=kind, https=https)
    ends = [it] if https else [it, set_up_personal()]
    with (
        pointed_at(GlobusService(ends)),
        open_source(remote_at(it, f"/{folder.name}"), NoTerminal()) as source,
    ):
        yield source


class TestGlobusSource(SourceContract):
    """A collection that lets its files be read over HTTPS."""

    def opened(self, folder: Path) -> AbstractContextManager[Source]:
        """Open it."""
        return opened_at(folder, https=True, kind="GCSv5_mapped_collection")


class TestGlobusSourceWithTasks(SourceContract):
    """A collection without HTTPS: small tasks bring files to this machine's own one."""

    def opened(self, folder: Path) -> AbstractContextManager[Source]:
        """Open it."""
        return opened_at(folder, https=False)
