"""Entries of a listing, checked, and a walk that lists several folders at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from danmax_sync.errors import ConnectionLostError, SourceError, UnsafePathError
from danmax_sync.sources.base import Complain, FileInfo, is_worth_walking, shown_name
from danmax_sync.visits import TreePath

NOT_FOLLOWED = "is a link to a folder or to nothing, and is not followed"
_DEEPEST = 64
_FOLDERS_AT_ONCE = 6
_LARGEST = 2**63 - 1
"""Bytes that a database can note; no file has more."""
ListFolder = Callable[[TreePath], Sequence[Any]]


def read_entry(folder: TreePath, entry: object) -> FileInfo | TreePath | None:
    """Return a regular file, or a folder; None for anything else.

    Raises
    ------
    UnsafePathError
        If its name cannot be used.
    SourceError
        If its size is not told, or it is a link that is not followed.
    """
    if not isinstance(entry, Mapping):
        raise UnsafePathError("the server sent an entry that is none")
    name = entry.get("name")
    if not isinstance(name, str) or "/" in name or name in {"", ".", ".."}:
        raise UnsafePathError(f"the server sent the name {name!r}")
    path, kind = folder / name, entry.get("type")
    if kind == "file":
        return file_info(path, entry)
    if kind == "invalid_symlink" or (kind == "dir" and entry.get("link_target") is not None):
        raise SourceError(NOT_FOLLOWED)
    return path if kind == "dir" else None


def file_info(path: TreePath, entry: Mapping[str, Any]) -> FileInfo:
    """Return a file as it is now; Globus tells whole seconds.

    Raises
    ------
    SourceError
        If its size is not told, or cannot be one.
    """
    size = entry.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST:
        raise SourceError(f"the server does not tell the size of {path}")
    return FileInfo(path, size, _mtime_ns(entry.get("last_modified")))


def _mtime_ns(text: object) -> int:
    """Return a time as the API writes it; 0 where there is none, as with some object stores."""
    try:
        moment = datetime.fromisoformat(str(text))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(moment.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError, OSError):
        return 0


def walk(list_folder: ListFolder, below: TreePath, complain: Complain) -> Iterator[FileInfo]:
    """Yield the regular files below a folder, folder by folder; several folders are listed at once.

    Parameters
    ----------
    list_folder : callable
        Gives a folder's raw entries; used by several threads.
    below : TreePath
        Where to begin.
    complain : callable
        Told what is passed over.

    Raises
    ------
    ConnectionLostError, LoginError
        What ends the work, from listing.
    """
    # What is to come, the next last.
    stack: list[FileInfo | TreePath] = [below]
    asked: dict[TreePath, Future[Sequence[Any]]] = {}
    workers = ThreadPoolExecutor(_FOLDERS_AT_ONCE, thread_name_prefix="globus-ls")
    try:
        while stack:
            for each in reversed(stack):
                if len(asked) >= _FOLDERS_AT_ONCE:
                    break
                if isinstance(each, TreePath) and each not in asked:
                    asked[each] = workers.submit(list_folder, each)
            following = stack.pop()
            if isinstance(following, FileInfo):
                yield following
                continue
            # It may have been pushed behind others that were asked for first.
            listing = asked.pop(following, None) or workers.submit(list_folder, following)
            try:
                entries = listing.result()
            except ConnectionLostError:
                raise
            except SourceError as problem:
                complain(str(following) or ".", problem.message)
                continue
            stack += reversed(list(_sorted_in(following, entries, complain)))
    finally:
        workers.shutdown(wait=False, cancel_futures=True)


def _sorted_in(folder: TreePath, entries: Sequence[Any], complain: Complain) -> Iterator[FileInfo | TreePath]:
    named = [(str(entry.get("name")) if isinstance(entry, Mapping) else "", entry) for entry in entries]
    for name, entry in sorted(named, key=lambda pair: pair[0]):
        try:
            found = read_entry(folder, entry)
        except UnsafePathError as unsafe:
            complain(shown_name(folder, name), unsafe.message)
        except SourceError as problem:
            complain(str(folder / name), problem.message)
        else:
            if isinstance(found, FileInfo) or (found and is_worth_walking(found) and len(found.parts) <= _DEEPEST):
                yield found
