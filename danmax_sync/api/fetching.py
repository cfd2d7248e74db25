"""Plan what is to be fetched, fetch it, and check what is here."""

from collections.abc import Iterable
from pathlib import Path

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.events import Listener, ignore
from danmax_sync.query.api import Catalogue
from danmax_sync.sources.base import Source
from danmax_sync.transfer.expected import originals_of
from danmax_sync.transfer.fetching import fetch_scans, plan_scans
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.outcome import GetSummary
from danmax_sync.transfer.plan import Choice, TransferPlan
from danmax_sync.transfer.records import Records
from danmax_sync.transfer.verify import VerifySummary, sets_in, sets_of, verify_sets


def plan(
    catalogue: Catalogue,
    scans: Iterable[CataloguedScan],
    source: Source,
    to: str | Path,
    *,
    choice: Choice | None = None,
    calibration: bool = True,
) -> TransferPlan:
    """Say what would travel to bring complete sets here; nothing moves.

    Parameters
    ----------
    catalogue : Catalogue
        That the scans are from.
    scans : iterable of CataloguedScan
        From `Catalogue.search`; those the source does not hold are passed over.
    source : Source
        Open, from `connect`; it is asked for the present size and time of every file.
    to : str or Path
        The folder below which the source's tree is kept; made when something is fetched.
    choice : Choice, optional
        Which detectors, how large, and whether sets that lack files come without them.
    calibration : bool
        Whether ``process/*.poni`` and masks come along.

    Raises
    ------
    NothingMatchedError
        If the source holds none of the scans.
    """
    target = Path(to).expanduser().absolute()
    return plan_scans(catalogue, source, list(scans), target, choice=choice, with_calibration=calibration)


def get(
    catalogue: Catalogue,
    wanted: TransferPlan,
    source: Source,
    *,
    progress: Listener = ignore,
    bytes_per_s: float | None = None,
) -> GetSummary:
    """Fetch the sets of a plan; call it again to go on where it stopped.

    A set appears as a whole and verified, its master last. Nothing that is here is overwritten. However it ends, what
    arrived is in the catalogue.

    Parameters
    ----------
    catalogue : Catalogue
        That the plan was made with.
    wanted : TransferPlan
        From `plan`, a moment ago.
    source : Source
        Open, the one that was planned with.
    progress : callable, optional
        Called with each `Event`: ``progress`` with ``done`` and ``total`` in bytes, ``file``, ``set`` and ``warning``.
        It is called from the thread that called `get`; what it raises ends the work, and what is complete is kept.
    bytes_per_s : float, optional
        The highest rate.

    Returns
    -------
    GetSummary
        An outcome for every set: a set that fails does not stop the others and raises nothing.

    Raises
    ------
    UnfinishedError
        If the disk cannot hold the plan, or another ``get`` works in the same folder.
    """
    return fetch_scans(catalogue, source, wanted, tell=progress, bytes_per_s=bytes_per_s)


def verify(
    catalogue: Catalogue,
    what: Path | Iterable[CataloguedScan],
    *,
    deep: bool = False,
    progress: Listener = ignore,
) -> VerifySummary:
    """Check that sets on this disk are whole.

    Each link of a master must open its own sibling, nothing may be cut short, and what was indexed at its source must
    have the size it had there.

    Parameters
    ----------
    catalogue : Catalogue
        Knows the sizes at the sources.
    what : Path or iterable of CataloguedScan
        A folder, or scans.
    deep : bool
        Also read all back from the disk, compare it with what came over the line, and decompress every frame.
    progress : callable, optional
        Called with each `Event`: ``progress``, ``set`` and ``warning``.

    Returns
    -------
    VerifySummary
        Its ``faults`` say what is wrong with which file; a fault raises nothing.

    Raises
    ------
    NothingMatchedError
        If none of the scans is here, or the folder holds no master.
    """
    if isinstance(what, Path):
        sets, originals = sets_in(what.absolute(), tell=progress), originals_of(catalogue, catalogue.scans())
    else:
        scans = list(what)
        sets, originals = sets_of(scans), originals_of(catalogue, scans)
    with Journal.open(tell=progress) as journal:
        return verify_sets(sets, originals=originals, records=Records(journal), deep=deep, tell=progress)
