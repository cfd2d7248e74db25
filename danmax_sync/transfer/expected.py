"""What the files of local sets should be, as their sources show them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import REMOTE, CataloguedScan, Location
from danmax_sync.errors import SourceError
from danmax_sync.scanfile.structure import SetFault
from danmax_sync.sources.base import Source
from danmax_sync.visits import TreePath


@dataclass(frozen=True, slots=True)
class Original:
    """A file at its source.

    Attributes
    ----------
    root_uri : str
        The source.
    path : TreePath
        From the source's root.
    size : int
        In bytes, when it was last indexed; -1 where it was not seen.
    """

    root_uri: str
    path: TreePath
    size: int


Originals = Mapping[Path, Mapping[Path, Original]]
"""For each local master, the original of each file of its set, by its local path."""


def originals_of(catalogue: Catalogue, scans: Sequence[CataloguedScan]) -> Originals:
    """Return what the catalogue saw at the sources of scans that are here too.

    A file of the right structure may still be another one: the detector file of another scan, an edited master.
    """
    at_root: dict[int, dict[str, int]] = {}
    expected: dict[Path, dict[Path, Original]] = {}
    for scan in scans:
        here = [at for at in scan.locations if at.root.folder is not None and at.state != "missing"]
        there = [at for at in scan.locations if at.root.kind == REMOTE and at.state != "missing"]
        if not here or not there:
            continue
        source = there[0]
        if source.root.id not in at_root:
            at_root[source.root.id] = catalogue.file_sizes(source.root.id)
        sizes = at_root[source.root.id]

        def original(path: TreePath, at: Location = source, sizes: Mapping[str, int] = sizes) -> Original:
            return Original(at.root.uri, path, sizes.get(str(path), -1))

        for local in here:
            master = _below(local, local.path)
            known = expected.setdefault(master, {})
            known[master] = original(source.path)
            there_is = {link.detector: link.target for link in source.links}
            for link in local.links:
                target = there_is.get(link.detector)
                if link.target is not None and target is not None:
                    mine = TreePath((*local.prefix.parts, *link.target.parts))
                    known[_below(local, mine)] = original(TreePath((*source.prefix.parts, *target.parts)))
    return expected


def hashes_at_source(
    originals: Originals, masters: Iterable[Path], open_source: Callable[[str], AbstractContextManager[Source]]
) -> dict[Path, str]:
    """Let the sources compute the SHA-256 of the files of some sets.

    Parameters
    ----------
    originals : Originals
        Where they are at their sources.
    masters : iterable of Path
        The local masters of the sets.
    open_source : callable
        Opens the source of a URI.

    Returns
    -------
    dict
        Hexadecimal digits by local path; files that a source does not know are not in it.

    Raises
    ------
    SourceError
        If a source computes none.
    """
    wanted: dict[str, dict[TreePath, Path]] = defaultdict(dict)
    for master in masters:
        for path, original in originals.get(master, {}).items():
            wanted[original.root_uri][original.path] = path
    found: dict[Path, str] = {}
    for uri, paths in wanted.items():
        with open_source(uri) as source:
            compute = getattr(source, "sha256", None)
            if compute is None:
                raise SourceError(
                    f"{source.name} computes no hashes", hint="danmax-sync verify --deep reads back what came here"
                )
            found.update({paths[path]: digest for path, digest in compute(list(paths)).items()})
    return found


def differing(master: Path, originals: Originals) -> list[SetFault]:
    """Return the files of a set that have another size than at their source; what was not seen there is not judged."""
    faults = []
    for path, original in originals.get(master, {}).items():
        if original.size > 0 and path.is_file() and path.stat().st_size != original.size:
            size = path.stat().st_size
            message = f"{path} holds {size} bytes, at its source it had {original.size} when last indexed"
            faults.append(SetFault(path, message))
    return faults


def _below(local: Location, path: TreePath) -> Path:
    return path.below(local.root.folder or Path())
