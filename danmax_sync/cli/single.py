"""Commands about one scan: say how to name it when a query finds several."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from danmax_sync.errors import UsageError

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import CataloguedScan


def only_one(scans: "Sequence[CataloguedScan]", why: str) -> "CataloguedScan":
    """Return the scan that was found, if it is one.

    Raises
    ------
    UsageError
        If there are several; the hint names one of them so that it is found alone.
    """
    if len(scans) == 1:
        return scans[0]
    last = scans[-1]
    named = str(last.number) if last.number is not None else f"path:{last.path}"
    alike = sum(scan.number == last.number for scan in scans) > 1
    visit = f" visit:{last.visit}" if alike and last.visit else ""
    raise UsageError(f"that is {len(scans)} scans; {why}", hint=f"name it, as {named}{visit}")
