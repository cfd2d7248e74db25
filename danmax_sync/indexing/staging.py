"""Have a file on disk for as long as it is read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from danmax_sync.errors import UnfinishedError
from danmax_sync.sources.base import FileInfo, Source
from danmax_sync.sources.folder import FolderSource


@contextmanager
def on_disk(source: Source, info: FileInfo) -> Iterator[Path]:
    """Give a local path of a source's file: itself where it is local, else a copy that goes away again.

    A copy stands alone in a folder of its own, so that none of its links can open anything; they are only read.
    """
    if isinstance(source, FolderSource):
        yield info.path.below(source.folder)
        return
    with tempfile.TemporaryDirectory(prefix="danmax-sync-") as folder:
        local = Path(folder) / "master.h5"
        try:
            with local.open("wb") as sink:
                source.fetch(info.path, sink, lambda _: None)
        except OSError as problem:
            raise UnfinishedError(
                f"{info.path} does not fit into {folder}: {problem.strerror}",
                hint="make space there, or set TMPDIR to another folder, and run again",
            ) from problem
        yield local
