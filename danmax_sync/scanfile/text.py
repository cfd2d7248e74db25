"""Strings and times as masters spell them: bytes or text, with a zone or without."""

import re
from datetime import UTC, datetime

from danmax_sync.clock import BEAMLINE_ZONE

LONGEST_TEXT = 16_384
_MACRO = re.compile(r"\s*([A-Za-z_]\w*)")
# With those that turn the direction of writing round: they let a name look like another.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean_text(value: object) -> str:
    """Return text as it may be stored and shown: decoded, without control characters, of bounded length."""
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    text = text[: LONGEST_TEXT + 1].encode("utf-8", errors="replace").decode("utf-8")
    text = _CONTROL.sub("", text)
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


def clean_name(value: object) -> str:
    """Return a name as it may be stored and shown: clean text in one line."""
    return " ".join(clean_text(value).split("\n")).replace("\t", " ")


def macro_of(title: str) -> str:
    """Return the command's name from either spelling, ``timescan 10 0.03`` or ``timescan(10, 0.03)``."""
    match = _MACRO.match(title)
    return match.group(1) if match else ""


def parse_time(text: str) -> datetime | None:
    """Read an ISO-8601 time into UTC, None where it is not one."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=BEAMLINE_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
