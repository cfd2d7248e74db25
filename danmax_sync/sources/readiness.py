"""Is this machine ready to fetch? Looks only at what is here; nobody is asked over the network."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from danmax_sync.errors import DanmaxSyncError
from danmax_sync.quantities import user_preferences
from danmax_sync.settings import ensured_home, settings_file
from danmax_sync.sources.destinations import last_destination
from danmax_sync.sources.remotes import load_remotes

_ENOUGH_BYTES = 1 << 30
_ANEW = "start it anew: eval $(ssh-agent), then ssh-add"
_LIBRARIES = ("numpy", "h5py", "hdf5plugin", "SQLAlchemy", "paramiko", "globus-sdk", "numba", "pyFAI", "matplotlib")


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


def agent_readiness() -> Finding:
    """Say whether an agent holds keys; without one, passwords and codes are asked for."""
    if not os.environ.get("SSH_AUTH_SOCK") and os.name != "nt":
        return Finding(True, "none runs: servers that want a key take it from its file, others ask you")
    program = shutil.which("ssh-add")
    if program is None:
        return Finding(True, "one is named by SSH_AUTH_SOCK; without ssh-add it cannot be asked")
    try:
        ran = subprocess.run([program, "-l"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - a fixed call
    except (OSError, subprocess.SubprocessError):
        return Finding(False, "it does not answer", _ANEW)
    if ran.returncode == 0:
        return Finding(True, f"it holds {len(ran.stdout.splitlines())} of your keys")
    if ran.returncode == 1:
        return Finding(True, "it runs and holds no key", "if the server takes one: ssh-add")
    return Finding(False, "SSH_AUTH_SOCK names one that does not answer", _ANEW)


def disk_readiness() -> list[Finding]:
    """Say how much room there is for settings and catalogue, and where visits were brought to."""
    folder = ensured_home()
    found = [_room(shutil.disk_usage(folder).free, f"for settings and catalogue in {folder}", "DANMAX_SYNC_HOME")]
    try:
        places = {last_destination(remote) for remote in load_remotes().values()} - {None}
    except DanmaxSyncError:
        # The settings' own line says it.
        return found
    for place in sorted(place for place in places if place is not None):
        if place.is_dir():
            found.append(_room(shutil.disk_usage(place).free, f"for visits in {place}", "--to DIR"))
        else:
            found.append(Finding(False, f"{place}, where a visit went, is not there", "mount it, or get with --to DIR"))
    return found


def _room(free: int, what: str, elsewhere: str) -> Finding:
    sentence = f"{free / 1e9:,.1f} GB free {what}"
    if free > _ENOUGH_BYTES:
        return Finding(True, sentence)
    return Finding(False, sentence, f"make space, or name another folder: {elsewhere}")


def settings_readiness() -> Finding:
    """Say whether settings and remotes can be understood."""
    try:
        user_preferences()
        remotes = load_remotes()
    except DanmaxSyncError as problem:
        return Finding(False, problem.message, problem.hint)
    names = ", ".join(sorted(remotes)) or "none yet"
    hint = "" if remotes else "danmax-sync remote add NAME URI"
    how = "is understood" if settings_file().exists() else "is not there, so nothing is set"
    return Finding(True, f"{settings_file()} {how}; remotes: {names}", hint)


def library_readiness() -> Finding:
    """Say which versions work together here."""
    found, missing = [], []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(False, f"{', '.join(missing)} not installed", "pip install --upgrade danmax-sync")
    return Finding(True, ", ".join(found))
