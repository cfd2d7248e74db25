"""Put a page where it was asked for, and nothing else out of the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, ignore
from danmax_sync.integration.placing import put_in_place
from danmax_sync.report.contents import gather
from danmax_sync.report.page import GENERATOR, page

_SUFFIXES = (".html", ".htm")
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Reported:
    """What was written.

    Attributes
    ----------
    scans, integrated : int
        How many, and how many with patterns.
    size : int
        Bytes.
    """

    path: Path
    scans: int
    integrated: int
    size: int


def write_report(
    catalogue: Catalogue,
    scans: Sequence[CataloguedScan],
    path: Path,
    *,
    query: str = "",
    english: str = "",
    title: str = "",
    overwrite: bool = False,
    tell: Listener = ignore,
) -> Reported:
    """Write a report of scans: one file of HTML that needs no other and no network.

    Parameters
    ----------
    catalogue : Catalogue
        That the scans are from.
    scans : sequence of CataloguedScan
        In the order of the page.
    path : Path
        Ends in ``.html``. An earlier report is replaced; anything else only if `overwrite`.
    query, english : str
        What was asked for.
    title : str
        By default samples and visits.
    tell : Listener
        Hears ``progress``.

    Raises
    ------
    UsageError
        If the file cannot be written, or is there and no report.
    """
    if path.suffix.lower() not in _SUFFIXES:
        if path.is_dir():
            raise UsageError(f"{path} is a folder", hint=f"name a page in it: -o {path / 'report.html'}")
        raise UsageError(f"{path.name} would be no page that a browser opens", hint=f"-o {path.stem or 'report'}.html")
    _check_place(path, overwrite=overwrite)
    contents = gather(catalogue, scans, query=query, english=english, tell=tell)
    content = page(contents, title=title or _title(scans), made=datetime.now(UTC)).encode("utf-8", "replace")
    # Somebody may have put a file there meanwhile: many scans take minutes.
    _check_place(path, overwrite=overwrite)
    try:
        put_in_place(path, content)
    except OSError as problem:
        raise UsageError(f"{path} cannot be written: {problem.strerror}", hint="write elsewhere: -o FILE") from problem
    return Reported(path, len(scans), sum(each.pictured is not None for each in contents.scans), len(content))


def _check_place(path: Path, *, overwrite: bool) -> None:
    if not overwrite and path.exists() and not _is_report(path):
        raise UsageError(
            f"{path} is there and is no report of this tool", hint="write elsewhere: -o FILE; or --overwrite"
        )


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f'content="{GENERATOR} '.encode() in file.read(_HEAD)
    except OSError:
        return False


def _title(scans: Sequence[CataloguedScan]) -> str:
    samples = list(dict.fromkeys(scan.sample for scan in scans if scan.sample))
    visits = list(dict.fromkeys(f"{s.proposal}/{s.visit}" for s in scans if s.proposal and s.visit))
    what = ", ".join(samples) if len(samples) <= 4 else f"{len(samples)} samples"
    of_visits = "visit " + ", ".join(visits) if len(visits) <= 2 else f"{len(visits)} visits"
    return " · ".join(each for each in (what, of_visits if visits else "") if each) or "Scans"
