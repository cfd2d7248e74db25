"""Say in words from where to where a number may go, instead of as an inequality about an ``x`` that nobody has met."""

from typing import Any

_DESCRIBE = "_describe_range"


def in_words(low: float | None, high: float | None) -> str:
    """Spell the bounds of a number, one of which may be missing."""
    if low is None:
        return f"at most {high:g}"
    return f"{low:g} or more" if high is None else f"{low:g} to {high:g}"


def put_in_words(command: Any) -> None:
    """Let a command, and those below it, spell the bounds of their numbers in words: in help and in errors.

    The parser has no public way to say it otherwise; where it knows no such method, nothing happens.
    """
    for parameter in command.params:
        kind = parameter.type
        if hasattr(kind, _DESCRIBE):
            spelled = in_words(kind.min, kind.max)
            setattr(kind, _DESCRIBE, lambda spelled=spelled: spelled)
    for each in getattr(command, "commands", {}).values():
        put_in_words(each)
