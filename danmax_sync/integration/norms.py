"""What intensities are divided by, kept for all patterns of a file."""

import numpy as np
from numpy.typing import NDArray

from danmax_sync.integration.engine import Integrator, Pattern
from danmax_sync.integration.journal import Journal

_MOST_NORMS = 16


class Norms:
    """Σ c·w of the frame that lost the fewest pixels, bin by bin: whichever place it has.

    Parameters
    ----------
    integrator : Integrator
        Gives the layers.
    journal : Journal
        Keeps them for the next run.
    """

    def __init__(self, integrator: Integrator, journal: Journal) -> None:
        self._journal = journal
        self._seen: dict[int, NDArray[np.float32]] = {}
        radial = len(integrator.radial)
        self.values = {layer.name: np.zeros(layer.rows * radial, dtype=np.float32) for layer in integrator.layers}
        if journal.norm is not None:
            kept = np.frombuffer(journal.norm, dtype="<f4")
            ends = np.cumsum([values.size for values in self.values.values()])
            if kept.size == ends[-1]:
                self.values = dict(zip(self.values, np.split(kept, ends[:-1]), strict=True))

    def add(self, pattern: Pattern) -> None:
        """Look at a pattern."""
        changed = False
        norms = {"pattern": pattern.norm, **{name: rows.norm for name, rows in pattern.layers.items()}}
        for name, norm in norms.items():
            # Most frames of a thread share one array, which is known by its place as long as it is kept here.
            whole = norm if norm.base is None else norm.base
            if id(whole) in self._seen:
                continue
            if len(self._seen) > _MOST_NORMS:
                self._seen.clear()
            self._seen[id(whole)] = whole
            before = self.values[name]
            most = np.maximum(before, norm.ravel())
            changed = changed or not np.array_equal(most, before)
            self.values[name] = most
        if changed:
            self._journal.add_norm(b"".join(values.astype("<f4").tobytes() for values in self.values.values()))
