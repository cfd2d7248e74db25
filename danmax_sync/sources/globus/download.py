"""Read files over HTTPS, where a collection offers that: no task, no waiting in Globus's queue.

A 404 is not always the truth: real collections give some in passing. Whoever knows that the file is there asks again.
"""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from danmax_sync.errors import ConnectionLostError, SourceError
from danmax_sync.sources.globus.complaints import LoginWantedError, MissingError, explained
from danmax_sync.sources.globus.facts import CollectionFacts

if TYPE_CHECKING:
    import requests

    from danmax_sync.sources.globus.api import OneAtATime

TRIES = 5
FIRST_PAUSE_S = 0.2
_BLOCK = 1 << 18
_TIMEOUT_S = 60.0
_CONNECTIONS = 8


class BrokenOffError(ConnectionLostError):
    """The file ended before its announced end, or the line broke."""


class Downloads:
    """Files of one collection, over HTTPS; may be used by several threads.

    Parameters
    ----------
    it : CollectionFacts
        With an ``https_server``.
    authorizer : OneAtATime
        Gives the collection's own token.
    remote : str
        The remote's name, for hints.
    """

    def __init__(self, it: CollectionFacts, authorizer: "OneAtATime", remote: str) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        self._it, self._authorizer, self._remote = it, authorizer, remote
        self._session = requests.Session()
        # Neither proxies' credentials nor a netrc may take the place of our token.
        self._session.trust_env = False
        for prefix in ("https://", "http://"):
            self._session.mount(prefix, HTTPAdapter(pool_maxsize=_CONNECTIONS))

    def blocks(self, path: str, *, is_there: Callable[[], bool]) -> Iterator[bytes]:
        """Yield a file's content.

        Parameters
        ----------
        path : str
            Absolute in the collection.
        is_there : callable
            Asked when the server says it is not.

        Raises
        ------
        MissingError
            If it really is not there.
        BrokenOffError
            If it ends early.
        SourceError, LoginWantedError, ConnectionLostError
            If it may not be read, or the server does not answer.
        """
        import requests

        try:
            with self._answered(path, is_there) as response:
                yield from response.iter_content(_BLOCK)
        except requests.RequestException as problem:
            raise BrokenOffError(
                f"the connection to {self._it.name} broke at {path}; what is done is kept",
                hint="run the same command again to go on",
            ) from problem

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def _answered(self, path: str, is_there: Callable[[], bool]) -> "requests.Response":
        """Ask until the file comes, or there is nothing to hope for."""
        renewed = False
        said = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(FIRST_PAUSE_S * 2**attempt)
            response = self._session.get(
                f"{self._it.https_server}{quote(path)}",
                headers={"Authorization": self._header(), "Accept-Encoding": "identity"},
                stream=True,
                timeout=_TIMEOUT_S,
                allow_redirects=False,  # a redirect means a login page, and must not get the token
            )
            if response.status_code == 200:
                return response
            said = _said(response)
            status = response.status_code
            if status in {301, 302, 303, 307, 308, 403}:
                raise self._refused(path, status, said)
            if status == 401 and renewed:
                break
            if status == 401:
                renewed = self._authorizer.handle_missing_authorization()
            elif status == 404 and not is_there():
                raise MissingError(f"{self._it.name}:{path} is not there")
        if renewed:
            raise LoginWantedError(
                "the login at Globus has run out or was revoked", hint=f"danmax-sync login {self._remote}"
            )
        raise ConnectionLostError(
            f"{self._it.name} does not give {path} ({said}), though it is there; what is done is kept",
            hint="run the same command again to go on",
        )

    def _header(self) -> str:
        from globus_sdk import GlobusError

        try:
            return self._authorizer.get_authorization_header() or ""
        except GlobusError as problem:
            raise explained(problem, where="the login", collection=self._it.name, remote=self._remote) from problem

    def _refused(self, path: str, status: int, said: str) -> SourceError | LoginWantedError:
        if status == 403 and "consent" not in said.lower():
            return SourceError(f"{self._it.name}:{path} may not be read: {said}")
        return LoginWantedError(
            f"{self._it.name} wants you to allow danmax-sync to use your files there, once",
            hint=f"danmax-sync login {self._remote}",
        )


def _said(response: "requests.Response") -> str:
    """Return the first words of a page that is no file, and let the connection be used again."""
    from danmax_sync.sources.ssh.prompts import printable

    with response:
        text = response.raw.read(2000, decode_content=True) or b""
    words = printable(text.decode("utf-8", "replace")).split()
    return f"{response.status_code}: {' '.join(words)[:120]}"
