"""What a query means, as a tree of frozen values. ``str(tree)`` is a query again."""

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[^\s()\"':<>=,!-][^\s()\"':<>=,!]*")
_SCANS = re.compile(r"\d+(-\d+)?")


def quoted(text: str) -> str:
    """Spell a text so that the parser reads it back as one word."""
    if _PLAIN.fullmatch(text) and text not in {"OR", "*"} and ".." not in text:
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
        return f'"{self.text}"' if _SCANS.fullmatch(self.text) else quoted(self.text)


@dataclass(frozen=True, slots=True)
class Scans:
    """Scan numbers `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"scan:{self.first}" if self.first == self.last else f"scan:{self.first}..{self.last}"


@dataclass(frozen=True, slots=True)
class Within:
    """A field in a range, ends included; a side may be open. Ends are as typed, units too."""

    field: str
    low: str | None
    high: str | None

    def __str__(self) -> str:
        return f"{quoted(self.field)}:{_end(self.low)}..{_end(self.high)}"


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


Query = Everything | Word | Scans | Within | Is | Has | Not | And | Or


def _bracketed(item: Query) -> str:
    return f"({item})" if isinstance(item, And | Or) else str(item)
