"""Do something with a source again and again, through lines that break.

::

    open ─▶ act ─▶ wait ─┐
     ▲       ▲           │
     │       └───────────┘
     └── the line broke: after a while, anew
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.events import Listener, warning
from danmax_sync.sources.base import Source

FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
"""Before a broken line is tried anew; twice as long each time."""
Wait = Callable[[float], bool]


def sleep(seconds: float) -> bool:
    """Wait; say that there is no end to it."""
    time.sleep(seconds)
    return True


def keep_up(
    open_source: Callable[[], AbstractContextManager[Source]],
    act: Callable[[Source], None],
    *,
    every_s: float,
    tell: Listener,
    wait: Wait = sleep,
) -> None:
    """Act on a source until Ctrl-C, or until `wait` says no.

    Parameters
    ----------
    open_source : callable
        Opens it, at first and after each break of the line.
    act : callable
        What is done at each round.
    every_s : float
        Between two rounds.
    tell : Listener
        Hears a ``warning`` when the line breaks.
    wait : callable
        Waits so many seconds; False ends it all.

    Raises
    ------
    LoginError
        If the server wants a login that nobody is there to give.
    SourceError
        If it could not be opened even once: a wrong name does not mend itself.
    """
    pause_s, opened, going = FIRST_PAUSE_S, False, True
    while going:
        try:
            with open_source() as source:
                opened = True
                while going:
                    act(source)
                    pause_s = FIRST_PAUSE_S
                    going = wait(every_s)
        except SourceError as problem:
            if not opened:
                raise
            what = "the line broke" if isinstance(problem, ConnectionLostError) else "the source does not answer"
            warning(tell, f"{what}: {problem.message}; tried again in {pause_s:.0f} s")
            going = wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
