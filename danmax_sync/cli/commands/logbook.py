"""``danmax-sync logbook``."""

import typer

app = typer.Typer(help="x", no_args_is_help=True)


@app.command("list")
def list_logbooks() -> None:
    """X."""
