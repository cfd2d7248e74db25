"""A lane for sources that give files only whole."""

from typing import Any

from danmax_sync.errors import SourceError
from danmax_sync.sources.base import Source, SourceChangedError
from danmax_sync.sources.spans import Span, Work, read_one_by_one


class WholeFileLane:
    """Fetches one file after the other.

    Parameters
    ----------
    source : Source
        Used by nobody else while `run` runs.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def run(self, work: Work) -> None:
        """Read spans, each of which must be a whole file; see `Lane.run`."""

        def read(span: Span) -> bool:
            try:
                self._fetch(span)
            except OSError as problem:
                why = problem.strerror or str(problem)
                message = f"{span.info.path} cannot be read at {self._source.name}: {why}"
                raise SourceError(message, hint="run again later") from problem
            return True

        read_one_by_one(work, read)

    def close(self) -> None:
        """Leave the source to whoever opened it."""

    def _fetch(self, span: Span) -> None:
        sink: Any = _Sink(span)
        version = self._source.fetch(span.info.path, sink, lambda _: None)
        if not span.info.same_version(version):
            raise SourceChangedError(
                f"{span.info.path} changed at the source: {span.info.size} bytes planned, {version.size} bytes read",
                hint="run again: it is planned anew",
            )


class _Sink:
    def __init__(self, span: Span) -> None:
        self._span = span
        self.received = 0

    def write(self, data: bytes) -> int:
        self._span.write(self.received, memoryview(data))
        self.received += len(data)
        return len(data)
