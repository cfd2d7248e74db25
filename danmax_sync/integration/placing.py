"""Put a whole file in its place: beside it first, so that nobody ever sees half of it."""

import contextlib
import os
from pathlib import Path


def put_in_place(path: Path, content: bytes) -> None:
    """Write a file under a name of this run's own, then give it its name, in place of what is there.

    The folder is made where it is missing. Bytes, not text: elsewhere lines would end otherwise, and the same content
    would not be known again.

    Raises
    ------
    OSError
        If that cannot be done; nothing is left beside then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    # Of this process's number only a run that was killed can have left one. Opened as a new file: a link that somebody
    # else put there is not followed.
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    try:
        with part.open("xb") as file:
            file.write(content)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
