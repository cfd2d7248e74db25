"""``danmax-sync problems``."""

from dataclasses import asdict

from danmax_sync.cli.options import (
    ColumnsOption,
    Format,
    FormatOption,
    LimitOption,
    NulOption,
    SortOption,
    layout_of,
)


def problems(
    form: FormatOption = Format.TABLE,
    columns: ColumnsOption = None,
    sort: SortOption = "",
    limit: LimitOption = None,
    nul: NulOption = False,
) -> None:
    """List what could not be read, and why.

    \b
    Examples:
      danmax-sync problems
      danmax-sync problems -f json
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.values import Problem
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.display import Column, display, say
    from danmax_sync.cli.echo import echo_cut

    with open_catalogue() as catalogue:
        found = catalogue.problems()
    if not found and form is Format.TABLE:
        say("no problems")
        return
    problem_columns: tuple[Column[Problem], ...] = (
        Column("place", lambda p: p.root, wraps=True, key="root"),
        Column("path", lambda p: p.path, wraps=True),
        Column("stage", lambda p: p.stage, hidden=True),
        Column("what", lambda p: p.message, wraps=True, key="message"),
    )
    display(
        found,
        columns=problem_columns,
        as_json=asdict,
        layout=layout_of(form, columns, sort, limit, nul=nul),
        paths=lambda p: [f"{p.root}/{p.path}"],
        identity=lambda p: p.path,
    )
    echo_cut(len(found), limit, "problem")
