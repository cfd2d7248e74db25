"""Where the tool keeps its own things, and the environment variables that move them."""

import contextlib
import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from danmax_sync.errors import UsageError

HOME_VARIABLE = "DANMAX_SYNC_HOME"
CATALOGUE_VARIABLE = "DANMAX_SYNC_CATALOGUE"
SSH_CONFIG_VARIABLE = "DANMAX_SYNC_SSH_CONFIG"
SSH_CARRIER_VARIABLE = "DANMAX_SYNC_SSH"
KNOWN_SETTINGS = {
    "get": ("to", "limit_rate"),
    "integrate": ("recipe",),
    "energy": ("channels", "parameters"),
    "temperature": ("devices",),
    "globus": ("client_id",),
}
"""All sections and names that settings can have."""
_TEMPLATE = """\
# Settings of danmax-sync, in TOML. A line that begins with # is switched off: take the # away, and it holds from the
# next command on. `danmax-sync settings show` tells what holds now, `danmax-sync settings edit` opens this file.

[get]
# Where a visit goes when --to is not given and it was never fetched before: {proposal}, {visit} and {remote} stand for
# what they say. Later a remote's last destination is remembered.
# to = "~/danmax/{proposal}/{visit}"
# The highest rate, in bytes a second, when --limit-rate is not given.
# limit_rate = "50M"

[integrate]
# The recipe for `integrate` and `get --integrate` when --recipe is not given.
# recipe = "~/danmax/recipe.toml"

[energy]
# Your own devices come before the beamline's; the next `index` reads with them.
# channels = ["my_mono_E"]         # keV, at each point
# parameters = ["my_mono_energy"]  # keV, in the snapshot

[temperature]
# devices = ["gas_blower_T"]       # K, at each point or in the snapshot

[globus]
# The UUID of a client of your own, for globus:// remotes; `danmax-sync doctor` says how to get one.
# client_id = "00000000-0000-0000-0000-000000000000"
"""


def home() -> Path:
    """Return the folder of settings, catalogue, caches and reports (it may not exist yet)."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return _expanded(named, HOME_VARIABLE).absolute()
    import platformdirs

    return Path(platformdirs.user_data_path("danmax-sync", appauthor=False))


def _expanded(named: str, variable: str) -> Path:
    """Return the path that a variable names, a ``~`` filled in."""
    try:
        return Path(named).expanduser()
    except RuntimeError:
        raise UsageError(
            f"{variable} is {named!r}, and there is no such user", hint=f"let {variable} name a folder from / on"
        ) from None


def ensured_home() -> Path:
    """Return that folder, made if needed, closed to other users, with settings to fill in.

    Raises
    ------
    UsageError
        If it cannot be made.
    """
    folder = home()
    if folder.is_dir() and not _is_empty(folder):
        return folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(
            f"the folder {folder} for settings and catalogue cannot be made: {problem.strerror or problem}",
            hint=f"make it writable, or name another in {HOME_VARIABLE}",
        ) from problem
    with contextlib.suppress(OSError):
        write_settings_template()
    return folder


def _is_empty(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False


def write_settings_template() -> bool:
    """Write the file of settings, everything in it switched off; one that is there stays. Say whether it is new."""
    try:
        with settings_file().open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE)
    except FileExistsError:
        return False
    return True


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
        If the file is not TOML, or names what is no setting: a name that is spelled wrong would do nothing, silently.
    """
    path = settings_file()
    try:
        # Editors of Windows may put a mark before the first letter.
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as problem:
        raise UsageError(
            f"the settings {path} cannot be read: {problem}", hint="mend them: danmax-sync settings edit"
        ) from problem
    for section, content in table.items():
        _check(path, section, KNOWN_SETTINGS, "section")
        if not isinstance(content, dict):
            raise UsageError(f"{path}: {section} is a section", hint=f"write [{section}], and below it NAME = VALUE")
        for name in content:
            _check(path, name, KNOWN_SETTINGS[section], f"setting of [{section}]")
    return table


def text_setting(section: str, name: str) -> str | None:
    """Return a setting that is a text; None where it is not set.

    Raises
    ------
    UsageError
        If it is no text.
    """
    found = read_settings().get(section, {}).get(name)
    if found is not None and not isinstance(found, str):
        raise UsageError(f"{settings_file()}: {name} in [{section}] is no text", hint=f'write {name} = "…"')
    return found or None


def check_text_settings() -> None:
    """Check the settings that are texts; lists of names are `user_preferences`' business.

    Raises
    ------
    UsageError
        If one is no text.
    """
    for section in ("get", "integrate", "globus"):
        for name in KNOWN_SETTINGS[section]:
            text_setting(section, name)


def _check(path: Path, name: str, known: "tuple[str, ...] | dict[str, tuple[str, ...]]", what: str) -> None:
    if name not in known:
        close = get_close_matches(name, known, n=1)
        meant = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
        raise UsageError(f"{path}: there is no {what} {name!r}{meant}", hint="mend it: danmax-sync settings edit")


def remotes_file() -> Path:
    """Return the file that holds the remotes."""
    return home() / "remotes.json"


def destinations_file() -> Path:
    """Return the file that remembers where each remote's visit was brought to last."""
    return home() / "destinations.json"


def known_hosts_file() -> Path:
    """Return our own file of accepted host keys, read beside the user's ``~/.ssh/known_hosts``."""
    return home() / "known_hosts"


def globus_tokens_file() -> Path:
    """Return the file of Globus tokens, for its owner's eyes alone."""
    return home() / "globus-tokens.json"


def ssh_config_file() -> Path:
    """Return the ssh_config in force."""
    named = os.environ.get(SSH_CONFIG_VARIABLE)
    return _expanded(named, SSH_CONFIG_VARIABLE) if named else Path.home() / ".ssh" / "config"
