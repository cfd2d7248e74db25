"""Is it the server it says it is: known_hosts files, read leniently and applied strictly.

paramiko's own reader fails on a ``@cert-authority`` line, so the files are read here. A line that cannot be read
accepts nobody; a key that differs from a known one is never accepted.
"""

import base64
import binascii
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.errors import LoginError
from danmax_sync.settings import ensured_home, home
from danmax_sync.sources.ssh.complaints import ONLY_IF_ANNOUNCED
from danmax_sync.sources.ssh.prompts import Prompter


@dataclass(frozen=True, slots=True)
class HostKey:
    """A server's public key.

    Attributes
    ----------
    kind : str
        ``ssh-ed25519``, ``ecdsa-sha2-nistp256``, ``ssh-rsa``…
    blob : bytes
        The key as it goes over the wire.
    """

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """``SHA256:…`` as OpenSSH shows it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One line of a known_hosts file."""

    key: HostKey
    patterns: tuple[str, ...]
    revoked: bool
    file: Path
    line: int

    def is_for(self, name: str) -> bool:
        """Say whether the line speaks of this host; a ``!pattern`` that fits excludes it."""
        fits = False
        for pattern in self.patterns:
            if pattern.startswith("!") and _fits(pattern[1:], name):
                return False
            fits = fits or _fits(pattern, name)
        return fits


def filed_name(host: str, port: int) -> str:
    """Return the name a host's key is filed under: ``host``, or ``[host]:port`` unless the port is 22."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def read(files: Iterable[Path]) -> list[KnownKey]:
    """Read known_hosts files; one that is not there holds nothing, a line that cannot be read is passed over."""
    return [known for file in files for known in _read_file(file)]


def known_kinds(known: Iterable[KnownKey], name: str) -> list[str]:
    """Return the kinds of key known for a host, so that the server can be asked for one that can be checked."""
    return list(dict.fromkeys(one.key.kind for one in known if one.is_for(name) and not one.revoked))


def check(
    key: HostKey, name: str, known: Sequence[KnownKey], *, prompter: Prompter, ask: bool, remember_in: Path
) -> None:
    """Return only if the server is the one that is meant.

    Parameters
    ----------
    key : HostKey
        What the server shows.
    name : str
        From `filed_name`.
    known : sequence of KnownKey
        All lines of all files.
    prompter : Prompter
        Asked about a host seen for the first time.
    ask : bool
        Whether it may be (``StrictHostKeyChecking yes`` forbids it).
    remember_in : Path
        Our own known_hosts file, for a key that was accepted.

    Raises
    ------
    LoginError
        If the key is revoked, differs from the known one, or is unknown and not accepted.
    """
    lines = [one for one in known if one.is_for(name)]
    if any(one.revoked and one.key == key for one in lines):
        raise LoginError(
            f"The host key of {name} ({key.fingerprint}) is marked as revoked: do not log in.",
            hint="Ask the facility about its key.",
        )
    lines = [one for one in lines if not one.revoked]
    if any(one.key == key for one in lines):
        return
    if lines:
        old = next((one for one in lines if one.key.kind == key.kind), lines[0])
        raise LoginError(
            f"The host key of {name} is not the one known: {old.key.kind} {old.key.fingerprint}. "
            f"It now shows {key.kind} {key.fingerprint}.",
            hint=f'{ONLY_IF_ANNOUNCED} ssh-keygen -f "{old.file}" -R "{name}"',
        )
    if not ask:
        raise LoginError(
            f"The host key of {name} is not known ({key.kind} {key.fingerprint}), and the ssh_config says "
            "StrictHostKeyChecking yes.",
            hint="Add the key that the facility publishes to your known_hosts.",
        )
    if not prompter.accept_host_key(name, key.kind, key.fingerprint):
        raise LoginError(
            f"The host key of {name} ({key.kind} {key.fingerprint}) was not accepted.",
            hint="Compare the fingerprint with the one the facility publishes.",
        )
    remember(key, name, remember_in)


def remember(key: HostKey, name: str, file: Path) -> None:
    """Add a line to our known_hosts file, closed to others."""
    if file.parent == home():
        ensured_home()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = file.read_bytes() if file.exists() else b""
    line = f"{name} {key.kind} {base64.b64encode(key.blob).decode()}\n"
    gap = "\n" if before and not before.endswith(b"\n") else ""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as stream:
        stream.write((gap + line).encode())


def _read_file(file: Path) -> Iterable[KnownKey]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for number, text in enumerate(lines, 1):
        fields = text.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        # A @cert-authority's key signs host certificates; it is nobody's host key.
        if marker not in {"", "@revoked"} or len(fields) < 3 or fields[0].startswith("#"):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except binascii.Error:
            continue
        yield KnownKey(HostKey(fields[1], blob), tuple(fields[0].split(",")), bool(marker), file, number)


def _fits(pattern: str, name: str) -> bool:
    if pattern.startswith("|1|"):
        return _fits_hash(pattern, name)
    # In these files [ ] are part of [host]:port; only * and ? are wild.
    return fnmatch.fnmatchcase(name, pattern.lower().replace("[", "[[]"))


def _fits_hash(pattern: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
