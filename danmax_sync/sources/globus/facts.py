"""What Globus says about a collection, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from danmax_sync.sources.ssh.prompts import printable

if TYPE_CHECKING:
    from globus_sdk import Scope

TRANSFER_SERVER = "transfer.api.globus.org"
_MAPPED_ON_A_SERVER = "GCSv5_mapped_collection"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """A collection.

    Attributes
    ----------
    kind : str
        Its ``entity_type``.
    https_server : str
        Where its files can be read; empty where it offers none.
    connected : bool
        Whether a personal one is running, as far as Globus knows.
    """

    id: str
    name: str
    kind: str
    high_assurance: bool
    https_server: str
    connected: bool

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "CollectionFacts":
        """Read its document; a name that could repaint the terminal is made harmless."""
        name = document.get("display_name") or document.get("canonical_name") or document.get("id")
        return cls(
            str(document.get("id")),
            printable(str(name)).replace("\n", " ")[:80],
            str(document.get("entity_type")),
            bool(document.get("high_assurance")),
            _safe_server(document.get("https_server")),
            document.get("gcp_connected") is not False,
        )

    @property
    def has_data_access(self) -> bool:
        """Whether a consent of its own is wanted: only mapped collections of servers without high assurance know it."""
        return self.kind == _MAPPED_ON_A_SERVER and not self.high_assurance

    @property
    def is_personal(self) -> bool:
        """Whether it is somebody's laptop."""
        return self.kind.startswith("GCP_")

    def scopes(self) -> "dict[str, Scope]":
        """Return what is to be asked for at a login, by resource server."""
        from globus_sdk.scopes import GCSCollectionScopes, TransferScopes

        own = GCSCollectionScopes(self.id)
        access = [own.data_access.with_optional(True)] if self.has_data_access else []
        wanted = {TRANSFER_SERVER: TransferScopes.all.with_dependencies(access)}
        if self.https_server:
            wanted[self.id] = own.https.with_dependencies(access)
        return wanted


def _safe_server(url: object) -> str:
    """Return where files can be read with a token: never in the clear, but for a server on this machine."""
    if not isinstance(url, str):
        return ""
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return url.rstrip("/") if safe and parts.hostname else ""
