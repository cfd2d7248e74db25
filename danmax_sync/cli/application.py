"""The command ``danmax-sync`` and its subcommands, in the order help shows them."""

from typing import Annotated

import typer

from danmax_sync.cli import context
from danmax_sync.cli.commands import (
    calibrate,
    cancel,
    db,
    demo,
    diff,
    doctor,
    export,
    fields,
    get,
    index,
    integrate,
    logbook,
    login,
    note,
    notebook,
    plot,
    problems,
    remote,
    report,
    sample,
    search,
    settings,
    show,
    simulate,
    status,
    tag,
    verify,
    view,
)
from danmax_sync.cli.escaping import Commands
from danmax_sync.cli.exclusions import QueryCommand
from danmax_sync.cli.summaries import Group

app = typer.Typer(
    name="danmax-sync",
    cls=Commands,
    epilog="Try it without a beamline: danmax-sync demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: rich takes a quarter of a second to draw it.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from danmax_sync import __version__

        typer.echo(f"danmax-sync {__version__}")
        raise typer.Exit


@app.callback()
def options(
    catalogue: Annotated[
        str | None, typer.Option(metavar="PATH|URL", help="Use this catalogue instead of the user's own.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Take a DanMAX visit home: find scans, fetch complete sets, integrate them offline.

    \b
    Examples:
      danmax-sync index danmax
      danmax-sync search sample:LaB6 temperature:300..400
      danmax-sync get sample:LaB6 --from danmax --to visit
      danmax-sync status
    """  # noqa: D301 - click wants the character itself
    context.set_options(catalogue=catalogue, debug=debug)


app.command("demo")(demo.demo)
app.command("simulate")(simulate.simulate)
app.add_typer(remote.app, name="remote", cls=Group)
app.command("login")(login.login)
app.command("logout")(login.logout)
app.command("index")(index.index)
app.command("search", cls=QueryCommand)(search.search)
app.command("show", cls=QueryCommand)(show.show)
app.command("fields", cls=QueryCommand)(fields.fields)
app.command("diff", cls=QueryCommand)(diff.diff)
app.add_typer(sample.app, name="sample", cls=Group)
app.add_typer(tag.app, name="tag", cls=Group)
app.add_typer(note.app, name="note", cls=Group)
app.add_typer(logbook.app, name="logbook", cls=Group)
app.command("get", cls=QueryCommand)(get.get)
app.command("cancel")(cancel.cancel)
app.command("verify", cls=QueryCommand)(verify.verify)
app.command("integrate", cls=QueryCommand)(integrate.integrate)
app.command("plot", cls=QueryCommand)(plot.plot)
app.command("report", cls=QueryCommand)(report.report)
app.command("open", cls=QueryCommand)(view.view)
app.command("calibrate", cls=QueryCommand)(calibrate.calibrate)
app.command("notebook", cls=QueryCommand)(notebook.notebook)
app.command("export", cls=QueryCommand)(export.export)
app.command("status", cls=QueryCommand)(status.status)
app.command("problems")(problems.problems)
app.command("doctor")(doctor.doctor)
app.add_typer(settings.app, name="settings", cls=Group)
app.add_typer(db.app, name="db", cls=Group)
