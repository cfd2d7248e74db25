"""What was said of a scan, by its user and in logbooks, for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from danmax_sync.cli.paragraphs import heading, rows
from danmax_sync.cli.speech import moment

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import LogEntry, Mark

_MOST = 12
_LONGEST = 600
"""Of an entry: more of it is in JSON, and in the logbook."""
_WHY = {
    "number": "names the scan",
    "file": "names its file",
    "answer": "answers an entry that names the scan",
    "time": "written at that time",
}


def draw_notes(marks: "Sequence[Mark]") -> None:
    """Print a user's notes on a scan."""
    notes = [(moment(mark.made_at), mark.text) for mark in marks if mark.kind == "note"]
    if notes:
        heading("notes", 2)
        rows(notes, indent=4)


def draw_log(entries: "Sequence[LogEntry]") -> None:
    """Print the entries of logbooks that speak of a scan."""
    if not entries:
        return
    heading("logbook", 2)
    for entry in entries[:_MOST]:
        text = entry.text if len(entry.text) <= _LONGEST else f"{entry.text[:_LONGEST]}…"
        said = ": ".join(part for part in (entry.title, text) if part) or f"entry {entry.number}"
        by = f"{entry.authors}; {_WHY[entry.how]}" if entry.authors else _WHY[entry.how]
        rows([(moment(entry.created_at), f"{said} ({by})")], indent=4)
    if len(entries) > _MOST:
        rows([(f"and {len(entries) - _MOST} more: show -f json",)], indent=4)
