"""What ``ssh`` wrote to stderr, turned into one sentence and the next step."""

import re

from danmax_sync.errors import DanmaxSyncError, LoginError, SourceError, UsageError
from danmax_sync.sources.ssh.address import SshAddress, place
from danmax_sync.sources.ssh.prompts import IN_A_TERMINAL, printable

ONLY_IF_ANNOUNCED = "Only if the facility confirms a new key:"
CHECK_ACCOUNT = (
    "A code works once and expires: wait for the next one, then run the same command again; check user name and "
    "password, too."
)
NOT_ACCEPTED = "it does not accept the password or the one-time code"
CHECK_NETWORK = "Check the network (VPN?), the host's name and the port, then try again."

_CHANGED = re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED|POSSIBLE DNS SPOOFING")
_FINGERPRINT = re.compile(r"(?:SHA256|MD5):[\w+/=:]+")
_OFFENDING = re.compile(r"Offending (?:(\S+) )?key in (.+):(\d+)")
_UNKNOWN = re.compile(r"No (\S+) host key is known for|Host key verification failed|[Hh]ost key .*not known")
_REVOKED = re.compile(r"host key .*revoked", re.IGNORECASE)
_DENIED = re.compile(r"Permission denied(?: \(([^)]*)\))?")
_TOO_MANY = re.compile(r"Too many authentication failures")
_NO_NAME = re.compile(r"Could not resolve hostname \S+: (.*)")
_NO_LINE = re.compile(
    r"(Connection refused|Connection timed out|Operation timed out|No route to host|Network is unreachable"
    r"|Connection reset[^\n]*|Connection closed[^\n]*|Connection to \S+ port \d+ timed out|Broken pipe"
    r"|Unable to negotiate[^\n]*)"
)
_CONFIG = re.compile(
    r"(Bad owner or permissions on[^\n]*|Bad configuration option[^\n]*|Can't open user config file[^\n]*"
    r"|terminating, \d+ bad configuration[^\n]*)"
)
_NO_SFTP = re.compile(r"subsystem request failed")
_ANY = (_CHANGED, _FINGERPRINT, _OFFENDING, _UNKNOWN, _REVOKED, _DENIED, _TOO_MANY, _NO_NAME, _NO_LINE, _CONFIG)


def is_complaint(line: str) -> bool:
    """Say whether a line belongs to a failure, which `explain` tells, rather than to the login's conversation."""
    return line.startswith("@@") or any(pattern.search(line) for pattern in _ANY)


def explain(said: str, *, address: SshAddress, asked: bool) -> DanmaxSyncError:
    """Return the error that tells a user what ``ssh`` complained about.

    Parameters
    ----------
    said : str
        Its stderr.
    address : SshAddress
        Whom it called.
    asked : bool
        Whether it could ask somebody for password and code.
    """
    said = printable(said)
    for judge in (_about_the_host_key, _about_us, _about_the_line):
        error = judge(said, address, asked)
        if error is not None:
            return error
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return SourceError(
        f"ssh to {address} ended without a connection: {lines[-1] if lines else 'it gave no reason'}",
        hint=f"Try `ssh -v {address.host}` to see where it stops.",
    )


def _about_the_host_key(said: str, address: SshAddress, asked: bool) -> DanmaxSyncError | None:
    fingerprint = _FINGERPRINT.search(said)
    shown = f" It now shows {fingerprint[0]}." if fingerprint else ""
    if _REVOKED.search(said):
        return LoginError(
            f"The host key of {address} is marked as revoked: do not log in.", hint="Ask the facility about its key."
        )
    if _CHANGED.search(said):
        offending = _OFFENDING.search(said)
        known = f" Known is the key in {offending[2]}, line {offending[3]}." if offending else ""
        return LoginError(
            f"The host key of {address} is not the one known; somebody may be in between.{shown}{known}",
            hint=f"{ONLY_IF_ANNOUNCED} {_forget(said, address)}",
        )
    if _UNKNOWN.search(said):
        how = "It was not accepted." if asked else "There is no terminal to accept it in."
        return LoginError(
            f"The host key of {address} is not known.{shown} {how}",
            hint=f"Compare the fingerprint with the one the facility publishes. {IN_A_TERMINAL}",
        )
    return None


def _forget(said: str, address: SshAddress) -> str:
    offending = _OFFENDING.search(said)
    # ssh prints the very command on most systems, with the name the key is filed under.
    told = re.search(r"ssh-keygen .*-R \S+.*", said)
    if told:
        return told[0].strip()
    where = f'-f "{offending[2]}" ' if offending else ""
    named = f'"[{address.host}]:{address.port}"' if address.port not in {None, 22} else address.host
    return f"ssh-keygen {where}-R {named}"


def _about_us(said: str, address: SshAddress, asked: bool) -> DanmaxSyncError | None:
    if _TOO_MANY.search(said):
        return LoginError(
            f"{address} rejected too many keys of the agent before the right one.",
            hint=f"Set IdentityFile and IdentitiesOnly for {address.host} in the ssh_config.",
        )
    denied = _DENIED.search(said)
    if denied is None or _CONFIG.search(said):
        return None
    ways = f" It accepts: {denied[1].replace(',', ', ')}." if denied[1] else ""
    if asked and (not denied[1] or {"password", "keyboard-interactive"} & set(denied[1].split(","))):
        return LoginError(f"{address} rejected the login: {NOT_ACCEPTED}.", hint=CHECK_ACCOUNT)
    if asked:
        return LoginError(
            f"{address} rejected the login.{ways}",
            hint="It takes keys alone: ssh-add one it knows, or ask the facility.",
        )
    return LoginError(
        f"{address} accepts no key of ours, and there is no terminal to ask for a password or code.{ways}",
        hint=IN_A_TERMINAL,
    )


def _about_the_line(said: str, address: SshAddress, asked: bool) -> DanmaxSyncError | None:  # noqa: ARG001
    config = _CONFIG.search(said)
    if config:
        return UsageError(f"ssh cannot use its configuration: {config[1]}", hint="Correct that file, then try again.")
    unnamed = _NO_NAME.search(said)
    if unnamed:
        return SourceError(f"No host is called {address.host!r}: {unnamed[1]}.", hint=CHECK_NETWORK)
    if _NO_SFTP.search(said):
        return SourceError(
            f"{address} accepts the login but offers no SFTP.", hint="Check the host's name; ask the facility."
        )
    lost = _NO_LINE.search(said)
    if lost:
        # ssh names the address it tried, where the user only gave an alias.
        tried = re.search(r"(?:connect to host|connect to address|by|with|to) (\S+) port (\d+)", said)
        called = place(tried[1], port=int(tried[2])) if tried else ""
        where = f"{address} ({called})" if called and called != str(address) else str(address)
        return SourceError(f"No connection to {where}: {lost[1].strip().rstrip('.')}.", hint=CHECK_NETWORK)
    return None
