"""``danmax-sync login`` and ``logout``."""

from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.completion import remote_names

if TYPE_CHECKING:
    from danmax_sync.sources.remotes import Remote

NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="What you call the remote; not needed where only one can be meant.",
        show_default=False,
        autocompletion=remote_names,
    ),
]


def login(
    name: NameArgument = None,
    hours: Annotated[
        float,
        typer.Option(min=0.01, metavar="HOURS", help="How long it stays after its last use; at Globus, until logout."),
    ] = 8.0,
) -> None:
    """Log in once; every later command rides on it, until `logout`.

    \b
    Examples:
      danmax-sync login
      danmax-sync login danmax --hours 24
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import prompter
    from danmax_sync.cli.display import say
    from danmax_sync.sources.ssh import keep_login

    remote = _with_login(name, "danmax-sync login")
    name = remote.name
    if remote.scheme == "globus":
        from danmax_sync.sources.globus import login as login_at_globus

        say(login_at_globus(remote, prompter()))
        return
    new = keep_login(remote.address, prompter=prompter(), hours=hours)
    how = "logged in" if new else "was logged in already"
    say(f"{name}: {how}; commands ride on that until danmax-sync logout {name}, or {hours:g} h after the last one")


def logout(name: NameArgument = None) -> None:
    """End what `login` began.

    \b
    Examples:
      danmax-sync logout
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.display import say
    from danmax_sync.sources.ssh import end_login

    remote = _with_login(name, "danmax-sync logout")
    name = remote.name
    if remote.scheme == "globus":
        from danmax_sync.sources.globus import logout as logout_at_globus

        say(f"{name}: {logout_at_globus(remote)}")
        return
    say(f"{name}: logged out" if end_login(remote.address) else f"{name}: nobody was logged in")


def _with_login(name: str | None, command: str) -> "Remote":
    from danmax_sync.cli.choosing import WITH_LOGIN, the_remote
    from danmax_sync.errors import UsageError

    remote = the_remote(name, command, with_login=True)
    if remote.scheme not in WITH_LOGIN:
        raise UsageError(f"{name} is {remote.uri}, which needs no login", hint=f"danmax-sync index {name}")
    return remote
