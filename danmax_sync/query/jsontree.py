"""A tree as JSON and back: one object a node, its kind under ``"is"``."""

from dataclasses import fields
from typing import Any

from danmax_sync.errors import UsageError
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
)

_KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind
    for kind in (Everything, Word, Scans, Latest, Within, Near, Is, Exactly, Has, All, Not, And, Or)
}


def to_json(query: Query) -> dict[str, Any]:
    """Return a tree ready for JSON: ``{"is": "within", "field": "energy", "low": "35", …}``."""
    return {"is": type(query).__name__.lower()} | {each.name: _out(getattr(query, each.name)) for each in fields(query)}


def from_json(node: Any) -> Query:
    """Return the tree of what `to_json` gave.

    Raises
    ------
    UsageError
        If it is something else.
    """
    try:
        kind = _KINDS[node["is"]]
        given = {key: _in(value) for key, value in node.items() if key != "is"}
        built: Query = kind(**given)
    except (KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"this is no query in JSON: {problem}") from None
    return built


def _out(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_out(each) for each in value]
    return value if value is None or isinstance(value, str | int | bool) else to_json(value)


def _in(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_in(each) for each in value)
    return from_json(value) if isinstance(value, dict) else value
