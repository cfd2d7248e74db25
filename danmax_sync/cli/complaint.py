"""Say what went wrong, on stderr, in as few lines as tell what to do."""

import platform
import re
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from danmax_sync import __version__
from danmax_sync.cli.folding import folded, width_of
from danmax_sync.cli.speech import RED, YELLOW, painted
from danmax_sync.errors import DanmaxSyncError
from danmax_sync.events import Event
from danmax_sync.settings import ensured_home
from danmax_sync.visits import visible

_LINES = "\n"


def complain(message: str, *, hint: str = "", kind: str = "error") -> None:
    """Print a message and, below it, what to do next."""
    sys.stderr.write(complaint(message, hint=hint, kind=kind))


def complaint(message: str, *, hint: str = "", kind: str = "error") -> str:
    """Return the lines of a message and of what to do next, as whoever reads stderr sees them best."""
    width = width_of(sys.stderr)
    head = painted(f"{kind}:", RED if kind == "error" else YELLOW, sys.stderr)
    said = folded(f"{kind}: {visible(message, keep=_LINES)}", width).removeprefix(f"{kind}:")
    then = folded(f"  → {visible(hint, keep=_LINES)}", width) + "\n" if hint else ""
    return f"{head}{said}\n{then}"


_PASSWORD = re.compile(r"(?<=://)([^\s/@:]*):[^\s/]*(?=@)")
"""In an address, as that of a catalogue on a server."""


def told_as_warning(event: Event) -> None:
    """Hear what a step says on the way, and show its warnings."""
    if event.name == "warning":
        complain(str(event.fields["message"]), hint=str(event.fields.get("hint", "")), kind="warning")


def report_bug(bug: BaseException, arguments: Sequence[str]) -> None:
    """Write what a developer needs into a file and tell the user where it is."""
    now = datetime.now(UTC)
    text = "".join(traceback.format_exception(bug))
    head = f"danmax-sync {__version__}, Python {platform.python_version()}, {platform.platform()}\n{now.isoformat()}\n"
    try:
        folder = ensured_home() / "reports"
        folder.mkdir(exist_ok=True)
        path = folder / f"bug-{now:%Y%m%dT%H%M%S%f}.txt"
        report = f"{head}command: {' '.join(arguments)}\n\n{text}"
        path.write_text(_without_passwords(report), encoding="utf-8", errors="backslashreplace")
    except (OSError, DanmaxSyncError):
        sys.stderr.write(text)
        complain("this is a bug in danmax-sync, not your fault")
        return
    complain(f"this is a bug in danmax-sync, not your fault: {type(bug).__name__}", hint=f"please send {path}")


def _without_passwords(text: str) -> str:
    return _PASSWORD.sub(r"\1:***", text)
