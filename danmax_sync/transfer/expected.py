"""What the files of local sets should be, as their sources show them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import REMOTE, CataloguedScan, Location
from danmax_sync.scanfile.structure import SetFault
from danmax_sync.visits import TreePath

Sizes = Mapping[Path, Mapping[Path, int]]
"""For each local master, the size at the source of each file of its set, by its local path."""


def sizes_at_source(catalogue: Catalogue, scans: Sequence[CataloguedScan]) -> Sizes:
    """Return the sizes that the catalogue saw at the sources of scans that are here too.

    A file of the right structure may still be another one: the detector file of another scan, an edited master.
    """
    at_root: dict[int, dict[str, int]] = {}
    expected: dict[Path, dict[Path, int]] = {}
    for scan in scans:
        here = [at for at in scan.locations if at.root.folder is not None and at.state != "missing"]
        there = [at for at in scan.locations if at.root.kind == REMOTE and at.state != "missing"]
        if not here or not there:
            continue
        source = there[0]
        if source.root.id not in at_root:
            at_root[source.root.id] = catalogue.file_sizes(source.root.id)
        sizes = at_root[source.root.id]
        for local in here:
            master = _below(local, local.path)
            known = expected.setdefault(master, {})
            known[master] = sizes.get(str(source.path), -1)
            there_is = {link.detector: link.target for link in source.links}
            for link in local.links:
                target = there_is.get(link.detector)
                if link.target is not None and target is not None:
                    mine = TreePath((*local.prefix.parts, *link.target.parts))
                    known[_below(local, mine)] = sizes.get("/".join((*source.prefix.parts, *target.parts)), -1)
    return expected


def differing(master: Path, expected: Sizes) -> list[SetFault]:
    """Return the files of a set that have another size than at their source; what was not seen there is not judged."""
    faults = []
    for path, size in expected.get(master, {}).items():
        if size > 0 and path.is_file() and path.stat().st_size != size:
            message = f"{path} holds {path.stat().st_size} bytes, at its source it had {size} when last indexed"
            faults.append(SetFault(path, message))
    return faults


def _below(local: Location, path: TreePath) -> Path:
    return path.below(local.root.folder or Path())
