"""The patterns that have been made of scans."""

from collections.abc import Sequence
from pathlib import Path

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import SourceError
from danmax_sync.integration.localscan import LocalScan, on_this_disk, query_of
from danmax_sync.integration.patterns import Patterns, read_patterns


def patterns_of(scans: Sequence[CataloguedScan]) -> list[tuple[str, Patterns]]:
    """Return the patterns of all scans that have been integrated, labelled with their scans.

    Raises
    ------
    SourceError
        If none has been.
    """
    found = [(scan.label, path) for scan in on_this_disk(scans) for path in _outputs_of(scan)[:1]]
    if not found:
        if len(scans) == 1:
            raise SourceError(
                f"{scans[0].label} has not been integrated", hint=f"danmax-sync integrate {query_of(scans[0])}"
            )
        raise SourceError(
            f"none of the {len(scans)} scans found has been integrated", hint="danmax-sync integrate QUERY"
        )
    return [(label, read_patterns(path)) for label, path in found]


def _outputs_of(scan: CataloguedScan) -> list[Path]:
    try:
        return LocalScan.find(scan).patterns()
    except SourceError:
        # Deleted since it was indexed: the others can still be shown.
        return []
