"""Who logs in at Globus: the user through a client of their own, or a client by itself."""

import os
import re
from dataclasses import dataclass, field

from danmax_sync.errors import LoginError
from danmax_sync.settings import read_settings, settings_file

CLIENT_ID_VARIABLE = "DANMAX_SYNC_GLOBUS_CLIENT_ID"
CLIENT_SECRET_VARIABLE = "DANMAX_SYNC_GLOBUS_CLIENT_SECRET"  # noqa: S105 - a name
UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
HOW_TO_GET_ONE = (
    "open https://app.globus.org/settings/developers\n"
    "    choose 'Register a thick client or script that will be installed and run by users on their devices'\n"
    '    write its client UUID into {settings}: [globus] and, on the next line, client_id = "…"'
)


@dataclass(frozen=True, slots=True)
class Account:
    """What identifies us to Globus.

    Attributes
    ----------
    client_id : str
        Of a registered client.
    secret : str
        Empty where a user logs in; else the client logs in as itself.
    """

    client_id: str
    secret: str = field(default="", repr=False)

    @property
    def is_unattended(self) -> bool:
        """Whether nobody has to be asked."""
        return bool(self.secret)


def account() -> Account:
    """Return the client that the environment or the settings name.

    Raises
    ------
    LoginError
        If none is named, or what is named is no UUID; the hint says how to get one.
    """
    how = HOW_TO_GET_ONE.format(settings=settings_file())
    section = read_settings().get("globus", {})
    named = os.environ.get(CLIENT_ID_VARIABLE) or (section.get("client_id", "") if isinstance(section, dict) else "")
    if not named:
        raise LoginError("Globus needs a client id of your own, and none is set", hint=how)
    if not isinstance(named, str) or not UUID.fullmatch(named.strip()):
        raise LoginError(f"the Globus client id {named!r} is not a UUID", hint=how)
    return Account(named.strip().lower(), os.environ.get(CLIENT_SECRET_VARIABLE, ""))
