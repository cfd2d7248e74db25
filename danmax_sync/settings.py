"""Where the tool keeps its own things, and the environment variables that move them."""

import os
import tomllib
from pathlib import Path
from typing import Any

from danmax_sync.errors import UsageError

HOME_VARIABLE = "DANMAX_SYNC_HOME"
CATALOGUE_VARIABLE = "DANMAX_SYNC_CATALOGUE"
SSH_CONFIG_VARIABLE = "DANMAX_SYNC_SSH_CONFIG"
SSH_CARRIER_VARIABLE = "DANMAX_SYNC_SSH"


def home() -> Path:
    """Return the folder of settings, catalogue, caches and reports (it may not exist yet)."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_path("danmax-sync", appauthor=False))


def ensured_home() -> Path:
    """Return that folder, made if needed, closed to other users."""
    folder = home()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def catalogue_location() -> str:
    """Return the path or URL of the catalogue."""
    return os.environ.get(CATALOGUE_VARIABLE) or str(home() / "catalogue.db")


def settings_file() -> Path:
    """Return the file of the user's settings, TOML; it need not exist."""
    return home() / "settings.toml"


def read_settings() -> dict[str, Any]:
    """Return the user's settings, empty where there are none.

    Raises
    ------
    UsageError
        If the file is not TOML.
    """
    path = settings_file()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise UsageError(f"the settings {path} cannot be read: {problem}", hint=f"mend or move {path}") from problem


def remotes_file() -> Path:
    """Return the file that holds the remotes."""
    return home() / "remotes.json"


def known_hosts_file() -> Path:
    """Return our own file of accepted host keys, read beside the user's ``~/.ssh/known_hosts``."""
    return home() / "known_hosts"


def globus_tokens_file() -> Path:
    """Return the file of Globus tokens, for its owner's eyes alone."""
    return home() / "globus-tokens.json"


def ssh_config_file() -> Path:
    """Return the ssh_config in force."""
    named = os.environ.get(SSH_CONFIG_VARIABLE)
    return Path(named).expanduser() if named else Path.home() / ".ssh" / "config"
