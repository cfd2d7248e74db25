"""Files that are whole or absent, in a folder that is known to be ours.

::

    folder empty ── marker ──> ours ── .name.part ── rename ──> name
    folder with a marker of the same parameters ──> go on; what is there is whole
    anything else ──> UsageError, nothing touched
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from danmax_sync.errors import UsageError

MARKER = ".danmax-simulated.json"
"""Holds the parameters of the simulation that a folder was made by."""


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which gets its name when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One fixed temporary name a file: whoever goes on after a kill overwrites the remains instead of adding to them.
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def claim(folder: Path, parameters: Mapping[str, object]) -> None:
    """Make `folder` the place of this simulation, or go on in it.

    Parameters
    ----------
    folder : Path
        Created where missing.
    parameters : mapping
        JSON-ready; the same ones go on, others are refused.

    Raises
    ------
    UsageError
        If the folder is a file, holds anything foreign, or another simulation.
    """
    marker = folder / MARKER
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, a folder is needed", hint="give a new or an empty folder")
    if marker.is_file():
        _check_same(folder, marker, parameters)
        return
    ours = f".{MARKER}"
    strangers = sorted(p.name for p in folder.iterdir() if not p.name.startswith(ours)) if folder.exists() else []
    if strangers:
        raise UsageError(
            f"{folder} already holds {strangers[0]!r} and is no simulated visit: nothing was written",
            hint="give a new or an empty folder",
        )
    with published(marker) as temporary:
        temporary.write_text(json.dumps(parameters, indent=1) + "\n", encoding="utf-8")


def _check_same(folder: Path, marker: Path, parameters: Mapping[str, object]) -> None:
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if found == parameters:
        return
    known = found if isinstance(found, dict) else {}
    differing = [
        f"{name} {known.get(name)!r}, now {parameters.get(name)!r}"
        for name in sorted({*known, *parameters})
        if known.get(name) != parameters.get(name)
    ]
    raise UsageError(
        f"{folder} holds another simulated visit ({'; '.join(differing)}): nothing was written",
        hint="give the same parameters to go on there, or a new folder",
    )
