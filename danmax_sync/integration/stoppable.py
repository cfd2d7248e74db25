"""Long computations that a Ctrl-C ends at once.

Python hears of a Ctrl-C between two of its own steps, in its main thread. A library that computes for seconds in one
call keeps it waiting; so the call is made by another thread, and the one that waits can be stopped.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
_LOOK_SECONDS = 0.1
"""A wait without an end is not interrupted on Windows."""


def stoppable(compute: Callable[[], Result], waiting: Callable[[], None] = lambda: None) -> Result:
    """Return what a function computes; a Ctrl-C meanwhile is raised here at once.

    Parameters
    ----------
    compute : callable
        Computes and nothing else: after a Ctrl-C it goes on unheeded, until it or the program ends. Files are
        written by whoever gets the result.
    waiting : callable, optional
        Called ten times a second; what it raises ends the waiting, too. In another thread no Ctrl-C is heard.

    Raises
    ------
    Exception
        What the function raises.
    """
    made: list[Result] = []
    wrong: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            made.append(compute())
        except BaseException as problem:  # noqa: BLE001 - raised again where it is waited for
            wrong.append(problem)
        finally:
            done.set()

    threading.Thread(target=run, name="compute", daemon=True).start()
    while not done.wait(_LOOK_SECONDS):
        waiting()
    if wrong:
        raise wrong.pop()
    return made.pop()
