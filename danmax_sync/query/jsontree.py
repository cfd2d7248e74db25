"""A tree as JSON and back: one object a node, its kind under ``"is"``."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from danmax_sync.errors import UsageError
from danmax_sync.query.parser import DEEPEST, MOST_TERMS
from danmax_sync.query.tree import (
    All,
    And,
    Everything,
    Exactly,
    Has,
    Is,
    Latest,
    Near,
    Not,
    Or,
    Query,
    Scans,
    Within,
    Word,
    terms_of,
)

_KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind
    for kind in (Everything, Word, Scans, Latest, Within, Near, Is, Exactly, Has, All, Not, And, Or)
}
_DEEPEST = 4 * DEEPEST
"""A bracket may hold an OR of groups of exclusions, each a node."""


def to_json(query: Query) -> dict[str, Any]:
    """Return a tree ready for JSON: ``{"is": "within", "field": "energy", "low": "35", …}``."""
    return {"is": type(query).__name__.lower()} | {each.name: _out(getattr(query, each.name)) for each in fields(query)}


def from_json(node: Any) -> Query:
    """Return the tree of what `to_json` gave.

    Raises
    ------
    UsageError
        If it is something else, or larger than a query may be.
    """
    try:
        tree = _tree(node, 0)
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        raise UsageError(f"this is no query in JSON: {problem}") from None
    if sum(1 for _ in terms_of(tree)) > MOST_TERMS:
        raise UsageError(f"this is no query in JSON: it has more than {MOST_TERMS} terms")
    return tree


def _tree(node: Any, depth: int) -> Query:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    kind = _KINDS[node["is"]]
    given = {key: _in(value, depth + 1) for key, value in node.items() if key != "is"}
    for name, value in given.items():
        if not _CHECKS[name](value):
            raise ValueError(f"{name!r} of {node['is']!r} cannot be {value!r}")
    built: Query = kind(**given)
    if (
        isinstance(built, Within)
        and (built.low is None) is (built.high is None)
        and (built.low is None or built.strict)
    ):
        raise ValueError("a range needs an end, and > and < have just one")
    return built


def _out(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_out(each) for each in value]
    return value if value is None or isinstance(value, str | int | bool) else to_json(value)


def _in(value: Any, depth: int) -> Any:
    if isinstance(value, list):
        return tuple(_in(each, depth) for each in value)
    return _tree(value, depth) if isinstance(value, dict) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _is_tree(value: Any) -> bool:
    # Everything is a query of its own: within another it could not be spelled.
    return isinstance(value, tuple(_KINDS.values())) and not isinstance(value, Everything)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("text", "field", "value", "spread"), _is_text),
    **dict.fromkeys(("low", "high", "proposal", "visit"), _is_text_or_none),
    **dict.fromkeys(("first", "last"), _is_whole),
    "strict": lambda value: isinstance(value, bool),
    "values": lambda value: isinstance(value, tuple) and len(value) > 0 and all(map(_is_text, value)),
    "items": lambda value: isinstance(value, tuple) and len(value) > 0 and all(map(_is_tree, value)),
    "item": _is_tree,
    "term": lambda value: isinstance(value, Within | Near | Is | Exactly),
}
