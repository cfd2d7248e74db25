"""What an index run left in a catalogue, in a form that can be compared; and files whose times are the test's own."""

import os
from itertools import count
from pathlib import Path
from typing import Any

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.scanfile.record import ScanState

LONG_AGO_S = 1_700_000_000
_ticks = count(LONG_AGO_S)


def aged(path: Path) -> Path:
    """Give a file a time of its own, long ago: it is not looked at twice because it is young."""
    moment = next(_ticks)
    os.utime(path, (moment, moment))
    return path


def aged_tree(folder: Path) -> Path:
    """Do that to all files of a folder."""
    for path in sorted(folder.rglob("*.h5")):
        aged(path)
    return folder


def spoil(path: Path) -> None:
    """Make a file unreadable without its size or time telling: whoever opens it finds out."""
    times = path.stat()
    path.write_bytes(b"\xa5" * times.st_size)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def contents(catalogue: Catalogue) -> dict[str, Any]:
    """Return all that is there, without row numbers and without what has vanished."""
    there = [scan for scan in catalogue.scans() if any(at.state != "missing" for at in scan.locations)]
    return {
        "scans": sorted((_content(catalogue, scan) for scan in there), key=repr),
        "problems": [(each.path, each.stage, each.message) for each in catalogue.problems()],
        "sizes": {root.name: catalogue.file_sizes(root.id) for root in catalogue.roots()},
    }


def _content(catalogue: Catalogue, scan: CataloguedScan) -> dict[str, Any]:
    shown = scan.to_json()
    shown["locations"] = [at.to_json() for at in scan.locations if at.state != "missing"]
    if scan.state is ScanState.UNREADABLE:
        # A catalogue that knew the scan before keeps what it knew.
        return {key: shown[key] for key in ("scan", "sample", "path", "state", "locations")}
    shown["links"] = [(each.detector, each.filename, str(each.target), each.problem) for each in scan.links]
    shown["values"] = catalogue.values(scan.id)
    return shown


def states(catalogue: Catalogue) -> dict[str, str]:
    """Return the state of each scan by the path of its master."""
    return {str(scan.path): scan.state.value for scan in catalogue.scans()}
