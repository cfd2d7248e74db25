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
        ``progress``, ``warning``, ``file``, ``set``, ``scan``, ``step``, ``summary``…
    fields : mapping
        JSON-ready values. ``progress`` has ``stage``, ``done``, ``total`` and ``unit``.
    """

    name: str
    fields: Mapping[str, object] = field(default_factory=dict)


Listener = Callable[[Event], None]


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
    rate, seconds_left : float, optional
        In units a second, and how long the rest takes at that rate; told where they are known.
    """
    fields: dict[str, object] = {"stage": stage, "done": done, "total": total, "unit": unit, "item": item}
    if rate is not None:
        fields["rate"] = round(rate, 1)
    if seconds_left is not None:
        fields["seconds_left"] = round(seconds_left, 1)
    tell(Event("progress", fields))


def warning(tell: Listener, message: str, *, path: str = "", hint: str = "") -> None:
    """Tell of something the user should know that does not stop the work."""
    tell(Event("warning", {"message": message, "path": path, "hint": hint}))
