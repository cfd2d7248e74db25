"""Runs command lines in children that are there at once, to be killed at any moment: starting Python takes too long.

A line of JSON on stdin is a run, ``{"argv": […], "die_before": 7, "below": "/home"}``; with ``die_before`` the child
kills itself right before the so-manieth time it touches the file system below that folder. The answers are two lines of
JSON on stdout: the child's ``pid``, and its ``status`` with the number of times it ``touched``.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

_TOUCHES = {"open", "os.link", "os.remove", "os.rename", "os.utime", "os.mkdir"}


def _import_everything() -> None:
    import danmax_sync.catalogue.catalogue
    import danmax_sync.cli.entry
    import danmax_sync.query.search
    import danmax_sync.sources.sftp
    import danmax_sync.transfer.fetching  # noqa: F401


def _watch(below: str, die_before: int | None, tell: int) -> None:
    touched = 0

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touched
        if event not in _TOUCHES or not any(str(one).startswith(below) for one in arguments[:2]):
            return
        touched += 1
        if touched == die_before:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(tell, b".")

    sys.addaudithook(audit)


def _child(order: dict[str, Any], tell: int) -> None:
    from danmax_sync.cli.entry import run

    os.setpgid(0, 0)
    quiet = os.open(order.get("log", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.environ.update(order.get("env", {}))
    if "below" in order:
        _watch(order["below"], order.get("die_before"), tell)
    code = 99
    try:
        code = run(order["argv"])
    finally:
        os._exit(code)


def serve(say: Callable[[dict[str, object]], None]) -> None:
    """Do what stdin says until it ends."""
    _import_everything()
    say({"ready": True})
    for line in sys.stdin:
        heard, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(heard)
            _child(json.loads(line), tell)
        os.close(tell)
        say({"pid": pid})
        # To its end, so that the pipe never fills.
        touched = 0
        while block := os.read(heard, 65_536):
            touched += len(block)
        os.close(heard)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        say({"status": status, "touched": touched})


if __name__ == "__main__":

    def _say(answer: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

    serve(_say)
