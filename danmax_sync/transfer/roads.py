"""Which road files take: streams from most sources, tasks from Globus."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, warning
from danmax_sync.sources.base import Source

if TYPE_CHECKING:
    from danmax_sync.transfer.globus.mover import GlobusMover


@contextmanager
def road_from(
    source: Source, destination: Path, *, tell: Listener, bytes_per_s: float | None = None
) -> "Iterator[GlobusMover | None]":
    """Open the road from a source to a folder; None where files come in streams.

    Raises
    ------
    UsageError
        If a rate is asked for that nobody here can keep, or Globus cannot bring files to this machine.
    """
    # By its URI: what Globus needs is only loaded where it is spoken.
    if not source.uri.startswith("globus://"):
        yield None
        return
    from danmax_sync.sources.globus.local import local_collection, required_local_collection
    from danmax_sync.sources.globus.source import GlobusSource
    from danmax_sync.transfer.globus.grounds import HereGround
    from danmax_sync.transfer.globus.mover import GlobusMover
    from danmax_sync.transfer.globus.tasklog import TaskLog

    if not isinstance(source, GlobusSource):
        yield None
        return
    if source.it.https_server and local_collection() is None:
        warning(
            tell,
            "Globus Connect Personal is not set up here: files come over HTTPS, slower, and not while this is off",
            hint="install it from https://www.globus.org/globus-connect-personal for large visits",
        )
        yield None
        return
    if bytes_per_s is not None:
        raise UsageError("Globus decides its own rate", hint="leave --limit-rate out, or fetch over SFTP")
    here = required_local_collection()
    with TaskLog.open() as log:
        yield GlobusMover(source, HereGround(destination, here), log, tell=tell)
