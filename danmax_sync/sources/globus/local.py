"""Globus Connect Personal on this machine: which collection it is, and where it may write."""

import os
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.errors import UsageError

_DOWNLOAD = "https://www.globus.org/globus-connect-personal"


@dataclass(frozen=True, slots=True)
class LocalCollection:
    """The collection that this machine is.

    Attributes
    ----------
    paths_file : Path
        Where it keeps what may be read and written; on some systems it does not exist.
    """

    id: str
    paths_file: Path

    def check_writable(self, folder: Path) -> None:
        """Check that it may write to a folder.

        Raises
        ------
        UsageError
            If not; the hint has the line to add.
        """
        rules = self._rules()
        if rules is None:
            return
        # As the disk has them: a home or a data folder is often a link, and Globus follows it before it judges.
        target = folder.resolve()
        fitting = [(path, writable) for path, writable in rules if target.is_relative_to(path)]
        # The longest path that fits decides, of two the later one.
        if not max(reversed(fitting), key=lambda rule: len(rule[0].parts), default=(target, False))[1]:
            raise UsageError(
                f"Globus Connect Personal may not write to {folder}",
                hint=f"add the line '{target.as_posix()}/,0,1' to {self.paths_file} and start it again",
            )

    def _rules(self) -> list[tuple[Path, bool]] | None:
        """Return paths and whether they may be written; None where nothing is known."""
        try:
            lines = self.paths_file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return None
        rules = []
        for line in lines:
            path, _, flags = line.strip().rpartition(",")
            path, _, _sharing = path.rpartition(",")
            if path:
                rules.append((Path(path).expanduser().resolve(), flags.strip() == "1"))
        return rules


def local_collection() -> LocalCollection | None:
    """Return this machine's own collection; None where Globus Connect Personal is not set up."""
    from globus_sdk import GlobusSDKUsageError, LocalGlobusConnectPersonal

    here = LocalGlobusConnectPersonal()
    try:
        key = here.endpoint_id
        folder = Path(here.config_dir)
    except (OSError, GlobusSDKUsageError, ValueError):
        return None
    return LocalCollection(key.lower(), folder / "lta" / "config-paths") if key else None


def required_local_collection() -> LocalCollection:
    """Return this machine's own collection.

    Raises
    ------
    UsageError
        If there is none; the hint says how to get one.
    """
    found = local_collection()
    if found is None:
        raise UsageError(
            "Globus Connect Personal is not set up on this machine, so Globus cannot bring files here",
            hint=f"install it from {_DOWNLOAD}, start it, and run again; or name another collection",
        )
    return found


def collection_path(local: Path) -> str:
    r"""Return how Globus Connect Personal calls a path of this machine: ``C:\x`` is ``/C/x``."""
    path = local.absolute()
    if os.name != "nt":
        return path.as_posix()
    return f"/{path.drive.rstrip(':')}/{'/'.join(path.parts[1:])}"
