"""Text to tree.

::

    query  := all ("OR" all)*
    all    := item+               bare numbers among them mean any of these scans
    item   := "-" item | "(" query ")" | term
    term   := FIELD ":" (range | list | "*") | FIELD [":"] (">=" | "<=" | ">" | "<") VALUE | number[-number] | WORD
    range  := [VALUE] ".." [VALUE]
    list   := VALUE ("," VALUE)*
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from danmax_sync.errors import UsageError
from danmax_sync.query.tree import And, Everything, Has, Is, Not, Or, Query, Scans, Within, Word

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\))
      | (?P<not>[-!](?=[^\s)]))
      | (?P<term>(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s()"'])+)
    )""",
    re.VERBOSE,
)
_PIECE = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|>=|<=|\.\.|[:<>,]|(?:(?!\.\.)[^\"':<>,])+")
_SCANS = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")  # as long as a database's 64 bits can number
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


def parse(text: str) -> Query:
    """Understand a query.

    Raises
    ------
    UsageError
        With a caret under the place that cannot be understood.
    """
    if len(text) > LONGEST_QUERY:
        raise UsageError(f"the query has {len(text)} characters, more than {LONGEST_QUERY}")
    parser = _Parser(text, list(_tokens(text)))
    return parser.whole()


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
    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text, self.tokens, self.at = text, tokens, 0

    def whole(self) -> Query:
        if not self.tokens:
            return Everything()
        tree = self.any_of(0)
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
        while self.at < len(self.tokens) and self._is_or():
            self.at += 1
            items.append(self.all_of(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def all_of(self, depth: int) -> Query:
        items: list[Query] = []
        numbers: list[Query] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind != "close" and not self._is_or():
            is_number = self.tokens[self.at].kind == "term" and _SCANS.fullmatch(self.tokens[self.at].text)
            (numbers if is_number else items).append(self.item(depth))
        if numbers:
            # No scan has two numbers: `42 44` means both scans.
            items.insert(0, numbers[0] if len(numbers) == 1 else Or(tuple(numbers)))
        if not items:
            where = self.tokens[self.at].start if self.at < len(self.tokens) else len(self.text)
            raise syntax_error(self.text, where, "something to search for is missing here")
        return items[0] if len(items) == 1 else And(tuple(items))

    def item(self, depth: int) -> Query:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "not":
            if depth > DEEPEST or self.at >= len(self.tokens) or self.tokens[self.at].kind == "close":
                raise syntax_error(self.text, token.start, "'-' needs something to exclude")
            return Not(self.item(depth + 1))
        if token.kind == "open":
            inner = self.any_of(depth + 1)
            if self.at >= len(self.tokens):
                raise syntax_error(self.text, token.start, "this bracket is not closed")
            self.at += 1
            return inner
        return _term(self.text, token)

    def _is_or(self) -> bool:
        return self.tokens[self.at].kind == "term" and self.tokens[self.at].text == "OR"


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
    operator = next((i for i, piece in enumerate(pieces) if piece in {":", ">=", "<=", ">", "<"}), None)
    if operator is None:
        return _bare(token.text, pieces)
    field = "".join(_unquoted(piece) for piece in pieces[:operator])
    rest = pieces[operator + 1 :]
    if not field or not rest:
        raise syntax_error(text, token.start, "a term is written name:value")
    comparison, bounds = pieces[operator], rest
    if comparison == ":" and rest[0] in {">=", "<=", ">", "<"}:
        comparison, bounds = rest[0], rest[1:]
    if comparison != ":":
        bound = "".join(_unquoted(piece) for piece in bounds)
        if not bound:
            raise syntax_error(text, token.start, "a comparison is written name:>=value")
        return Within(field, bound, None) if comparison[0] == ">" else Within(field, None, bound)
    if rest == ["*"]:
        return Has(field)
    if ".." in rest:
        middle = rest.index("..")
        low, high = ("".join(map(_unquoted, part)) or None for part in (rest[:middle], rest[middle + 1 :]))
        if low is None and high is None:
            raise syntax_error(text, token.start, "a range needs at least one end")
        return _scans_or(Within(field, low, high), field, low, high)
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
    match = _SCANS.fullmatch(values[0]) if field == "scan" and len(values) == 1 else None
    return Scans(int(match[1]), int(match[2] or match[1])) if match else Is(field, tuple(values))


def _scans_or(tree: Within, field: str, low: str | None, high: str | None) -> Query:
    match = _SCANS.fullmatch(f"{low}-{high}") if field == "scan" else None
    return Scans(int(match[1]), int(match[2])) if match else tree


def _bare(text: str, pieces: list[str]) -> Query:
    match = _SCANS.fullmatch(text)
    if match:
        return Scans(int(match[1]), int(match[2] or match[1]))
    return Word("".join(_unquoted(piece) for piece in pieces))


def _unquoted(piece: str) -> str:
    if len(piece) >= 2 and piece[0] == piece[-1] == '"':
        return re.sub(r"\\(.)", r"\1", piece[1:-1])
    return piece[1:-1] if len(piece) >= 2 and piece[0] == piece[-1] == "'" else piece
