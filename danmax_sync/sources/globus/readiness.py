"""Is this machine ready for Globus? Looks only at what is here; nobody is asked over the network."""

from danmax_sync.errors import DanmaxSyncError
from danmax_sync.settings import globus_tokens_file, home
from danmax_sync.sources.globus.account import Account, account
from danmax_sync.sources.globus.local import local_collection
from danmax_sync.sources.readiness import Finding


def globus_readiness() -> list[Finding]:
    """Return what Globus needs on this machine, and whether it is there: a client id, a login, a collection."""
    findings = []
    try:
        who = account()
    except DanmaxSyncError as problem:
        findings.append(Finding(False, problem.message, problem.hint))
    else:
        findings += [Finding(True, f"client id {who.client_id}"), _login(who)]
    return [*findings, _here()]


def _login(who: Account) -> Finding:
    if who.is_unattended:
        return Finding(True, "a client secret is set: nobody has to log in")
    from danmax_sync.sources.globus.facts import TRANSFER_SERVER
    from danmax_sync.sources.globus.tokens import TokenFile

    try:
        tokens = TokenFile(who.client_id).get_token_data_by_resource_server()
    except DanmaxSyncError as problem:
        return Finding(False, problem.message, problem.hint)
    if TRANSFER_SERVER in tokens:
        return Finding(
            True, f"tokens of a login are in {globus_tokens_file()}; `remote test NAME` asks Globus for its word"
        )
    return Finding(False, "nobody is logged in", "danmax-sync login NAME")


def _here() -> Finding:
    here = local_collection()
    if here is None:
        return Finding(
            False,
            "Globus Connect Personal is not set up on this machine",
            "install it from https://www.globus.org/globus-connect-personal, to bring files here while you sleep",
        )
    try:
        here.check_writable(home())
    except DanmaxSyncError as problem:
        return Finding(False, problem.message, problem.hint)
    return Finding(True, f"Globus Connect Personal is set up, as the collection {here.id}")
