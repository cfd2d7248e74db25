"""Tokens in one file of our own folder, for nobody else to read.

The SDK's own storage changes the umask of the whole process while it writes, and a kill meanwhile leaves half a file.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from globus_sdk.token_storage import TokenStorage, TokenStorageData

from danmax_sync.errors import LoginError
from danmax_sync.settings import ensured_home, globus_tokens_file


class TokenFile(TokenStorage):
    """The tokens of one client.

    Parameters
    ----------
    client_id : str
        Another client's tokens stay apart.

    Attributes
    ----------
    replaced : list of str
        Refresh tokens that others took the place of, so that they can be revoked.
    """

    def __init__(self, client_id: str) -> None:
        super().__init__(namespace=client_id)
        self.replaced: list[str] = []

    def store_token_data_by_resource_server(
        self, token_data_by_resource_server: Mapping[str, TokenStorageData]
    ) -> None:
        """Keep some tokens beside those that are there."""
        everything = _load()
        mine = everything.setdefault(self.namespace, {})
        for server, data in token_data_by_resource_server.items():
            old = (mine.get(server) or {}).get("refresh_token")
            if old and old != data.refresh_token:
                self.replaced.append(old)
        mine.update({server: data.to_dict() for server, data in token_data_by_resource_server.items()})
        _save(everything)

    def get_token_data_by_resource_server(self) -> dict[str, TokenStorageData]:
        """Return all tokens of this client."""
        try:
            mine = _load().get(self.namespace, {})
            return {server: TokenStorageData.from_dict(data) for server, data in mine.items()}
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise _damaged(problem) from problem

    def remove_token_data(self, resource_server: str) -> bool:
        """Forget a token; False where there was none."""
        everything = _load()
        mine = everything.get(self.namespace, {})
        if mine.pop(resource_server, None) is None:
            return False
        _save({client: tokens for client, tokens in everything.items() if tokens})
        return True


def _load() -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(globus_tokens_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise _damaged(problem) from problem
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise _damaged("it holds something else")
    return found


def _save(everything: dict[str, dict[str, Any]]) -> None:
    path = ensured_home() / globus_tokens_file().name
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if not everything:
            path.unlink(missing_ok=True)
            return
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(everything, file, indent=2)
        part.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            part.unlink()
        raise LoginError(
            f"the Globus tokens cannot be kept in {path}: {problem.strerror}",
            hint="make space there, or set DANMAX_SYNC_HOME to a folder that can be written to; then log in again",
        ) from problem


def _damaged(problem: object) -> LoginError:
    path: Path = globus_tokens_file()
    return LoginError(f"the Globus tokens in {path} cannot be read: {problem}", hint="delete it and log in again")
