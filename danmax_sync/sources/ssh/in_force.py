"""What the user's ssh_config says of a host, as ``ssh`` itself understands it."""

import os
import subprocess
from collections.abc import Mapping
from functools import lru_cache

from danmax_sync import settings
from danmax_sync.sources.ssh.address import SshAddress

_PATIENCE_S = 10.0


def in_force(address: SshAddress) -> Mapping[str, str]:
    """Return the options in force by their names in lower case; empty where that cannot be told."""
    named = os.environ.get(settings.SSH_CONFIG_VARIABLE)
    return _told(address.host, str(settings.ssh_config_file()) if named else "")


@lru_cache(maxsize=16)
def _told(host: str, config: str) -> Mapping[str, str]:
    command = ["ssh", "-G", *(["-F", config] if config else [])]
    try:
        told = subprocess.run(  # noqa: S603 - no shell, the address is checked
            [*command, "--", host],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        ).stdout
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return {}
    return dict(line.split(" ", 1) for line in told.splitlines() if " " in line)
