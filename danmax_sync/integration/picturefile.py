"""Pictures as files: of a kind that is known, and in place of nothing but earlier pictures."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync import __version__
from danmax_sync.errors import UsageError
from danmax_sync.integration.placing import put_in_place

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
_MAKER = "danmax-sync"
_KEYS = {".png": "Software", ".svg": "Creator", ".pdf": "Creator"}
"""Under which such a file tells what made it."""
_ENDS = 8192
"""PNG and SVG tell it at their beginning, PDF at its end."""
_DPI = 160


def check_picture(path: Path) -> None:
    """Check that a file's name says which kind of picture it is to be, and that nothing of the user's is in its place.

    Raises
    ------
    UsageError
        If not.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path.name or path} is no picture this tool can write", hint="end it in .png, .svg or .pdf")
    if path.is_dir():
        raise UsageError(f"{path} cannot be written: it is a folder", hint="name another file")
    if path.exists() and not _is_ours(path):
        raise UsageError(
            f"{path} is there and is no picture of this tool", hint="name another file, or move that one away"
        )


def write_figure(figure: "Figure", path: Path) -> None:
    """Write a figure into a file, whole or not at all.

    Raises
    ------
    UsageError
        If it cannot be written, or something else is there.
    """
    check_picture(path)
    suffix = path.suffix.lower()
    content = io.BytesIO()
    figure.savefig(
        content, format=suffix.removeprefix("."), dpi=_DPI, metadata={_KEYS[suffix]: f"{_MAKER} {__version__}"}
    )
    try:
        put_in_place(path, content.getvalue())
    except OSError as problem:
        raise UsageError(
            f"{path} cannot be written: {problem.strerror}", hint="name another file: -o FILE"
        ) from problem


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_ENDS)
            file.seek(max(0, path.stat().st_size - _ENDS))
            return _MAKER.encode() in head + file.read(_ENDS)
    except OSError:
        return False
