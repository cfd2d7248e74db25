"""Where a logbook is: the address that a browser shows, or the one of the interface for programs."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from danmax_sync.errors import UsageError

_PATH = re.compile(r"(?P<prefix>(?:/[\w.~-]+)*?)(?:/api)?/logbooks/(?P<number>\d{1,9})(?:/.*)?", re.ASCII)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|(?=[^%]*:)[0-9a-f:.]+(?:%[a-z0-9._-]+)?", re.ASCII)
"""A name whose labels are no longer than the network allows, or an address."""
EXPECTED = "https://HOST/logbooks/NUMBER/, as the browser shows it"


@dataclass(frozen=True, slots=True)
class LogbookAddress:
    """A logbook of an elogy service.

    Attributes
    ----------
    base : str
        The service, without a slash at its end.
    number : int
        The logbook's.
    """

    base: str
    number: int

    @property
    def url(self) -> str:
        """The same for every spelling: under it the logbook is known."""
        return f"{self.base}/logbooks/{self.number}/"

    @property
    def host(self) -> str:
        """The machine, with its port."""
        return urlsplit(self.base).netloc


def logbook_address(text: str) -> LogbookAddress:
    """Understand the address of a logbook.

    Raises
    ------
    UsageError
        If it is none; the message says what is expected.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError as problem:
        raise UsageError(f"{text!r} is no address: {problem}", hint=f"expected: {EXPECTED}") from None
    match = _PATH.fullmatch(parts.path)
    if parts.scheme not in {"http", "https"} or not host or match is None or not _HOST.fullmatch(host):
        raise UsageError(f"{text!r} is not the address of a logbook", hint=f"expected: {EXPECTED}")
    if parts.username or parts.password:
        raise UsageError("a logbook's address holds no user and no password", hint=f"expected: {EXPECTED}")
    netloc = f"[{host}]" if ":" in host else host
    return LogbookAddress(
        f"{parts.scheme}://{netloc}{f':{port}' if port else ''}{match['prefix']}", int(match["number"])
    )
