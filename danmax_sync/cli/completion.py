"""What the shell offers when somebody presses the tabulator: names and values from the catalogue.

Nothing heavy is imported, and whatever goes wrong is silent: a prompt is no place for an error.
"""

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

QUERY_FIELDS = (
    "before", "date", "detector", "end_time", "energy", "entry", "exposure", "integrated", "last", "link", "log",
    "macro", "note", "path", "points", "proposal", "root", "sample", "scan", "since", "start_time", "state", "tag",
    "temperature", "title", "until", "visit", "wavelength",
)  # fmt: skip
"""What every scan has (query/fields.py; a test compares them, because importing that loads the database's library)."""
COLUMNS = {
    "search": (
        "detectors", "duration", "end", "energy", "entry", "exposure", "folder", "keV", "K", "macro", "note", "path",
        "points", "proposal", "sample", "scan", "start", "state", "tags", "temperature", "title", "visit",
        "wavelength", "where",
    ),
    "fields": ("description", "greatest", "least", "name", "origin", "scans", "unit", "values"),
    "diff": ("difference", "left", "name", "origin", "right", "unit"),
    "problems": ("path", "place", "stage", "what"),
    "remote list": ("name", "to", "uri"),
    "tag list": ("scans", "tag"),
    "logbook list": ("entries", "linked", "name", "until", "url"),
}  # fmt: skip
"""The columns each list can have, which it declares where it would take long to import."""
STATES = ("complete", "partial", "running", "unreadable")
_DATES = ("before", "date", "end_time", "since", "start_time", "until")
_SHORT_TEXTS = ("sample", "tag")
STANDING = ("state", "link")
"""Of which the few words are known."""
_AWKWARD = re.compile(r"[\s()\"'<>=,!:$`\\;&|]")
"""A shell or the query language would want quotes around it."""


def query_words(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a word of a query: the name of a field, then its values behind the colon."""
    with _silently():
        return list(_completed(_location(ctx), *_whole_word(incomplete)))
    return []


def query_or_folder(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a folder, or a word of a query."""
    folders: list[str] = []
    with _silently():
        before, slash, start = incomplete.rpartition("/")
        found = sorted(each.name for each in os.scandir(before + slash or ".") if each.is_dir())
        shown = [name for name in found if name.startswith(start) and (start or not name.startswith("."))]
        folders = [f"{before}{slash}{name}" for name in shown if not _AWKWARD.search(name)]
    return folders if "/" in incomplete else [*folders, *query_words(ctx, incomplete)]


def query_and_said(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a word of a query, or the tag or sample's name behind it: a shell cannot tell which it is."""
    said = {"tag": tag_names, "sample": _plain_sample_names}.get((ctx.parent and ctx.parent.info_name) or "")
    return [*(said(ctx, incomplete) if said else ()), *query_words(ctx, incomplete)]


def sample_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a sample, as a query finds it."""
    with _silently():
        return [*_values(_location(ctx), "sample", incomplete)]
    return []


def _plain_sample_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a sample that is to be one: without wildcards."""
    return [name for name in sample_names(ctx, incomplete) if "?" not in name]


def tag_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a tag."""
    with _silently():
        return [*_values(_location(ctx), "tag", incomplete)]
    return []


def column_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the last of the columns between commas."""
    with _silently():
        head, comma, last = incomplete.rpartition(",")
        sign = last[: len(last) - len(last.lstrip("+-"))]
        command = ctx.info_name or ""
        if command == "list" and ctx.parent is not None:
            command = f"{ctx.parent.info_name} list"
        names = [*COLUMNS.get(command, ()), *(_recorded(_location(ctx)) if command == "search" else ())]
        return [f"{head}{comma}{sign}{name}" for name in names if name.startswith(last[len(sign) :])]
    return []


def remote_names(incomplete: str) -> list[str]:
    """Complete the name of a remote."""
    with _silently():
        return [name for name in _remotes() if name.startswith(incomplete)]
    return []


def place_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a remote, or a place that was indexed before; of folders the shell knows more."""
    with _silently():
        from danmax_sync.catalogue.names import root_names

        names = _remotes()
        with _silently():
            names += root_names(_location(ctx))
        return [name for name in dict.fromkeys(names) if name.startswith(incomplete) and not _AWKWARD.search(name)]
    return []


def logbook_addresses(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the address of a logbook that was read before."""
    with _silently():
        from danmax_sync.catalogue.names import logbook_urls

        return [url for url in logbook_urls(_location(ctx)) if url.startswith(incomplete)]
    return []


def completed_shells() -> list[str]:
    """Return the shells that ``--install-completion`` has been run in; where it puts what they read."""
    home = Path.home()
    places = {
        "bash": home / ".bash_completions" / "danmax-sync.sh",
        "zsh": home / ".zfunc" / "_danmax-sync",
        "fish": home / ".config" / "fish" / "completions" / "danmax-sync.fish",
    }
    return [shell for shell, place in places.items() if place.is_file()]


@contextlib.contextmanager
def keeping_zsh(arguments: Sequence[str]) -> Iterator[None]:
    """Keep the installation from changing how zsh completes other programs, as typer's does."""
    if "--install-completion" not in arguments:
        yield
        return
    file, everywhere = Path.home() / ".zshrc", "zstyle ':completion:*' menu select"
    before = ""
    with contextlib.suppress(OSError, ValueError):
        before = file.read_text()
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            after = file.read_text()
            if everywhere in after and everywhere not in before:
                file.write_text(after.replace(everywhere, "zstyle ':completion:*:*:danmax-sync:*' menu select"))


@contextlib.contextmanager
def _silently() -> Iterator[None]:
    with contextlib.suppress(OSError, ValueError, sqlite3.Error, KeyError, IndexError, TypeError):
        yield


def _location(ctx: typer.Context) -> str:
    from danmax_sync.settings import catalogue_location

    return ctx.find_root().params.get("catalogue") or catalogue_location()


def _remotes() -> list[str]:
    from danmax_sync.settings import remotes_file

    return sorted(json.loads(remotes_file().read_text(encoding="utf-8")))


def _whole_word(incomplete: str) -> tuple[str, str]:
    """Return the word as typed, and how much of it the shell keeps: bash breaks words at colons."""
    if not os.environ.get("_DANMAX_SYNC_COMPLETE", "").endswith("bash"):
        return incomplete, ""
    before = os.environ.get("COMP_WORDS", "").split()[: int(os.environ.get("COMP_CWORD", "0"))]
    if incomplete == ":" and before:
        return f"{before[-1]}:", f"{before[-1]}:"
    if len(before) > 1 and before[-1] == ":":
        return f"{before[-2]}:{incomplete}", f"{before[-2]}:"
    return incomplete, ""


class _AsItIs(str):
    """A candidate that typer passes on: to bash a lone ``:`` is the word to complete, and no value begins so."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Say yes to typer, which would leave out what does not begin like the word to complete."""
        return True


def _completed(location: str, word: str, kept: str) -> Iterator[str]:
    sign = word[: len(word) - len(word.lstrip("-!("))]
    name, colon, value = word[len(sign) :].partition(":")
    if name.startswith("@"):
        yield from (f"{sign}@{known}" for known in _saved(location) if known.startswith(name[1:]))
        return
    if not colon:
        names = sorted({*QUERY_FIELDS, *_recorded(location)})
        matching = [known for known in names if known.startswith(name)]
        yield from (f"{sign}{known}:" for known in matching)
        if len(matching) == 1:
            # Behind a word that stands alone a shell puts a space, and the value could not follow.
            yield f"{sign}{matching[0]}:*"
        return
    done, comma, start = value.rpartition(",")
    for known in _values(location, name, start):
        yield _AsItIs(f"{sign}{name}:{done}{comma}{known}".removeprefix(kept))


def _recorded(location: str) -> list[str]:
    from danmax_sync.catalogue.names import recorded_names

    with _silently():
        # A name that would need quotes is offered with ? in their stead, which the query language takes for any sign:
        # `Spinner?moving`. A shell that knows ? leaves it alone where no file is called so, or quotes it.
        return list(dict.fromkeys(_AWKWARD.sub("?", name) for name in recorded_names(location) if name.isprintable()))
    return []


def _saved(location: str) -> list[str]:
    from danmax_sync.catalogue.names import saved_names

    with _silently():
        return saved_names(location)
    return []


def saved_query_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a saved query."""
    with _silently():
        return [name for name in _saved(_location(ctx)) if name.startswith(incomplete)]
    return []


def _ends(location: str, name: str) -> list[str]:
    """Offer where the numbers or the dates of a field begin and end, as a query is written."""
    from danmax_sync.catalogue.names import dates_of, reach_of

    if name in _DATES:
        from danmax_sync.clock import clock

        return list(dict.fromkeys(clock(each, "%Y-%m-%d") for each in dates_of(location)))
    reach = reach_of(location, name)
    return [] if reach is None else [f"{_rounded(reach[0], up=False)}..", f"..{_rounded(reach[1], up=True)}"]


def _rounded(number: float, *, up: bool) -> str:
    """Spell a number with few digits, so that a range from it, or up to it, still has it."""
    from decimal import ROUND_CEILING, ROUND_FLOOR, Context

    context = Context(prec=6, rounding=ROUND_CEILING if up else ROUND_FLOOR)
    return f"{context.create_decimal(number).normalize(context):f}"


def _values(location: str, name: str, start: str) -> list[str]:
    from danmax_sync.catalogue.names import values_of

    with _silently():
        found = [value for value in values_of(location, name, start) if value.isprintable()]
        # As with names, a wildcard stands for what would need quotes; of texts nobody types that is no use.
        kept = [_AWKWARD.sub("?", value) for value in found if name in _SHORT_TEXTS or not _AWKWARD.search(value)]
        if kept or name in STANDING:
            return list(dict.fromkeys(kept))
        return [each for each in _ends(location, name) if each.startswith(start)]
    return [state for state in STATES if name == "state" and state.startswith(start)]
