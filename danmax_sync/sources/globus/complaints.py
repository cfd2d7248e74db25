"""What Globus has against a request, in a sentence and one thing to do."""

import json
import re
from typing import TYPE_CHECKING

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, LoginError, SourceError
from danmax_sync.sources.ssh.prompts import printable

if TYPE_CHECKING:
    from globus_sdk import GlobusAPIError, GlobusError
    from globus_sdk.gare import GlobusAuthorizationParameters

_AGAIN = "run the same command again to go on"
_OF_PATHS = ("NotDirectory", "NotFound", "PermissionDenied", "LoginFailed", "SizeLimit", "Exists")
"""Codes of errors that an endpoint reports, and that mean a path all the same."""
_LOGIN_RESULT = re.compile(r"GridFTP-JSON-Result: (\{.*\})")


class MissingError(SourceError):
    """Globus says that there is no such file or folder."""


class NotAFolderError(SourceError):
    """A file was listed."""


class RefusedError(SourceError):
    """Globus takes a request for a mistake, and has done nothing."""


class LoginWantedError(LoginError):
    """A login, or another one, would help; `parameters` say what it has to bring."""

    def __init__(
        self, message: str, *, hint: str = "", parameters: "GlobusAuthorizationParameters | None" = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.parameters = parameters


def explained(
    problem: "GlobusError", *, where: str, collection: str, remote: str, writing: bool = False
) -> DanmaxSyncError:
    """Return the error a user can act on.

    Parameters
    ----------
    problem : GlobusError
        What the SDK raised.
    where : str
        What was asked for, for the sentence.
    collection : str
        Its name.
    remote : str
        The remote's name, for the hint.
    writing : bool
        Whether something was to be made or renamed there.
    """
    from globus_sdk import AuthAPIError, GlobusAPIError
    from globus_sdk.exc import NetworkError
    from globus_sdk.token_storage import TokenValidationError

    login = f"danmax-sync login {remote}"
    if isinstance(problem, TokenValidationError):
        return LoginWantedError("you are not logged in at Globus, or not for this", hint=login)
    if isinstance(problem, AuthAPIError):
        return _at_auth(problem, login)
    if isinstance(problem, GlobusAPIError):
        return _wanted(problem, collection, login) or _answered(problem, where, collection, login, writing=writing)
    if isinstance(problem, NetworkError):
        return ConnectionLostError(
            f"Globus cannot be reached: {_short(str(problem))}; what is done is kept",
            hint=f"check the network of this machine, then {_AGAIN}",
        )
    return ConnectionLostError(f"Globus: {_short(str(problem))}", hint=_AGAIN)


def _at_auth(problem: "GlobusAPIError", login: str) -> DanmaxSyncError:
    if problem.http_status >= 500 or problem.http_status == 429:
        return ConnectionLostError("Globus does not answer logins right now; what is done is kept", hint=_AGAIN)
    return LoginWantedError("the login at Globus has run out or was revoked", hint=login)


def _wanted(problem: "GlobusAPIError", collection: str, login: str) -> DanmaxSyncError | None:
    """Return what a further login would mend: a consent, or a session with certain properties."""
    from globus_sdk.gare import GlobusAuthorizationParameters, to_gare

    if problem.info.consent_required:
        scopes = problem.info.consent_required.required_scopes
        needed = GlobusAuthorizationParameters(required_scopes=scopes)
        sentence = f"{collection} wants you to allow danmax-sync to use your files there, once"
        return LoginWantedError(sentence, hint=login, parameters=needed)
    gare = to_gare(problem)
    parameters = gare.authorization_parameters if gare else _from_login_result(problem)
    if parameters is None:
        return None
    domains = parameters.session_required_single_domain or []
    who = f"an account of {' or '.join(map(printable, domains))}" if domains else "a fresh or another account"
    mfa = ", with a second factor" if parameters.session_required_mfa else ""
    said = f" ({_short(parameters.session_message)})" if parameters.session_message else ""
    return LoginWantedError(f"{collection} wants a login with {who}{mfa}{said}", hint=login, parameters=parameters)


def _from_login_result(problem: "GlobusAPIError") -> "GlobusAuthorizationParameters | None":
    """Find what a server behind Globus wants of the session: it stands as JSON inside the message."""
    from globus_sdk.gare import GlobusAuthorizationParameters

    found = _LOGIN_RESULT.search(str(problem.message or ""))
    if not found:
        return None
    try:
        wanted = json.JSONDecoder().raw_decode(found.group(1))[0].get("authorization_parameters", {})
        domains = [str(domain) for domain in wanted.get("session_required_single_domain", [])]
    except (ValueError, AttributeError, TypeError):
        return None
    message = wanted.get("session_message")
    return GlobusAuthorizationParameters(
        session_required_single_domain=domains or None, session_message=str(message) if message else None
    )


def _answered(problem: "GlobusAPIError", where: str, collection: str, login: str, *, writing: bool) -> DanmaxSyncError:
    """Return what one answer of Transfer means."""
    code, status = problem.code or "", problem.http_status
    if status == 401:
        return LoginWantedError("the login at Globus has run out or was revoked", hint=login)
    return (
        _about_a_path(problem, where, writing=writing)
        if status < 500 or code.endswith(_OF_PATHS)
        else _about_the_service(problem, where, collection)
    )


def _about_a_path(problem: "GlobusAPIError", where: str, *, writing: bool) -> DanmaxSyncError:
    code, status = problem.code or "", problem.http_status
    if code == "EndpointNotFound":
        return SourceError(
            f"Globus knows no collection {where}", hint="look its UUID up at https://app.globus.org/collections"
        )
    if code.endswith("NotDirectory"):
        return NotAFolderError(f"{where} is not a folder")
    if status == 404 or code.endswith("NotFound"):
        return MissingError(f"{where} is not there")
    if status == 403 or "PermissionDenied" in code or code.endswith("LoginFailed"):
        return SourceError(
            f"{where} may not be {'written to' if writing else 'read'}: {_short(problem.message)}",
            hint="ask whoever runs the collection, or log in with another account",
        )
    if code.endswith("SizeLimit"):
        return SourceError(f"{where} holds more entries than Globus lists (100 000)", hint="name a folder below it")
    if status == 429:
        return ConnectionLostError("Globus gets too many requests of yours right now", hint="wait a minute, run again")
    kind = RefusedError if status == 400 else SourceError
    return kind(f"Globus refuses {where}: {code or status}, {_short(problem.message)}")


def _about_the_service(problem: "GlobusAPIError", where: str, collection: str) -> DanmaxSyncError:
    code = problem.code or str(problem.http_status)
    if "GCDisconnected" in code or "ConnectFailed" in code:
        return ConnectionLostError(
            f"{collection} is not connected to Globus right now; what is done is kept",
            hint="on a laptop: start Globus Connect Personal there; else ask whoever runs it; then run again",
        )
    return ConnectionLostError(
        f"Globus has trouble with {where}: {code}, {_short(problem.message)}; what is done is kept",
        hint=f"{_AGAIN}; https://status.globus.org says more",
    )


def _short(text: str | None) -> str:
    """Return the first line of what a server says, harmless and not too long."""
    lines = printable(text or "").splitlines()
    return (lines[0] if lines else "it gives no reason")[:200]
