"""Events become a progress bar on a terminal, or one JSON object a line with ``--json``."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from danmax_sync.cli.complaint import complain
from danmax_sync.errors import UnfinishedError
from danmax_sync.events import Event, Listener
from danmax_sync.visits import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress, TaskID

_SECONDS_BETWEEN_LINES = 0.5
_ITEM_WIDTH = 24
"""Characters of a file's name beside the bar, so that all of it fits into 80 columns."""


def emit(event: Event) -> None:
    """Print an event as one line of JSON on stdout.

    Raises
    ------
    UnfinishedError
        If its reader has gone.
    """
    try:
        sys.stdout.write(json.dumps({"event": event.name, **event.fields}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise UnfinishedError("nobody reads the events any more; what is done is kept", hint="run it again") from None


@contextmanager
def listening(*, as_json: bool, picture: "RenderableType | None" = None) -> Iterator[Listener]:
    """Give a listener for the length of some work.

    Parameters
    ----------
    as_json : bool
        Lines of JSON on stdout. Otherwise a bar on stderr where that is a terminal, and warnings only where not.
    picture : renderable, optional
        Of rich, shown below the bar.
    """
    if as_json:
        yield _JsonLines()
    elif sys.stderr.isatty():
        with _bar(picture) as bar:
            yield _Bar(bar)
    else:
        yield only_warnings


class _JsonLines:
    """Progress at most twice a second, and always the last of a stage; everything else at once."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        if event.name == "progress" and event.fields.get("done") != event.fields.get("total"):
            if time.monotonic() - self._last < _SECONDS_BETWEEN_LINES:
                return
            self._last = time.monotonic()
        emit(event)


def only_warnings(event: Event) -> None:
    """Print warnings on stderr, and nothing else; a listener where nobody waits for anything."""
    if event.name == "warning":
        _warn(event)


def _warn(event: Event) -> None:
    message, path = str(event.fields.get("message", "")), str(event.fields.get("path", ""))
    complain(
        message if not path or path in message else f"{path}: {message}",
        hint=str(event.fields.get("hint", "")),
        kind="warning",
    )


class _Bar:
    def __init__(self, bar: "Progress") -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}
        self._sets = 0

    def __call__(self, event: Event) -> None:
        if event.name == "warning":
            self._bar.stop()
            _warn(event)
            self._bar.start()
        elif event.name == "set":
            self._sets += event.fields.get("state") in {"complete", "partial"}
        elif event.name == "follow":
            self._wait(event)
        if event.name != "progress":
            return
        stage, total = str(event.fields["stage"]), event.fields["total"]
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=None, unit="", item="")
        self._bar.update(
            self._tasks[stage],
            completed=_number(event.fields["done"]),
            total=_number(total) or None,
            unit=_amount(event, self._sets),
            item=visible(str(event.fields.get("item", "")).rpartition("/")[2])[-_ITEM_WIDTH:],
        )

    def _wait(self, event: Event) -> None:
        """Show that everything is here and more may come."""
        if "follow" not in self._tasks:
            self._tasks["follow"] = self._bar.add_task("follow", total=None, unit="", item="")
        here, wanted = event.fields["here"], event.fields["to_fetch"]
        self._bar.update(self._tasks["follow"], unit=f"{here} sets here, {wanted} to come; Ctrl-C ends it")


def _bar(picture: "RenderableType | None") -> "Progress":
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    class WithPicture(Progress):
        def get_renderables(self) -> Iterator[RenderableType]:
            yield from super().get_renderables()
            if picture is not None:
                yield picture

    return WithPicture(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[item]}", style="dim", markup=False),
        console=Console(stderr=True),
        transient=True,
        # Over a slow line a picture costs more than a bar.
        refresh_per_second=10 if picture is None else 4,
    )


def _amount(event: Event, sets: int) -> str:
    done, total, unit = event.fields["done"], event.fields["total"], event.fields["unit"]
    if unit == "bytes":
        rate = event.fields.get("rate")
        speed = f", {human_bytes(rate)}/s" if isinstance(rate, float) else ""
        whole = f", {sets} sets" if sets else ""
        return f"{human_bytes(_number(done))} of {human_bytes(_number(total))}{speed}{whole}"
    return f"{done} of {total} {unit}" if total else f"{done} {unit}"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def human_bytes(size: float) -> str:
    """Spell a number of bytes as people read it, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
