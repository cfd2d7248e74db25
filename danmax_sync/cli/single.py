"""Commands about one scan: say how to name it when a query finds several."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from danmax_sync.errors import UsageError

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import CataloguedScan

_MOST = 4
_KNOWN = ("visit", "sample", "entry", "path")


def only_one(scans: "Sequence[CataloguedScan]", why: str) -> "CataloguedScan":
    """Return the scan that was found, if it is one.

    Raises
    ------
    UsageError
        If there are several; the hint names one of them so that it is found alone.
    """
    if len(scans) == 1:
        return scans[0]
    raise UsageError(
        f"that is {len(scans)} scans; {why}: {told(scans)}", hint=f"name it, as {name_of(scans[-1], scans)}"
    )


def told(scans: "Sequence[CataloguedScan]") -> str:
    """Name some scans by what tells them apart."""
    # Where numbers tell them apart, the sample says what they are.
    name = "sample" if len({scan.number for scan in scans}) == len(scans) else _apart(scans)
    each = [f"{scan.label} ({value})" if (value := name and getattr(scan, name)) else scan.label for scan in scans]
    return ", ".join(each[:_MOST]) + (", …" if len(scans) > _MOST else "")


def name_of(one: "CataloguedScan", scans: "Sequence[CataloguedScan]") -> str:
    """Return a query that finds one of some scans alone."""
    from danmax_sync.query.tree import quoted

    number = str(one.number) if one.number is not None else f"path:{quoted(str(one.path))}"
    alike = [scan for scan in scans if scan.number == one.number]
    name = _apart(alike) if len(alike) > 1 else ""
    value = getattr(one, name) if name else None
    return f"{number} {name}:{quoted(str(value))}" if value else number


def _apart(scans: "Sequence[CataloguedScan]") -> str:
    """Return the field that tells most of some scans apart, of those that people know; the first of equals."""
    kinds = {name: len({getattr(scan, name) for scan in scans}) for name in _KNOWN}
    best = max(kinds, key=lambda name: kinds[name])
    return best if kinds[best] > 1 else ""
