"""Check the values of settings as the commands will that use them."""

from danmax_sync.errors import UsageError


def check_settings() -> None:
    """Check them all.

    Raises
    ------
    UsageError
        With the first that cannot be used, and how to mend it.
    """
    from danmax_sync.cli.choosing import usual_rate
    from danmax_sync.quantities import user_preferences
    from danmax_sync.settings import check_text_settings, text_setting
    from danmax_sync.sources.destinations import check_usual_destination

    check_text_settings()
    user_preferences()
    check_usual_destination()
    usual_rate()
    if text_setting("integrate", "recipe") is not None:
        _check_recipe()


def _check_recipe() -> None:
    from danmax_sync.integration.chosen import choices_of, usual_recipe
    from danmax_sync.settings import settings_file

    recipe = usual_recipe()
    if recipe is not None and not recipe.is_file():
        raise UsageError(f"{settings_file()}: there is no recipe {recipe}", hint="mend it: danmax-sync settings edit")
    choices_of({}, recipe=recipe)
