"""Ask a catalogue in the query language."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, UnaryExpression

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.saved import save_query, saved_queries
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import EmptyCatalogueError, NothingMatchedError, UsageError
from danmax_sync.query.english import in_english
from danmax_sync.query.fields import TermError
from danmax_sync.query.parser import parse, position_of, syntax_error
from danmax_sync.query.sql import condition, narrowing
from danmax_sync.query.tree import Query

_FEW = 5000
"""Scans that are looked up one by one sooner than thousands of values are gone through."""
_NAME = re.compile(r"[A-Za-z_][\w-]{0,63}")


@dataclass(frozen=True, slots=True)
class Question:
    """A query that was understood.

    Attributes
    ----------
    text : str
        As typed.
    tree : Query
        What it means; saved queries are written out.
    english : str
        The same in words.
    where : ColumnElement
        The same as a condition on the table of scans.
    """

    text: str
    tree: Query
    english: str
    where: ColumnElement[bool]


def understand(catalogue: Catalogue, text: str, *, now: datetime | None = None) -> Question:
    """Understand a query for one catalogue.

    Parameters
    ----------
    catalogue : Catalogue
        Whose names and saved queries are meant.
    text : str
        As typed.
    now : datetime, optional
        The moment that ``last:2d`` counts back from.

    Raises
    ------
    UsageError
        If it cannot be understood; with a caret under the place where that shows.
    """
    tree = parse(text, saved_queries(catalogue.engine) if "@" in text else None)
    names = catalogue.field_names()
    try:
        where = condition(tree, names, now=now, few=_are_few(catalogue, tree, names, now))
    except TermError as problem:
        at = position_of(problem.term, text) if problem.term else None
        if at is None:  # inside a saved query
            raise
        # The caret says which term it is.
        pointed = syntax_error(text, at, problem.message.removeprefix(f"{problem.term}: "))
        raise UsageError(pointed.message, hint=problem.hint or pointed.hint) from None
    return Question(text, tree, in_english(tree, names, now=now), where)


def _are_few(catalogue: Catalogue, tree: Query, names: Sequence[str], now: datetime | None) -> bool:
    """Say whether what a query asks of scans themselves leaves so few that each can be looked up."""
    plain = narrowing(tree, names, now=now)
    return plain is not None and catalogue.count(plain, limit=_FEW + 1) <= _FEW


def search(
    catalogue: Catalogue,
    text: str,
    *,
    limit: int | None = None,
    order_by: Iterable[ColumnElement[object] | UnaryExpression[object]] = (),
) -> list[CataloguedScan]:
    """Return the scans a query means, oldest first unless ordered otherwise.

    Raises
    ------
    UsageError
        If the query cannot be understood.
    """
    return catalogue.scans(understand(catalogue, text).where, limit=limit, order_by=order_by)


def search_some(
    catalogue: Catalogue,
    text: str,
    *,
    limit: int | None = None,
    order_by: Iterable[ColumnElement[object] | UnaryExpression[object]] = (),
) -> list[CataloguedScan]:
    """Return the scans a query means, at least one.

    Raises
    ------
    NothingMatchedError
        If there is none; the message says which term is to blame.
    """
    question = understand(catalogue, text)
    found = catalogue.scans(question.where, limit=limit, order_by=order_by)
    if not found:
        raise nothing_matched(catalogue, question)
    return found


def nothing_matched(catalogue: Catalogue, question: Question) -> NothingMatchedError:
    """Return what tells an empty catalogue from a query that is too narrow, and by which of its terms."""
    from danmax_sync.query.explain import explanation

    total = catalogue.count()
    if not total:
        return EmptyCatalogueError("the catalogue is empty", hint="fill it first: danmax-sync index DIR or NAME")
    lines = explanation(catalogue, question.tree)
    none = f"none of {total} scans matches" if total > 1 else "the only scan there is does not match"
    return NothingMatchedError(
        "\n  ".join([f"{none} {question.text!r}: {question.english}", *lines]),
        hint="see all: danmax-sync search",
    )


def save(catalogue: Catalogue, name: str, text: str) -> None:
    """Keep a query under a name, to be used as ``@name``.

    Raises
    ------
    UsageError
        If the name cannot be one, or the query is empty, cannot be understood or would contain itself.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a query", hint="letters, digits, '_' and '-', 64 at most")
    if not text.strip():
        raise UsageError("an empty query cannot be saved", hint="say what to search for: danmax-sync search --help")
    known = saved_queries(catalogue.engine)
    parse(f"@{name}", {**known, name: text})
    save_query(catalogue.engine, name, text)
