"""Start, run one command, and turn what went wrong into a sentence and an exit code."""

import contextlib
import errno
import gc
import os
import select
import sys
import traceback
from collections.abc import Sequence

from danmax_sync.cli.application import app
from danmax_sync.cli.complaint import complain, report_bug
from danmax_sync.cli.completion import keeping_zsh
from danmax_sync.cli.context import debugging
from danmax_sync.cli.escaping import EscapedError
from danmax_sync.errors import DanmaxSyncError, EmptyCatalogueError, ExitCode

_WORKERS = frozenset({"demo", "export", "get", "index", "integrate", "verify"})
"""Commands that go on where they were stopped."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    # What imports make stays: to look through it for garbage again and again is a tenth of a short command's time.
    gc.set_threshold(100_000, 50, 100)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Parameters
    ----------
    arguments : sequence of str
        Without the program's name.

    Returns
    -------
    int
        The exit code, as in `ExitCode`.
    """
    try:
        with keeping_zsh(arguments):
            app(args=list(arguments), prog_name="danmax-sync")
        code = int(ExitCode.DONE)
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(ExitCode.USAGE if done.code else ExitCode.DONE)
    except EscapedError as escaped:
        code = _explained(escaped.problem, arguments)
    except (KeyboardInterrupt, Exception) as problem:  # noqa: BLE001 - the last line of defence
        code = _explained(problem, arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _write_nowhere()
    except OSError as problem:
        code = _explained(problem, arguments)
    return code


def _explained(problem: BaseException, arguments: Sequence[str]) -> int:
    """Say what went wrong and return its exit code; a bug is reported, never a bare traceback."""
    if debugging():
        traceback.print_exception(problem)
    if isinstance(problem, KeyboardInterrupt):
        if sys.stderr.isatty():
            # Behind the ^C, or the prompt that was not answered.
            sys.stderr.write("\n")
        if _keeps_work(arguments):
            complain("stopped; what is done is kept", hint="run the same command again to go on")
        else:
            complain("stopped")
        return int(ExitCode.STOPPED)
    if isinstance(problem, DanmaxSyncError):
        complain(problem.message, hint=_first_step() if isinstance(problem, EmptyCatalogueError) else problem.hint)
        return int(problem.exit_code)
    if isinstance(problem, BrokenPipeError) and _reader_has_gone():
        # Whoever read our output has seen enough (`| head`): not our business.
        _write_nowhere()
        return int(ExitCode.DONE)
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        complain("there is no space left to write to", hint="make space, then run the same command again")
        _write_nowhere()
        return int(ExitCode.UNFINISHED)
    report_bug(problem, arguments)
    return int(ExitCode.BUG)


def _first_step() -> str:
    """Return what fills an empty catalogue: what is known of places decides."""
    from danmax_sync.sources.remotes import load_remotes

    try:
        names = sorted(load_remotes())
    except DanmaxSyncError as problem:
        return f"{problem.message}; {problem.hint}"
    if not names:
        return "say where the visit is: danmax-sync remote add NAME URI (or a folder: danmax-sync index DIR)"
    return f"see what is there: danmax-sync index {' '.join(names)}"


def _keeps_work(arguments: Sequence[str]) -> bool:
    """Say whether a command does its work in parts, so that what is done before it is stopped is not done again."""
    words = iter(arguments)
    for word in words:
        if word == "--catalogue":
            next(words, None)
        elif not word.startswith("-"):
            return word in _WORKERS or [word, next(words, "")] == ["logbook", "sync"]
    return False


def _reader_has_gone() -> bool:
    """Say whether it is our output's pipe that broke, and not one to an ssh."""
    if not hasattr(select, "poll"):
        return True
    with contextlib.suppress(OSError, ValueError):
        watch = select.poll()
        watch.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in watch.poll(0))
    return False


def _write_nowhere() -> None:
    """Keep Python from telling a closed pipe at its end that it is closed."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
