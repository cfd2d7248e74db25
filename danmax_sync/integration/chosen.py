"""From what a user names, on the command line or in files, to the choices of a run; what is named closest wins."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.integration.calibration import Named
from danmax_sync.integration.recipe import Recipe, recipe_from
from danmax_sync.integration.recipefile import RecipeFile, read_recipe, recipe_like
from danmax_sync.integration.run import Choices
from danmax_sync.settings import home, text_setting


def choices_of(
    settings: Mapping[str, object],
    *,
    recipe: Path | None = None,
    like: Path | None = None,
    poni: Path | None = None,
    masks: tuple[Path, ...] = (),
    dark: Path | None = None,
    flat: Path | None = None,
    allowed: frozenset[str] = frozenset(),
    detector: str | None = None,
    overwrite: bool = False,
    threads: int | None = None,
) -> Choices:
    """Put together options, a recipe in TOML, and an existing file of patterns.

    Parameters
    ----------
    settings : mapping
        Names of `Recipe`; None where nothing was said, False for no polarization or no clipping.
    recipe, like : Path, optional
        Files with settings; options win over the recipe, the recipe over the file of patterns.
    poni, masks, dark, flat, allowed, detector, overwrite, threads
        See `Named` and `Choices`.

    Raises
    ------
    UsageError
        If something cannot be understood.
    SourceError
        If the file of patterns does not say how it was made.
    """
    base = RecipeFile(Recipe())
    if like is not None:
        base = recipe_like(like, home() / "cache" / "calibration" / like.stem)
    written = read_recipe(recipe) if recipe is not None else None
    told = base.recipe.to_json()
    if written is not None:
        # What the file names counts, also where it is what is usual.
        values = written.recipe.to_json()
        told |= {name: values[name] for name in written.named}
        if written.named & {"bins", "range"} and "edges" not in written.named:
            told["edges"] = None
    said = {name: value for name, value in settings.items() if value is not None}
    if "bins" in said or "range" in said:
        told["edges"] = None
    told |= said
    if told.get("polarization") is False:
        told["polarization"] = None
    merged = recipe_from({each.name: told[each.name] for each in fields(Recipe)}, where="the settings")
    files = [each for each in (written, base) if each is not None]

    def first(named: Path | None, attribute: str) -> Path | None:
        found = [named, *(getattr(each, attribute) for each in files)]
        return next((each for each in found if each is not None), None)

    named = Named(
        first(poni, "poni"),
        masks or next((each.masks for each in files if each.masks), ()),
        first(dark, "dark"),
        first(flat, "flat"),
        allowed,
    )
    whose = detector or next((each.detector for each in files if each.detector), None)
    return Choices(merged, named, whose, overwrite, threads, said=base.said)


def usual_recipe() -> Path | None:
    """Return the recipe that the settings name, for whoever names none.

    Raises
    ------
    UsageError
        If they do not name a file by a text.
    """
    named = text_setting("integrate", "recipe")
    return Path(named).expanduser() if named else None


def recipes_beside(scans: Iterable[CataloguedScan]) -> list[Path]:
    """Return what looks like a recipe in the visits of scans: ``*recipe*.toml`` in their folders or ``process/``.

    None is used unasked, for the numbers would depend on who left a file there; but whoever put it there wants to hear
    that it was not.
    """
    here = {at.prefix.below(at.root.folder) for scan in scans for at in scan.locations if at.root.folder is not None}
    folders = [folder for visit in sorted(here) for folder in (visit, visit / "process")]
    return [path for folder in folders for path in sorted(folder.glob("*recipe*.toml")) if path.is_file()]
