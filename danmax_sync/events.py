"""What long work says while it runs: events, handed to a listener.

The rooms below the command line print nothing. They tell a listener what happens; the command line turns that into a
progress bar or into one JSON object a line, and a notebook may do what it likes with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes
    ----------
    name : str
        Of `EVENTS`.
    fields : mapping
        JSON-ready values. ``progress`` has ``stage``, ``done``, ``total`` and ``unit``.
    """

    name: str
    fields: Mapping[str, object] = field(default_factory=dict)


Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class EventKind:
    """A line of the reference: what an event of a name tells.

    Attributes
    ----------
    told_by : tuple of str
        The commands, with the mode where only that one tells it.
    fields : mapping
        What each field holds.
    """

    name: str
    told_by: tuple[str, ...]
    meaning: str
    fields: Mapping[str, str]


_COUNTS = {
    "scans": "all that are there",
    "new": "not known before",
    "changed": "known, and read again",
    "unchanged": "known, and as they were",
    "missing": "known, and gone",
    "problems": "files or folders that could not be read",
    "seconds": "how long it took",
    "reread": "of the unchanged, read anew because settings or this version read them otherwise now",
}
EVENTS: tuple[EventKind, ...] = (
    EventKind(
        "progress",
        ("index", "get", "verify", "integrate", "logbook sync", "demo"),
        "How far a stage has come; at most twice a second, and the last of each stage.",
        {
            "stage": "what is being done, as a verb",
            "done": "in `unit`",
            "total": "in `unit`; 0 where nobody knows",
            "unit": "`files`, `bytes`, `frames`…",
            "item": "what is being worked on right now",
            "scan": "which scan, where patterns are made of it",
            "rate": "units a second, where it is known",
            "seconds_left": "at that rate, where it is known",
        },
    ),
    EventKind(
        "warning",
        ("index", "get", "verify", "integrate", "logbook sync", "demo"),
        "Something you should know that does not stop the work.",
        {
            "message": "what",
            "path": "which file; empty where it is about none",
            "scan": "which scan; empty where it is about none",
            "hint": "what to do; may be empty",
        },
    ),
    EventKind(
        "file",
        ("get",),
        "A file has landed, or cannot.",
        {
            "scan": "of whose set it is; empty for calibration",
            "path": "from the source's root",
            "bytes": "that travelled",
            "size": "at the source",
            "state": "`fetched` or `failed`",
            "message": "why it failed",
        },
    ),
    EventKind(
        "set",
        ("get",),
        "What became of a set.",
        {
            "scan": "how people call it",
            "path": "of its master, from the source's root",
            "state": "`complete`, `partial`, `failed` or `skipped`",
            "files": "that travelled",
            "bytes": "that travelled",
            "message": "why it is not complete",
            "hint": "what to do; may be empty",
        },
    ),
    EventKind(
        "set",
        ("get --dry-run",),
        "What would become of a set.",
        {
            "scan": "how people call it",
            "files": "a list of `path`, `size` and `state` of each",
            "left_out": "paths that would not come along",
            "obstacle": "why the set would be left out; empty when it would be fetched",
        },
    ),
    EventKind(
        "set",
        ("verify",),
        "A set was checked.",
        {
            "scan": "how people call it",
            "path": "of its master, from the visit's folder",
            "ok": "whether it is whole",
            "level": "how sure that is: `structure`, `hash` or `deep`",
            "faults": "what is wrong, in sentences",
        },
    ),
    EventKind(
        "scan",
        ("integrate", "get --integrate"),
        "What became of a scan.",
        {
            "scan": "how people call it",
            "output": "its file of patterns, or null",
            "frames": "integrated now",
            "skipped_frames": "integrated before",
            "bad_frames": "numbers of frames that could not be read",
            "poni": "the geometry's file name",
            "mask": "the masks' file names",
            "message": "what went wrong",
            "notes": "what else was found",
            "renewed": "what the file now says as the catalogue does: of `sample`, `temperature`, `energy`",
        },
    ),
    EventKind(
        "follow",
        ("get --follow",),
        "A look at the source is over.",
        {
            "sets": "that the query finds",
            "here": "of them, complete here",
            "to_fetch": "of them, on their way",
            "running": "of them, not ended yet",
            "left_out": "of them, not to be had: a `set` event says why, once",
            "bytes": "of those on their way",
        },
    ),
    EventKind("index", ("index --follow",), "A look at the place is over.", _COUNTS),
    EventKind(
        "logbook",
        ("logbook sync",),
        "A logbook was read.",
        {
            "url": "of the logbook",
            "name": "as its service calls it",
            "entries": "all that are known",
            "linked": "of them, about scans",
            "new": "threads not known before",
            "changed": "threads that were read again",
            "unchanged": "threads as they were",
            "seconds": "how long it took",
        },
    ),
    EventKind(
        "step", ("demo",), "A step begins.", {"step": "its number", "title": "what it does", "command": "the line"}
    ),
    EventKind(
        "step_done",
        ("demo",),
        "A step is over. Events of commands in it have `of`, the command's name.",
        {"step": "its number", "name": "the command", "exit_code": "of the command", "seconds": "how long it took"},
    ),
    EventKind("summary", ("index",), "The last line.", _COUNTS),
    EventKind(
        "summary",
        ("get",),
        "The last line.",
        {
            "sets": "how many are `complete`, `partial`, `failed`, `skipped`",
            "already_here": "complete sets of which nothing had to travel",
            "files": "that travelled",
            "bytes": "that travelled",
            "seconds": "how long it took",
        },
    ),
    EventKind(
        "summary",
        ("get --integrate",),
        "The last line.",
        {
            "sets": "how many are `complete`, `partial`, `failed`, `skipped`",
            "already_here": "complete sets of which nothing had to travel",
            "files": "that travelled",
            "bytes": "that travelled",
            "seconds": "how long it took",
            "integrated": "the summary of `integrate`",
        },
    ),
    EventKind(
        "summary",
        ("get --dry-run",),
        "The last line.",
        {
            "dry_run": "true",
            "sets": "how many are `planned`, of these `to_fetch` and `here`, and how many `left_out`",
            "files": "that would travel",
            "bytes": "that would travel",
        },
    ),
    EventKind(
        "summary",
        ("verify",),
        "The last line.",
        {
            "sets": "that were checked",
            "ok": "of them, whole",
            "failed": "of them, not",
            "levels": "how many reached which level",
            "seconds": "how long it took",
        },
    ),
    EventKind(
        "summary",
        ("integrate",),
        "The last line.",
        {
            "scans": "with a file of patterns",
            "frames": "integrated now",
            "skipped_frames": "integrated before",
            "outputs": "the files of patterns",
            "failed": "scans without",
            "seconds": "reading, integrating and writing; not start-up",
        },
    ),
    EventKind(
        "summary",
        ("logbook sync",),
        "The last line.",
        {
            "entries": "in all logbooks",
            "linked": "of them, about scans",
            "new": "threads not known before",
            "changed": "threads that were read again",
            "unchanged": "threads as they were",
            "seconds": "how long it took",
        },
    ),
    EventKind(
        "summary",
        ("demo",),
        "The last line.",
        {
            "folder": "of the demo",
            "visit": "where the sets are",
            "picture": "the waterfall",
            "steps": "how many there were",
            "results": "the summary of each command, by its name",
            "seconds": "how long it took",
        },
    ),
)
"""Every event of the command line, a contract; a test compares it with what is told."""


def ignore(event: Event) -> None:
    """Listen to nothing."""


def progress(
    tell: Listener,
    stage: str,
    done: int,
    total: int,
    *,
    unit: str,
    item: str = "",
    scan: str = "",
    rate: float | None = None,
    seconds_left: float | None = None,
) -> None:
    """Tell how far a stage has come.

    Parameters
    ----------
    tell : Listener
        Who hears it.
    stage : str
        What is being done, as a verb: ``index``, ``get``, ``integrate``.
    done, total : int
        In `unit`.
    unit : str
        ``files``, ``bytes``, ``frames``…
    item : str
        What is being worked on right now.
    scan : str
        Which scan it is about, told where that is one.
    rate, seconds_left : float, optional
        In units a second, and how long the rest takes at that rate; told where they are known.
    """
    fields: dict[str, object] = {"stage": stage, "done": done, "total": total, "unit": unit, "item": item}
    if scan:
        fields["scan"] = scan
    if rate is not None:
        fields["rate"] = round(rate, 1)
    if seconds_left is not None:
        fields["seconds_left"] = round(seconds_left, 1)
    tell(Event("progress", fields))


def warning(tell: Listener, message: str, *, path: str = "", scan: str = "", hint: str = "") -> None:
    """Tell of something the user should know that does not stop the work."""
    tell(Event("warning", {"message": message, "path": path, "scan": scan, "hint": hint}))
