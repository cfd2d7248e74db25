"""Events become a progress bar on a terminal, or one JSON object a line with ``--json``."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from danmax_sync.cli.complaint import complaint
from danmax_sync.cli.speech import count
from danmax_sync.errors import UnfinishedError
from danmax_sync.events import Event, Listener
from danmax_sync.visits import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import TaskID

    from danmax_sync.cli.bar import Bar

_SECONDS_BETWEEN_LINES = 0.5

_up: "list[_Bar]" = []
"""The bars that are shown."""


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
        from danmax_sync.cli.bar import Bar

        shown = _Bar(lambda: Bar(picture))
        _up.append(shown)
        try:
            shown.put_back()
            yield shown
        finally:
            _up.remove(shown)
            shown.take_away()
    else:
        yield only_warnings


@contextmanager
def without_bar() -> Iterator[None]:
    """Take the bar away for as long as the person at the terminal may be asked: it would paint over the question."""
    for shown in _up:
        shown.take_away()
    try:
        yield
    finally:
        for shown in _up:
            shown.put_back()


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
        sys.stderr.write(_warning(event))


def _warning(event: Event) -> str:
    message, path = str(event.fields.get("message", "")), str(event.fields.get("path", ""))
    return complaint(
        message if not path or path in message else f"{path}: {message}",
        hint=str(event.fields.get("hint", "")),
        kind="warning",
    )


class _Bar:
    """Shows what it hears of; a warning stands above the bar.

    Parameters
    ----------
    make : callable
        Makes a bar that is not shown yet. One that was taken away is of no more use: put back, it would erase as many
        lines as it had before.
    """

    def __init__(self, make: "Callable[[], Bar]") -> None:
        self._make = make
        self._tasks: dict[str, TaskID] = {}
        self._sets = 0
        self._bar = make()
        # Others than who takes it away may tell of something.
        self._lock = threading.RLock()

    def take_away(self) -> None:
        """Leave no trace of the bar."""
        with self._lock:
            self._bar.stop()

    def put_back(self) -> None:
        """Show it as it would be by now."""
        with self._lock:
            before, self._bar = self._bar, self._make()
            self._tasks = {task.description: self._bar.take_over(task) for task in before.tasks}
            self._bar.start()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._hear(event)

    def _hear(self, event: Event) -> None:
        if event.name == "warning":
            self._print(_warning(event))
        elif event.name == "set":
            self._sets += event.fields.get("state") in {"complete", "partial"}
        elif event.name == "follow":
            self._wait(event)
        elif event.name == "progress":
            self._advance(event)

    def _print(self, text: str) -> None:
        """Print above the bar. Stopping and starting it again would erase as many lines of what was printed."""
        from rich.text import Text

        self._bar.console.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True)

    def _advance(self, event: Event) -> None:
        stage, done, total = str(event.fields["stage"]), _number(event.fields["done"]), _number(event.fields["total"])
        if not event.fields["unit"]:
            # A step that nobody can measure: under way, or over.
            if done and done == total:
                self._drop(stage)
                return
            total = 0
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=None, unit="", item="")
        self._bar.update(
            self._tasks[stage],
            completed=done,
            total=total or None,
            unit=_amount(event, self._sets),
            item=visible(str(event.fields.get("item", "")).rpartition("/")[2]),
        )

    def _wait(self, event: Event) -> None:
        """Show that everything is here and more may come."""
        here, wanted = _number(event.fields["here"]), event.fields["to_fetch"]
        running, left = (_number(event.fields.get(name)) for name in ("running", "left_out"))
        if not wanted:
            self._drop("get")
        if "follow" not in self._tasks:
            self._tasks["follow"] = self._bar.add_task("follow", total=None, unit="", item="")
        parts = [f"{count(here, 'set')} here", f"{wanted} to come"]
        parts += [f"{running} running"] if running else []
        parts += [f"{left} left out"] if left else []
        self._bar.update(self._tasks["follow"], unit=f"{', '.join(parts)}; Ctrl-C ends it")

    def _drop(self, stage: str) -> None:
        if stage in self._tasks:
            self._bar.remove_task(self._tasks.pop(stage))


def _amount(event: Event, sets: int) -> str:
    done, total, unit = event.fields["done"], event.fields["total"], event.fields["unit"]
    if unit == "bytes":
        rate = event.fields.get("rate")
        speed = f", {human_bytes(rate)}/s" if isinstance(rate, float) else ""
        whole = f", {count(sets, 'set')}" if sets else ""
        return f"{human_bytes(_number(done))} of {human_bytes(_number(total))}{speed}{whole}"
    if not unit:
        return ""
    # One of them is not several.
    noun = str(unit).removesuffix("s") if (total or done) == 1 else unit
    return f"{done} of {total} {noun}" if total else f"{done} {noun}"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def human_bytes(size: float) -> str:
    """Spell a number of bytes as people read it, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
