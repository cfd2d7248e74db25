"""The tree of errors is the contract of exit codes."""

import re

import pytest

from danmax_sync import errors
from danmax_sync.errors import DanmaxSyncError, ExitCode


def every_error() -> list[type[DanmaxSyncError]]:
    """Return all classes of the tree, the base first."""
    found: list[type[DanmaxSyncError]] = [DanmaxSyncError]
    for error in found:
        found.extend(error.__subclasses__())
    return [error for error in found if error.__module__ == errors.__name__]


def test_the_drawing_in_the_docstring_is_the_tree() -> None:
    """Each class is drawn at the top of the module with the exit code it has."""
    drawn = dict(re.findall(r"[├└]── (\w+) +(\d+)", errors.__doc__ or ""))
    assert drawn == {error.__name__: str(int(error.exit_code)) for error in every_error()[1:]}


@pytest.mark.parametrize("error", every_error())
def test_an_error_carries_message_and_hint(error: type[DanmaxSyncError]) -> None:
    """What happened is its text; what to do next is beside it, not in it."""
    raised = error("it broke", hint="mend it")
    assert (str(raised), raised.message, raised.hint) == ("it broke", "it broke", "mend it")
    assert error("it broke").hint == ""


def test_exit_codes_are_those_of_the_contract() -> None:
    """The numbers scripts rely on."""
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 70, 130]
