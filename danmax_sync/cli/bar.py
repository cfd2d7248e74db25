"""The bar: a line a stage, in as many columns as there are, and what is drawn below it."""

from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

_BAR = 16
_LEAST_BAR = 4
_LEAST_ITEM = 8
_ITEM = 24
_TIME = 7
"""Characters of a time left, as 1:02:03."""
ECHO = 3
"""Columns that stay free at the end: a ^C that the terminal echoes there must not begin a line of its own."""


class _Fitted(ProgressColumn):
    """A field of a task, in so many characters at most."""

    def __init__(self, field: str, *, style: str = "", end: bool = False) -> None:
        super().__init__(Column(no_wrap=True))
        self.room = 0
        self._field, self._style, self._end = field, style, end

    def render(self, task: Task) -> Text:
        """Return it, cut where it must be: of a name the end tells more."""
        text = str(task.fields[self._field])
        if len(text) > self.room:
            text = f"…{text[1 - self.room :]}" if self._end else f"{text[: self.room - 1]}…"
        return Text(text, style=self._style)


class Bar(Progress):
    """Progress on stderr. Where there is little room the item goes first, then the bar; the time left stays.

    Parameters
    ----------
    picture : renderable, optional
        Of rich, shown below the bar.
    """

    def __init__(self, picture: RenderableType | None) -> None:
        # Asked for its width before there is `self.console`.
        self._screen, self._picture = Console(stderr=True), picture
        self._amount, self._item = _Fitted("unit"), _Fitted("item", style="dim", end=True)
        self._gauge = BarColumn(bar_width=_BAR)
        self._first: tuple[ProgressColumn, ...] = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
        self._time = TimeRemainingColumn(compact=True)
        super().__init__(
            *self._first,
            console=self._screen,
            transient=True,
            # Over a slow line a picture costs more than a bar.
            refresh_per_second=10 if picture is None else 4,
        )

    def get_renderables(self) -> Iterator[RenderableType]:
        """Yield the bar, and the picture below it."""
        yield from super().get_renderables()
        if self._picture is not None:
            yield self._picture

    def take_over(self, task: Task) -> TaskID:
        """Show a task of another bar, as far as it has come."""
        return self.add_task(
            task.description, total=task.total, completed=int(task.completed), visible=task.visible, **task.fields
        )

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        """Return the lines of the stages."""
        shown = [task for task in tasks if task.visible]
        self.columns = self._fitting(shown)
        return super().make_tasks_table(shown)

    def _fitting(self, shown: list[Task]) -> tuple[ProgressColumn, ...]:
        stage, amount, item = (
            max((len(text) for text in texts), default=0)
            for texts in (
                [task.description for task in shown],
                [str(task.fields["unit"]) for task in shown],
                [str(task.fields["item"]) for task in shown],
            )
        )
        timed = any(task.total and task.speed for task in shown)
        # The spinner, and the spaces between.
        room = self._screen.width - ECHO - 1 - stage - 2 - (_TIME + 1 if timed else 0)
        self._amount.room = max(1, min(amount, room))
        room -= self._amount.room + 1
        gauge = min(_BAR, room) if room >= _LEAST_BAR else 0
        room -= gauge + 1
        self._item.room = min(item, _ITEM, room)
        self._gauge.bar_width = gauge
        return (
            *self._first,
            *([self._gauge] if gauge else []),
            self._amount,
            *([self._time] if timed else []),
            *([self._item] if self._item.room >= min(item, _LEAST_ITEM) > 0 else []),
        )
