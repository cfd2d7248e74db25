"""``danmax-sync status``."""

from typing import Annotated

import typer

from danmax_sync.cli.options import QueryArgument, query_text


def status(
    words: QueryArgument = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what is where, what is under way, and what to type next.

    Of each visit the scans at the facility, in the catalogue, here, integrated and incomplete, with their sizes; what
    is being fetched, and how long that will take; what is unfinished, and why.

    \b
    Examples:
      danmax-sync status
      danmax-sync status last:2y
      danmax-sync status --json
    """  # noqa: D301 - click wants the character itself
    import json

    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.progress import only_warnings
    from danmax_sync.cli.situation import show_situation
    from danmax_sync.cli.speech import line
    from danmax_sync.query.search import search
    from danmax_sync.sources.remotes import load_remotes
    from danmax_sync.transfer.advance import advance, next_step
    from danmax_sync.transfer.globus.overview import under_way
    from danmax_sync.transfer.journal import Journal
    from danmax_sync.transfer.standing import standing

    text = query_text(words)
    with open_catalogue() as catalogue, Journal.open(tell=only_warnings) as journal:
        scans = search(catalogue, text)
        found = standing(scans, journal)
        visits = advance(catalogue, text, scans, found)
    tasks, what_next = under_way(), next_step(found, visits, text, load_remotes())
    if as_json:
        more = {
            "globus": [each.to_json() for each in tasks],
            "visits": [each.to_json() for each in visits],
            "next": {"why": what_next[0], "command": what_next[1]},
        }
        line(json.dumps({**found.to_json(), **more}, ensure_ascii=False))
        return
    show_situation(found, visits, tasks, what_next)
