"""JSON over HTTP, from one service and no other; every failure is a sentence and an action."""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from danmax_sync import __version__
from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, LoginError, SourceError
from danmax_sync.logbook.address import LogbookAddress
from danmax_sync.scanfile.text import clean_name

LARGEST_ANSWER = 32 << 20
TIMEOUT_S = 30.0
LONGEST_ANSWER_S = 120.0
"""A service that sends a byte now and then would be waited for without end."""
_PIECE = 1 << 16
PAUSES_S = (0.5, 2.0)
"""Before another try, where a service that has answered before does not."""
_NETWORK = "elogy answers in the facility's network alone: connect its VPN, then danmax-sync logbook sync"
_BROWSER = "open the logbook in a browser and copy its address: …/logbooks/NUMBER/"
_AGAIN = "what was read is kept; go on later: danmax-sync logbook sync"
_PHRASES = {int(each): each.phrase for each in HTTPStatus}
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Web:
    """Asks a service.

    Parameters
    ----------
    address : LogbookAddress
        Of one of its logbooks.
    """

    def __init__(self, address: LogbookAddress) -> None:
        self._address = address
        self._opener = _opener()
        self._has_answered = False

    def get(self, path: str) -> Mapping[str, Any] | None:
        """Return the object that is at a path; None where nothing is.

        Raises
        ------
        LoginError
            If the service lets nobody in.
        SourceError
            If the answer is not elogy's.
        ConnectionLostError
            If there is none.
        """
        for pause in (*PAUSES_S, None):
            try:
                return self._asked(path)
            except HTTPError as problem:
                with problem:
                    if problem.code == http.HTTPStatus.NOT_FOUND:
                        return None
                    if pause is None or problem.code < 500:
                        raise self._refused(problem) from problem
            except (OSError, http.client.HTTPException) as problem:
                # Who has never answered will not do so in two seconds.
                if pause is None or not self._has_answered:
                    raise self._silent(problem) from problem
            except ValueError as problem:
                raise self.strange(f"it leads to an address that is none: {clean_name(problem)[:100]}") from problem
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def strange(self, what: str) -> SourceError:
        """Return the error that says that this is not elogy."""
        return SourceError(
            f"{self._address.base} does not answer as elogy does: {what}",
            hint=_BROWSER,
        )

    def _asked(self, path: str) -> Mapping[str, Any]:
        headers = {"Accept": "application/json", "User-Agent": f"danmax-sync/{__version__}"}
        # The address was checked: nothing but http and https comes here.
        request = Request(f"{self._address.base}/{path}", headers=headers)  # noqa: S310
        with self._opener.open(request, timeout=TIMEOUT_S) as answer:
            self._has_answered = True
            content = _content(answer)
            kind, missing = answer.headers.get_content_type(), answer.length
        if len(content) > LARGEST_ANSWER:
            raise self.strange(f"an answer is larger than {LARGEST_ANSWER >> 20} MiB")
        if missing:
            # Reading up to a limit does not complain of an end that comes too early.
            raise http.client.IncompleteRead(content, missing)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            # For paths that it does not know elogy gives its start page, with a good status.
            raise self.strange(f"it sends {kind} where JSON is expected") from None
        if not isinstance(document, dict):
            raise self.strange("it sends no JSON object")
        return document

    def _refused(self, problem: HTTPError) -> DanmaxSyncError:
        # Not in the service's own words: they may be of any length, and hold anything.
        said = f"{self._address.base} answers {problem.code} {_PHRASES.get(problem.code, '')}".rstrip()
        if problem.code in {401, 403, 407}:
            return LoginError(f"{said}: it wants a login, and elogy knows none", hint=_NETWORK)
        if problem.code >= 500 or problem.code == 429:
            return ConnectionLostError(said, hint=_AGAIN)
        if problem.code in {301, 302, 303, 307, 308}:
            where = urlsplit(problem.headers.get("Location") or "").netloc
            if not where or where == self._address.host:
                return SourceError(f"{said}: it leads in circles", hint=_BROWSER)
            return SourceError(f"{said}: it leads to {where[:100]!r}, where a login page may be", hint=_NETWORK)
        return SourceError(said, hint=_BROWSER)

    def _silent(self, problem: Exception) -> DanmaxSyncError:
        cause = problem.reason if isinstance(problem, URLError) else problem
        host = self._address.host
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SourceError(
                f"the certificate of {host} is not one this machine trusts: {cause.verify_message}",
                hint="let SSL_CERT_FILE name a file with your institute's certificates, then try again",
            )
        said = "no answer in time" if isinstance(cause, TimeoutError) else str(getattr(cause, "strerror", "") or cause)
        hint = _AGAIN if self._has_answered else _NETWORK
        return ConnectionLostError(f"{host} does not answer: {said or type(cause).__name__}", hint=hint)


class _SameHost(HTTPRedirectHandler):
    """Follows a redirect within the service, as to a slash at the end or to https, and no other."""

    def http_error_302(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any) -> Any:
        """Look where a redirect leads."""
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError:
            # An address that is none; the base class leaves the line open then.
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(  # noqa: PLR0917 - the base class has it so
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.hostname != old.hostname or _door(new) not in {_door(old), ("https", 443)}:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _door(url: SplitResult) -> tuple[str, int | None]:
    """Return scheme and port: behind another port of the same machine is another service."""
    return url.scheme, url.port or _DEFAULT_PORTS.get(url.scheme)


def _content(answer: http.client.HTTPResponse) -> bytes:
    """Read an answer, a byte more than is allowed at most.

    Raises
    ------
    TimeoutError
        If it does not end in time.
    """
    until = time.monotonic() + LONGEST_ANSWER_S
    content = bytearray()
    while len(content) <= LARGEST_ANSWER and (piece := answer.read1(_PIECE)):
        content += piece
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(content)


def _opener() -> OpenerDirector:
    return build_opener(_SameHost())
