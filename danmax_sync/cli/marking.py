"""What `sample`, `tag` and `note` share: find the scans, ask before several change, say what was done."""

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.completion import query_and_said
from danmax_sync.cli.speech import count, say
from danmax_sync.errors import ExitCode, UsageError
from danmax_sync.visits import visible

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.values import CataloguedScan

ScansArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="QUERY…",
        help="The scans: 42, 40-50, sample:LaB6, or any query.",
        show_default=False,
        autocompletion=query_and_said,
    ),
]
_MOST_REFERENCES = 6
_LAST_SHORT = 0xFFFF
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask where several scans change.")]


@contextmanager
def chosen(words: Sequence[str]) -> "Iterator[tuple[Catalogue, list[CataloguedScan]]]":
    """Open the catalogue and find the scans of a query, at least one."""
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.query.search import search_some

    with open_catalogue() as catalogue:
        yield catalogue, search_some(catalogue, " ".join(words))


def agree(what: str, *, yes: bool) -> None:
    """Ask a person whether to go on; a program has to say ``--yes``.

    Raises
    ------
    UsageError
        If there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what}; nothing was changed yet", hint="to go on, run it again with --yes")
    sys.stderr.write(f"{what}. Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        say("nothing was changed")
        raise typer.Exit(int(ExitCode.STOPPED))


def whom(scans: "Sequence[CataloguedScan]") -> str:
    """Name one scan, or say how many there are."""
    return scans[0].label if len(scans) == 1 else count(len(scans), "scan")


def undo(command: str, scans: "Sequence[CataloguedScan]", *rest: str, option: str = "") -> str:
    """Return a line with the command that takes a change back; nothing where it would be longer than a line.

    It names the scans by number: the query that found them may find others now.
    """
    found = references(scans)
    if not 0 < len(found) <= _MOST_REFERENCES:
        return ""
    # What begins with a dash would be taken for an option.
    before = option or ("--" if any(word.startswith("-") for word in rest) else "")
    words = [*found, *filter(None, [before]), *rest]
    return f"\n  → to take it back: danmax-sync {command} {' '.join(map(typed, words))}"


def typed(word: str) -> str:
    """Spell a word so that a shell that it is pasted into reads that very word."""
    if visible(word, keep="\n") == word:
        return shlex.quote(word)
    # Tabs and separators are spelled on a screen; only this kind of quotes takes them spelled.
    spelled = "".join(f"\\{each}" if each in "'\\" else each if each.isprintable() else _escaped(each) for each in word)
    return f"$'{spelled}'"


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"


def references(scans: "Sequence[CataloguedScan]") -> list[str]:
    """Return what means some scans, visit by visit, in ranges; nothing where one of them has no number."""
    visits: dict[str, list[int]] = {}
    for scan in scans:
        if scan.number is None:
            return []
        visits.setdefault(f"{scan.visit}/" if scan.visit else "", []).append(scan.number)
    return [f"{visit}{part}" for visit, numbers in sorted(visits.items()) for part in ranges(numbers)]


def ranges(numbers: Iterable[int]) -> list[str]:
    """Spell numbers as ranges: ``40-42``, ``47``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in runs]


def briefly(texts: Sequence[str], most: int = 3) -> str:
    """Name some texts, each once."""
    different = list(dict.fromkeys(texts))
    return ", ".join(different[:most]) + (", …" if len(different) > most else "")
