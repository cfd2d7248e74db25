"""What a term asks of recorded names: a wildcard may mean temperatures and lengths at once, and texts among them."""

from collections.abc import Sequence

from danmax_sync.quantities import Dimension, meaning_of
from danmax_sync.query.intervals import Interval, intervals, typed_interval
from danmax_sync.query.tree import Exactly, Is, Near, Within

Asked = tuple[Dimension, list[str], list[Interval]]


def by_dimension(names: Sequence[str]) -> dict[Dimension, list[str]]:
    """Sort recorded names by what their numbers measure."""
    found: dict[Dimension, list[str]] = {}
    for name in names:
        meaning = meaning_of(name)
        found.setdefault(meaning.dimension if meaning else Dimension.PLAIN, []).append(name)
    return found


def asked_of(term: Within | Near | Is | Exactly, names: Sequence[str]) -> list[Asked]:
    """Return for each dimension among some names the numbers that a term asks for, where its units fit.

    Raises
    ------
    ValueError
        If what was typed fits none of them.
    """
    asked: list[Asked] = []
    problems: list[ValueError] = []
    for dimension, group in by_dimension(names).items():
        try:
            asked.append((dimension, group, _numbers(term, dimension)))
        except ValueError as problem:
            problems.append(problem)
    if problems and not asked:
        raise problems[0]
    return asked


def _numbers(term: Within | Near | Is | Exactly, dimension: Dimension) -> list[Interval]:
    """Return the intervals of what is a number among typed values: equality may mean a text, so that it never fails."""
    if isinstance(term, Within | Near):
        return intervals(term, dimension)
    found = []
    for text in term.values if isinstance(term, Is) else (term.value,):
        try:
            found += [typed_interval(text, dimension)] if isinstance(term, Is) else intervals(term, dimension)
        except ValueError:
            continue
    return found
