"""What long work tells."""

import json

from danmax_sync.events import Event, ignore, progress, warning


def test_progress_says_how_far_and_of_what() -> None:
    """A progress event holds all that a bar or a line of JSON needs."""
    heard: list[Event] = []
    progress(heard.append, "index", 3, 12, unit="masters", item="raw/LaB6/scan-0044.h5")
    assert [event.name for event in heard] == ["progress"]
    assert json.loads(json.dumps(dict(heard[0].fields))) == {
        "stage": "index",
        "done": 3,
        "total": 12,
        "unit": "masters",
        "item": "raw/LaB6/scan-0044.h5",
    }


def test_a_warning_says_what_where_and_what_to_do() -> None:
    """Work goes on after it."""
    heard: list[Event] = []
    warning(heard.append, "cannot be listed", path="raw/x", hint="ask for the right")
    assert heard == [
        Event("warning", {"message": "cannot be listed", "path": "raw/x", "scan": "", "hint": "ask for the right"})
    ]


def test_nobody_has_to_listen() -> None:
    """The default listener takes anything and does nothing."""
    progress(ignore, "index", 0, 0, unit="files")
    ignore(Event("anything"))
