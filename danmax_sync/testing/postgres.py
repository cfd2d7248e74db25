"""A PostgreSQL server of one's own on loopback, for tests: made in a temporary folder, gone afterwards."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from danmax_sync.errors import CatalogueError

HOST = "127.0.0.1"
_USER = "danmax"
_INSTALLED = "/usr/lib/postgresql"
"""Where Debian keeps the server's programs, out of everybody's PATH."""
_START_S = 30.0
_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", f"listen_addresses={HOST}")


def find_program(name: str) -> str | None:
    """Return where a program of PostgreSQL's server is."""
    places = sorted(Path(_INSTALLED).glob("*/bin"), reverse=True)
    return shutil.which(name) or next((str(place / name) for place in places if (place / name).is_file()), None)


def available() -> bool:
    """Say whether a server can be started here, and psycopg is installed to talk to it."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return False
    return bool(find_program("initdb") and find_program("postgres"))


class Postgres:
    """Run a server while a ``with`` block lasts; every test may make databases in it.

    The server refuses to run as root: then the system's user ``postgres``, or ``nobody``, runs it.

    Examples
    --------
    >>> with Postgres() as server:
    ...     catalogue = Catalogue.open(server.url())
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="danmax-postgres-"))
        self._identity = _unprivileged()
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, as a catalogue is opened by it."""
        return f"postgresql://{_USER}@{HOST}:{self.port}/{database}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and delete its folder."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        data = self._folder / "data"
        if self._identity is not None:
            os.chown(self._folder, *self._identity)
        # Names sort there as people expect, which is not the order of their bytes.
        initdb = [find_program("initdb") or "initdb", "-D", str(data), "-U", _USER, "-A", "trust", "-E", "UTF8"]
        initdb += ["--locale-provider=icu", "--icu-locale=en-US", "--locale=C", "--no-sync"]
        made = subprocess.run(initdb, capture_output=True, text=True, check=False, **self._as_somebody())  # noqa: S603
        if made.returncode:
            raise CatalogueError(f"PostgreSQL's initdb failed: {made.stderr.strip()}")
        command = [find_program("postgres") or "postgres", "-D", str(data), "-p", str(self.port), "-k", ""]
        for option in _OPTIONS:
            command += ["-c", option]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as_somebody())  # noqa: S603
        self._await()

    def _await(self) -> None:
        import psycopg

        until = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError as problem:
                if self._process is None or self._process.poll() is not None or time.monotonic() > until:
                    said = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
                    raise CatalogueError(f"PostgreSQL does not start: {said.strip() or problem}") from problem
                time.sleep(0.05)
            else:
                return

    def _as_somebody(self) -> dict[str, Any]:
        """Return what lets a process run as whom the server accepts."""
        where: dict[str, Any] = {"cwd": self._folder}
        if self._identity is None:
            return where
        return where | {"user": self._identity[0], "group": self._identity[1], "extra_groups": []}


def _unprivileged() -> tuple[int, int] | None:
    """Return the user and group to run as; None for the present ones."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return found.pw_uid, found.pw_gid
    raise CatalogueError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
