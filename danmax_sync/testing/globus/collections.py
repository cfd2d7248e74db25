"""Collections: folders under an id, with what Globus says about them."""

import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path

SERVER = "GCSv5_mapped_collection"
GUEST = "GCSv5_guest_collection"
PERSONAL = "GCP_mapped_collection"


class NotAllowedError(Exception):
    """A path outside what the collection shows."""


@dataclass
class Collection:
    """A folder as a collection; its fields can be changed while the service runs.

    Attributes
    ----------
    folder : Path
        What ``/`` of the collection is.
    name : str
        As people see it.
    kind : str
        Its ``entity_type``: `SERVER`, `GUEST` or `PERSONAL`.
    high_assurance : bool
        Such collections know no ``data_access``.
    https : bool
        Whether files can be read over HTTP.
    connected : bool
        Whether its server, or the laptop, is there.
    session_domain : str
        When given, a login of this domain is wanted first.
    writable : tuple of Path
        When given, only below these can be written.
    """

    folder: Path
    name: str
    kind: str = SERVER
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    high_assurance: bool = False
    https: bool = False
    connected: bool = True
    session_domain: str = ""
    writable: tuple[Path, ...] = ()

    @classmethod
    def personal(cls, name: str = "My laptop", *, writable: tuple[Path, ...] = ()) -> "Collection":
        """Return this machine as Globus Connect Personal shows it: paths are the machine's own."""
        return cls(Path(Path.cwd().anchor), name, kind=PERSONAL, writable=writable)

    @property
    def data_access_scope(self) -> str:
        """The consent without which Transfer may not touch its files; empty where there is none."""
        needed = self.kind == SERVER and not self.high_assurance
        return f"https://auth.globus.org/scopes/{self.id}/data_access" if needed else ""

    @property
    def https_scope(self) -> str:
        """The scope of tokens for reading over HTTP."""
        return f"https://auth.globus.org/scopes/{self.id}/https"

    def local(self, path: str, *, writing: bool = False) -> Path:
        """Return where a path of the collection is on this disk.

        Raises
        ------
        NotAllowedError
            If it is not absolute, leaves the collection, or may not be written.
        """
        if path.startswith("/~/"):
            local = Path.home() / path.removeprefix("/~/")
        elif path.startswith("/"):
            local = self._rooted(path)
        else:
            raise NotAllowedError(path)
        resolved, root = local.resolve(), self.folder.resolve()
        if not resolved.is_relative_to(root):
            raise NotAllowedError(path)
        if writing and self.writable and not any(resolved.is_relative_to(each.resolve()) for each in self.writable):
            raise NotAllowedError(path)
        return local

    def _rooted(self, path: str) -> Path:
        if os.name == "nt" and self.kind == PERSONAL:
            # Globus Connect Personal writes C:\x as /C/x.
            drive, _, rest = path.removeprefix("/").partition("/")
            return Path(f"{drive}:\\", rest)
        return self.folder / path.lstrip("/")
