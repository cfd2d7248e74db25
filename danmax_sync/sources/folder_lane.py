"""Read spans of files of a folder: a USB disk, a mounted share."""

import stat
import time
from pathlib import Path

from danmax_sync.errors import SourceError
from danmax_sync.sources.base import FileInfo, SourceChangedError, check_unchanged
from danmax_sync.sources.spans import Span, Work, read_one_by_one

_BLOCK = 1 << 20
_NAP_S = 0.2


class FolderLane:
    """Reads below a folder, a block at a time.

    Parameters
    ----------
    folder : Path
        The source's root.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buffer = memoryview(bytearray(_BLOCK))

    def run(self, work: Work) -> None:
        """Read spans until there are none; see `Lane.run`."""

        def read(span: Span) -> bool:
            where = span.info.path.below(self._folder)
            try:
                self._read(span, where, work)
            except FileNotFoundError:
                raise SourceChangedError(f"{where} is not there any more", hint="run again later") from None
            except OSError as problem:
                raise SourceError(f"{where} cannot be read: {problem.strerror}", hint="run again later") from problem
            return not work.over

        read_one_by_one(work, read)

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self, span: Span, where: Path, work: Work) -> None:
        with where.open("rb", buffering=0) as file:
            file.seek(span.offset)
            offset, end = span.offset, span.offset + span.length
            while offset < end and not work.over:
                wanted = min(_BLOCK, end - offset)
                while (wait_s := work.allow(wanted)) and not work.over:
                    time.sleep(min(wait_s, _NAP_S))
                got = file.readinto(self._buffer[:wanted])
                if not got:
                    break
                span.write(offset, self._buffer[:got])
                offset += got
        if not work.over:
            received = span.info.size if offset == end else offset
            check_unchanged(span.info, _looked_at(where, span.info), received, str(where))


def _looked_at(where: Path, info: FileInfo) -> FileInfo | None:
    try:
        now = where.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(now.st_mode):
        raise SourceError(f"{where} is not a regular file")
    return FileInfo(info.path, now.st_size, now.st_mtime_ns)
