"""Text to tree.

::

    query  := group ("OR" group)*
    group  := item (["AND"] item)*     scans among them mean any of these scans
    item   := ("-" | "NOT") item | "(" query ")" | "all(" term ")" | term
    term   := FIELD ":" (range | VALUE "±" VALUE | list | "*") | FIELD [":"] (">=" | "<=" | ">" | "<" | "==") VALUE
            | scans | "latest" | "@" NAME | WORD
    range  := [VALUE] ".." [VALUE]
    list   := VALUE ("," VALUE)*
    scans  := [[PROPOSAL "/"] VISIT "/"] NUMBER ["-" NUMBER]
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from danmax_sync.errors import UsageError
from danmax_sync.query.tree import (
    REFERENCE,
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
    Term,
    Within,
    Word,
)

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<all>all\() | (?P<open>\() | (?P<close>\))
      | (?P<not>[-!](?=[^\s)]))
      | (?P<term>(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s()"'])+)
    )""",
    re.VERBOSE,
)
_PIECE = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|==|>=|<=|\.\.|[:<>,]|(?:(?!\.\.|==)[^\"':<>,])+")
_PLAIN_SCANS = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")
_SAVED = re.compile(r"@([A-Za-z_][\w-]*)")
_NEAR = re.compile(r"([^±]+?)(?:±|\+-)([^±]+)")
_COMPARISONS = frozenset((">=", "<=", ">", "<", "=="))
LONGEST_QUERY = 10_000
MOST_TERMS = 200
"""SQLite takes expressions a thousand deep, and a term becomes up to four of them."""
DEEPEST = 50


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def syntax_error(text: str, position: int, message: str) -> UsageError:
    """Point at the place in a query that cannot be understood."""
    return UsageError(f"{message}\n  {text}\n  {' ' * position}^", hint="examples: danmax-sync search --help")


def parse(text: str, saved: Mapping[str, str] | None = None) -> Query:
    """Understand a query.

    Parameters
    ----------
    text : str
        As typed.
    saved : mapping, optional
        Saved queries by their names, for ``@name``.

    Raises
    ------
    UsageError
        With a caret under the place that cannot be understood.
    """
    return _parse(text, saved or {}, (), 0)


def position_of(term: Term | Scans, text: str) -> int | None:
    """Return where a term of a query's tree was typed, None where it came out of a saved query."""
    for token in _tokens(text):
        if token.kind == "term" and not _SAVED.fullmatch(token.text) and _term(text, token) == term:
            return token.start
    return None


def _parse(text: str, saved: Mapping[str, str], inside: tuple[str, ...], depth: int) -> Query:
    if len(text) > LONGEST_QUERY:
        raise UsageError(f"the query has {len(text)} characters, more than {LONGEST_QUERY}")
    if not text.isprintable() and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
        # Bytes of a command line that are no UTF-8 arrive as surrogates, which no database takes.
        raise UsageError(f"the query {text!r} holds characters that are no text")
    parser = _Parser(text, list(_tokens(text)), saved, inside)
    return parser.whole(depth)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            start = len(text) - len(text[position:].lstrip())
            raise syntax_error(
                text, start, "a quotation mark is not closed" if text[start] in "\"'" else "not understood"
            )
        kind = str(match.lastgroup)
        yield _Token(kind, match.group(kind), match.start(kind))
        position = match.end()


class _Parser:
    def __init__(self, text: str, tokens: list[_Token], saved: Mapping[str, str], inside: tuple[str, ...]) -> None:
        self.text, self.tokens, self.at = text, tokens, 0
        self.saved, self.inside = saved, inside

    def whole(self, depth: int) -> Query:
        if not self.tokens:
            return Everything()
        tree = self.any_of(depth)
        if self.at < len(self.tokens):
            raise syntax_error(self.text, self.tokens[self.at].start, "this bracket was never opened")
        if _terms_in(tree) > MOST_TERMS:
            raise UsageError(
                f"the query has {_terms_in(tree)} terms, more than {MOST_TERMS}",
                hint="scan numbers can be given as a range: danmax-sync search 40-50",
            )
        return tree

    def any_of(self, depth: int) -> Query:
        if depth > DEEPEST:
            raise UsageError(f"the query is nested more than {DEEPEST} deep")
        items = [self.all_of(depth)]
        while self.at < len(self.tokens) and self._is("OR"):
            self.at += 1
            items.append(self.all_of(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def all_of(self, depth: int) -> Query:
        items: list[Query] = []
        numbers: list[Query] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind != "close" and not self._is("OR"):
            if (items or numbers) and self._is("AND"):
                self.at += 1
                if self.at >= len(self.tokens) or self.tokens[self.at].kind == "close" or self._is("OR"):
                    raise self._missing()
            if self._is("AND"):
                raise self._missing()
            is_number = self.tokens[self.at].kind == "term" and REFERENCE.fullmatch(self.tokens[self.at].text)
            (numbers if is_number else items).append(self.item(depth))
        if numbers:
            # No scan has two numbers: `42 44` means both scans.
            items.insert(0, numbers[0] if len(numbers) == 1 else Or(tuple(numbers)))
        if not items:
            raise self._missing()
        return items[0] if len(items) == 1 else And(tuple(items))

    def item(self, depth: int) -> Query:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "not" or (token.kind == "term" and token.text == "NOT"):
            if depth > DEEPEST or self.at >= len(self.tokens) or self.tokens[self.at].kind == "close":
                raise syntax_error(self.text, token.start, f"{token.text!r} needs something to exclude")
            return Not(self.item(depth + 1))
        if token.kind == "open":
            inner = self.any_of(depth + 1)
            if self.at >= len(self.tokens):
                raise syntax_error(self.text, token.start, "this bracket is not closed")
            self.at += 1
            return inner
        if token.kind == "all":
            return self.all_points(token)
        name = _SAVED.fullmatch(token.text)
        return self.saved_query(token, name[1], depth) if name else _term(self.text, token)

    def all_points(self, opening: _Token) -> Query:
        if self.at + 1 >= len(self.tokens) or self.tokens[self.at].kind != "term":
            raise syntax_error(self.text, opening.start, "written all(name:low..high)")
        token = self.tokens[self.at]
        term = _term(self.text, token)
        if not isinstance(term, Within | Near | Is | Exactly):
            raise syntax_error(self.text, token.start, "all(…) takes one range or value of a field")
        if self.tokens[self.at + 1].kind != "close":
            raise syntax_error(self.text, opening.start, "this bracket is not closed behind one term")
        self.at += 2
        return All(term)

    def saved_query(self, token: _Token, name: str, depth: int) -> Query:
        if name in self.inside:
            chain = " → ".join(f"@{each}" for each in (*self.inside, name))
            raise syntax_error(self.text, token.start, f"the saved query @{name} contains itself: {chain}")
        if name not in self.saved:
            close = get_close_matches(name, self.saved, n=2)
            meant = f"; did you mean {' or '.join(f'@{each}' for each in close)}?" if close else ""
            pointed = syntax_error(self.text, token.start, f"there is no saved query @{name}{meant}")
            raise UsageError(pointed.message, hint="list them: danmax-sync search --saved")
        text = self.saved[name]
        if not text.strip():
            raise syntax_error(self.text, token.start, f"the saved query @{name} is empty")
        return _parse(text, self.saved, (*self.inside, name), depth + 1)

    def _is(self, word: str) -> bool:
        return self.tokens[self.at].kind == "term" and self.tokens[self.at].text == word

    def _missing(self) -> UsageError:
        where = self.tokens[self.at].start if self.at < len(self.tokens) else len(self.text)
        return syntax_error(self.text, where, "something to search for is missing here")


def _terms_in(tree: Query) -> int:
    match tree:
        case And(items) | Or(items):
            return sum(map(_terms_in, items))
        case Not(item):
            return _terms_in(item)
        case Is(_, values):
            return len(values)
        case _:
            return 1


def _term(text: str, token: _Token) -> Query:
    pieces = _PIECE.findall(token.text)
    operator = next((i for i, piece in enumerate(pieces) if piece in _COMPARISONS | {":"}), None)
    if operator is None:
        return _bare(token.text, pieces)
    field = "".join(_unquoted(piece) for piece in pieces[:operator])
    rest = pieces[operator + 1 :]
    if not field or not rest:
        raise syntax_error(text, token.start, "a term is written name:value")
    comparison, bounds = pieces[operator], rest
    if comparison == ":" and rest[0] in _COMPARISONS:
        comparison, bounds = rest[0], rest[1:]
    if comparison != ":":
        return _compared(text, token, field, comparison, "".join(_unquoted(piece) for piece in bounds))
    if rest == ["*"]:
        return Has(field)
    if ".." in rest:
        middle = rest.index("..")
        low, high = ("".join(map(_unquoted, part)) or None for part in (rest[:middle], rest[middle + 1 :]))
        if low is None and high is None:
            raise syntax_error(text, token.start, "a range needs at least one end")
        return _scans_or(Within(field, low, high), field, low, high)
    near = _NEAR.fullmatch(rest[0]) if len(rest) == 1 and rest[0][0] not in "\"'" else None
    return Near(field, near[1], near[2]) if near else _listed(text, token, field, rest)


def _compared(text: str, token: _Token, field: str, comparison: str, bound: str) -> Query:
    if not bound:
        raise syntax_error(text, token.start, "a comparison is written name:>=value")
    if comparison == "==":
        return Exactly(field, bound)
    strict = len(comparison) == 1
    return Within(field, bound, None, strict) if comparison[0] == ">" else Within(field, None, bound, strict)


def _listed(text: str, token: _Token, field: str, rest: list[str]) -> Query:
    values, current = [], ""
    for piece in rest:
        if piece == ",":
            values.append(current)
            current = ""
        else:
            current += _unquoted(piece)
    values = [value for value in (*values, current) if value]
    if not values:
        raise syntax_error(text, token.start, "a term is written name:value")
    reference = _reference(values[0]) if field == "scan" and len(values) == 1 else None
    return reference or Is(field, tuple(values))


def _scans_or(tree: Within, field: str, low: str | None, high: str | None) -> Query:
    match = _PLAIN_SCANS.fullmatch(f"{low}-{high}") if field == "scan" else None
    return Scans(int(match[1]), int(match[2])) if match else tree


def _reference(text: str) -> Scans | None:
    match = REFERENCE.fullmatch(text)
    if match is None:
        return None
    first = int(match["first"])
    return Scans(first, int(match["last"] or first), match["proposal"], match["visit"])


def _bare(text: str, pieces: list[str]) -> Query:
    reference = _reference(text)
    if reference:
        return reference
    return Latest() if text == "latest" else Word("".join(_unquoted(piece) for piece in pieces))


def _unquoted(piece: str) -> str:
    if len(piece) >= 2 and piece[0] == piece[-1] == '"':
        return re.sub(r"\\(.)", r"\1", piece[1:-1])
    return piece[1:-1] if len(piece) >= 2 and piece[0] == piece[-1] == "'" else piece
