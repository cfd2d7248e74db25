"""``danmax-sync db``: the catalogue itself."""

import typer

app = typer.Typer(help="The catalogue itself: upgrade, check, backup.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Make the catalogue, or bring it to this version's tables after a backup.

    \b
    Examples:
      danmax-sync db upgrade
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import count, say

    with open_catalogue() as catalogue:
        where = catalogue.engine.url.render_as_string(hide_password=True)
        say(f"{where} is up to date, {count(catalogue.count(), 'scan')}")


@app.command()
def check() -> None:
    """Say what the catalogue is and whether it is whole.

    \b
    Examples:
      danmax-sync db check
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.checking import check_catalogue
    from danmax_sync.cli.context import catalogue_engine
    from danmax_sync.cli.display import say

    engine = catalogue_engine()
    try:
        say(check_catalogue(engine))
    finally:
        engine.dispose()


@app.command()
def backup() -> None:
    """Copy the catalogue beside itself.

    \b
    Examples:
      danmax-sync db backup
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.migrate import backup as make_backup
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import say

    with open_catalogue() as catalogue:
        copy = make_backup(catalogue.engine)
    say(f"copied to {copy}" if copy else "a database server has backups of its own")
