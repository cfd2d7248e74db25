"""Is this machine ready to fetch? Looks only at what is here; nobody is asked over the network."""

import shutil
from dataclasses import dataclass

from danmax_sync.settings import ensured_home

_ENOUGH_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    ready : bool
        Whether it is as it should be.
    sentence : str
        How it is.
    hint : str
        What to do where it is not ready.
    """

    ready: bool
    sentence: str
    hint: str = ""


def ssh_readiness() -> Finding:
    """Say who speaks SSH."""
    found = shutil.which("ssh")
    if found:
        return Finding(True, f"the system's own, {found}")
    return Finding(
        True, "the system has none; ours is used, which reads less of ssh_config", "install OpenSSH's client"
    )


def disk_readiness() -> Finding:
    """Say how much room there is for settings and catalogue."""
    folder = ensured_home()
    free = shutil.disk_usage(folder).free
    sentence = f"{free / 1e9:,.1f} GB free for settings and catalogue in {folder}"
    if free > _ENOUGH_BYTES:
        return Finding(True, sentence)
    return Finding(False, sentence, "make space, or name another folder in DANMAX_SYNC_HOME")
