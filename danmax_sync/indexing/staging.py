"""Bring masters of a source into memory: they travel whole, and never touch this disk."""

import io
from collections.abc import Iterator, Sequence

from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.sources.base import FileInfo, Source


def contents(source: Source, infos: Sequence[FileInfo]) -> Iterator[tuple[FileInfo, bytes | SourceError]]:
    """Yield the content of files, or why one cannot be had; in one stream where the source can do that.

    Raises
    ------
    ConnectionLostError
        If the line breaks.
    """
    stream = getattr(source, "fetch_whole", None)
    if stream is not None:
        yield from stream(infos)
        return
    for info in infos:
        sink = io.BytesIO()
        try:
            source.fetch(info.path, sink, lambda _: None)
        except ConnectionLostError:
            raise
        except SourceError as problem:
            yield info, problem
        else:
            yield info, sink.getvalue()
