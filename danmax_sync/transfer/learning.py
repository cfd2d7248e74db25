"""The catalogue learns where sets have arrived, while others are still on their way."""

import queue
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.indexing.index import index_files
from danmax_sync.transfer.plan import ScanSet

_MOST_AT_ONCE = 200


class Learner:
    """Tells a catalogue of sets, in a thread of its own; whoever leaves the ``with`` block waits until it knows all.

    Parameters
    ----------
    catalogue : Catalogue
        What learns.
    destination : Path
        Where the sets are.

    Raises
    ------
    DanmaxSyncError
        On leaving: what keeps the catalogue from learning.
    """

    def __init__(self, catalogue: Catalogue, destination: Path) -> None:
        self._catalogue, self._destination = catalogue, destination
        self._sets: queue.SimpleQueue[ScanSet | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="learn", daemon=True)
        self._failure: BaseException | None = None

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
            paths = [file.path for each in together if each is not None for file in each.files]
            try:
                if paths and self._failure is None:
                    index_files(self._catalogue, self._destination, paths)
            except BaseException as problem:  # noqa: BLE001 - raised again where somebody hears it
                self._failure = problem

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
