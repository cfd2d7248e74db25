"""Random numbers that depend on what they are for, never on the order of the work.

A visit that was killed half way and went on must hold the same bytes as one made in one go.
"""

from zlib import crc32

import numpy as np


def generator(seed: int, *item: str | float) -> np.random.Generator:
    """Return the generator of one item of a simulation.

    Parameters
    ----------
    seed : int
        The simulation's seed, not negative.
    *item : str or float
        What the numbers are for, ``("frame", "LaB6", 34.9988, 296.0, 0)``.
    """
    words = [crc32(repr(word).encode()) for word in item]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))
