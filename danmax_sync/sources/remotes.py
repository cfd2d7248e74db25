"""The places a user fetches from, by name, kept in a small JSON file."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from danmax_sync.errors import UsageError
from danmax_sync.settings import ensured_home, remotes_file
from danmax_sync.sources.ssh.address import SshAddress

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SCHEMES = ("sftp", "globus", "file")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Remote:
    """A named place.

    Attributes
    ----------
    uri : str
        ``sftp://[user@]host[:port]/path``, ``globus://collection/path`` or ``file:///path``, percent-encoded.
    """

    name: str
    uri: str

    @property
    def scheme(self) -> str:
        """``sftp``, ``globus`` or ``file``."""
        return urlsplit(self.uri).scheme

    @property
    def host(self) -> str:
        """A host name, or an alias of the ssh_config; of Globus, the collection's id."""
        return urlsplit(self.uri).hostname or ""

    @property
    def user(self) -> str | None:
        """The account there; None leaves it to the ssh_config."""
        user = urlsplit(self.uri).username
        return unquote(user) if user else None

    @property
    def port(self) -> int | None:
        """The port; None leaves it to the ssh_config."""
        return urlsplit(self.uri).port

    @property
    def address(self) -> SshAddress:
        """Whom to call."""
        return SshAddress(self.host, self.user, self.port)

    @property
    def path(self) -> str:
        """The absolute folder there."""
        return unquote(urlsplit(self.uri).path) or "/"


def checked_remote(name: str, uri: str) -> Remote:
    """Return a remote whose name and URI can be used.

    Raises
    ------
    UsageError
        If not; the message says what is expected.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a remote's name", hint="letters, digits, '.', '_' and '-', 64 at most")
    uri = _as_uri(uri)
    expected = "sftp://[user@]host[:port]/path, globus://COLLECTION/path or file:///path"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as problem:
        raise UsageError(f"{uri!r} is not a URI: {problem}", hint=f"expected: {expected}") from None
    if parts.password:
        raise UsageError("a password does not belong into a remote's URI", hint="leave it out; you are asked for it")
    if parts.scheme not in SCHEMES:
        raise UsageError(f"{uri!r} is not a place this tool can fetch from", hint=f"expected: {expected}")
    if parts.scheme == "globus" and not (_UUID.fullmatch(parts.netloc.lower()) and parts.path.startswith("/")):
        raise UsageError(
            f"{uri!r} lacks the UUID of its Globus collection, or its folder",
            hint=f"expected: {expected}; the UUID stands at https://app.globus.org/collections",
        )
    if parts.scheme == "sftp":
        if not host or not parts.path.startswith("/"):
            raise UsageError(f"{uri!r} lacks its host or its folder", hint=f"expected: {expected}")
        # Refused now, not at the first login: ssh would take a name that begins with a dash for an option.
        SshAddress(host, unquote(parts.username) if parts.username else None, port)
    if parts.scheme == "file" and host not in {None, "", "localhost"}:
        raise UsageError(f"{uri!r} names a folder of another host, {host!r}", hint="three slashes: file:///path")
    if parts.query or parts.fragment:
        raise UsageError(f"{uri!r} holds a bare '?' or '#'", hint="spell them %3F and %23")
    path = quote(unquote(parts.path).rstrip("/") or "/", safe="/:")
    return Remote(name, f"{parts.scheme}://{parts.netloc}{path}")


def _as_uri(text: str) -> str:
    """Spell a folder as a URI, and see that Python takes nothing out of it: what is left may be another place."""
    if text and "://" not in text and (text.startswith(("/", "~", ".")) or Path(text).is_dir()):
        try:
            return Path(text).expanduser().absolute().as_uri()
        except RuntimeError:
            raise UsageError(f"{text!r} names the home of somebody who is not known here") from None
        except ValueError as problem:
            raise UsageError(f"{text!r} is no folder: {problem}", hint="name one that can be") from None
    if _CONTROL.search(text) or text != text.strip():
        raise UsageError(
            "a remote's URI holds a control character, or begins or ends with a space", hint="spell that as %XX"
        )
    return text


def holds(outer: str, inner: str) -> bool:
    """Say whether one URI leads to a folder in which that of another is; a place does not hold itself."""
    one, other = (urlsplit(uri) for uri in (outer, inner))
    same_host = (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)
    above, below = (PurePosixPath(unquote(parts.path)) for parts in (one, other))
    return same_host and above != below and below.is_relative_to(above)


def overlapping(remote: Remote) -> str:
    """Say in a sentence that another remote holds a remote, is held by it, or is the same place; else nothing."""
    for other in load_remotes().values():
        if other.name == remote.name:
            continue
        if other.uri == remote.uri:
            return f"{other.name} is the same place"
        if holds(remote.uri, other.uri):
            return f"{remote.name} holds {other.name}: each of its scans would stand in both"
        if holds(other.uri, remote.uri):
            return f"{other.name} holds {remote.name}: each of its scans would stand in both"
    return ""


def load_remotes() -> dict[str, Remote]:
    """Return all remotes by name.

    Raises
    ------
    UsageError
        If the file that holds them has been damaged.
    """
    path = remotes_file()
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {name: checked_remote(name, uri) for name, uri in entries.items()}
    except UsageError as problem:
        raise UsageError(f"{path}: {problem.message}", hint=f"mend or delete that line; {problem.hint}") from None
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as problem:
        raise UsageError(
            f"{path} cannot be read: {problem.strerror}",
            hint="make it readable, or name another home in DANMAX_SYNC_HOME",
        ) from problem
    except (ValueError, AttributeError, TypeError) as problem:
        raise UsageError(
            f"{path} cannot be understood: {problem}", hint="mend it or delete it, and add the remotes again"
        ) from None


def find_remote(name: str) -> Remote:
    """Return a remote by name.

    Raises
    ------
    UsageError
        If there is none; the message lists those there are.
    """
    remotes = load_remotes()
    if name in remotes:
        return remotes[name]
    raise UsageError(_unknown(name, remotes), hint="add it: danmax-sync remote add NAME URI")


def _unknown(name: str, remotes: Iterable[str]) -> str:
    known = sorted(remotes)
    close = get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    there = f" known: {', '.join(known)}" if known else " there are none yet"
    return f"there is no remote {name!r}{meant or ';'}{there}"


def remote_at(uri: str) -> Remote:
    """Return the remote that leads to a place which was indexed.

    Raises
    ------
    UsageError
        If it has been removed since.
    """
    for remote in load_remotes().values():
        if remote.uri == uri:
            return remote
    raise UsageError(f"no remote leads to {uri} any more", hint=f"danmax-sync remote add NAME {uri}")


def add_remote(remote: Remote) -> None:
    """Keep a remote.

    Raises
    ------
    UsageError
        If the name is taken by another place.
    """
    remotes = load_remotes()
    if remotes.get(remote.name, remote) != remote:
        raise UsageError(
            f"{remote.name!r} already stands for {remotes[remote.name].uri}",
            hint=f"remove it first: danmax-sync remote remove {remote.name}",
        )
    _save({**remotes, remote.name: remote})


def remove_remote(name: str) -> Remote:
    """Forget a remote; what the catalogue knows of it is another matter.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    remotes = load_remotes()
    if name not in remotes:
        raise UsageError(_unknown(name, remotes), hint="see them: danmax-sync remote list")
    _save({key: value for key, value in remotes.items() if key != name})
    return remotes[name]


def _save(remotes: dict[str, Remote]) -> None:
    path = ensured_home() / remotes_file().name
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    text = json.dumps({name: remote.uri for name, remote in sorted(remotes.items())}, indent=2)
    try:
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as problem:
        raise UsageError(
            f"{path} cannot be written to: {problem.strerror}",
            hint="make it writable, or name another home in DANMAX_SYNC_HOME",
        ) from problem
