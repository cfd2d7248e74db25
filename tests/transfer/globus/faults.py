"""Things that happen at one moment of a transfer."""

from collections.abc import Callable

from danmax_sync.testing.globus import Answer, Fault
from danmax_sync.testing.globus.faults import Request


class OnWrite(Fault):
    """Act when a task writes a block."""

    def __init__(self, act: Callable[[str], object], *, ending: str = "", times: int = 1) -> None:
        self._act, self._ending, self._times = act, ending, times

    def writing(self, path: str, offset: int, data: bytes) -> bytes:
        """Act, as often as wished."""
        if path.endswith(self._ending) and self._times:
            self._times -= 1
            self._act(path)
        return data


class OnAnswer(Fault):
    """Change what some requests are answered."""

    def __init__(self, what: str, act: Callable[[Answer], Answer]) -> None:
        self._what, self._act = what, act

    def after(self, request: Request, answer: Answer) -> Answer:
        """Change it."""
        return self._act(answer) if request.matches(self._what) else answer
