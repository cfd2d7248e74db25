"""The Globus mover does what every mover does."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from danmax_sync.sources.base import Source
from danmax_sync.sources.globus.local import required_local_collection
from danmax_sync.sources.globus.source import GlobusSource
from danmax_sync.sources.ssh import NoTerminal
from danmax_sync.testing.globus import Collection, GlobusService
from danmax_sync.testing.globus.collections import GUEST
from danmax_sync.transfer.globus.grounds import HereGround
from danmax_sync.transfer.globus.mover import GlobusMover
from danmax_sync.transfer.globus.tasklog import TaskLog
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.mover import Landed, Moved, Mover, Wanted
from danmax_sync.transfer.plan import PlannedFile
from tests.sources.globus.places import pointed_at, remote_at, set_up_personal
from tests.transfer.contract import MoverContract


class _Settled:
    """A mover that is settled as soon as it is through, as a run does once sets have their names."""

    def __init__(self, source: GlobusSource, home: Path) -> None:
        self._source, self._ground = source, HereGround(home, required_local_collection())

    def move(self, wanted: Sequence[Wanted], *, moved: Moved) -> Iterator[Landed | None]:
        """Move and settle."""
        with TaskLog.open() as log:
            mover = GlobusMover(self._source, self._ground, log)
            yield from mover.move(wanted, moved=moved)
            mover.settle()

    def check(self) -> None:
        """Say nothing: it leads there."""

    def staged_bytes(self, files: Sequence[PlannedFile]) -> int:
        """Nothing was begun before."""
        return 0

    def settle(self) -> None:
        """Done by then."""


class TestGlobusMover(MoverContract):
    """Tasks between two collections."""

    def opened(self, visit: Path) -> AbstractContextManager[Source]:
        """Open the source."""
        return _served(visit)

    def mover(self, source: Source, home: Path, journal: Journal) -> Mover:
        """Make the mover."""
        assert isinstance(source, GlobusSource)
        return _Settled(source, home)


@contextmanager
def _served(visit: Path) -> Iterator[Source]:
    it = Collection(visit.parents[1], "DanMAX", kind=GUEST, https=True)
    with pointed_at(GlobusService([it, set_up_personal(writable="/")])):
        remote = remote_at(it, f"/{visit.parent.name}/{visit.name}")
        with GlobusSource.open(remote, NoTerminal()) as source:
            yield source
