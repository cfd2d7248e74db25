"""Compare files with what came over the line, and with what their source computes, by reading them from the disk."""

import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from danmax_sync.errors import SourceError
from danmax_sync.transfer.journal import CheckedFile

_BLOCK = 1 << 20


def drop_cache(path: Path) -> None:
    """Let the system forget what it holds of a file in memory, so that the disk is read; not on macOS and Windows."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def check_arrival(path: Path, known: CheckedFile) -> None:
    """Compare a file, segment by segment, with the checksums of what came over the line.

    Raises
    ------
    SourceError
        If a byte differs: where, and what to do.
    """
    for number, checksum in enumerate(_segment_checksums(path, known.segment_bytes)):
        if number < len(known.checksums) and checksum != known.checksums[number]:
            start = number * known.segment_bytes
            end = min(start + known.segment_bytes, known.size) - 1
            raise SourceError(
                f"{path} is not what came over the line: it differs somewhere in bytes {start:,} to {end:,}",
                hint="the disk or another program changed it; move it away, then: danmax-sync get",
            )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def check_hash(path: Path, expected: str) -> None:
    """Compare a file with the SHA-256 that its source computes.

    Raises
    ------
    SourceError
        If they differ.
    """
    found = sha256(path)
    if found != expected:
        raise SourceError(f"{path} is not what its source has: SHA-256 {found[:12]}… here, {expected[:12]}… there")


def version_of(path: Path) -> tuple[int, int]:
    """Return size and modification time in nanoseconds."""
    info = path.stat()
    return info.st_size, info.st_mtime_ns


def _segment_checksums(path: Path, segment_bytes: int) -> Iterator[int]:
    checksum, left = 0, segment_bytes
    for block in _blocks(path):
        rest = memoryview(block)
        while rest:
            piece, rest = rest[:left], rest[left:]
            checksum, left = zlib.crc32(piece, checksum), left - len(piece)
            if left == 0:
                yield checksum
                checksum, left = 0, segment_bytes
    if left < segment_bytes:
        yield checksum


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as problem:
        raise SourceError(f"{path} cannot be read: {problem.strerror}") from problem
