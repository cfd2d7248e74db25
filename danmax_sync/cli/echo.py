"""Say to a person how a query was understood; programs hear nothing."""

import sys
from typing import TYPE_CHECKING

from danmax_sync.cli.speech import count, say

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.query.search import Question


def echo_cut(found: int, limit: int | None, noun: str) -> None:
    """Say that a list goes on beyond what ``-n`` lets through."""
    if limit is not None and limit < found and sys.stdout.isatty():
        say(f"{count(found, noun)}, the first {limit} of them shown")


def echo_question(catalogue: "Catalogue", question: "Question", *, found: int, shown: int) -> None:
    """Say the query in English, how many scans it found, and how many could not answer it."""
    from danmax_sync.query.explain import lacking

    some = f", the first {shown} of them shown" if shown < found else ""
    say(f"{count(found, 'scan')}{some}: {question.english}")
    for note in lacking(catalogue, question.tree):
        say(f"  {note}")
