"""Which folder a local folder is indexed as part of."""

from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.visits import visit_folder


def local_root(catalogue: Catalogue, folder: Path) -> Path:
    """Return the visit's folder that one is in, or the folder itself; or the outermost of these that is indexed."""
    # A sample may be called raw again: then `raw` itself looks like a visit.
    is_visit = (folder / "raw").is_dir() and folder.name != "raw"
    own = folder if is_visit else Path(visit_folder(folder.as_posix()))
    known = [at.folder for at in catalogue.roots() if at.folder and folder.is_relative_to(at.folder)]
    return min([*known, own], key=lambda path: len(path.parts))
