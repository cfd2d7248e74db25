"""What a Python program handed over: taken where it is plain what is meant, refused in a sentence where it is not."""

import os
from collections.abc import Iterable
from pathlib import Path

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import NothingMatchedError, UsageError

_LONGEST = 60


def unexpected(expected: str, given: object, *, hint: str = "") -> UsageError:
    """Return what says what was expected, and what came instead."""
    shown = repr(given)
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    return UsageError(f"expected {expected}, got {type(given).__name__} {shown}", hint=hint)


def none_given() -> NothingMatchedError:
    """Return what says that there is nothing to work on."""
    return NothingMatchedError("no scans were given", hint="catalogue.search(…) finds them; len(scans) says how many")


def scans_of(given: CataloguedScan | Iterable[CataloguedScan]) -> list[CataloguedScan]:
    """Return scans that were given as one, or as any number of them.

    Raises
    ------
    UsageError
        If something else was.
    """
    if isinstance(given, CataloguedScan):
        return [given]
    expected = "scans, as catalogue.search(…) returns them"
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        asked = given if isinstance(given, int | str) else "QUERY"
        raise unexpected(expected, given, hint=f"find them first: catalogue.search({str(asked)!r})")
    scans = list(given)
    for each in scans:
        if not isinstance(each, CataloguedScan):
            raise unexpected(f"{expected}, in a list of nothing else", each)
    return scans


def one_scan(given: CataloguedScan) -> CataloguedScan:
    """Return a scan.

    Raises
    ------
    UsageError
        If it is none, or several.
    """
    if isinstance(given, CataloguedScan):
        return given
    hint = f"find it first: catalogue.search({str(given)!r})[0]" if isinstance(given, str | int) else "scans[0] is one"
    raise unexpected("one scan, as catalogue.search(…) returns them", given, hint=hint)


def id_of(given: int) -> int:
    """Return the catalogue's number of a scan.

    Raises
    ------
    UsageError
        If it is none.
    """
    if isinstance(given, int):
        return given
    raise unexpected("the id of a scan", given, hint="scan.id, of a scan from catalogue.search(…)")


def path_of(given: str | os.PathLike[str], what: str = "a path") -> Path:
    """Return a path that was given as one, or as text.

    Raises
    ------
    UsageError
        If it is neither, or names the home of somebody unknown.
    """
    if not isinstance(given, str | os.PathLike) or not given:
        raise unexpected(what, given)
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise UsageError(f"{given!r} names the home of somebody who is not known here") from None


def paths_of(given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], what: str) -> tuple[Path, ...]:
    """Return paths that were given as one, or as any number of them.

    Raises
    ------
    UsageError
        If one of them is none.
    """
    if isinstance(given, str | os.PathLike):
        return (path_of(given, what),)
    if not isinstance(given, Iterable):
        raise unexpected(what, given)
    return tuple(path_of(each, what) for each in given)
