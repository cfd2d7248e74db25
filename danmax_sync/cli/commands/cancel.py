"""``danmax-sync cancel``."""

from typing import Annotated

import typer

from danmax_sync.cli.completion import remote_names


def cancel(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What you call the remote.", show_default=False, autocompletion=remote_names
        ),
    ],
) -> None:
    """End the Globus tasks of a remote.

    They go on without us otherwise. What has arrived is kept; the same get goes on from there.

    \b
    Examples:
      danmax-sync cancel danmax
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.display import count, say
    from danmax_sync.errors import UsageError
    from danmax_sync.sources.remotes import find_remote
    from danmax_sync.transfer.globus.overview import cancel_tasks

    remote = find_remote(name)
    if remote.scheme != "globus":
        raise UsageError(f"{name} is {remote.uri}: nothing goes on there without us", hint="Ctrl-C ends a get")
    ended = cancel_tasks(name)
    if not ended:
        say(f"{name}: no task is under way")
        return
    places = ", ".join(dict.fromkeys(each.destination for each in ended))
    say(f"{name}: {count(len(ended), 'task')} cancelled; what has arrived is kept, get again goes on → {places}")
