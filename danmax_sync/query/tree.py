"""What a query means, as a tree of frozen values. ``str(tree)`` is a query again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PLAIN = re.compile(r"[^\s()\"':<>=,!±@-][^\s()\"':<>=,!±]*")
_WORDS = frozenset(("AND", "OR", "NOT", "*", "latest"))
"""What the language itself has a meaning for."""
REFERENCE = re.compile(r"(?:(?:(?P<proposal>\d{8})/)?(?P<visit>\d{10})/)?(?P<first>\d{1,18})(?:-(?P<last>\d{1,18}))?")
"""A scan, or a range of them, with or without visit and proposal; as long as a database's 64 bits can number."""


def quoted(text: str) -> str:
    """Spell a text so that the parser reads it back as one word."""
    if _PLAIN.fullmatch(text) and text not in _WORDS and ".." not in text and "+-" not in text:
        return text
    return _in_quotes(text)


def _in_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _end(text: str | None) -> str:
    """Spell one end of a range: a dot at its end would run into the dots between."""
    if text is None:
        return ""
    return _in_quotes(text) if text.endswith(".") else quoted(text)


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty query."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word: in the title, the sample or the path."""

    text: str

    def __str__(self) -> str:
        # Bare numbers are scans; a word made of digits keeps its quotes.
        return f'"{self.text}"' if REFERENCE.fullmatch(self.text) else quoted(self.text)


@dataclass(frozen=True, slots=True)
class Scans:
    """Scan numbers `first` to `last`, both included; of one visit, where that is named."""

    first: int
    last: int
    proposal: str | None = None
    visit: str | None = None

    def __str__(self) -> str:
        if self.visit is None:
            return f"scan:{self.first}" if self.first == self.last else f"scan:{self.first}..{self.last}"
        numbers = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return "scan:" + "/".join([*([self.proposal] if self.proposal else []), self.visit, numbers])


@dataclass(frozen=True, slots=True)
class Latest:
    """The scan that started last, among those that match the rest of its group."""

    def __str__(self) -> str:
        return "latest"


@dataclass(frozen=True, slots=True)
class Within:
    """A field in a range, ends included unless `strict`; a side may be open. Ends are as typed, units too."""

    field: str
    low: str | None
    high: str | None
    strict: bool = False

    def __str__(self) -> str:
        if self.strict:
            sign, end = (">", self.low) if self.low is not None else ("<", self.high)
            return f"{quoted(self.field)}:{sign}{quoted(end or '')}"
        return f"{quoted(self.field)}:{_end(self.low)}..{_end(self.high)}"


@dataclass(frozen=True, slots=True)
class Near:
    """A field within `spread` of a value, both as typed."""

    field: str
    value: str
    spread: str

    def __str__(self) -> str:
        return f"{quoted(self.field)}:{self.value}±{self.spread}"


@dataclass(frozen=True, slots=True)
class Exactly:
    """A field equal to a number to the last bit, or to a text to the last letter."""

    field: str
    value: str

    def __str__(self) -> str:
        return f"{quoted(self.field)}=={quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Is:
    """A field equal to one of some values: numbers to the typed precision, texts with ``*`` and ``?``."""

    field: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{quoted(self.field)}:{','.join(quoted(value) for value in self.values)}"


@dataclass(frozen=True, slots=True)
class Has:
    """A field that was recorded at all."""

    field: str

    def __str__(self) -> str:
        return f"{quoted(self.field)}:*"


@dataclass(frozen=True, slots=True)
class All:
    """A term that holds for every point of a scan, not only for some."""

    term: "Within | Near | Is | Exactly"

    def __str__(self) -> str:
        return f"all({self.term})"


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    item: "Query"

    def __str__(self) -> str:
        return f"-{_bracketed(self.item)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    items: tuple["Query", ...]

    def __str__(self) -> str:
        return " ".join(_bracketed(item) for item in self.items)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    items: tuple["Query", ...]

    def __str__(self) -> str:
        return " OR ".join(_bracketed(item) for item in self.items)


Term = Within | Near | Is | Exactly | Has
"""What asks for a field."""
Query = Everything | Word | Scans | Latest | Term | All | Not | And | Or


def terms_of(query: Query) -> Iterator[Query]:
    """Yield the leaves of a tree."""
    match query:
        case And(items) | Or(items):
            for item in items:
                yield from terms_of(item)
        case Not(item):
            yield from terms_of(item)
        case _:
            yield query


def _bracketed(item: Query) -> str:
    return f"({item})" if isinstance(item, And | Or) else str(item)
