"""Log in at Globus: a link is opened anywhere, a code is pasted here; later commands ride on the tokens."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from danmax_sync.errors import LoginError
from danmax_sync.sources.globus.account import CLIENT_SECRET_VARIABLE, Account, account
from danmax_sync.sources.globus.complaints import LoginWantedError, explained
from danmax_sync.sources.remotes import Remote
from danmax_sync.sources.ssh.prompts import Prompter

if TYPE_CHECKING:
    from globus_sdk import GlobusApp

    from danmax_sync.sources.globus.facts import CollectionFacts

APP_NAME = "danmax-sync"


def login(remote: Remote, prompter: Prompter) -> str:
    """Log in for a remote, with all it wants: consents, a certain account, access to small files.

    Returns
    -------
    str
        A sentence about what can be used now.

    Raises
    ------
    LoginError
        If nobody answers, or Globus does not accept it.
    SourceError
        If Globus does not know the collection, or its folder may not be looked at.
    """
    who = account()
    with opened_app(who, prompter) as app, _said_plainly(remote):
        it = _known_to(app, remote)
        # Only now it is known which consents the collection has at all; those that are given already are not asked.
        app.add_scope_requirements(it.scopes())
        if who.is_unattended or app.login_required():
            app.login(force=True)
        try:
            _looked_at(app, it, remote)
        except LoginWantedError as wanted:
            if wanted.parameters is None or who.is_unattended:
                raise
            app.login(auth_params=wanted.parameters)
            _looked_at(app, it, remote)
        _revoke_replaced(app, who)
    return f"logged in at Globus: {remote.name} is the collection {it.name} ({it.id})"


def _known_to(app: "GlobusApp", remote: Remote) -> "CollectionFacts":
    """Ask for the collection, after a login if there is none yet, or one that is of no use any more."""
    from danmax_sync.sources.globus.api import GlobusApi

    try:
        with closing(GlobusApi(app, remote.name)) as api:
            return api.collection(remote.host)
    except LoginWantedError:
        app.login(force=True)
    with closing(GlobusApi(app, remote.name)) as api:
        return api.collection(remote.host)


def _looked_at(app: "GlobusApp", it: "CollectionFacts", remote: Remote) -> None:
    from danmax_sync.sources.globus.api import GlobusApi

    with closing(GlobusApi(app, remote.name)) as api:
        api.entry(it, remote.path)


def _revoke_replaced(app: "GlobusApp", who: Account) -> None:
    """Revoke the tokens that later ones took the place of: nobody would find them again at logout."""
    from globus_sdk import NativeAppAuthClient

    kept = app.token_storage.token_storage
    with closing(NativeAppAuthClient(who.client_id)) as client:
        for token in getattr(kept, "replaced", ()):
            client.oauth2_revoke_token(token)


def logout(remote: Remote) -> str:
    """Revoke and forget the tokens; they serve all remotes at Globus.

    Returns
    -------
    str
        A sentence about what was done.

    Raises
    ------
    LoginError
        If no client is set, or Globus cannot be reached.
    """
    with opened_app(account(), None) as app, _said_plainly(remote):
        if not app.token_storage.token_storage.get_token_data_by_resource_server():
            return "you were not logged in at Globus"
        app.logout(sweep=True)
    return "logged out at Globus, for all remotes there"


@contextmanager
def opened_app(who: Account, prompter: Prompter | None) -> "Iterator[GlobusApp]":
    """Make what keeps tokens; see `make_app`."""
    app = make_app(who, prompter)
    try:
        yield app
    finally:
        app.close()


def make_app(who: Account, prompter: Prompter | None) -> "GlobusApp":
    """Return what keeps tokens and renews them; it begins no login by itself.

    Parameters
    ----------
    who : Account
        The client.
    prompter : Prompter, optional
        Answers a login, where one is begun.
    """
    from globus_sdk import ClientApp, GlobusAppConfig, UserApp
    from globus_sdk.scopes import TransferScopes

    from danmax_sync.sources.globus.facts import TRANSFER_SERVER
    from danmax_sync.sources.globus.flow import prompted_by
    from danmax_sync.sources.globus.tokens import TokenFile

    scopes = {TRANSFER_SERVER: [TransferScopes.all]}
    kept = TokenFile(who.client_id)
    if who.is_unattended:
        config = GlobusAppConfig(token_storage=kept, token_validation_error_handler=None)
        secret = who.secret
        return ClientApp(
            APP_NAME, client_id=who.client_id, client_secret=secret, scope_requirements=scopes, config=config
        )
    config = GlobusAppConfig(
        token_storage=kept,
        token_validation_error_handler=None,
        request_refresh_tokens=True,
        login_flow_manager=prompted_by(prompter),
    )
    return UserApp(APP_NAME, client_id=who.client_id, scope_requirements=scopes, config=config)


def _not_accepted(remote: Remote) -> LoginError:
    who = account()
    if who.is_unattended:
        return LoginError(
            f"Globus does not accept the secret of the client {who.client_id}",
            hint=f"check {CLIENT_SECRET_VARIABLE}, and that it is of this client",
        )
    return LoginError(
        f"Globus does not accept the code, or the client id {who.client_id}",
        hint=f"danmax-sync login {remote.name}, with the whole code; or mend the client id: danmax-sync doctor",
    )


@contextmanager
def _said_plainly(remote: Remote) -> Iterator[None]:
    from globus_sdk import AuthAPIError, GlobusError
    from globus_sdk.token_storage.validating_token_storage import IdentityMismatchError

    try:
        yield
    except IdentityMismatchError as problem:
        raise LoginError(
            "this is another Globus account than the one that is logged in", hint=f"danmax-sync logout {remote.name}"
        ) from problem
    except AuthAPIError as problem:
        if problem.http_status < 500 and problem.http_status != 429:
            raise _not_accepted(remote) from problem
        raise explained(problem, where="the login", collection="Globus", remote=remote.name) from problem
    except GlobusError as problem:
        raise explained(problem, where="the login", collection="Globus", remote=remote.name) from problem
