"""Bring masters of a source into memory: they travel whole, and never touch this disk."""

import io
from collections.abc import Iterator, Sequence

from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.indexing.ahead import ahead
from danmax_sync.sources.base import FileInfo, Source

_MOST_BYTES = 32 << 20
"""Fetched and not yet handed to a reader."""


def contents(source: Source, infos: Sequence[FileInfo]) -> Iterator[tuple[FileInfo, bytes | SourceError]]:
    """Yield the content of files, or why one cannot be had; in one stream where the source can do that.

    They go on arriving while the caller is busy, so the source is nobody else's until the end.

    Raises
    ------
    ConnectionLostError
        If the line breaks.
    """
    yield from ahead(_fetched(source, infos), weight=_weight, most=_MOST_BYTES)


def _weight(item: tuple[FileInfo, bytes | SourceError]) -> int:
    return len(item[1]) if isinstance(item[1], bytes) else 1


def _fetched(source: Source, infos: Sequence[FileInfo]) -> Iterator[tuple[FileInfo, bytes | SourceError]]:
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
