"""Queries kept under a name: ``search --save``, ``--saved`` and ``--forget``."""

from typing import TYPE_CHECKING

from danmax_sync.cli.display import Column, display, say
from danmax_sync.cli.options import Layout
from danmax_sync.errors import UsageError

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue


def keep(catalogue: "Catalogue", name: str, text: str) -> None:
    """Keep a query and say how to use it."""
    from danmax_sync.query.search import save

    bare = name.removeprefix("@")
    save(catalogue, bare, text)
    say(f"@{bare} is {text or 'all scans'}\n  → danmax-sync search @{bare}")


def forget(catalogue: "Catalogue", name: str) -> None:
    """Forget a query.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    from danmax_sync.catalogue.saved import forget_query

    bare = name.removeprefix("@")
    if not forget_query(catalogue.engine, bare):
        raise UsageError(f"there is no saved query @{bare}", hint="list them: danmax-sync search --saved")
    say(f"forgot @{bare}")


def list_saved(catalogue: "Catalogue", layout: Layout) -> None:
    """List the saved queries."""
    from danmax_sync.catalogue.saved import saved_queries

    columns: tuple[Column[tuple[str, str]], ...] = (
        Column("name", lambda pair: f"@{pair[0]}"),
        Column("query", lambda pair: pair[1], wraps=True),
    )
    display(
        list(saved_queries(catalogue.engine).items()),
        columns=columns,
        as_json=lambda pair: {"name": pair[0], "query": pair[1]},
        layout=layout,
        identity=lambda pair: f"@{pair[0]}",
    )
