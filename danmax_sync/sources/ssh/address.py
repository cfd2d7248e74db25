"""Whom to call: host, user and port, checked before they come near a command line."""

import re
from dataclasses import dataclass

from danmax_sync.errors import UsageError

# ssh_config can hand host and user to a shell (ProxyCommand, Match exec), so what a shell would act on is kept out.
_SHELL_ACTS_ON = re.compile(r"[\s'\"`$\\;&<>|(){}!*?#~]")


@dataclass(frozen=True, slots=True)
class SshAddress:
    """Where an SSH server is, as the user names it.

    Attributes
    ----------
    host : str
        A name, an IP address, or an alias of the ssh_config.
    user : str or None
        None leaves it to the ssh_config, then to the name of the local user.
    port : int or None
        None leaves it to the ssh_config, then to 22.

    Raises
    ------
    UsageError
        If a part could be taken for an option, or holds spaces, control characters or what a shell acts on.
    """

    host: str
    user: str | None = None
    port: int | None = None

    def __post_init__(self) -> None:
        _check(self.host, "host")
        if self.user is not None:
            _check(self.user, "user")
        if self.port is not None and not 1 <= self.port <= 65535:
            raise UsageError(
                f"port {self.port} of {self.host!r} is not between 1 and 65535",
                hint="SSH's usual port is 22; leave it out for that, or for what your ssh_config says",
            )

    def __str__(self) -> str:
        return place(self.host, user=self.user, port=self.port)


def place(host: str, *, user: str | None = None, port: int | None = None) -> str:
    """Write a server's address as messages show it: ``user@host:port`` with what is known."""
    shown = f"[{host}]" if ":" in host and port else host
    return f"{user + '@' if user else ''}{shown}{f':{port}' if port else ''}"


def _check(text: str, what: str) -> None:
    if not text or text.startswith("-") or not text.isprintable() or _SHELL_ACTS_ON.search(text):
        raise UsageError(
            f"{text!r} cannot be the {what} of an SSH server",
            hint="A name starts with a letter or digit and holds no spaces, quotes or shell characters.",
        )
