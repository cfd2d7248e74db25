"""Files of a collection over HTTP: a bearer token of the collection's own, ranges, and the odd 404 in between."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from danmax_sync.testing.globus.auth import GlobusAuth
from danmax_sync.testing.globus.collections import Collection, NotAllowedError
from danmax_sync.testing.globus.faults import Fault

PREFIX = "/https/"


class NotServedError(Exception):
    """Why a file cannot be had: a status, and a page that real servers send with it."""

    def __init__(self, status: int, page: str) -> None:
        super().__init__(page)
        self.status, self.page = status, page


def open_file(
    path: str, token: str, *, collections: Mapping[str, Collection], auth: GlobusAuth, faults: Sequence[Fault]
) -> BinaryIO:
    """Open the file that ``/https/<collection>/<path>`` means.

    Raises
    ------
    NotServedError
        If the token, the consents, a fault or the disk are against it.
    """
    key, _, inside = path.removeprefix(PREFIX).partition("/")
    it = collections.get(key)
    if it is None or not it.https:
        raise NotServedError(404, "no such collection")
    grant = auth.grant_of(token)
    if grant is None or grant.server != it.id:
        raise NotServedError(401, "Unauthorized")
    if it.data_access_scope and not auth.has_consent(it.https_scope, it.data_access_scope):
        raise NotServedError(403, "the data_access consent is missing")
    status = next((each for each in (fault.downloading(f"/{inside}") for fault in faults) if each), None)
    if status is not None or not it.connected:
        raise NotServedError(status or 404, "the file could not be reached")
    try:
        local = it.local(f"/{inside}")
        if local.is_file():
            return local.open("rb")
    except (NotAllowedError, PermissionError):
        raise NotServedError(403, f"/{inside} may not be read") from None
    except OSError:
        pass
    raise NotServedError(404, f"/{inside} not found")


def asked_range(header: str, size: int) -> tuple[int, int]:
    """Return the first byte a Range header asks for, and the one after the last."""
    first, _, last = header.removeprefix("bytes=").partition("-")
    if not first:
        return 0, size
    return min(int(first), size), min(int(last) + 1, size) if last else size
