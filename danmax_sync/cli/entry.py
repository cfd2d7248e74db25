"""Start, run one command, and turn what went wrong into a sentence and an exit code."""

import re
import sys
from collections.abc import Sequence

from danmax_sync.cli.application import app
from danmax_sync.cli.complaint import complain, report_bug
from danmax_sync.cli.context import debugging
from danmax_sync.errors import DanmaxSyncError, ExitCode

_EXCLUSION = re.compile(r"-(?=[A-Za-z_][\w*?.-]*(?:[:<>]))")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
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
        app(args=_readable(arguments), prog_name="danmax-sync")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(ExitCode.USAGE if done.code else ExitCode.DONE)
    except KeyboardInterrupt:
        complain("stopped; what is done is kept", hint="run the same command again to go on")
        return int(ExitCode.STOPPED)
    except DanmaxSyncError as problem:
        if debugging():
            raise
        complain(problem.message, hint=problem.hint)
        return int(problem.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): not our business, and not to be told to a closed pipe.
        sys.stdout = None
        return int(ExitCode.DONE)
    except Exception as bug:  # the last line of defence: a bug is reported, never a bare traceback
        if debugging():
            raise
        report_bug(bug, arguments)
        return int(ExitCode.BUG)
    return int(ExitCode.DONE)


def _readable(arguments: Sequence[str]) -> list[str]:
    """Spell ``-state:partial`` as ``!state:partial``: to a parser of options the first looks like one."""
    return [_EXCLUSION.sub("!", argument, count=1) if argument.startswith("-") else argument for argument in arguments]
