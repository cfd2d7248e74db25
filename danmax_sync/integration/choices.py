"""What the user chose for a run."""

from dataclasses import dataclass, field

from danmax_sync.integration.calibration import Named
from danmax_sync.integration.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose; the rest is found.

    Attributes
    ----------
    recipe : Recipe
        The settings.
    named : Named
        Calibration that is not searched for, and what is not to be refused.
    detector : str or None
        Whose frames.
    overwrite : bool
        Whether patterns that this tool made otherwise are replaced.
    threads : int or None
        At most as many as there are processors.
    plain : bool
        Whether HDF5 reads every frame: slow, with the same result.
    said : tuple of str
        What the user should know about where the settings come from.
    """

    recipe: Recipe = field(default_factory=Recipe)
    named: Named = field(default_factory=Named)
    detector: str | None = None
    overwrite: bool = False
    threads: int | None = None
    plain: bool = False
    said: tuple[str, ...] = ()
