"""An alias of the ssh_config, resolved for paramiko as far as paramiko can follow."""

import getpass
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from danmax_sync import settings
from danmax_sync.errors import LoginError, UsageError
from danmax_sync.sources.ssh.address import SshAddress, place

_USE_OPENSSH = f"Set {settings.SSH_CARRIER_VARIABLE}=openssh, whose `ssh` understands all of the ssh_config."
_MATCH_EXEC = re.compile(r"^\s*match\b.*\bexec\b", re.IGNORECASE | re.MULTILINE)
_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call really goes.

    Attributes
    ----------
    host, port, user
        After the alias is resolved.
    filed_as : str or None
        ``HostKeyAlias``: the name its host key is filed under.
    keys : tuple of Path
        Private keys to try.
    keys_named : bool
        Whether the ssh_config names them, rather than being the usual ones.
    only_these_keys : bool
        ``IdentitiesOnly``: leave the agent's other keys alone.
    known_hosts : tuple of Path
        Files of the user's known host keys; our own is not among them.
    may_ask : bool
        False for ``StrictHostKeyChecking yes``.
    """

    host: str
    port: int
    user: str
    filed_as: str | None
    keys: tuple[Path, ...]
    keys_named: bool
    only_these_keys: bool
    known_hosts: tuple[Path, ...]
    may_ask: bool

    def __str__(self) -> str:
        return place(self.host, user=self.user, port=self.port)


def resolve(address: SshAddress) -> Target:
    """Look an address up in the ssh_config in force.

    Raises
    ------
    LoginError
        If the way leads through ProxyJump or ProxyCommand, which this carrier cannot follow.
    UsageError
        If the ssh_config cannot be read.
    """
    found = _look_up(address.host)
    for key in ("proxyjump", "proxycommand"):
        if found.get(key, "none").lower() != "none":
            raise LoginError(
                f"The way to {address} leads through another host ({key} {found[key]} in "
                f"{settings.ssh_config_file()}), which the paramiko carrier cannot do.",
                hint=_USE_OPENSSH,
            )
    named = shlex.split(found.get("identityfile", ""))
    hosts = shlex.split(found.get("userknownhostsfile", "~/.ssh/known_hosts"))
    usual = [Path.home() / ".ssh" / name for name in _DEFAULT_KEYS]
    return Target(
        host=found["hostname"],
        port=address.port or _port(found.get("port", "22")),
        user=address.user or found.get("user") or getpass.getuser(),
        filed_as=found.get("hostkeyalias"),
        keys=tuple(Path(name).expanduser() for name in named) if named else tuple(usual),
        keys_named=bool(named),
        only_these_keys=found.get("identitiesonly", "no").lower() == "yes",
        known_hosts=tuple(Path(name).expanduser() for name in hosts if name != "none"),
        may_ask=found.get("stricthostkeychecking", "ask").lower() not in {"yes", "true"},
    )


def _look_up(host: str) -> dict[str, str]:
    import paramiko

    file = settings.ssh_config_file()
    try:
        text = file.read_text(encoding="utf-8")
        if _MATCH_EXEC.search(text):
            # paramiko would run the command through invoke, which reads our stdin meanwhile.
            raise UsageError(
                f"{file} decides by running commands (Match exec), which this carrier does not do.", hint=_USE_OPENSSH
            )
        found = paramiko.SSHConfig.from_text(text).lookup(host)
    except FileNotFoundError:
        return {"hostname": host}
    # paramiko raises a KeyError for CanonicalizeHostname without domains.
    except (OSError, ValueError, KeyError, paramiko.SSHException) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint=_USE_OPENSSH) from None
    flat = {key: value for key, value in found.items() if isinstance(value, str)}
    if isinstance(found.get("identityfile"), list):
        flat["identityfile"] = shlex.join(found["identityfile"])
    return flat


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise UsageError(f"{settings.ssh_config_file()} gives {text!r} as a port", hint="Correct that file.")
    return int(text)
