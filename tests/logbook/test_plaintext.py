"""HTML from a browser's editor, and from whoever means harm, becomes text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.logbook.plaintext import LONGEST_HTML, plain_text
from danmax_sync.scanfile.text import LONGEST_TEXT


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>scan <b>42</b>&nbsp;&gt; 41</p><p>second<br/>third\nline</p>", "scan 42 > 41\n\nsecond\nthird line"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<table><tr><th>scan</th><td>LaB6</td></tr><tr><td>42</td></tr></table>", "scan LaB6\n\n42"),
        ("T < 300 K & T>200, a<b", "T < 300 K & T>200, a<b"),
        ("<a title=\"x>y\" href='z>'>link</a> it's <b>5' off</b>", "link it's 5' off"),
        ("<img src=x onerror=alert(1) alt='the cell'> <img src=y>", "[the cell] [picture]"),
        ("a<script>alert('<p>no</p>')</script >b<SCRIPT src=x>no</SCRIPT>c", "abc"),
        ("a<style>p{}</style>b<svg><text>no</text></svg>c<svg/>d", "abcd"),
        ("a<script>never closed", "a"),
        ("a<!-- no -->b<!-- never closed", "ab"),
        ("a<![CDATA[b]]>c<?php d ?>e<!doctype html>f", "acef"),
        ("<<b>>", "<>"),
        ("&#27;[31mred&#x202e;\x1b[0m\x00&#0;", "[31mred[0m\ufffd"),
        ("&lt;script&gt;", "<script>"),
        ("", ""),
    ],
)
def test_what_a_person_reads_stays(html: str, text: str) -> None:
    """Lines, lists, entities, brackets that are none; no scripts, comments, control characters or turned writing."""
    assert plain_text(html) == text


def test_plain_text_is_left_as_it_is() -> None:
    """Where the logbook says that it is plain."""
    assert plain_text("a <b> c\x1b\nd", "text/plain; charset=UTF-8") == "a <b> c\nd"


@pytest.mark.parametrize(
    "part", ["<", "<!", "<!--", "<a", "<a ", "<a b='", "<a b=", "</", "<?", "&", "&#", "<![", "<script>", "<li>", "x"]
)
def test_no_text_takes_long(part: str) -> None:
    """Repeated as often as is read: the time of some parsers grows with the square, here to minutes."""
    started = time.perf_counter()
    assert len(plain_text(part * LONGEST_HTML)) <= LONGEST_TEXT + 1
    assert time.perf_counter() - started < 5


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*"<>/!-\"'=&; \n\x1bax", "script", "<p>", "<!--", "alt"]), max_size=40).map("".join))
def test_any_text_becomes_one_line_or_more_of_printable_text(html: str) -> None:
    """Nothing raises, and nothing that steers a terminal is left."""
    text = plain_text(html)
    assert all(each.isprintable() or each == "\n" for each in text)
