"""What some tests need of the machine: skipped with the reason where it is missing, failed where all is required."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRE_ALL = "DANMAX_SYNC_REQUIRE_ALL"
REAL_DATA = "DANMAX_SYNC_REALDATA"


def require_sshd() -> None:
    """Go on only where OpenSSH's server and client are installed."""
    from danmax_sync.testing import opensshd

    if not opensshd.available():
        _missing("OpenSSH's sshd, ssh and ssh-keygen are not all installed")


def require_sftp_server() -> str:
    """Return OpenSSH's sftp-server, which speaks SFTP on its standard input; go on only where it is installed."""
    folders = ("/usr/lib/openssh", "/usr/lib/ssh", "/usr/libexec/openssh", "/usr/libexec", "/usr/lib/misc")
    found = shutil.which("sftp-server", path=os.pathsep.join(folders))
    if found is None:
        _missing("OpenSSH's sftp-server is not installed")
    return found


def require_postgres() -> None:
    """Go on only where PostgreSQL's server and psycopg are installed."""
    from danmax_sync.testing import postgres

    if not postgres.available():
        _missing("PostgreSQL's server and psycopg are not both installed")


def require_program(name: str) -> str:
    """Return where a program is; go on only where it is installed."""
    found = shutil.which(name)
    if found is None:
        _missing(f"{name} is not installed")
    return found


def require_browser() -> str:
    """Return a Chromium, which can show a page without a screen; go on only where one is installed."""
    names = (
        "chromium-headless-shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "chrome",
    )
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        _missing("no Chromium or Chrome is installed")
    return found


def require_real_data() -> Path:
    """Return the folder of files recorded at the beamline, where there is one."""
    named = os.environ.get(REAL_DATA)
    if not named:
        _missing(f"{REAL_DATA} names no folder of recorded files")
    folder = Path(named)
    if not folder.is_dir():
        _missing(f"{REAL_DATA} names {named}, which is no folder")
    return folder


def _missing(what: str) -> NoReturn:
    if os.environ.get(REQUIRE_ALL) == "1":
        pytest.fail(f"{what}, and {REQUIRE_ALL}=1 requires it")
    pytest.skip(what)
