"""Text to tree and back, and what is said of text that is no query."""

import json
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.errors import UsageError
from danmax_sync.query.jsontree import from_json, to_json
from danmax_sync.query.parser import LONGEST_QUERY, MOST_TERMS, parse
from danmax_sync.query.syntax import RULES, as_markdown
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

# No database takes a NUL, nor bytes that are no text.
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    st.text(alphabet="ab01.,:<>=\"'\\()-!* \t\n", max_size=8),
    st.sampled_from(
        [
            "latest",
            "@hot",
            "all(",
            "a±b",
            "1+-2",
            "==",
            "2023031508/42",
            "OR",
            "AND",
            "NOT",
            "*",
            "..",
            "-",
            "42",
            "40-50",
            "a..b",
        ]
    ),
    st.sampled_from(["1.", ".5", "-5C", "35keV", "Spinner moving", "a,b", "٤٢"]),
)
FILLED = TEXTS.filter(bool)
# What the parser itself understands otherwise: scan numbers are scans, and an open range has no ends to name.
FIELDS = FILLED.filter(lambda name: name != "scan")


def withins() -> st.SearchStrategy[Query]:
    """Draw ranges with at least one end."""
    ends = st.tuples(FILLED | st.none(), FILLED | st.none()).filter(any)
    return st.builds(lambda field, both: Within(field, *both), FIELDS, ends)


def stricts() -> st.SearchStrategy[Query]:
    """Draw comparisons that leave their end out."""
    ends = st.tuples(FILLED, st.none()) | st.tuples(st.none(), FILLED)
    return st.builds(lambda field, both: Within(field, both[0], both[1], strict=True), FIELDS, ends)


SIZES = st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3})?(keV|C|K)?", fullmatch=True)
TERMS: Any = st.one_of(
    withins(),
    stricts(),
    st.builds(Near, FIELDS, SIZES, SIZES),
    st.builds(Exactly, FIELDS, FILLED),
    st.builds(Is, FIELDS, st.lists(FILLED, min_size=1, max_size=3).map(tuple)),
)

NUMBERS = st.integers(0, 10**18 - 1)
LEAVES: st.SearchStrategy[Query] = st.one_of(
    st.builds(Word, TEXTS),
    st.builds(lambda a, b: Scans(min(a, b), max(a, b)), NUMBERS, NUMBERS),
    st.builds(
        lambda a, b, proposal: Scans(min(a, b), max(a, b), proposal, "2023031508"),
        NUMBERS,
        NUMBERS,
        st.none() | st.just("20231855"),
    ),
    st.just(Latest()),
    TERMS,
    st.builds(All, TERMS),
    st.builds(Has, FIELDS),
)
_LEAF: Any = {"is": "word", "text": "a"}
DEEP: Any = reduce(lambda inner, _: {"is": "not", "item": inner}, range(900), _LEAF)
MANY: Any = {"min_size": 2, "max_size": 3}
TREES: st.SearchStrategy[Query] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, **MANY).map(lambda items: And(tuple(items))),
        st.lists(inner, **MANY).map(lambda items: Or(tuple(items))),
    ),
    max_leaves=8,
)


@given(TREES)
@settings(deadline=None)
def test_a_tree_spelled_out_is_the_same_tree(tree: Query) -> None:
    """What ``str`` makes of a query can be typed again: blanks, quotes, commas, dots and all."""
    assert parse(str(tree)) == tree


@given(TREES)
@settings(deadline=None)
def test_spelling_is_stable(tree: Query) -> None:
    """Spelled, read and spelled again is the same text."""
    text = str(tree)
    assert str(parse(text)) == text


@given(st.one_of(st.text(max_size=60), st.text(alphabet="ab01.,:<>=\"'\\()-!*OR \t\n", max_size=60)))
@settings(deadline=None, max_examples=500)
def test_any_text_is_a_query_or_a_usage_error(text: str) -> None:
    """Nothing else is ever raised, and what is understood can be spelled."""
    try:
        tree = parse(text)
    except UsageError:
        return
    assert parse(str(tree)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Everything()),
        ("   ", Everything()),
        ("LaB6", Word("LaB6")),
        ("LaB6 heating", And((Word("LaB6"), Word("heating")))),
        ("42", Scans(42, 42)),
        ("40-50", Scans(40, 50)),
        ("42 44-46", Or((Scans(42, 42), Scans(44, 46)))),
        ("42 LaB6 44", And((Or((Scans(42, 42), Scans(44, 44))), Word("LaB6")))),
        ("scan:42", Scans(42, 42)),
        ("scan:40-50", Scans(40, 50)),
        ("scan:40..50", Scans(40, 50)),
        ("scan:40..", Within("scan", "40", None)),
        ("scan:1,3", Is("scan", ("1", "3"))),
        ('"42"', Word("42")),
        ("energy:35..36", Within("energy", "35", "36")),
        ("temperature:300..", Within("temperature", "300", None)),
        ("temperature:..300K", Within("temperature", None, "300K")),
        ("temperature:-5C..5C", Within("temperature", "-5C", "5C")),
        ("energy>=35", Within("energy", "35", None)),
        ("energy<36keV", Within("energy", None, "36keV", strict=True)),
        ("energy==35", Exactly("energy", "35")),
        ("energy:==35", Exactly("energy", "35")),
        ("title:'a±b'", Is("title", ("a±b",))),
        ("all(energy>35) LaB6", And((All(Within("energy", "35", None, strict=True)), Word("LaB6")))),
        ("sample:LaB6", Is("sample", ("LaB6",))),
        ("sample:LaB6,Si", Is("sample", ("LaB6", "Si"))),
        ('sample:"a, b",c', Is("sample", ("a, b", "c"))),
        ("macro:ascan*", Is("macro", ("ascan*",))),
        ("cryo_temp:*", Has("cryo_temp")),
        ("-cryo_temp:*", Not(Has("cryo_temp"))),
        ('"Spinner moving":1', Is("Spinner moving", ("1",))),
        ("'Pilatus energy':34..36", Within("Pilatus energy", "34", "36")),
        ("-state:partial", Not(Is("state", ("partial",)))),
        ("!state:partial", Not(Is("state", ("partial",)))),
        ("--a", Not(Not(Word("a")))),
        ("a OR b c", Or((Word("a"), And((Word("b"), Word("c")))))),
        ("(a OR b) c", And((Or((Word("a"), Word("b"))), Word("c")))),
        ("-(a b)", Not(And((Word("a"), Word("b"))))),
        ("(a)", Word("a")),
        ('"OR"', Word("OR")),
        ("a AND b", And((Word("a"), Word("b")))),
        ("a AND NOT b OR c", Or((And((Word("a"), Not(Word("b")))), Word("c")))),
        ("NOT (a AND b)", Not(And((Word("a"), Word("b"))))),
        ("42 AND 44 AND a", And((Or((Scans(42, 42), Scans(44, 44))), Word("a")))),
        ("\"AND\" 'NOT'", And((Word("AND"), Word("NOT")))),
        ("and not", And((Word("and"), Word("not")))),
        ("or", Word("or")),
        ("a-b", Word("a-b")),
        ('title:"ascan x"', Is("title", ("ascan x",))),
        (r'"say \"hi\""', Word('say "hi"')),
        ("date:2026-03", Is("date", ("2026-03",))),
        ("9" * 30, Word("9" * 30)),
        ("scan:" + "9" * 5000, Is("scan", ("9" * 5000,))),
    ],
)
def test_what_is_typed_means_what_is_meant(text: str, tree: Query) -> None:
    """The grammar, one line each."""
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ('sample:LaB6 "open', "not closed", 12),
        ("a 'b", "not closed", 2),
        ("a )", "never opened", 2),
        ("(a b", "not closed", 0),
        ("a (b (c)", "not closed", 2),
        ("()", "missing", 1),
        ("a OR", "missing", 4),
        ("OR a", "missing", 0),
        ("a OR OR b", "missing", 5),
        ("AND a", "missing", 0),
        ("a AND", "missing", 5),
        ("a AND AND b", "missing", 6),
        ("a AND OR b", "missing", 6),
        ("(a AND)", "missing", 6),
        ("NOT", "needs", 0),
        ("a NOT", "needs", 2),
        ("a energy:", "name:value", 2),
        ("a :35", "name:value", 2),
        ("a energy:..", "at least one end", 2),
        ("a energy:,", "name:value", 2),
        ("energy>", "name:value", 0),
    ],
)
def test_a_syntax_error_points_at_its_place(text: str, message: str, column: int) -> None:
    """The query is repeated with a caret below the place."""
    with pytest.raises(UsageError, match=message) as caught:
        parse(text)
    _, shown, caret = caught.value.message.split("\n")
    assert shown == f"  {text}"
    assert re.fullmatch(r" *\^", caret)
    assert caret.index("^") - 2 == column
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "(" * 200 + "a" + ")" * 200,
        "-" * 5000 + "a",
        "-(" * 100 + "a" + ")" * 100,
        "a" * (LONGEST_QUERY + 1),
    ],
)
def test_a_query_has_its_limits(text: str) -> None:
    """Of length and of depth, said as such."""
    with pytest.raises(UsageError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        " ".join(["a"] * (MOST_TERMS + 1)),
        "scan:" + ",".join(["1"] * (MOST_TERMS + 1)),
        " OR ".join(["1"] * (MOST_TERMS + 1)),
    ],
)
def test_more_terms_than_a_database_takes_are_refused(text: str) -> None:
    """With what to write instead, rather than as trouble of the catalogue."""
    with pytest.raises(UsageError, match=f"more than {MOST_TERMS}") as caught:
        parse(text)
    assert "40-50" in caught.value.hint


@given(TREES)
@settings(deadline=None, max_examples=50)
def test_a_tree_goes_through_json_unchanged(tree: Query) -> None:
    """As text, as another program would send it."""
    assert from_json(json.loads(json.dumps(to_json(tree)))) == tree


@pytest.mark.parametrize(
    "node",
    [
        None,
        {},
        [],
        {"is": "no"},
        {"is": ["word"]},
        {"is": "word"},
        {"is": "word", "text": 1},
        {"is": "word", "text": "a", "more": 1},
        {"is": "and", "items": ["a"]},
        {"is": "or", "items": []},
        {"is": "not", "item": None},
        {"is": "not", "item": {"is": "everything"}},
        {"is": "scans", "first": "1", "last": 2},
        {"is": "is", "field": "a", "values": "abc"},
        {"is": "within", "field": "a", "low": None, "high": None},
        {"is": "within", "field": "a", "low": "1", "high": "2", "strict": True},
        {"is": "all", "term": {"is": "word", "text": "a"}},
        {"is": "or", "items": [{"is": "word", "text": "a"}] * (MOST_TERMS + 1)},
        DEEP,
    ],
)
def test_what_is_no_tree_in_json_is_a_usage_error(node: object) -> None:
    """Nothing else is raised."""
    with pytest.raises(UsageError, match="no query in JSON"):
        from_json(node)


@pytest.mark.parametrize(
    ("text", "tree"), [pair for rule in RULES for pair in zip(rule.examples, rule.trees, strict=True)]
)
def test_the_table_of_the_syntax_is_true(text: str, tree: Query) -> None:
    """Each example is the tree that stands beside it."""
    assert parse(text) == tree


def test_readme_shows_the_table_of_the_syntax() -> None:
    """Made from it, so that they cannot differ: python -c "from danmax_sync.query.syntax import …"."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert as_markdown() in readme


def test_a_saved_query_is_written_out_where_it_is_used() -> None:
    """In brackets, as it were; one may use another."""
    saved = {"hot": "temperature:300.. OR Si", "hard": "@hot energy:35"}
    hot = Or((Within("temperature", "300", None), Word("Si")))
    assert parse("-@hot", saved) == Not(hot)
    assert parse("@hard", saved) == And((hot, Is("energy", ("35",))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("LaB6 @hto", r"no saved query @hto; did you mean @hot\?\n  LaB6 @hto\n       \^"),
        ("@a", "contains itself: @a → @b → @a"),
        ("all(LaB6)", "takes one range"),
        ("all(energy:1..2 LaB6)", "not closed behind one term"),
        ("all(", r"written all\("),
        ("-@blank", "the saved query @blank is empty\n  -@blank\n   \\^"),
        ("@q0", "nested more than"),
        ("a\0b", "no text"),
        ("a\udcffb", "no text"),
        ("energy==", "name:value"),
    ],
)
def test_what_cannot_stand_is_pointed_at(text: str, message: str) -> None:
    """With a caret under it."""
    with pytest.raises(UsageError, match=message):
        parse(text, {"hot": "LaB6", "a": "@b", "b": "@a", "blank": " ", **{f"q{n}": f"@q{n + 1}" for n in range(900)}})
