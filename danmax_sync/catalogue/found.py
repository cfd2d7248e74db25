"""Scans that were found, as a sequence: which ones and in which order is known, the rest is read when it is looked at.

A query may find 200 000 scans, of which a table shows twenty; and a list that is printed line by line needs one scan at
a time.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import CatalogueError

Load = Callable[[Sequence[int]], list[CataloguedScan]]
BATCH = 500
"""Scans read at once; SQLite's oldest limit on variables is 999."""
_KEPT = 20
"""Batches kept for the next look at them."""


class FoundScans(Sequence[CataloguedScan]):
    """Scans by the ids of their rows, in the order that was asked for.

    A scan that has been removed since it was found is left out when all are gone through.

    Parameters
    ----------
    ids : sequence of int
        In order.
    load : callable
        Reads the scans of some ids; those that are no longer there are missing.
    """

    def __init__(self, ids: Sequence[int], load: Load) -> None:
        self.ids: Sequence[int] = ids if isinstance(ids, array) else array("q", ids)
        self._load = load
        self._batches: dict[int, dict[int, CataloguedScan]] = {}

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> CataloguedScan: ...
    @overload
    def __getitem__(self, at: slice) -> "FoundScans": ...
    def __getitem__(self, at: int | slice) -> "CataloguedScan | FoundScans":
        """Return one scan, or the scans of a slice.

        Raises
        ------
        IndexError
            If there are not so many.
        CatalogueError
            If it has been removed since it was found.
        """
        if isinstance(at, slice):
            return FoundScans(self.ids[at], self._load)
        scan_id = self.ids[at]
        found = self._batch((at if at >= 0 else at + len(self)) // BATCH).get(scan_id)
        if found is None:
            raise CatalogueError("a scan has been removed since it was found", hint="search again")
        return found

    def __iter__(self) -> Iterator[CataloguedScan]:
        batches = -(-len(self) // BATCH)
        # Of more, the first would be forgotten before anybody comes back to them.
        look = self._batch if batches <= _KEPT else self._read
        for number in range(batches):
            yield from look(number).values()

    def _batch(self, number: int) -> dict[int, CataloguedScan]:
        known = self._batches.get(number)
        if known is None:
            if len(self._batches) >= _KEPT:
                del self._batches[next(iter(self._batches))]
            known = self._batches[number] = self._read(number)
        return known

    def _read(self, number: int) -> dict[int, CataloguedScan]:
        some = self.ids[number * BATCH : (number + 1) * BATCH]
        return {scan.id: scan for scan in self._load(some)}
