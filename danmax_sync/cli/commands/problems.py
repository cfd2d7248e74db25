"""``danmax-sync problems``."""

from dataclasses import asdict

from danmax_sync.cli.options import Format, FormatOption


def problems(form: FormatOption = Format.TABLE) -> None:
    """List what could not be read, and why."""
    from danmax_sync.catalogue.values import Problem
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import Column, display, say

    with open_catalogue() as catalogue:
        found = catalogue.problems()
    if not found and form is Format.TABLE:
        say("no problems")
        return
    columns: tuple[Column[Problem], ...] = (
        Column("place", lambda p: p.root, wraps=True),
        Column("path", lambda p: p.path, wraps=True),
        Column("what", lambda p: p.message, wraps=True),
    )
    display(
        found,
        columns=columns,
        as_json=asdict,
        form=form,
        paths=lambda p: [p.path],
        identity=lambda p: p.path,
    )
