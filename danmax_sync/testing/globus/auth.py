"""Enough of Globus Auth: consents, codes, tokens that expire, and identity tokens the SDK can check."""

import base64
import hashlib
import json
import secrets
import time
import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from danmax_sync.testing.globus.collections import Collection

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from globus_sdk import Scope

TRANSFER = "transfer.api.globus.org"
TRANSFER_ALL = "urn:globus:auth:scope:transfer.api.globus.org:all"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
CLIENT_SECRET = "simulated-secret"  # noqa: S105 - of a simulation
_LIFETIME_S = 172_800


class RefusedError(Exception):
    """Auth says no; the message is its error code."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is good for."""

    client: str
    server: str
    scopes: tuple[str, ...]
    expires: float


@dataclass
class _Code:
    client: str
    scopes: "list[Scope]"
    challenge: str
    offline: bool


@dataclass
class GlobusAuth:
    """Issues tokens to the one user there is.

    Attributes
    ----------
    collections : dict
        By id, so that scopes nobody knows are refused.
    identity : str
    domain : str
        Of the login; a session that wants another is to be begun anew.
    consents : dict
        By path of scopes, what the user has agreed to, with a number.
    """

    collections: dict[str, Collection]
    url: str = ""
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    domain: str = ""
    tokens: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    consents: dict[tuple[str, ...], int] = field(default_factory=dict)
    logins: int = 0
    _codes: dict[str, _Code] = field(default_factory=dict)

    def agree(self, url: str) -> str:
        """Be the user in the browser: open the link, agree to everything, and return the code.

        Raises
        ------
        RefusedError
            If a scope is asked for that does not exist.
        """
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        scopes = self._known(query["scope"])
        for scope in scopes:
            self._consent(scope, ())
        self.domain = query.get("session_required_single_domain", self.domain)
        self.logins += 1
        code = secrets.token_urlsafe(16)
        offline = query.get("access_type") == "offline"
        self._codes[code] = _Code(query["client_id"], scopes, query.get("code_challenge", ""), offline)
        return code

    def token(self, *scopes: str, server: str = TRANSFER, lifetime: float = _LIFETIME_S) -> str:
        """Issue an access token without any login."""
        return self._issue(Grant(CLIENT_ID, server, scopes or (TRANSFER_ALL,), time.time() + lifetime))

    def grant_of(self, token: str) -> Grant | None:
        """Return what a token is good for; None where it is unknown or has expired."""
        grant = self.tokens.get(token)
        return grant if grant and grant.expires > time.time() else None

    def expire(self) -> None:
        """Let every access token expire now."""
        self.tokens.clear()

    def revoke_everything(self) -> None:
        """Let refresh tokens die too, as after months without use."""
        self.tokens.clear()
        self.refresh_tokens.clear()

    def has_consent(self, *path: str) -> bool:
        """Say whether the user agreed to a scope, below those before it."""
        return path in self.consents

    def exchange(self, form: dict[str, Any]) -> dict[str, Any]:
        """Answer a request for tokens.

        Raises
        ------
        RefusedError
            If nothing entitles to any.
        """
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._for_code(form)
        if kind == "refresh_token":
            grant = self.refresh_tokens.get(form.get("refresh_token", ""))
            if grant is None:
                raise RefusedError("invalid_grant")
            return self._document(grant, form["refresh_token"])
        if kind == "client_credentials":
            scopes = self._known(form.get("scope", ""))
            for scope in scopes:
                self._consent(scope, ())
            return self._documents(form.get("client_id", CLIENT_ID), scopes, offline=False)
        raise RefusedError("unsupported_grant_type")

    def revoke(self, form: dict[str, Any]) -> dict[str, Any]:
        """Forget a token."""
        self.tokens.pop(form.get("token", ""), None)
        self.refresh_tokens.pop(form.get("token", ""), None)
        return {"active": False}

    def consent_documents(self) -> list[dict[str, Any]]:
        """Describe what the user has agreed to."""
        when = "2026-01-01T00:00:00.000000+00:00"
        return [
            {
                "created": when,
                "id": number,
                "status": "approved",
                "updated": when,
                "allows_refresh": True,
                "dependency_path": [self.consents[path[: depth + 1]] for depth in range(len(path))],
                "scope_name": path[-1],
                "atomically_revocable": len(path) > 1,
                "effective_identity": self.identity,
                "auto_approved": False,
                "last_used": when,
                "scope": str(uuid.uuid5(uuid.NAMESPACE_URL, path[-1])),
                "client": CLIENT_ID if len(path) == 1 else str(uuid.uuid5(uuid.NAMESPACE_URL, path[-2])),
            }
            for path, number in self.consents.items()
        ]

    def openid_configuration(self) -> dict[str, Any]:
        """Describe where what is."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/v2/oauth2/authorize",
            "token_endpoint": f"{self.url}/v2/oauth2/token",
            "jwks_uri": f"{self.url}/jwk.json",
            "id_token_signing_alg_values_supported": ["RS512"],
        }

    def keys(self) -> dict[str, Any]:
        """Return the public key of identity tokens."""
        from jwt.algorithms import RSAAlgorithm

        return {"keys": [json.loads(RSAAlgorithm.to_jwk(_signing_key().public_key()))]}

    def _known(self, text: str) -> "list[Scope]":
        from globus_sdk.scopes import ScopeParser

        known = {"openid", "profile", "email", TRANSFER_ALL}
        known |= {each for it in self.collections.values() for each in (it.data_access_scope, it.https_scope)}
        known |= {"urn:globus:auth:scope:auth.globus.org:manage_projects"}
        scopes = ScopeParser.parse(text)
        for each in (*scopes, *(below for scope in scopes for below in scope.dependencies)):
            if each.scope_string not in known:
                raise RefusedError("unknown_scope")
        return scopes

    def _consent(self, scope: "Scope", above: tuple[str, ...]) -> None:
        path = (*above, scope.scope_string)
        self.consents.setdefault(path, 1000 + len(self.consents))
        for each in scope.dependencies:
            self._consent(each, path)

    def _for_code(self, form: dict[str, Any]) -> dict[str, Any]:
        code = self._codes.pop(str(form.get("code", "")).strip(), None)
        if code is None:
            raise RefusedError("invalid_grant")
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        if code.challenge and base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.challenge.rstrip("="):
            raise RefusedError("invalid_grant")
        return self._documents(code.client, code.scopes, offline=code.offline)

    def _documents(self, client: str, scopes: "list[Scope]", *, offline: bool) -> dict[str, Any]:
        by_server: dict[str, list[str]] = {}
        for scope in scopes:
            by_server.setdefault(_server_of(scope.scope_string), []).append(scope.scope_string)
        issued = []
        for server, names in by_server.items():
            grant = Grant(client, server, tuple(names), time.time() + _LIFETIME_S)
            refresh = secrets.token_urlsafe(24) if offline else None
            if refresh:
                self.refresh_tokens[refresh] = grant
            issued.append(self._document(grant, refresh))
        first, *others = issued
        if "openid" in {scope.scope_string for scope in scopes}:
            first["id_token"] = self._identity_token(client)
        return {**first, "state": "_default", "other_tokens": others}

    def _document(self, grant: Grant, refresh: str | None) -> dict[str, Any]:
        fresh = Grant(grant.client, grant.server, grant.scopes, time.time() + _LIFETIME_S)
        document = {
            "access_token": self._issue(fresh),
            "scope": " ".join(grant.scopes),
            "expires_in": _LIFETIME_S,
            "token_type": "Bearer",
            "resource_server": grant.server,
            "other_tokens": [],
        }
        return document | ({"refresh_token": refresh} if refresh else {})

    def _issue(self, grant: Grant) -> str:
        token = secrets.token_urlsafe(24)
        self.tokens[token] = grant
        return token

    def _identity_token(self, client: str) -> str:
        import jwt

        now = int(time.time())
        claims = {"sub": self.identity, "iss": self.url, "aud": client, "iat": now, "exp": now + _LIFETIME_S}
        return jwt.encode(claims, _signing_key(), algorithm="RS512")


@cache
def _signing_key() -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def _server_of(scope: str) -> str:
    """Return the resource server a scope belongs to."""
    if scope.startswith("https://auth.globus.org/scopes/"):
        return scope.split("/")[4]
    return TRANSFER if scope == TRANSFER_ALL else "auth.globus.org"
