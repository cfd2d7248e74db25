"""Open scans in silx view."""

import glob
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.companions.programs import find_program, installing, start
from danmax_sync.errors import SourceError
from danmax_sync.integration.localscan import LocalScan, query_of

_PACKAGE = "silx[full]"


class Part(Enum):
    """What of a scan is opened: its patterns where there are any, else its master; or the one that is named."""

    ANY = "any"
    MASTER = "master"
    PATTERNS = "patterns"


def files_of(scan: CataloguedScan, part: Part) -> list[Path]:
    """Return the files of a scan that are opened.

    Raises
    ------
    SourceError
        If they are not on this disk.
    """
    local = LocalScan.find(scan)
    patterns = [] if part is Part.MASTER else local.patterns()
    if part is Part.PATTERNS and not patterns:
        raise SourceError(f"{scan.label} has no patterns here", hint=f"danmax-sync integrate {query_of(scan)}")
    return patterns or [local.master]


def view(scans: Sequence[CataloguedScan], part: Part = Part.ANY) -> list[Path]:
    """Open scans in one window of silx view; return the files.

    Raises
    ------
    SourceError
        If one of them is not on this disk.
    UsageError
        If silx is not installed, or does not start.
    """
    paths = list(dict.fromkeys(path for scan in scans for path in files_of(scan, part)))
    program = find_program("silx", install=installing(_PACKAGE))
    # silx expands patterns by itself, and a folder may be called [1].
    start(program, ["view", *(glob.escape(str(path.absolute())) for path in paths)], install=installing(_PACKAGE))
    return paths
