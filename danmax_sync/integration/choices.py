"""What the user chose for a run."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from danmax_sync.catalogue.given import path_of, paths_of, unexpected
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


GivenPath = str | os.PathLike[str]


def named_from(
    poni: GivenPath | None,
    masks: GivenPath | Iterable[GivenPath],
    dark: GivenPath | None,
    flat: GivenPath | None,
    allow: str | Iterable[str],
) -> Named:
    """Return what a Python program named.

    Raises
    ------
    UsageError
        If a path is none, or nothing that is called so is ever refused.
    """
    one, two, three = (
        None if each is None else path_of(each, f"the path of {what}")
        for each, what in ((poni, "a poni file"), (dark, "a dark image"), (flat, "a flat image"))
    )
    allowed = (allow,) if isinstance(allow, str) else allow
    if not isinstance(allowed, Iterable):
        raise unexpected("names of what is not to be refused", allow)
    return Named(one, paths_of(masks, "paths of masks"), two, three, frozenset(map(str, allowed)))


def recipe_of(given: Recipe | None) -> Recipe:
    """Return a recipe, the usual one where none was given.

    Raises
    ------
    UsageError
        If something else was.
    """
    if given is None or isinstance(given, Recipe):
        return given or Recipe()
    raise unexpected("a Recipe", given, hint="Recipe(bins=3000, unit=Unit.Q)")
