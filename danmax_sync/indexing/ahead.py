"""Let one thing go on while another is done: an iterator is driven by a thread, a bounded way ahead."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

_T = TypeVar("_T")
_PATIENCE_S = 2.0


def ahead(items: Iterator[_T], *, weight: Callable[[_T], int], most: int) -> Iterator[_T]:
    """Yield what an iterator yields, which a thread takes out of it meanwhile.

    Parameters
    ----------
    items : iterator
        Used by that thread alone from now on.
    weight : callable
        What an item weighs.
    most : int
        How much may wait here; one item always may.

    Raises
    ------
    Exception
        What the iterator raised, after all that came before it.
    """
    line: deque[_T] = deque()
    changed = threading.Condition()
    waiting = 0
    ended = given_up = False
    failure: BaseException | None = None

    def has_room(weighs: int) -> bool:
        return given_up or waiting == 0 or waiting + weighs <= most

    def run() -> None:
        nonlocal waiting, ended, failure
        try:
            for item in items:
                with changed:
                    while not has_room(weight(item)):
                        changed.wait()
                    if given_up:
                        return
                    line.append(item)
                    waiting += weight(item)
                    changed.notify()
        except BaseException as problem:  # noqa: BLE001 - raised again where somebody hears it
            failure = problem
        finally:
            with changed:
                ended = True
                changed.notify()

    thread = threading.Thread(target=run, name="read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            with changed:
                # With a timeout: Windows lets no Ctrl-C through otherwise.
                while not changed.wait_for(lambda: line or ended, timeout=0.5):
                    pass
                if not line:
                    break
                item = line.popleft()
                waiting -= weight(item)
                changed.notify()
            yield item
    finally:
        with changed:
            given_up = True
            changed.notify()
        # It sits in the middle of an item; a line that has died ends it when it is closed.
        thread.join(_PATIENCE_S)
    if failure is not None:
        raise failure
