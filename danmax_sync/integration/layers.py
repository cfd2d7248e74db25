"""What comes out of one pass: the pattern all around, patterns by sector, a cake."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from danmax_sync.integration.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Layer:
    """Patterns that belong together.

    Attributes
    ----------
    name : str
        ``pattern``, ``sectors`` or ``cake``.
    rows : int
        Azimuthal bins; 1 for all around.
    fold : int
        Sectors that are added up for one row of this; 1 for a layer whose rows are summed up themselves, as those of
        the cake always are.
    """

    name: str
    rows: int
    fold: int

    @property
    def azimuthal_edges(self) -> NDArray[np.float64]:
        """Degrees, clockwise from three o'clock on the detector's face."""
        return np.linspace(0.0, 360.0, self.rows + 1)

    @property
    def has_errors(self) -> bool:
        """Whether errors are kept. Those of a cake would double a file that is large already."""
        return self.name != "cake"


def layers_of(recipe: Recipe) -> tuple[Layer, ...]:
    """Return the layers a recipe asks for, the finest last."""
    layers = [Layer("pattern", 1, recipe.sectors or 1)]
    if recipe.sectors:
        layers.append(Layer("sectors", recipe.sectors, 1))
    if recipe.cake:
        layers.append(Layer("cake", recipe.cake, 1))
    return tuple(layers)
