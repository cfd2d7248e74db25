"""Strings and times as masters spell them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.scanfile.text import LONGEST_TEXT, clean_text, macro_of, parse_time


@pytest.mark.parametrize(
    ("title", "macro"),
    [
        ("timescan 10 0.03 0.03", "timescan"),
        ("timescan(10, 0.03, 0.03)", "timescan"),
        ("  meshct_maxiv pd_sam_x 161.335 162.0 10", "meshct_maxiv"),
        ("_private(1)", "_private"),
        ("", ""),
        ("10 0.03", ""),
        ("# comment", ""),
    ],
)
def test_the_macro_is_the_first_word_in_either_spelling(title: str, macro: str) -> None:
    """With blanks or with brackets; a title that begins otherwise has none."""
    assert macro_of(title) == macro


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-11-02T08:42:07.482913+01:00", datetime(2025, 11, 2, 7, 42, 7, 482913, tzinfo=UTC)),
        ("2025-11-02T07:42:07Z", datetime(2025, 11, 2, 7, 42, 7, tzinfo=UTC)),
        ("2025-11-02T08:42:07.482913", datetime(2025, 11, 2, 7, 42, 7, 482913, tzinfo=UTC)),
        ("2025-07-01T08:42:07", datetime(2025, 7, 1, 6, 42, 7, tzinfo=UTC)),
        (" 2025-07-01 08:42 ", datetime(2025, 7, 1, 6, 42, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("2025-13-01T00:00:00", None),
    ],
)
def test_a_time_is_utc_and_without_a_zone_the_beamlines(text: str, utc: datetime | None) -> None:
    """Swedish winter and summer; what is no time, or none that UTC can hold, is None."""
    assert parse_time(text) == utc


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_text_is_a_time_or_none(text: str) -> None:
    """Nothing raises."""
    time = parse_time(text)
    assert time is None or time.utcoffset() == timedelta(0)


@given(st.one_of(st.text(), st.binary(), st.integers(), st.floats()))
@settings(deadline=None)
def test_cleaned_text_can_be_stored_and_shown(value: object) -> None:
    """It is UTF-8, holds no control characters but tab and line feed, and cleaning it again changes nothing."""
    text = clean_text(value)
    text.encode("utf-8")
    assert not [c for c in text if (ord(c) < 32 and c not in "\t\n") or 0x7F <= ord(c) < 0xA0]
    assert clean_text(text) == text


def test_a_huge_text_is_cut() -> None:
    """What was cut ends in an ellipsis."""
    assert clean_text("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    assert clean_text("x" * (LONGEST_TEXT + 1)) == "x" * LONGEST_TEXT + "…"


def test_bytes_and_surrogates_become_readable() -> None:
    """Old files hold Latin-1, and Python spells undecodable names with surrogates."""
    assert clean_text(b"300 \xb0C \x1b[31mred") == "300 � C [31mred".replace("� C", "�C")
    assert clean_text("caf\udce9") == "caf?"
