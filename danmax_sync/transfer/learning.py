"""The catalogue learns where sets have arrived, while others are still on their way."""

import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.copies import Original
from danmax_sync.indexing.arrived import Origin, index_arrived, settle
from danmax_sync.sources.visitmark import VisitName, mark_visit
from danmax_sync.transfer.plan import FileState, ScanSet, TransferPlan
from danmax_sync.visits import TreePath, place

_MOST_AT_ONCE = 200


def _mark_visits(destination: Path, sets: Sequence[ScanSet]) -> None:
    """Leave in a destination what its own path does not tell: which visit came into it."""
    for at, proposal, visit in {(each.place.visit_root, each.place.proposal, each.place.visit) for each in sets}:
        folder = at.below(destination)
        if visit and not place(TreePath(("raw", "scan-0001.h5")), root=folder.as_posix()).visit:
            mark_visit(folder, VisitName(proposal or "", visit))


class Learner:
    """Tells a catalogue of sets, in a thread of its own; whoever leaves the ``with`` block waits until it knows all.

    Parameters
    ----------
    catalogue : Catalogue
        What learns.
    plan : TransferPlan
        The sets belong to.

    Raises
    ------
    DanmaxSyncError
        On leaving: what keeps the catalogue from learning.
    """

    def __init__(self, catalogue: Catalogue, plan: TransferPlan) -> None:
        self._catalogue, self._plan = catalogue, plan
        self._sets: queue.SimpleQueue[ScanSet | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="learn", daemon=True)
        self._failure: BaseException | None = None
        self._heard = False

    def arrived(self, scan_set: ScanSet) -> None:
        """Hear of a set that can be seen at the destination."""
        self._sets.put(scan_set)

    def _run(self) -> None:
        more = True
        while more:
            together = [self._sets.get()]
            while together[-1] is not None and len(together) < _MOST_AT_ONCE and not self._sets.empty():
                together.append(self._sets.get())
            more = together[-1] is not None
            try:
                if self._failure is None:
                    self._learn([each for each in together if each is not None], last=not more)
            except BaseException as problem:  # noqa: BLE001 - raised again where somebody hears it
                self._failure = problem

    def _learn(self, sets: list[ScanSet], *, last: bool) -> None:
        folder = self._plan.destination
        if sets:
            _mark_visits(folder, sets)
            # One that was here already was never compared with the source's.
            masters = (each.master for each in sets if each.master.state is FileState.FETCH)
            originals = {file.path: Original(file.path, file.size, file.mtime_ns) for file in masters}
            paths = [file.path for each in sets for file in each.files]
            index_arrived(self._catalogue, folder, paths, Origin(self._plan.source_uri, originals))
            self._heard = True
        if last and self._heard:
            settle(self._catalogue, folder)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sets.put(None)
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure
